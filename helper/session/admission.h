/*
 * May this account be used for this service now? The parts of design §5 "account" that need no
 * asking, as one table of rules. Pure; the account phase and the opening of a session decide by
 * it, and `rcpchctl access explain` shows what each rule said: there is no second copy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/outcome.h"
#include "helper/accounts/account.h"
#include "helper/config/config.h"

/* Who asks, for what, and what is known of it; admission-request.h fills it. Borrowed. */
typedef struct AdmissionRequest {
    const Account *account;
    const char *service;
    const char *rhost;   /* PAM_RHOST, "" or NULL for no remote host */
    bool any_rhost;      /* nobody asks, this is an explanation: AllowFrom= is only said */
    Stamp signed_in;     /* the interactive sign-in that counts for MaxAuthAge= and Keys= */
    const char *strength;/* of a sign-in made here, or in this login session; NULL: there is none */
    Stamp confirmed_here;/* by a sign-in for this very request of which the account keeps nothing:
                          * unset, there is none */
    bool any_strength;   /* it is not judged here, or assumed to be what was asked for */
    bool session_bound;  /* it must be this login session's; else any of the account's does */
    bool signed_in_here; /* the person signed in for this very request */
    bool enforcer_connected;
} AdmissionRequest;

/* What one rule said. */
typedef struct AdmissionFinding {
    const char *rule;    /* "verdict" …; static */
    bool applies;        /* false: nothing is configured for it, it lets everybody pass */
    Outcome outcome;
    char setting[160];   /* "[service sudo] RequireGroups=audit-admins"; "" when it has no key */
    char why[256];       /* one clause, for an administrator */
} AdmissionFinding;

#define ADMISSION_RULES_MAX 16u

/* sudo, su and their login forms: what they do is done by somebody else's right. */
bool service_elevates(const char *service);

/* One of the groups of RequireGroups= is enough, as with AllowGroups=: NULL when the account is in
 * one or none is required, else the first of them; borrowed from `config`. */
const char *admission_missing_group(const Account *account, const Config *config,
                                    const char *service);

/* Does AllowFrom= of the service let this PAM_RHOST in? Also asked before a sign-in begins. */
bool admission_allows_address(const Config *config, const char *service, const char *rhost);

/* How long a key works after a sign-in with Keys=with-signin. */
uint64_t admission_key_age_usec(const Config *config);

/* OUTCOME_ALLOW, or what the first rule that refuses says. `ret_rule` (may be NULL): the name of
 * that rule, NULL for ALLOW; static. */
Outcome admission_judge(const AdmissionRequest *request, const Config *config, const Stamp *now,
                        const char **ret_rule);

/* All rules in their order, each judged as if those before it had let pass. Fills at most
 * ADMISSION_RULES_MAX and returns how many. */
size_t admission_explain(const AdmissionRequest *request, const Config *config, const Stamp *now,
                         AdmissionFinding *ret_findings);
