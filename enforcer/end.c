/*
 * Ending an account. Four means, because each has a gap: cgroup.kill ends the slice at once but
 * only the slice; the sweep ends all processes of the uid at once but not those that changed it,
 * and it needs a fork; the walk over /proc finds every process, root shells from sudo too, but a
 * fork may outrun it; the chase outruns any fork, but only in groups where somebody was seen.
 */
#include "enforcer/end.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "enforcer/chase.h"

#define NEWEST_LOOKS 32u /* some 2 ms in all */
#define CHASE_USEC   (ENFORCER_CALL_MS * UINT64_C(1000) / 3) /* even when a walk took all the time */

/* What one walk saw. */
typedef struct Walk {
    unsigned belonging; /* to be ended and alive */
    unsigned signalled;
    EnforcerSurvivor listed[ENFORCER_SURVIVORS_MAX];
    unsigned listed_count;
    EnforcerSurvivor spared[ENFORCER_SURVIVORS_MAX];
    unsigned spared_count;
} Walk;

typedef struct End {
    Target target;
    Pids pids;
    Pids strangers; /* nothing of the account's when looked at in this call */
    Chase chase;
    int proc, slice;
    uint64_t start_usec;
} End;

static uint64_t elapsed_usec(const End *end)
{
    return monotonic_usec() - end->start_usec;
}

static void end_clear(End *end)
{
    pids_clear(&end->pids);
    pids_clear(&end->strangers);
    chase_clear(&end->chase);
    closep(&end->proc);
    closep(&end->slice);
}

static int end_open(End *end)
{
    chase_add_session_services(&end->chase);
    end->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return end->proc < 0 ? -errno : 0;
}

static void list(EnforcerSurvivor *survivors, unsigned *count, const Process *process)
{
    if (*count >= ENFORCER_SURVIVORS_MAX)
        return;
    EnforcerSurvivor *survivor = &survivors[(*count)++];
    survivor->pid = process->pid;
    memcpy(survivor->command, process->command, sizeof(survivor->command));
}

static Belonging walk_one(End *end, pid_t pid, const int *signals, Walk *walk)
{
    Process process;
    Belonging belonging = process_belongs(end->proc, pid, &end->target, &process);

    if (belonging == BELONGS_SPARED)
        list(walk->spared, &walk->spared_count, &process);
    if (belonging != BELONGS)
        return belonging;
    if (!pids_contain(&end->pids, pid))
        chase_add_process(&end->chase, end->proc, pid);
    if (signals) {
        int r = process_signal(end->proc, pid, &end->target, signals);
        if (r == -ESRCH || r == -ENOENT)
            return BELONGS_GONE;
        walk->signalled += r >= 0;
    }
    walk->belonging++;
    list(walk->listed, &walk->listed_count, &process);
    return BELONGS;
}

/* The slice's members are read anew for each walk: they come and go. */
static int walk_slice(End *end)
{
    if (end->target.elevated) /* the slice is full of the person's own */
        return 0;
    pids_clear(&end->pids);
    end->target.slice = &end->pids;
    if (end->slice < 0) {
        char path[CGROUPS_PATH_MAX];
        cgroups_slice_path(end->target.uid, path);
        end->slice = cgroups_open(path);
    }
    return end->slice < 0 ? 0 : cgroups_pids(end->slice, true, &end->pids);
}

/* A link of a chain of fork-and-exit outside the slice (a cron job's) is over before a walk gets to
 * it, but the next one is always among the newest: those are looked at by number, many times. Who
 * is seen there is chased in the next round. */
static void walk_newest(End *end, Walk *walk)
{
    for (unsigned i = 0; i < NEWEST_LOOKS && walk->belonging == 0; i++) {
        pid_t newest = processes_newest(end->proc);
        for (pid_t pid = newest - 1; newest > 2 && pid <= newest + 2; pid++)
            (void)walk_one(end, pid, NULL, walk);
    }
}

/* Who was listed in the slice and is gone when looked at may have forked meanwhile. */
static void walk_count_slice(const End *end, Walk *walk)
{
    size_t listed = end->pids.count - pids_contain(&end->pids, getpid());

    if (walk->belonging < listed)
        walk->belonging = (unsigned)listed;
}

/* Whom /proc lists, in the order of the numbers. Who was a stranger in the walk before is not
 * looked at again: what is true of a number while one walk takes its time is believed for the length of
 * the call, which then reads little more than the list. */
static void walk_list(End *end, DIR *entries, const int *signals, Walk *walk)
{
    Pids strangers = {.items = NULL};
    struct dirent *entry = NULL;

    while ((entry = readdir(entries))) {
        char *rest = NULL;
        long pid = strtol(entry->d_name, &rest, 10);
        if (pid <= 1 || pid > INT32_MAX || *rest != '\0')
            continue;
        if (pids_contain(&end->strangers, (pid_t)pid) ||
            walk_one(end, (pid_t)pid, signals, walk) == BELONGS_NOT)
            (void)pids_add(&strangers, (pid_t)pid); /* without room it is looked at again */
    }
    pids_clear(&end->strangers);
    end->strangers = strangers;
}

/* Looks at every process once; signals those that belong when `signals` is given. */
static int walk_all(End *end, const int *signals, Walk *ret_walk)
{
    Walk walk = {.belonging = 0};
    int r = walk_slice(end);
    int copy = r < 0 ? -1 : openat(end->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (copy < 0)
        return r < 0 ? r : -errno;
    _cleanup_closedir_ DIR *entries = fdopendir(copy);
    if (!entries) {
        close(copy);
        return -ENOMEM;
    }
    walk_list(end, entries, signals, &walk);
    walk_count_slice(end, &walk);
    walk_newest(end, &walk);
    *ret_walk = walk;
    return 0;
}

/* All at once, where that is possible. A slice that this process sits in itself (started by hand
 * from that person's terminal) is chased. */
static void kill_all_of_it(End *end)
{
    const EndRules *rules = &end->target.rules;

    if (end->slice >= 0 &&
        (pids_contain(&end->pids, getpid()) || cgroups_kill(end->slice) < 0))
        chase_add_slice(&end->chase, end->target.uid);
    if (!rules->tied || rules->kill_services)
        (void)processes_sweep(end->target.uid);
}

static ChaseResult kill_at_once(End *end, const int *signals)
{
    if (!end->target.elevated)
        kill_all_of_it(end);
    return chase_run(&end->chase, end->proc, &end->target, signals, monotonic_usec() + CHASE_USEC);
}

/* Lets dying processes die: 1, 2, 4 … ms, within the call's time. */
static void pause_round(unsigned round)
{
    unsigned ms = round < 4 ? 1u << round : 16u;
    struct timespec time = {.tv_nsec = (long)ms * 1000000};

    (void)nanosleep(&time, NULL);
}

static int kill_until_none(End *end, Walk *walk, unsigned *signalled)
{
    static const int signals[] = {SIGKILL, 0};

    for (unsigned round = 0;; round++) {
        ChaseResult chased = kill_at_once(end, signals);
        int r = walk_all(end, signals, walk);
        if (r < 0)
            return r;
        *signalled += chased.signalled + walk->signalled;
        if (chased.goes_on && walk->belonging == 0)
            walk->belonging = 1;
        if (walk->belonging == 0 || elapsed_usec(end) >= ENFORCER_CALL_MS * 1000u)
            return 0;
        pause_round(round);
    }
}

/* SIGHUP for shells that ignore SIGTERM, SIGCONT so that stopped ones hear it. */
static int terminate(End *end, Walk *walk, unsigned *signalled)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGCONT, 0};
    int r = walk_all(end, signals, walk);

    *signalled = walk->signalled;
    return r < 0 ? r : walk_all(end, NULL, walk);
}

static void fill_reply(const Walk *walk, EnforcerEndReply *reply)
{
    unsigned count = walk->listed_count;

    reply->left = walk->belonging;
    memcpy(reply->survivors, walk->listed, sizeof(reply->survivors));
    for (unsigned i = 0; i < walk->spared_count && count < ENFORCER_SURVIVORS_MAX; i++)
        reply->survivors[count++] = walk->spared[i];
    reply->survivor_count = count;
}

/* `how` is LOOK, TERM or KILL. */
static int end_run(End *end, EnforcerHow how, EnforcerEndReply *ret_reply)
{
    EnforcerEndReply reply = {0};
    Walk walk = {.belonging = 0};
    int r = end_open(end);

    if (r >= 0)
        r = walk_all(end, NULL, &walk);
    if (r < 0)
        return r;
    reply.found = walk.belonging;
    /* Even when the walk saw nobody: what forks and exits faster than it reads is seen by the sweep. */
    if (how == ENFORCER_KILL)
        r = kill_until_none(end, &walk, &reply.signalled);
    else if (how == ENFORCER_TERM && walk.belonging > 0)
        r = terminate(end, &walk, &reply.signalled);
    else if (how != ENFORCER_LOOK && how != ENFORCER_TERM)
        r = -EINVAL;
    if (r < 0)
        return r;
    fill_reply(&walk, &reply);
    reply.elapsed_ms = (uint32_t)(elapsed_usec(end) / 1000);
    *ret_reply = reply;
    return 0;
}

int end_account(uint32_t uid, const EndRules *rules, EnforcerHow how, EnforcerEndReply *ret_reply)
{
    _cleanup_(end_clear) End end = {.target = {.uid = uid, .rules = *rules}, .proc = -1,
                                    .slice = -1, .start_usec = monotonic_usec()};

    return end_run(&end, how, ret_reply);
}

int end_elevated(uint32_t uid, const EndRules *rules, EnforcerHow how, const int32_t *spared,
                 size_t spared_count, EnforcerEndReply *ret_reply)
{
    _cleanup_(end_clear) End end = {
        .target = {.uid = uid, .rules = *rules, .elevated = true, .spared = spared,
                   .spared_count = spared_count},
        .proc = -1, .slice = -1, .start_usec = monotonic_usec()};

    if (!enforcer_how_is_elevated(how))
        return -EINVAL;
    return end_run(&end, (EnforcerHow)(how - ENFORCER_LOOK_ELEVATED + ENFORCER_LOOK), ret_reply);
}
