/*
 * Going before everybody else. See urgency.h; sched(7).
 */
#include "enforcer/urgency.h"

#include <sys/syscall.h>
#include <unistd.h>

/* The lowest there is: before all that is ordinary, after what has a deadline. */
#define URGENT 1

/* By number: the sweeper is forked from a process with threads, and makes only system calls. */
static void schedule(int policy, const struct sched_param *param)
{
    (void)syscall(SYS_sched_setscheduler, 0, policy, param);
}

Urgency urgency_begin(void)
{
    const struct sched_param urgent = {.sched_priority = URGENT};
    Urgency before = {.policy = (int)syscall(SYS_sched_getscheduler, 0)};

    (void)syscall(SYS_sched_getparam, 0, &before.param);
    schedule(SCHED_RR, &urgent);
    return before;
}

void urgency_end(const Urgency *before)
{
    schedule(before->policy, &before->param);
}
