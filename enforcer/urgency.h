/*
 * Going before everybody else for the length of a cut. When a person's service manager dies, those
 * of all others wake up at once (the mount table has changed), each in a scheduling group of its
 * own: of 200 people that takes two processors a third of a second. A person can keep the
 * processors busy on purpose, too. Real-time scheduling is what neither can outrun; a cut works
 * for ENFORCER_CALL_MS at most, and the kernel leaves the others their share.
 */
#pragma once

/* From here on this thread goes first; what it forks does not. Nothing happens where the kernel
 * or the container forbids it (the unit's Nice= is left then). */
void urgency_begin(void);
void urgency_end(void);
