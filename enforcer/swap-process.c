/*
 * Gaps between two system calls, held open for the module tests: preloaded, it makes the program
 * wait at a point that a test has chosen, for one process, by a FIFO named after both:
 * /tmp/swap-open-PID (before a pidfd of it is opened), /tmp/swap-held-PID (after),
 * /tmp/swap-send-PID (before a signal goes out).
 *
 * With OLD_KERNEL in the environment, pidfds tell nothing, as before Linux 6.13.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT long syscall(long number, ...);
EXPORT int ioctl(int fd, unsigned long request, ...);

#define PIDFD_TYPE 0xFFu /* of its requests */

static long held_pid; /* whose pidfd was opened last */

/* Returns once the test has written a byte into the FIFO; at once where there is none. */
static void meet(const char *point, long pid)
{
    char path[64], byte;

    (void)snprintf(path, sizeof(path), "/tmp/swap-%s-%ld", point, pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!read(fd, &byte, 1);
    close(fd);
}

EXPORT long syscall(long number, ...)
{
    static long (*next)(long, ...);
    long arguments[6];
    va_list list;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "syscall");
    va_start(list, number);
    for (unsigned i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_pidfd_open)
        meet("open", held_pid = (int)arguments[0]);
    if (number == SYS_pidfd_send_signal)
        meet("send", held_pid);
    long result = next(number, arguments[0], arguments[1], arguments[2], arguments[3],
                       arguments[4], arguments[5]);
    if (number == SYS_pidfd_open)
        meet("held", held_pid);
    return result;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, ...);
    va_list list;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "ioctl");
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (_IOC_TYPE(request) == PIDFD_TYPE && getenv("OLD_KERNEL")) {
        errno = ENOTTY;
        return -1;
    }
    return next(fd, request, argument);
}
