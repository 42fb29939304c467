/*
 * The sweeper and its spare child. See sweeper.h.
 *
 * The children make only system calls, because the parent has threads, and hold no descriptor but
 * their pipe's, so that nothing of the enforcer's stays open in them. A spare that outlives its
 * parent reads the end of the pipe and goes.
 */
#include "enforcer/sweeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "enforcer/urgency.h"

/* The sweeper's real and saved uid: a number of the range that systemd and shadow leave alone
 * because half of all programs cannot hold it. Nothing runs under it, so kill(-1) reaches only
 * the account's processes, and the account cannot signal the sweeper. */
#define SWEEPER_UID  4293918720u

/* Without the last two checks a set-up that keeps capabilities over setresuid() would kill the
 * host. */
static void sweep(uint32_t uid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    struct __user_cap_data_struct have[2] = {{0}};

    if (syscall(SYS_setresuid, SWEEPER_UID, uid, SWEEPER_UID) < 0 ||
        syscall(SYS_capset, &header, none) < 0 || syscall(SYS_capget, &header, have) < 0)
        return;
    if (have[0].effective || have[1].effective || have[0].permitted || have[1].permitted)
        return;
    if (geteuid() != uid || getuid() != SWEEPER_UID)
        return;
    (void)kill(-1, SIGKILL);
}

static void close_others(int fd)
{
    if (fd > 0)
        (void)syscall(SYS_close_range, 0u, (unsigned)fd - 1, 0u);
    (void)syscall(SYS_close_range, (unsigned)fd + 1, ~0u, 0u);
}

static _Noreturn void wait_and_sweep(int fd)
{
    uint32_t uid = 0;

    close_others(fd);
    (void)urgency_begin(); /* of a process that sleeps until it is needed */
    if (read(fd, &uid, sizeof(uid)) == (ssize_t)sizeof(uid))
        sweep(uid);
    _exit(0);
}

void sweeper_prepare(Sweeper *sweeper)
{
    int ends[2];

    if (sweeper->spare > 0 || pipe2(ends, O_CLOEXEC) < 0)
        return;
    pid_t child = fork();
    if (child == 0)
        wait_and_sweep(ends[0]);
    close(ends[0]);
    if (child < 0) {
        close(ends[1]);
        return;
    }
    sweeper->spare = child;
    sweeper->fd = ends[1];
}

static int reap(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* The child reads the uid, or the end of the pipe; then it is gone. */
static int use_spare(Sweeper *sweeper, const uint32_t *uid)
{
    ssize_t n = uid ? write(sweeper->fd, uid, sizeof(*uid)) : 0;
    pid_t child = sweeper->spare;

    closep(&sweeper->fd);
    sweeper->fd = -1;
    sweeper->spare = 0;
    int r = reap(child);
    return r < 0 || n == (ssize_t)sizeof(*uid) || !uid ? r : -EPIPE;
}

void sweeper_clear(Sweeper *sweeper)
{
    if (sweeper->spare > 0)
        (void)use_spare(sweeper, NULL);
}

int sweeper_run(Sweeper *sweeper, uint32_t uid)
{
    if (uid == 0 || uid == UINT32_MAX || uid == SWEEPER_UID)
        return -EINVAL;
    sweeper_prepare(sweeper);
    int r = sweeper->spare > 0 ? use_spare(sweeper, &uid) : -EAGAIN;
    sweeper_prepare(sweeper);
    return r;
}
