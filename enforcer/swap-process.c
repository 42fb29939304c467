/*
 * Gaps between two system calls, held open for the module tests: preloaded, it makes the program
 * wait at a point that a test has chosen, for one process, by a FIFO named after both:
 * /tmp/swap-look-PID (before a process is looked at), /tmp/swap-open-PID (before its pidfd is
 * opened), /tmp/swap-held-PID (after), /tmp/swap-send-PID (before a signal goes out).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int openat(int dir, const char *path, int flags, ...);
EXPORT long syscall(long number, ...);

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

/* "PID/status" is the first that is read of a process. */
EXPORT int openat(int dir, const char *path, int flags, ...)
{
    static int (*next)(int, const char *, int, ...);
    char *rest = NULL;
    long pid = strtol(path, &rest, 10);
    va_list rest_of_it;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "openat");
    if (pid > 0 && strcmp(rest, "/status") == 0)
        meet("look", pid);
    va_start(rest_of_it, flags);
    unsigned mode = va_arg(rest_of_it, unsigned);
    va_end(rest_of_it);
    return next(dir, path, flags, mode);
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
