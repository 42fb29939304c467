/*
 * Chasing what forks and exits faster than /proc can be read. The list of one control group is
 * short: read again and again, and signalled by pidfd, it catches such a chain in milliseconds
 * where no cgroup.kill may be used, because others sit in the group too (atd's, sshd's), or where
 * there is none (cgroup v1).
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include "enforcer/processes.h"

#define CHASE_GROUPS_MAX 32u

typedef struct ChasedGroup {
    int fd;
    ino_t inode;
    bool below; /* with all groups below it */
} ChasedGroup;

typedef struct Chase {
    ChasedGroup groups[CHASE_GROUPS_MAX];
    unsigned count;
} Chase;

void chase_clear(Chase *chase);

/* Where people's processes are found before, or without, a session of their own. */
void chase_add_session_services(Chase *chase);

/* The group in which a process of the account was seen; nothing when there is no room for more. */
void chase_add_process(Chase *chase, int proc, pid_t pid);

/* The account's slice with everything below it, where the kernel cannot end it at once. */
void chase_add_slice(Chase *chase, uint32_t uid);

typedef struct ChaseResult {
    unsigned signalled;
    bool goes_on; /* somebody was signalled, and the lists were still changing at the end */
} ChaseResult;

/* Signals what belongs to the target (its `slice` is not used) until every group's list has shown
 * nobody of them several times, and nobody who was gone when looked at: that may be a link of a
 * chain. Stops at `until_usec` of CLOCK_MONOTONIC at the latest. */
ChaseResult chase_run(Chase *chase, int proc, const Target *target, const int *signals,
                      uint64_t until_usec);
