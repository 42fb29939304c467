/*
 * Explanations. See explain.h.
 */
#include "helper/bus/explain.h"

#include <stdio.h>
#include <string.h>

#include "common/ownership.h"
#include "helper/session/admission-request.h"
#include "helper/accounts/local-names.h"
#include "helper/login/login.h"
#include "helper/manager.h"
#include "helper/revocation/revocation.h"
#include "helper/session/sessions.h"

/* --- what stands around the rules of admission ----------------------------------------------- */

static AdmissionFinding *add_finding(Explanation *explanation, const char *rule, Outcome outcome,
                                     const char *why)
{
    AdmissionFinding *finding = &explanation->findings[explanation->finding_count++];

    *finding = (AdmissionFinding){.rule = rule, .applies = true, .outcome = outcome};
    (void)snprintf(finding->why, sizeof(finding->why), "%s", why);
    return finding;
}

/* What the PAM module asks itself before it asks the helper. */
static void find_name(Explanation *explanation, const Config *config)
{
    static const struct {
        Outcome outcome;
        const char *why;
    } rows[] = {
        [OWNERSHIP_UNKNOWN] = {OUTCOME_UNAVAILABLE,
                               "the snapshot cannot be read, so nobody can tell whose name it is"},
        [OWNERSHIP_NOT_OURS] = {OUTCOME_NOT_OURS,
                                "not in the snapshot that is in force: the host does not know the "
                                "name yet, or it is a local one; see rcpchctl status"},
        [OWNERSHIP_OURS] = {OUTCOME_ALLOW, "in the snapshot"},
        [OWNERSHIP_TIED] = {OUTCOME_ALLOW, "a local account that the configuration ties"},
    };
    Ownership ownership = ownership_of(explanation->user);

    AdmissionFinding *finding =
        add_finding(explanation, "name", rows[ownership].outcome, rows[ownership].why);
    const UserConfig *user = config_user(config, explanation->user);
    if (user && user->is_service)
        (void)snprintf(finding->setting, sizeof(finding->setting),
                       "[service-account] LocalUser=%.64s", explanation->user);
    else if (ownership == OWNERSHIP_TIED)
        (void)snprintf(finding->setting, sizeof(finding->setting), "[user %.64s] Directory=%.64s",
                       explanation->user, explanation->account->directory_name);
}

static void find_provider(Explanation *explanation, const char *asked)
{
    char why[256];

    if (asked)
        (void)snprintf(why, sizeof(why), "%.64s was asked just now: %.160s",
                       explanation->account->provider, asked);
    else
        (void)snprintf(why, sizeof(why), "%.64s need not be asked now, or cannot be",
                       explanation->account->provider);
    (void)add_finding(explanation, "provider", OUTCOME_ALLOW, why);
}

static void find_ending(Explanation *explanation)
{
    bool is_ending = revocation_is_ending(explanation->account);

    AdmissionFinding *finding =
        add_finding(explanation, "ending", OUTCOME_ALLOW,
                    is_ending ? "what it ran is being ended: a sign-in has to wait for that" : "");
    finding->applies = is_ending;
}

static void list_methods(const ServiceConfig *service, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "[service %.64s] Methods=", service->name);

    for (size_t i = 0; i < service->method_count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? " " : "",
                                 login_method_to_word(service->methods[i]));
}

static void say_no_way(const Account *account, const Config *config, char *out, size_t size)
{
    if (config_service_account(config, account->name))
        (void)snprintf(out, size, "leaves no way of signing in: a client signs in by bearer alone");
    else
        (void)snprintf(out, size, "leaves no way of signing in: Methods= of [provider %.64s] has "
                       "none of these", account->provider);
}

/* Only a sign-in meets it, so that it decides nothing about a key: it stands behind the rest. */
static void find_methods(Explanation *explanation, const Config *config)
{
    const Account *account = explanation->account;
    const ServiceConfig *service = config_service(config, explanation->service);
    bool narrows = service && service->method_count > 0;
    bool has_way = !narrows || login_has_way(config, account, explanation->service);

    AdmissionFinding *finding =
        add_finding(explanation, "methods", has_way ? OUTCOME_ALLOW : OUTCOME_UNAVAILABLE,
                    narrows ? "leaves a way of signing in" : "");
    finding->applies = narrows;
    if (narrows)
        list_methods(service, finding->setting, sizeof(finding->setting));
    if (!has_way)
        say_no_way(account, config, finding->why, sizeof(finding->why));
}

/* --- who is it? ------------------------------------------------------------------------------- */

static const char *known_as(Manager *manager, const char *user, const Account *account)
{
    _cleanup_(local_names_freep) LocalNames *names = NULL;

    if (account && account->state == ACCOUNT_ACTIVE)
        return account_is_tied(account, manager->config) ? "tied" : "account";
    if (ownership_of(user) == OWNERSHIP_TIED)
        return "not-added";
    if (local_names_load(LOCAL_PASSWD_FILE, LOCAL_GROUP_FILE, &names) >= 0 &&
        local_names_user(names, user))
        return "local";
    return account ? "forgotten" : "unknown";
}

/* --- what is decided -------------------------------------------------------------------------- */

/* Somebody of that account who signed in last, among those whose login session it could be. */
static AdmissionCaller caller_of(Manager *manager, const Question *question)
{
    const char *user = question->user;
    bool from_here = !question->rhost && service_elevates(question->service);
    AdmissionCaller caller = {
        .user = user, .ruser = user, .service = question->service,
        .rhost = from_here ? "" : question->rhost,
        .any_rhost = !question->rhost && !from_here, .audit_session = AUDIT_SESSION_NONE};
    const SessionRow *row;
    Stamp newest = {0};
    size_t iterator = 0;

    while ((row = sessions_next(manager->sessions, &iterator)))
        if (strcmp(row->user, user) == 0 && row->signed_in.boot_usec > newest.boot_usec) {
            newest = row->signed_in;
            caller.audit_session = row->audit_session;
        }
    return caller;
}

/* What a sign-in meets before the rules of admission. */
static Outcome judge_sign_in(Manager *manager, const Account *account, const char *service,
                             const char **ret_rule)
{
    const char *reason = NULL;

    Outcome outcome = login_may_begin(manager, account, false, &reason);
    if (outcome != OUTCOME_ALLOW)
        return outcome;
    if (revocation_is_ending(account))
        *ret_rule = "ending";
    else if (!login_has_way(manager->config, account, service))
        *ret_rule = "methods";
    return *ret_rule ? OUTCOME_UNAVAILABLE : OUTCOME_ALLOW;
}

/* As if the person signed in now: whoever does is bound, confirmed and active. */
static Outcome judge_after_sign_in(Manager *manager, const Account *account,
                                   const AdmissionCaller *caller, const Stamp *now,
                                   const char **ret_rule)
{
    static char bound[] = "bound by that sign-in";
    AdmissionCaller signed_in = *caller;
    Account copy = *account;

    Outcome outcome = judge_sign_in(manager, account, caller->service, ret_rule);
    if (outcome != OUTCOME_ALLOW)
        return outcome;
    copy.id = copy.id ? copy.id : bound;
    copy.verdict = VERDICT_ACTIVE;
    copy.confirmed = copy.signed_in = signed_in.signed_in = *now;
    signed_in.any_strength = true; /* what is needed is asked for; nobody knows what comes */
    const AdmissionRequest request = admission_request(manager, &copy, &signed_in);
    if (request.enforcer_connected) /* before the groups, which a sign-in might bring */
        return admission_judge(&request, manager->config, now, ret_rule);
    *ret_rule = "enforcer";
    return OUTCOME_UNAVAILABLE;
}

/* The first finding that refuses is the decision, as everywhere. */
static void conclude(Explanation *explanation)
{
    explanation->outcome = OUTCOME_ALLOW;
    for (size_t i = explanation->finding_count; i-- > 0;)
        if (explanation->findings[i].outcome != OUTCOME_ALLOW) {
            explanation->outcome = explanation->findings[i].outcome;
            explanation->rule = explanation->findings[i].rule;
        }
}

void explain_access(Manager *manager, const Question *question, const char *asked,
                    Explanation *ret_explanation)
{
    const Account *account = accounts_find(manager->accounts, question->user);
    Explanation *explanation = ret_explanation;
    Stamp now = stamp_now();

    *explanation = (Explanation){.user = question->user, .service = question->service,
                                 .known = known_as(manager, question->user, account),
                                 .outcome = OUTCOME_NOT_OURS, .after_sign_in = OUTCOME_NOT_OURS,
                                 .rule = "name"};
    if (!account || account->state != ACCOUNT_ACTIVE)
        return;
    explanation->account = account;
    const AdmissionCaller caller = caller_of(manager, question);
    const AdmissionRequest request = admission_request(manager, account, &caller);
    find_name(explanation, manager->config);
    find_provider(explanation, asked);
    explanation->finding_count +=
        admission_explain(&request, manager->config, &now,
                          explanation->findings + explanation->finding_count);
    find_ending(explanation);
    explanation->rule = NULL;
    conclude(explanation);
    find_methods(explanation, manager->config);
    explanation->groups_unknown = !stamp_is_set(&account->confirmed);
    explanation->after_sign_in = explanation->findings[0].outcome;
    if (explanation->after_sign_in != OUTCOME_ALLOW)
        explanation->after_rule = explanation->findings[0].rule;
    else
        explanation->after_sign_in =
            judge_after_sign_in(manager, account, &caller, &now, &explanation->after_rule);
    explanation->groups_unknown &= explanation->after_sign_in == OUTCOME_NOT_IN_GROUP;
}

bool explain_names_session(const Explanation *explanation, const SessionRow *session)
{
    return explanation->account && service_elevates(explanation->service) &&
           !service_elevates(session->service) &&
           strcmp(session->user, explanation->account->name) == 0;
}

Outcome explain_in_session(Manager *manager, const Account *account, const char *service,
                           const SessionRow *session)
{
    const AdmissionCaller caller = {.user = account->name, .ruser = account->name,
                                    .service = service, .rhost = "",
                                    .audit_session = session->audit_session};
    const AdmissionRequest request = admission_request(manager, account, &caller);
    Stamp now = stamp_now();

    return admission_judge(&request, manager->config, &now, NULL);
}
