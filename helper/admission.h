/*
 * May this account be used for this service now? The parts of design §5 "account" that need no
 * asking: verdict, [access], RequireGroups=, MaxAuthAge=. Pure; the account phase and the opening
 * of a session both decide by it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/outcome.h"
#include "helper/account.h"
#include "helper/config.h"

/* sudo, su and their login forms: what they do is done by somebody else's right. */
bool service_elevates(const char *service);

/* OUTCOME_ALLOW or why not. `ret_missing` (may be NULL): the [group] section that is missing for
 * NOT_IN_GROUP by RequireGroups=, else NULL; borrowed from `config`. */
Outcome admission_judge(const Account *account, const Config *config, const char *service,
                        const Stamp *now, const char **ret_missing);
