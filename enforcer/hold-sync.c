/*
 * A disk that hangs, for the module tests: preloaded, it makes fdatasync() wait until somebody
 * opens /tmp/hold-sync for writing.
 */
#include <fcntl.h>
#include <unistd.h>

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    int hold = open("/tmp/hold-sync", O_RDONLY | O_CLOEXEC);

    if (hold >= 0)
        close(hold);
    return fsync(fd);
}
