/*
 * Chasing forks. See chase.h.
 */
#include "enforcer/chase.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "enforcer/clock.h"

#define QUIET_READINGS 3u

void chase_clear(Chase *chase)
{
    for (unsigned i = 0; i < chase->count; i++)
        closep(&chase->groups[i].fd);
    chase->count = 0;
}

static void add(Chase *chase, const char *path, bool below)
{
    struct stat st;
    _cleanup_close_ int fd = chase->count < CHASE_GROUPS_MAX ? cgroups_open(path) : -1;

    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    for (unsigned i = 0; i < chase->count; i++)
        if (chase->groups[i].inode == st.st_ino)
            return;
    chase->groups[chase->count++] =
        (ChasedGroup){.fd = TAKE_FD(fd), .inode = st.st_ino, .below = below};
}

void chase_add_session_services(Chase *chase)
{
    char path[64];

    for (const char *const *service = cgroups_session_services; *service; service++) {
        (void)snprintf(path, sizeof(path), "/system.slice/%s.service", *service);
        add(chase, path, false);
    }
}

void chase_add_process(Chase *chase, int proc, pid_t pid)
{
    char buffer[PROCESS_CGROUP_MAX];
    const char *path = process_cgroup(proc, pid, buffer);

    if (path)
        add(chase, path, false);
}

void chase_add_slice(Chase *chase, uint32_t uid)
{
    char path[CGROUPS_PATH_MAX];

    cgroups_slice_path(uid, path);
    add(chase, path, true);
}

typedef struct Reading {
    unsigned signalled;
    unsigned gone; /* were listed, and had ended when looked at */
} Reading;

static void read_group(const ChasedGroup *group, int proc, Target target, const int *signals,
                       Reading *reading)
{
    __attribute__((cleanup(pids_clear))) Pids pids = {.items = NULL};

    if (cgroups_pids(group->fd, group->below, &pids) < 0)
        return;
    target.slice = &pids;
    for (size_t i = 0; i < pids.count; i++) {
        int r = process_signal(proc, pids.items[i], &target, signals);
        reading->signalled += r >= 0;
        reading->gone += r == -ESRCH;
    }
}

/* What was signalled is given the processor to die. */
static void pause_reading(void)
{
    const struct timespec time = {.tv_nsec = 200000};

    (void)nanosleep(&time, NULL);
}

ChaseResult chase_run(Chase *chase, int proc, const Target *target, const int *signals,
                      uint64_t until_usec)
{
    ChaseResult result = {.signalled = 0};
    unsigned quiet = 0;

    while (quiet < QUIET_READINGS && monotonic_usec() < until_usec) {
        Reading reading = {.signalled = 0};
        for (unsigned i = 0; i < chase->count; i++)
            read_group(&chase->groups[i], proc, *target, signals, &reading);
        result.signalled += reading.signalled;
        quiet = reading.signalled + reading.gone > 0 ? 0 : quiet + 1;
        if (reading.signalled > 0)
            pause_reading();
    }
    result.goes_on = result.signalled > 0 && quiet < QUIET_READINGS;
    return result;
}
