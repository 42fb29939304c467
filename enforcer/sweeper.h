/*
 * SIGKILL to every process of a uid in one system call, which no fork outruns: a child takes on
 * the uid, without any capability, and calls kill(-1).
 *
 * One child waits in reserve. So an account that takes every process number of the host, and takes
 * again each one that comes free, keeps nobody from ending it.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include "common/cleanup.h"

typedef struct Sweeper {
    pid_t spare; /* waits for its uid; 0: there is none */
    int fd;
} Sweeper;

#define SWEEPER_INIT {.spare = 0, .fd = -1}

/* Sees to it that a child waits. That there is none is no error: the next run forks itself. */
void sweeper_prepare(Sweeper *sweeper);
void sweeper_clear(Sweeper *sweeper);

/* Only for an account whose processes are all to go, by their real or saved uid; `uid` must not be
 * special (settings.h). Returns 0 or a negative errno. */
int sweeper_run(Sweeper *sweeper, uint32_t uid);
