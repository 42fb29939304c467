/*
 * What a person reads who was turned away in the account phase: why, and what to do about it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/outcome.h"
#include "helper/config/config.h"
#include "helper/base/clock.h"

#define ACCOUNT_TEXT_SIZE 512u

/* Nobody gets in by a tied local account before it was added: the rule, and the log's reason. */
#define RULE_NOT_ADDED   "not added"
#define REASON_NOT_ADDED "tied by [user] Directory=, but not added: rcpchctl user add NAME"

typedef struct AccountTextFacts {
    Outcome outcome;
    const char *rule;       /* of admission.h, "weak sign-in", "strength untold", RULE_NOT_ADDED,
                             * or NULL */
    const char *user, *host;
    const char *missing;    /* the group that was needed, or NULL */
    const Config *config;
    Stamp signed_in;        /* the one that was judged */
    bool session_bound;     /* of admission.h */
    const Stamp *now;
} AccountTextFacts;

/* "" for OUTCOME_ALLOW. `ret_text` holds ACCOUNT_TEXT_SIZE bytes. */
void account_text(const AccountTextFacts *facts, char *ret_text);
