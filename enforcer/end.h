/*
 * Ending everything an account runs (design §5): look, SIGTERM, or SIGKILL until none is left.
 */
#pragma once

#include "common/enforcer-protocol.h"
#include "enforcer/processes.h"

/* Works about ENFORCER_CALL_MS at most (one walk over /proc is always finished) and fills the
 * reply. `uid` has been allowed by the caller. Returns 0, -EINVAL for an unknown `how`, or a negative errno when /proc
 * cannot be walked. */
int end_account(uint32_t uid, bool tied, EnforcerHow how, EnforcerEndReply *ret_reply);
