/*
 * The counters of counters.h: CLOCK_MONOTONIC, the processor's counter through perf_event_open(2),
 * and a child under ptrace(2) between two marker calls.
 */
#include "tests/bench/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "common/cleanup.h"

uint64_t count_clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

double count_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

double count_ns(Work work, Work prepare, void *userdata, size_t batches, size_t batch)
{
    _cleanup_free_ double *each = calloc(batches, sizeof(*each));

    if (!each)
        return -1;
    for (size_t b = 0; b < batches; b++) {
        uint64_t start;

        if (prepare)
            prepare(userdata, b * batch);
        start = count_clock_ns();
        for (size_t i = 0; i < batch; i++)
            work(userdata, b * batch + i);
        each[b] = (double)(count_clock_ns() - start) / (double)batch;
    }
    return count_median(each, batches);
}

double count_instructions(Work work, void *userdata, size_t calls)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof(attributes),
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .disabled = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    _cleanup_close_ int fd =
        (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    uint64_t count = 0;

    if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0)
        return -1;
    for (size_t i = 0; i < calls; i++)
        work(userdata, i);
    if (ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) < 0 ||
        read(fd, &count, sizeof(count)) != sizeof(count))
        return -1;
    return (double)count / (double)calls;
}

/* Stops itself before and after the work, so that the tracer knows where to count. */
static void traced_child(Work work, void *userdata, size_t calls)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(1);
    work(userdata, 0); /* what is done once only */
    (void)raise(SIGUSR1);
    for (size_t i = 0; i < calls; i++)
        work(userdata, i);
    (void)raise(SIGUSR2);
    _exit(0);
}

/* Between the two signals each system call stops twice, entering and leaving. The leaving half of
 * the first raise() and the calls of the second are not the work's: they are measured by an empty
 * run. */
static long stops_between(pid_t child)
{
    int status, wanted = 0;
    long stops = 0;

    for (;;) {
        if (waitpid(child, &status, 0) < 0)
            return -errno;
        if (!WIFSTOPPED(status))
            return -ECHILD;
        int signal_number = WSTOPSIG(status);

        if (signal_number == SIGUSR2)
            break;
        if (signal_number == SIGUSR1)
            wanted = 1;
        else if (signal_number == SIGTRAP)
            stops++;
        if (ptrace(wanted ? PTRACE_SYSCALL : PTRACE_CONT, child, NULL, NULL) < 0)
            return -errno;
    }
    (void)ptrace(PTRACE_DETACH, child, NULL, NULL);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return stops;
}

static long traced_stops(Work work, void *userdata, size_t calls)
{
    pid_t child = fork();

    if (child < 0)
        return -errno;
    if (child == 0)
        traced_child(work, userdata, calls);
    return stops_between(child);
}

long count_system_calls(Work work, void *userdata, size_t calls)
{
    long with = traced_stops(work, userdata, calls), without = traced_stops(work, userdata, 0);

    return with < 0 ? with : without < 0 ? without : (with - without) / 2;
}
