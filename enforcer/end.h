/*
 * Ending everything an account runs (design §5): look, SIGTERM, or SIGKILL until none is left.
 */
#pragma once

#include "common/enforcer-protocol.h"
#include "enforcer/processes.h"

/* Works about ENFORCER_CALL_MS at most (one walk over /proc is always finished) and fills the
 * reply. `uid` has been allowed by the caller. Returns 0, -EINVAL for an unknown `how`, or a
 * negative errno when /proc cannot be walked. */
int end_account(uint32_t uid, const EndRules *rules, EnforcerHow how, EnforcerEndReply *ret_reply);

/* The same for what the account runs by another's right only (processes.h); `how` is one of the
 * ELEVATED ones, and `spared` the session leaders among root's processes. */
int end_elevated(uint32_t uid, const EndRules *rules, EnforcerHow how, const int32_t *spared,
                 size_t spared_count, EnforcerEndReply *ret_reply);
