/*
 * Signing in while the provider cannot be reached: who may (design §2, §5), as one pure function.
 *
 * Somebody who can block the network gains nothing by it: the account must have been confirmed
 * within OfflineGrace=, nothing may have been heard against it since, and its person gives a
 * one-time code of this host and something that they know.
 */
#pragma once

#include <stdbool.h>
#include "common/outcome.h"
#include "helper/accounts/account.h"
#include "helper/config/config.h"
#include "helper/provider/evidence.h"

typedef struct OutageFacts {
    EvidenceReach reach;    /* of the provider, as the login has just found it */
    const Account *account;
    const Config *config;
    bool is_enrolled;       /* in a second factor of this host */
    bool has_secret;        /* a passphrase, or the password's hash, is kept */
    bool is_held;           /* something was said against it that is held (hold.h) */
    Stamp now;
} OutageFacts;

/* OUTCOME_ALLOW: a right code and a right secret sign this person in. Else what refuses it, with
 * static text for the log. */
Outcome outage_judge(const OutageFacts *facts, const char **ret_reason);
