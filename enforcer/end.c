/*
 * Ending an account. Four means, because each has a gap: cgroup.kill ends the slice at once but
 * only the slice; the sweep ends all processes of the uid at once but not those that changed it;
 * the walk over /proc finds every process, root shells from sudo too, but a fork may outrun it; the
 * chase outruns any fork, but only in groups where somebody was seen.
 */
#include "enforcer/end.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "enforcer/chase.h"
#include "enforcer/clock.h"
#include "enforcer/dying.h"
#include "enforcer/urgency.h"

#define NEWEST_LOOKS 32u /* some 2 ms in all */
#define AWAIT_MS     20
#define CHASE_USEC   (ENFORCER_CALL_MS * UINT64_C(1000) / 3) /* even if a walk took all the time */

/* What one walk saw of one account. */
typedef struct Walk {
    unsigned belonging; /* to be ended and alive */
    unsigned others;    /* of these, who was not in the slice when it was struck */
    unsigned signalled;
    EnforcerSurvivor listed[ENFORCER_SURVIVORS_MAX];
    unsigned listed_count;
    EnforcerSurvivor spared[ENFORCER_SURVIVORS_MAX];
    unsigned spared_count;
} Walk;

/* One account. */
typedef struct End {
    Target target;
    Pids pids;
    Pids struck; /* whom the slice listed before its first cgroup.kill; not read as identities */
    Chase chase;
    int slice;
    Walk walk; /* the last one */
    bool over; /* nobody is left, or it failed */
    EndOrder *order;
} End;

/* Several accounts that are ended at once, because the walks cost most: they are everybody's. */
typedef struct Call {
    int proc;
    Pids strangers; /* nobody's when looked at in this call */
    uint64_t start_usec;
    unsigned count;
    End ends[END_ORDERS_MAX];
} Call;

static uint64_t elapsed_usec(const Call *call)
{
    return monotonic_usec() - call->start_usec;
}

static Call *call_free(Call *call)
{
    if (!call)
        return NULL;
    for (unsigned i = 0; i < call->count; i++) {
        pids_clear(&call->ends[i].pids);
        pids_clear(&call->ends[i].struck);
        chase_clear(&call->ends[i].chase);
        closep(&call->ends[i].slice);
    }
    pids_clear(&call->strangers);
    closep(&call->proc);
    free(call);
    return NULL;
}
DEFINE_CLEANUP(Call *, call_free)

static void call_add(Call *call, EndOrder *order)
{
    End *end = &call->ends[call->count++];
    bool elevated = enforcer_how_is_elevated(order->how);

    *end = (End){.target = {.uid = order->uid, .rules = order->rules, .elevated = elevated,
                            .spared = order->spared, .spared_count = order->spared_count},
                 .slice = -1, .order = order};
    order->reply = (EnforcerEndReply){.found = 0};
    chase_add_session_services(&end->chase);
}

static int call_new(EndOrder *orders, unsigned count, Call **ret_call)
{
    _cleanup_(call_freep) Call *call = calloc(1, sizeof(*call));

    if (!call)
        return -ENOMEM;
    call->start_usec = monotonic_usec();
    call->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (call->proc < 0)
        return -errno;
    for (unsigned i = 0; i < count && i < END_ORDERS_MAX; i++)
        call_add(call, &orders[i]);
    *ret_call = TAKE_PTR(call);
    return 0;
}

static void end_failed(End *end, int error)
{
    end->order->result = error;
    end->over = true;
}

static void list(EnforcerSurvivor *survivors, unsigned *count, const Process *process)
{
    if (*count >= ENFORCER_SURVIVORS_MAX)
        return;
    EnforcerSurvivor *survivor = &survivors[(*count)++];
    survivor->pid = process->pid;
    memcpy(survivor->command, process->command, sizeof(survivor->command));
}

static void walk_one(const Call *call, End *end, pid_t pid, const int *signals)
{
    Process process;
    Walk *walk = &end->walk;
    Belonging belonging = process_belongs(call->proc, pid, &end->target, &process);

    if (belonging == BELONGS_SPARED)
        list(walk->spared, &walk->spared_count, &process);
    if (belonging != BELONGS)
        return;
    if (!pids_contain(&end->pids, pid))
        chase_add_process(&end->chase, call->proc, pid);
    if (signals) {
        int r = process_signal(call->proc, pid, &end->target, signals);
        if (r == -ESRCH || r == -ENOENT)
            return;
        walk->signalled += r >= 0;
    }
    walk->belonging++;
    walk->others += !pids_contain(&end->struck, pid);
    list(walk->listed, &walk->listed_count, &process);
}

/* Looks once for all. Returns true for a process that is nobody's. */
static bool walk_all(Call *call, pid_t pid, const int *signals)
{
    Identity identity;
    bool stranger = true;

    if (process_identify(call->proc, pid, &identity) < 0)
        return false;
    for (unsigned i = 0; i < call->count; i++) {
        End *end = &call->ends[i];
        if (!process_may_belong(pid, &identity, &end->target))
            continue;
        stranger = false;
        if (!end->over)
            walk_one(call, end, pid, signals);
    }
    return stranger;
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

static void walk_slices(Call *call)
{
    for (unsigned i = 0; i < call->count; i++) {
        End *end = &call->ends[i];
        int r = end->over ? 0 : walk_slice(end);
        if (r < 0)
            end_failed(end, r);
        if (!end->over)
            end->walk = (Walk){.belonging = 0};
    }
}

static bool somebody_saw_nobody(const Call *call)
{
    for (unsigned i = 0; i < call->count; i++)
        if (!call->ends[i].over && call->ends[i].walk.belonging == 0)
            return true;
    return false;
}

/* A link of a chain of fork-and-exit outside the slice (a cron job's) is over before a walk gets to
 * it, but the next one is always among the newest: those are looked at by number, many times. Who
 * is seen there is chased in the next round. */
static void walk_newest(Call *call)
{
    for (unsigned i = 0; i < NEWEST_LOOKS && somebody_saw_nobody(call); i++) {
        pid_t newest = processes_newest(call->proc);
        for (pid_t pid = newest - 1; newest > 2 && pid <= newest + 2; pid++)
            (void)walk_all(call, pid, NULL);
    }
}

/* Who was listed in the slice and is gone when looked at may have forked meanwhile. */
static void walk_count_slice(End *end)
{
    size_t listed = end->pids.count - pids_contain(&end->pids, getpid());

    if (end->walk.belonging < listed)
        end->walk.belonging = (unsigned)listed;
}

/* Whom /proc lists, in the order of the numbers. Who was a stranger in the walk before is not
 * looked at again: what is true of a number while one walk takes its time is believed for the
 * length of the call, which then reads little more than the list. */
static void walk_list(Call *call, DIR *entries, const int *signals)
{
    Pids strangers = {.items = NULL};
    struct dirent *entry = NULL;

    while ((entry = readdir(entries))) {
        char *rest = NULL;
        long pid = strtol(entry->d_name, &rest, 10);
        if (pid <= 1 || pid > INT32_MAX || *rest != '\0')
            continue;
        if (pids_contain(&call->strangers, (pid_t)pid) || walk_all(call, (pid_t)pid, signals))
            (void)pids_add(&strangers, (pid_t)pid); /* without room it is looked at again */
    }
    pids_clear(&call->strangers);
    call->strangers = strangers;
}

/* Looks at every process once; signals those that belong when `signals` is given. */
static int walk(Call *call, const int *signals)
{
    int copy = openat(call->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (copy < 0)
        return -errno;
    _cleanup_closedir_ DIR *entries = fdopendir(copy);
    if (!entries) {
        close(copy);
        return -ENOMEM;
    }
    walk_slices(call);
    walk_list(call, entries, signals);
    for (unsigned i = 0; i < call->count; i++)
        if (!call->ends[i].over)
            walk_count_slice(&call->ends[i]);
    walk_newest(call);
    return 0;
}

/* All at once, where that is possible. A slice that this process sits in itself (started by hand
 * from that person's terminal) cannot be. */
static bool kill_slice(const End *end)
{
    return end->slice >= 0 && !pids_contain(&end->pids, getpid()) && cgroups_kill(end->slice) >= 0;
}

static void kill_all_of_it(End *end)
{
    const EndRules *rules = &end->target.rules;

    if (end->slice >= 0 && !kill_slice(end))
        chase_add_slice(&end->chase, end->target.uid);
    if (!rules->tied || rules->kill_services)
        (void)sweeper_run(end->order->sweeper, end->target.uid);
}

static ChaseResult kill_at_once(const Call *call, End *end, const int *signals)
{
    if (!end->target.elevated)
        kill_all_of_it(end);
    return chase_run(&end->chase, call->proc, &end->target, signals,
                     monotonic_usec() + CHASE_USEC);
}

/* What the last round signalled is given the time to die; then another round looks for forks. A
 * round that only suspects somebody (walk_count_slice(), the chase) has nobody to wait for. */
static void await_round(const Call *call)
{
    pid_t dying[END_ORDERS_MAX * ENFORCER_SURVIVORS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < call->count; i++)
        for (unsigned j = 0; !call->ends[i].over && j < call->ends[i].walk.listed_count; j++)
            dying[count++] = call->ends[i].walk.listed[j].pid;
    if (count == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    dying_await(dying, count, AWAIT_MS);
}

static bool all_over(const Call *call)
{
    for (unsigned i = 0; i < call->count; i++)
        if (!call->ends[i].over)
            return false;
    return true;
}

/* One round of SIGKILL for all that are not over. */
static int kill_round(Call *call)
{
    static const int signals[] = {SIGKILL, 0};
    ChaseResult chased[END_ORDERS_MAX] = {{.signalled = 0}};

    for (unsigned i = 0; i < call->count; i++)
        if (!call->ends[i].over)
            chased[i] = kill_at_once(call, &call->ends[i], signals);
    int r = walk(call, signals);
    for (unsigned i = 0; i < call->count && r >= 0; i++) {
        End *end = &call->ends[i];
        if (end->over)
            continue;
        end->order->reply.signalled += chased[i].signalled + end->walk.signalled;
        if (chased[i].goes_on && end->walk.belonging == 0)
            end->walk.belonging = 1;
        end->over = end->walk.belonging == 0;
    }
    return r;
}

static int kill_until_none(Call *call)
{
    for (;;) {
        int r = kill_round(call);
        if (r < 0)
            return r;
        if (all_over(call) || elapsed_usec(call) >= ENFORCER_CALL_MS * 1000u)
            return 0;
        await_round(call);
    }
}

/* SIGHUP for shells that ignore SIGTERM, SIGCONT so that stopped ones hear it. */
static int terminate(Call *call)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGCONT, 0};
    int r = walk(call, signals);

    for (unsigned i = 0; i < call->count; i++)
        call->ends[i].order->reply.signalled = call->ends[i].walk.signalled;
    return r < 0 ? r : walk(call, NULL);
}

static void fill_reply(const Call *call, const Walk *seen, EnforcerEndReply *reply)
{
    unsigned count = seen->listed_count;

    reply->left = seen->belonging;
    memcpy(reply->survivors, seen->listed, sizeof(reply->survivors));
    for (unsigned i = 0; i < seen->spared_count && count < ENFORCER_SURVIVORS_MAX; i++)
        reply->survivors[count++] = seen->spared[i];
    reply->survivor_count = count;
    reply->elapsed_ms = (uint32_t)(elapsed_usec(call) / 1000);
}

/* The slices first of all: what sits there dies while the walk counts the others. */
static void strike_slices(Call *call)
{
    for (unsigned i = 0; i < call->count; i++) {
        End *end = &call->ends[i];
        if (walk_slice(end) >= 0 && !end->target.elevated && kill_slice(end)) {
            end->struck = end->pids;
            end->pids = (Pids){.items = NULL};
        }
    }
}

static unsigned found(const End *end)
{
    unsigned counted = (unsigned)end->struck.count + end->walk.others;

    return counted > end->walk.belonging ? counted : end->walk.belonging;
}

/* How many there are, and who is over because nobody is there or nothing is to be done. Whom
 * SIGKILL is meant for is not over: what forks and exits faster than a walk reads is seen by the
 * sweep. */
static int count_found(Call *call, EnforcerHow how)
{
    if (how == ENFORCER_KILL)
        strike_slices(call);
    int r = walk(call, NULL);
    for (unsigned i = 0; i < call->count && r >= 0; i++) {
        End *end = &call->ends[i];
        end->order->reply.found = found(end);
        end->over |= how == ENFORCER_LOOK || (how == ENFORCER_TERM && end->walk.belonging == 0);
    }
    return r;
}

/* `how` is LOOK, TERM or KILL. */
static int call_run(Call *call, EnforcerHow how)
{
    if (how != ENFORCER_LOOK && how != ENFORCER_TERM && how != ENFORCER_KILL)
        return -EINVAL;
    int r = count_found(call, how);
    if (r < 0 || all_over(call))
        return r;
    return how == ENFORCER_KILL ? kill_until_none(call) : terminate(call);
}

/* The ways of ELEVATED are the others', for other processes. */
static EnforcerHow plain_how(EnforcerHow how)
{
    return enforcer_how_is_elevated(how)
               ? (EnforcerHow)(how - ENFORCER_LOOK_ELEVATED + ENFORCER_LOOK)
               : how;
}

void end_accounts(EndOrder *orders, unsigned count)
{
    _cleanup_(call_freep) Call *call = NULL;
    int r = call_new(orders, count, &call);

    for (unsigned i = 0; i < count; i++)
        orders[i].result = 0;
    Urgency before = urgency_begin();
    if (r >= 0)
        r = call_run(call, plain_how(orders[0].how));
    urgency_end(&before);
    for (unsigned i = 0; i < count; i++)
        if (r < 0 || i >= END_ORDERS_MAX)
            orders[i].result = r < 0 ? r : -E2BIG;
        else
            fill_reply(call, &call->ends[i].walk, &orders[i].reply);
}
