/*
 * Waiting for what was sent SIGKILL. See dying.h.
 */
#include "enforcer/dying.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "enforcer/clock.h"

/* Returns false when it has not ended within the time. */
static bool await_one(pid_t pid, uint64_t until_usec)
{
    _cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    uint64_t now = monotonic_usec();

    if (fd < 0)
        return true;
    return now < until_usec && poll(&ended, 1, (int)((until_usec - now + 999) / 1000)) != 0;
}

void dying_await(const pid_t *pids, unsigned count, int limit_ms)
{
    uint64_t until_usec = monotonic_usec() + (uint64_t)limit_ms * 1000;

    for (unsigned i = 0; i < count; i++)
        if (!await_one(pids[i], until_usec))
            return;
}
