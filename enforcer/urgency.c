/*
 * Going before everybody else. See urgency.h; sched(7).
 */
#include "enforcer/urgency.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The lowest there is: before all that is ordinary, after what has a deadline. */
#define URGENT 1

/* By number: the sweeper is forked from a process with threads, and makes only system calls. */
static void schedule(int policy, int priority)
{
    const struct sched_param param = {.sched_priority = priority};

    (void)syscall(SYS_sched_setscheduler, 0, policy, &param);
}

void urgency_begin(void)
{
    schedule(SCHED_RR, URGENT);
}

void urgency_end(void)
{
    schedule(SCHED_OTHER, 0);
}
