/*
 * Noticing that the person has hung up. See hangup.h.
 */
#include "pam_rcpch/hangup.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define DESCRIPTORS_MAX 256 /* sshd's connection is among the first ten */

static bool is_tcp_connection(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer), type_size = sizeof(int);
    int type = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) < 0 || type != SOCK_STREAM)
        return false;
    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
        return false;
    return peer.ss_family == AF_INET || peer.ss_family == AF_INET6;
}

int hangup_connection(const char *service)
{
    int saved_errno = errno, found = -1;

    if (strcmp(service, "sshd") != 0)
        return -1;
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
        if (!is_tcp_connection(fd))
            continue;
        if (found >= 0) { /* which is the person's cannot be told */
            found = -1;
            break;
        }
        found = fd;
    }
    errno = saved_errno;
    return found;
}

int hangup_wait(int channel, int connection, int timeout_ms)
{
    struct pollfd fds[] = {
        {.fd = channel, .events = POLLIN},
        {.fd = connection, .events = POLLRDHUP}, /* poll() passes over -1 */
    };

    int r = poll(fds, 2, timeout_ms);
    if (r < 0)
        return errno == EINTR ? 0 : -errno;
    if (r == 0)
        return -ETIMEDOUT;
    if (fds[0].revents != 0)
        return 0;
    return -ECONNRESET;
}
