/*
 * Going before everybody else for the length of a cut. When a person's service manager dies, those
 * of all others wake up at once (the mount table has changed), each in a scheduling group of its
 * own: of 200 people that takes two processors a third of a second. A person can keep the
 * processors busy on purpose, too. Real-time scheduling is what neither can outrun; a cut works
 * for ENFORCER_CALL_MS at most, and the kernel leaves the others their share.
 */
#pragma once

#include <sched.h>

/* How the thread was scheduled before. */
typedef struct Urgency {
    int policy;
    struct sched_param param;
} Urgency;

/* From here on this thread, and what it forks, goes first. Nothing happens where the kernel or the
 * container forbids it (the unit's Nice= is left then). */
Urgency urgency_begin(void);
void urgency_end(const Urgency *before);
