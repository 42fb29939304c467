/*
 * Waiting for what was sent SIGKILL. A process that runs no instruction of its own any more may yet
 * take tens of milliseconds to be gone: the kernel closes its files, and some of those wait for
 * RCU. Looking again and again meanwhile would only keep the processor from it.
 */
#pragma once

#include <sys/types.h>

/* Returns when all `pids` have ended, or were gone before, or after `limit_ms`. Nothing is believed
 * of the numbers: one that another process has got only makes it wait longer. */
void dying_await(const pid_t *pids, unsigned count, int limit_ms);
