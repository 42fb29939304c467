/*
 * Ending everything an account runs (design §5): look, SIGTERM, or SIGKILL until none is left.
 */
#pragma once

#include "common/enforcer-protocol.h"
#include "enforcer/processes.h"
#include "enforcer/sweeper.h"

#define END_ORDERS_MAX 16u /* in one call */

typedef struct EndOrder {
    uint32_t uid; /* allowed by the caller */
    EndRules rules;
    EnforcerHow how;
    /* With an ELEVATED `how` (what the account runs by another's right only, processes.h): the
     * session leaders among root's processes. Borrowed. */
    const int32_t *spared;
    size_t spared_count;
    Sweeper *sweeper; /* borrowed */

    int result; /* 0, -EINVAL for an unknown `how`, a negative errno when /proc cannot be walked */
    EnforcerEndReply reply;
} EndOrder;

/* Carries out orders of one and the same `how`, for different accounts, and fills result and reply.
 * Works about ENFORCER_CALL_MS at most; one walk over /proc, and a third of that time for each
 * account whose forks have to be chased, is always finished. */
void end_accounts(EndOrder *orders, unsigned count);
