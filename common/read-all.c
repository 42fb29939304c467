/*
 * Reading to the end. See read-all.h.
 */
#include "common/read-all.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

ssize_t read_all(int fd, void *buffer, size_t capacity)
{
    uint8_t *bytes = buffer;
    size_t used = 0;

    while (used < capacity) {
        ssize_t n = read(fd, bytes + used, capacity - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}
