/*
 * The account phase. See authenticator.h.
 */
#include "helper/login/authenticator.h"

#include <errno.h>
#include <string.h>

#include "helper/login/account-text.h"
#include "helper/session/admission-request.h"
#include "helper/login/auth-info.h"
#include "helper/base/host-name.h"
#include "helper/manager.h"
#include "helper/base/networks.h"
#include "helper/revocation/refresher.h"
#include "helper/revocation/revocation.h"
#include "helper/session/sessions.h"
#include "helper/login/sign-in.h"

#define CHECKS_MAX 1024u /* waiting for the provider at the same time */

typedef struct Check Check;
struct Check {
    Authenticator *authenticator;
    Check *next;
    char *user, *ruser, *service, *rhost, *target, *auth_info, *sign_in;
    uint32_t audit_session;
    Caller caller;
    RefreshWait *wait;
    AuthenticatorHandler handler;
    void *userdata;
};

struct Authenticator {
    Manager *manager;
    Check *first; /* those that wait */
    size_t count;
};

static Check *check_free(Check *check)
{
    if (!check)
        return NULL;
    refresher_wait_cancel(check->wait);
    free(check->user);
    free(check->ruser);
    free(check->service);
    free(check->rhost);
    free(check->target);
    free(check->auth_info);
    free(check->sign_in);
    free(check);
    return NULL;
}
DEFINE_CLEANUP(Check *, check_free)

static int check_new(Authenticator *authenticator, const AccountCheckRequest *request,
                     Check **ret_check)
{
    _cleanup_(check_freep) Check *check = calloc(1, sizeof(*check));

    if (!check)
        return -ENOMEM;
    check->authenticator = authenticator;
    check->user = strdup(request->user);
    check->ruser = strdup(request->ruser);
    check->service = strdup(request->service);
    check->rhost = strdup(request->rhost);
    check->target = strdup(request->target);
    check->auth_info = strdup(request->auth_info);
    check->sign_in = strdup(request->caller == CALLER_OWNER ? "" : request->sign_in);
    check->audit_session = request->audit_session;
    check->caller = request->caller;
    if (!check->user || !check->ruser || !check->service || !check->rhost || !check->target ||
        !check->auth_info || !check->sign_in)
        return -ENOMEM;
    *ret_check = TAKE_PTR(check);
    return 0;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* sudo acts for root though its account phase names the caller; su names both. */
static bool is_elevation(const Check *check)
{
    if (strncmp(check->service, "sudo", 4) == 0)
        return service_elevates(check->service);
    return service_elevates(check->service) && check->target[0] != '\0';
}

static void fill_account(Record *record, const Account *account, char uid[16])
{
    if (!account)
        return;
    snprintf(uid, 16, "%u", account->uid);
    record_set(record, RECORD_UID, uid);
    record_set(record, RECORD_IDENTITY, account->id);
    record_set(record, RECORD_PROVIDER, account->provider);
    record_set(record, RECORD_EVIDENCE, account->evidence);
}

static void log_decision(const Check *check, const Account *account, const SignIn *sign_in,
                         Outcome outcome, const char *reason)
{
    bool elevation = is_elevation(check);
    Record record = {.event = elevation ? RECORD_ELEVATION : RECORD_ACCOUNT_CHECK};
    char uid[16], methods[AUTH_METHODS_SIZE];

    if (outcome == OUTCOME_ALLOW && !elevation)
        return;
    fill_account(&record, account, uid);
    record_set(&record, RECORD_OUTCOME, outcome_to_word(outcome));
    record_set(&record, RECORD_REASON, reason);
    record_set(&record, RECORD_USER, check->user);
    record_set(&record, RECORD_RUSER, check->ruser);
    record_set(&record, RECORD_SERVICE, check->service);
    record_set(&record, RECORD_RHOST, check->rhost);
    record_set(&record, RECORD_OTHER, check->target);
    auth_info_methods(check->auth_info, sign_in ? sign_in->method : NULL, methods);
    record_set(&record, RECORD_METHOD, methods);
    manager_log(check->authenticator->manager, &record);
}

/* --- the decision ----------------------------------------------------------------------------- */

/* The log's reason, where the outcome alone does not say it. */
static const char *reason_for(const Check *check, const Account *account, const char *rule)
{
    static const struct {
        const char *rule, *reason;
    } rows[] = {
        {"groups", "not in a group that the service requires"},
        {"keys", "no sign-in was made in this connection, and Keys= asks for one"},
        {"strength", "the sign-in that counts here is not strong enough, or there is none"},
        {"enforcer", "the enforcer cannot be reached"},
    };

    if (rule && strcmp(rule, RULE_NOT_ADDED) == 0)
        return REASON_NOT_ADDED;
    if (!account)
        return "the account is not known here";
    if (rule && strcmp(rule, "address") == 0)
        return networks_refusal(check->rhost);
    for (size_t i = 0; rule && i < ELEMENTSOF(rows); i++)
        if (strcmp(rows[i].rule, rule) == 0)
            return rows[i].reason;
    return NULL;
}

static void tell(const Check *check, const AccountTextFacts *facts)
{
    char text[ACCOUNT_TEXT_SIZE];

    account_text(facts, text);
    check->handler(facts->outcome, text, check->userdata);
}

static void decide(Check *check)
{
    Manager *manager = check->authenticator->manager;
    Account *account = accounts_find(manager->accounts, check->user);
    const char *missing = NULL, *rule = NULL;
    Outcome outcome = OUTCOME_UNAVAILABLE;
    AdmissionRequest request = {0};
    Stamp now = stamp_now();
    char host[HOST_NAME_SIZE];

    const SignIn *sign_in =
        sign_ins_find(manager->sign_ins, check->sign_in, check->user, check->service, &now);
    if (account) {
        const AdmissionCaller caller = {
            .user = check->user, .ruser = check->ruser, .service = check->service,
            .rhost = check->rhost,
            .audit_session = check->audit_session,
            .signed_in = sign_in ? sign_in->when : (Stamp){0},
            .strength = sign_in ? sign_in->strength : NULL,
            .any_strength = check->caller == CALLER_OWNER, /* login-accept.c has judged it */
            .stores_nothing = check->caller == CALLER_SERVICE,
        };
        request = admission_request(manager, account, &caller);
        outcome = admission_judge(&request, manager->config, &now, &rule);
        if (outcome == OUTCOME_ALLOW && request.session_bound && sign_in)
            sessions_renew(manager->sessions, check->user, check->audit_session, &sign_in->when,
                           sign_in->strength);
    } else if (account_is_to_be_tied(manager->config, check->user)) {
        outcome = OUTCOME_NOT_BOUND;
        rule = RULE_NOT_ADDED;
    }
    if (rule && strcmp(rule, "groups") == 0)
        missing = admission_missing_group(account, manager->config, check->service);
    log_decision(check, account, sign_in, outcome, reason_for(check, account, rule));
    (void)host_name(host);
    tell(check, &(AccountTextFacts){
        .outcome = outcome, .rule = rule, .user = check->user, .host = host, .missing = missing,
        .config = manager->config, .signed_in = request.signed_in,
        .session_bound = request.session_bound, .now = &now,
    });
}

/* --- waiting for the provider ----------------------------------------------------------------- */

static void unlink_check(Check *check)
{
    Authenticator *authenticator = check->authenticator;
    Check **link = &authenticator->first;

    while (*link && *link != check)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = check->next;
    authenticator->count--;
}

static void on_checked(Account *account, const Evidence *evidence, void *userdata)
{
    _cleanup_(check_freep) Check *check = userdata;

    check->wait = NULL; /* the refresher has freed it */
    unlink_check(check);
    decide(check);
}

/* Returns 0 when on_checked() will be called, or a negative errno: then it is decided without. */
static int ask_provider(Check *check, Account *account)
{
    Authenticator *authenticator = check->authenticator;
    Manager *manager = authenticator->manager;

    if (authenticator->count >= CHECKS_MAX)
        return -EBUSY;
    check->next = authenticator->first;
    authenticator->first = check;
    authenticator->count++;
    int r = refresher_check(manager->refresher, account, manager->config->check_timeout_usec,
                            on_checked, check, &check->wait);
    if (r < 0)
        unlink_check(check);
    return r;
}

static bool wants_provider(const Check *check, const Account *account)
{
    Stamp now = stamp_now();

    return account && verdict_needs_check(account, check->authenticator->manager->config, &now);
}

void authenticator_check(Authenticator *authenticator, const AccountCheckRequest *request,
                         AuthenticatorHandler handler, void *userdata)
{
    Account *account = accounts_find(authenticator->manager->accounts, request->user);
    _cleanup_(check_freep) Check *check = NULL;

    if (check_new(authenticator, request, &check) < 0) {
        handler(OUTCOME_INTERNAL, "", userdata);
        return;
    }
    check->handler = handler;
    check->userdata = userdata;
    if (request->caller != CALLER_OWNER && wants_provider(check, account) &&
        ask_provider(check, account) == 0) {
        check = NULL; /* on_checked() has it */
        return;
    }
    decide(check);
}

int authenticator_new(Manager *manager, Authenticator **ret_authenticator)
{
    Authenticator *authenticator = calloc(1, sizeof(*authenticator));

    if (!authenticator)
        return -ENOMEM;
    authenticator->manager = manager;
    *ret_authenticator = authenticator;
    return 0;
}

Authenticator *authenticator_free(Authenticator *authenticator)
{
    if (!authenticator)
        return NULL;
    while (authenticator->first) {
        _cleanup_(check_freep) Check *check = authenticator->first;
        unlink_check(check);
        check->handler(OUTCOME_UNAVAILABLE, "", check->userdata);
    }
    free(authenticator);
    return NULL;
}
