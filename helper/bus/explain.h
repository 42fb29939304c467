/*
 * `rcpchctl access explain`: what would be decided about an account for a service now, and by which
 * rule. Everything is asked of those who decide (ownership.h, admission.h, login.h); nothing is
 * decided here a second time.
 */
#pragma once

#include "helper/session/admission.h"
#include "helper/store/store.h"

typedef struct Manager Manager;

#define EXPLAIN_FINDINGS_MAX (ADMISSION_RULES_MAX + 4u)

typedef struct Question {
    const char *user, *service;
    const char *rhost; /* as PAM_RHOST would be; NULL: from wherever AllowFrom= lets in */
} Question;

typedef struct Explanation {
    const char *user, *service;
    const Account *account; /* NULL when there is none of ours */
    const char *known;      /* "account", "tied", "not-added", "forgotten", "local", "unknown" */
    Outcome outcome;        /* without a sign-in: a key, sudo with NOPASSWD … */
    Outcome after_sign_in;  /* with one made now */
    bool groups_unknown;    /* it would bring the groups, which alone stand in its way */
    const char *rule;       /* that decided `outcome`; NULL for ALLOW */
    const char *after_rule; /* that decided `after_sign_in`; NULL for ALLOW, or without a rule */
    AdmissionFinding findings[EXPLAIN_FINDINGS_MAX];
    size_t finding_count;
} Explanation;

/* `asked` says what the provider answered when it was asked just now; NULL: it was not. All texts
 * are borrowed. */
void explain_access(Manager *manager, const Question *question, const char *asked,
                    Explanation *ret_explanation);

/* For a service that looks at the login session's own sign-in: what is decided in that one. */
Outcome explain_in_session(Manager *manager, const Account *account, const char *service,
                           const SessionRow *session);

/* Does this service look at the login session's own sign-in, and is this one a login? */
bool explain_names_session(const Explanation *explanation, const SessionRow *session);
