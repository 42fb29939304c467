/*
 * After an approval: judge, store, publish, record, admit (design §3 "Order").
 *
 * The order is the point. Nothing is stored for somebody who is not the account's owner; the
 * snapshot is in force before ALLOW, because sshd's initgroups comes next; the line is in the log
 * before ALLOW, because an admission that left no trace must not happen. Any failure denies.
 */
#include "helper/login/lockout.h"
#include "helper/login/login-internal.h"
#include "helper/login/login-reason.h"

#include <errno.h>
#include <string.h>

#include "helper/directory/directories.h"
#include "helper/session/elevations.h"
#include "helper/revocation/revocation.h"
#include "helper/login/sign-in.h"
#include "helper/login/account-text.h"
#include "helper/token/access-token.h"
#include "helper/token/claims.h"
#include "helper/token/strength.h"
#include "helper/totp/enrolment.h"

#define ENFORCER_PATIENCE_USEC (10 * USEC_PER_SEC)

/* "4f6a… (bob@rcpch.ac.uk)": who signed in, for the log. */
static char *describe(const Identity *identity)
{
    char *text = NULL;

    if (asprintf(&text, "%s (%s)", identity->id ? identity->id : "no id",
                 identity->username ? identity->username : "no name") < 0)
        return NULL;
    return text;
}

static Outcome judge(Login *login, const Identity *identity)
{
    Manager *manager = login->logins->manager;
    Account *account = login->account;
    const ProviderConfig *provider = config_provider(manager->config, account->provider);
    Stamp now = stamp_now();

    if (!provider) /* a reload took it away meanwhile */
        return OUTCOME_UNAVAILABLE;
    Outcome outcome = verdict_admits(account, manager->config, true, false, &now);
    if (outcome != OUTCOME_ALLOW)
        return outcome;
    return login_policy(identity, account, provider, manager->config, &now);
}

static const char *first_bind_reason(const Login *login)
{
    const ProviderConfig *provider =
        config_provider(login->logins->manager->config, login->account->provider);

    return provider && provider->first_bind == FIRST_BIND_EMAIL
               ? "first sign-in, the verified e-mail address was the name"
               : "first sign-in, the user name was the same";
}

static int bind_first(Login *login, const Identity *identity)
{
    Manager *manager = login->logins->manager;
    Account *account = login->account;
    Record record = {.event = RECORD_ACCOUNT};

    if (account->id)
        return 0;
    int r = account_bind(manager->accounts, manager->config, account, identity->issuer,
                         identity->id);
    if (r < 0)
        return r;
    record_set(&record, RECORD_ACTION, "bound");
    record_set(&record, RECORD_REASON, first_bind_reason(login));
    record_set(&record, RECORD_USER, account->name);
    record_set(&record, RECORD_IDENTITY, account->id);
    record_set(&record, RECORD_OTHER, identity->username);
    record_set(&record, RECORD_PROVIDER, account->provider);
    manager_log(manager, &record);
    return 0;
}

/* An access token may be older than what was learnt since: then it gives nobody a group back. */
static bool is_outdated(const Login *login)
{
    return login->method == METHOD_BEARER &&
           login->issued.wall_usec <= login->account->learnt_usec;
}

static int put_facts(Login *login, const Identity *identity)
{
    Accounts *accounts = login->logins->manager->accounts;
    Account *account = login->account;

    if (identity->groups_known) {
        int r = elevations_set_groups(login->logins->manager, account, identity->groups);
        if (r < 0)
            return r;
    }
    if (identity->roles_known) {
        int r = elevations_set_roles(login->logins->manager, account, identity->roles);
        if (r < 0)
            return r;
    }
    int r = account_set_claims(accounts, account, identity->claims);
    if (r < 0)
        return r;
    r = account_set_phone(accounts, account, identity->phone);
    if (r < 0)
        return r;
    const char *known = account->gecos ? account->gecos : "";
    if (identity->full_name && strcmp(identity->full_name, known) != 0)
        return account_set_profile(accounts, account, identity->full_name);
    return 0;
}

/* What the directory says of a bound account is kept whether or not it admits here. */
static int store_facts(Login *login, const Identity *identity)
{
    Account *account = login->account;
    uint64_t before = account->learnt_usec;

    int r = is_outdated(login) ? 0 : put_facts(login, identity);
    if (login->method == METHOD_BEARER && account->learnt_usec != before)
        account->learnt_usec = login->issued.wall_usec;
    return r;
}

/* Of several tokens the one counts that lasts longest. */
static int store_token_sign_in(const Login *login, const AccessToken *token)
{
    Manager *manager = login->logins->manager;
    uint64_t last = UINT64_MAX / 2 / USEC_PER_SEC; /* what the store holds */
    uint64_t expires = (token->expires_sec < last ? token->expires_sec : last) * USEC_PER_SEC;

    int r = revocation_token_presented(manager->revocation, login->account, &login->issued);
    if (r < 0 || expires <= login->account->expires_usec)
        return r;
    return account_set_expiry(manager->accounts, login->account, expires);
}

/* Without a new refresh token the old one goes too: it belongs to a sign-in that is over, and
 * what becomes of it must not count against this one. */
static int store_sign_in(Login *login, const TokenResult *result)
{
    Manager *manager = login->logins->manager;

    /* A presented token says nothing of the refresh token that an earlier sign-in left. */
    if (login->method == METHOD_BEARER)
        return store_token_sign_in(login, result->access);
    int r = store_token_put(manager->store, login->account, result->refresh_token);
    if (r >= 0)
        r = account_set_expiry(manager->accounts, login->account, 0);
    return r < 0 ? r : revocation_signed_in(manager->revocation, login->account);
}

#define ALARM_NUMBER "UidClaim= gives %s another number"

/* A number that was given stays, whatever is said of it later: files have it. */
static void compare_number(const Login *login, const Identity *identity)
{
    Manager *manager = login->logins->manager;
    const Account *account = login->account;
    char number[32] = "none that can be";

    manager_alarm_over(manager, ALARM_NUMBER, account->name);
    if (!account_number_differs(account, manager->config, identity->uid))
        return;
    if (identity->uid != CLAIMED_UID_NONE)
        snprintf(number, sizeof(number), "%u", identity->uid);
    manager_alarm(manager, ALARM_NUMBER " (%s) than the %u that it has here. That one stays; to "
                  "have it so, say [user %s] Uid=%u",
                  account->name, number, account->uid, account->name, account->uid);
}

static int store_all(Login *login, const TokenResult *result)
{
    int r = bind_first(login, result->identity);
    if (r < 0)
        return r;
    r = store_facts(login, result->identity);
    if (r < 0)
        return r;
    compare_number(login, result->identity);
    return store_sign_in(login, result);
}

/* --- the record, then ALLOW ------------------------------------------------------------------- */

/* Until the session claims it, or the account phase of the service that asked. A screen locker's
 * sign-in admits no session (design §2). Forgotten for want of memory, the session counts as one
 * without a sign-in. */
static void remember_sign_in(const Login *login)
{
    Stamp now = stamp_now();
    const Stamp *when = stamp_is_set(&login->issued) ? &login->issued : &now;

    if (login->caller != CALLER_OWNER)
        (void)sign_ins_add(login->logins->manager->sign_ins, login->sign_in, login->account->name,
                           login->service, login_words(login), login->strength, when, &now);
}

static void finish(Login *login)
{
    char text[PRESENTED_TEXT_SIZE];

    if (login->presents) {
        login_keep_presented(login, text);
        login_finish(login, OUTCOME_ALLOW, text);
        return;
    }
    if (!login->enrols) {
        login_finish(login, OUTCOME_ALLOW, NULL);
        return;
    }
    Enrolments *enrolments = login->logins->manager->enrolments;
    int channel = login_give_channel(login);
    if (channel >= 0)
        enrolments_go_on(enrolments, login->account, login->enrols, channel);
}

static void on_recorded(int result, const EnforcerAppendReply *reply, void *userdata)
{
    _cleanup_free_ LoginRecord *record = userdata;
    Login *login = record->login;
    LoginDecision decision;

    if (!login)
        return;
    login->record = NULL;
    if (result < 0 || (!reply->to_file && !reply->to_journal)) {
        login_refuse(login, OUTCOME_UNAVAILABLE, "the access log did not take the record", NULL);
        return;
    }
    login->recorded = true;
    if (!login_step(login, LOGIN_EVENT_RECORDED, &decision) || decision != LOGIN_DECIDES_ADMIT)
        return;
    remember_sign_in(login);
    if (login->caller == CALLER_ROOT && login->method != METHOD_BEARER)
        lockout_succeeded(login->logins->manager, login->account, login->rhost);
    login_offline_keep(login);
    login->password = secret_free(login->password);
    finish(login);
}

static int append_admission(Login *login)
{
    Record record = {0};
    char uid[16];

    login->record = calloc(1, sizeof(*login->record));
    if (!login->record)
        return -ENOMEM;
    login->record->login = login;
    login_fill_record(login, &record, uid);
    record_set(&record, RECORD_OUTCOME, outcome_to_word(OUTCOME_ALLOW));
    record_set(&record, RECORD_REASON, login->presents ? "presented for a sudo to come"
                                       : login->was_presented ? "presented before, now used up"
                                                              : NULL);
    int r = enforcer_append(login->logins->manager->enforcer, &record, on_recorded, login->record);
    if (r < 0) {
        free(login->record);
        login->record = NULL;
    }
    return r;
}

/* The verdict may have moved while the snapshot was on its way. */
static Outcome judge_again(const Login *login)
{
    Stamp now = stamp_now();
    const char *reason;

    if (login->method == METHOD_OFFLINE)
        return login_offline_judge(login, &reason);
    return verdict_admits(login->account, login->logins->manager->config, true, false, &now);
}

void login_record_admission(Login *login)
{
    LoginDecision decision;

    Outcome outcome = judge_again(login);
    if (outcome != OUTCOME_ALLOW) {
        login_refuse(login, outcome, login_reason(outcome), NULL);
        return;
    }
    if (!login_step(login, LOGIN_EVENT_ENTERED, &decision))
        return;
    login_limit_time(login, ENFORCER_PATIENCE_USEC);
    if (append_admission(login) < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the access log cannot be reached", NULL);
}

/* Who is disabled while the prompt stands must not find an ALLOW that was sent before: so nothing
 * is said until Enter has come. */
static void be_ready(Login *login)
{
    LoginDecision decision;

    if (!login_step(login, LOGIN_EVENT_PUBLISHED, &decision))
        return;
    if (login->answered)
        login_record_admission(login);
    else
        login_unlimit_time(login);
}

static void on_published(int result, void *userdata)
{
    Login *login = userdata;

    login->publishing = false;
    if (result < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the account could not be published", NULL);
    else
        be_ready(login);
}

static void publish(Login *login)
{
    login_limit_time(login, ENFORCER_PATIENCE_USEC);
    int r = publisher_request(login->logins->manager->publisher, on_published, login);
    if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the account could not be published", NULL);
    else
        login->publishing = true;
}

void login_accept_cancel(Login *login)
{
    if (login->publishing)
        publisher_forget(login->logins->manager->publisher, on_published, login);
    login->publishing = false;
    if (login->record)
        login->record->login = NULL;
    login->record = NULL;
}

/* --- the decision ----------------------------------------------------------------------------- */

/* Somebody of ours who may not come in here: what we learnt of the groups still takes effect. */
static void keep_facts_of_refused(Login *login, const Identity *identity)
{
    Manager *manager = login->logins->manager;

    if (!login->account->id || login->caller != CALLER_ROOT)
        return;
    if (store_facts(login, identity) < 0 || publisher_request(manager->publisher, NULL, NULL) < 0)
        manager_alarm(manager, "the groups of %s could not be stored", login->account->name);
}

static bool is_strong_enough(const Login *login)
{
    const ProviderConfig *provider =
        config_provider(login->logins->manager->config, login->account->provider);

    return provider && strength_meets(login->strength, login_service(login), provider->type);
}

static void refuse_weak(Login *login)
{
    char text[ACCOUNT_TEXT_SIZE], reason[256];

    snprintf(reason, sizeof(reason), "the sign-in is not strong enough, it says: %.160s",
             *login->strength ? login->strength : "nothing");
    account_text(&(AccountTextFacts){.outcome = OUTCOME_MFA_MISSING, .rule = "weak sign-in"}, text);
    login_refuse(login, OUTCOME_MFA_MISSING, reason, text);
}

/* What the sign-in was like stands in its line of the access log, as far as a field has room. */
static int note_strength(Login *login, const Identity *identity)
{
    char *evidence = NULL;

    free(login->strength);
    login->strength = strdup(identity->strength ? identity->strength : "");
    if (!login->strength)
        return -ENOMEM;
    if (!*login->strength)
        return 0;
    if (asprintf(&evidence, "%.100s %.800s", login->evidence ? login->evidence : "",
                 login->strength) < 0)
        return -ENOMEM;
    free(login->evidence);
    login->evidence = evidence;
    return 0;
}

/* Beside a directory that answers, a token decides nothing about the directory's groups. */
static int hear_directory(Login *login, Identity *identity)
{
    return identity->groups_known
               ? directories_correct_groups(login->logins->manager->directories, login->account,
                                            &identity->groups)
               : 0;
}

void login_accept(Login *login, TokenResult *result)
{
    char reason[LOGIN_REASON_SIZE];
    LoginDecision decision;

    free(login->identity);
    login->identity = describe(result->identity);
    if (is_outdated(login))
        result->identity->groups_known = result->identity->roles_known = false;
    if (hear_directory(login, result->identity) < 0) {
        login_refuse(login, OUTCOME_UNAVAILABLE, "out of memory", NULL);
        return;
    }
    Outcome outcome = judge(login, result->identity);
    if (outcome == OUTCOME_NOT_IN_GROUP)
        keep_facts_of_refused(login, result->identity);
    if (outcome != OUTCOME_ALLOW) {
        login_reason_for(login, outcome, result->identity, reason);
        login_refuse(login, outcome, reason, NULL);
        return;
    }
    if (note_strength(login, result->identity) < 0) {
        login_refuse(login, OUTCOME_INTERNAL, "out of memory", NULL);
        return;
    }
    if (!is_strong_enough(login)) {
        if (!login_method_too_weak(login))
            refuse_weak(login);
        return;
    }
    if (!login_step(login, LOGIN_EVENT_APPROVED, &decision))
        return;
    /* A screen locker's sign-in, or one to a database, proves who is there; it renews nothing
     * (design §2). */
    if (login->caller != CALLER_ROOT) {
        be_ready(login);
        return;
    }
    int r = store_all(login, result);
    if (r == -EEXIST)
        login_refuse(login, OUTCOME_WRONG_IDENTITY, "that identity is another account's", NULL);
    else if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the sign-in could not be stored", NULL);
    else
        publish(login);
}

/* The account is published, and confirmed by nobody: its groups, its token and its verdict stay. */
void login_accept_offline(Login *login)
{
    LoginDecision decision;

    free(login->strength);
    login->strength = strdup("");
    if (!login->strength)
        login_refuse(login, OUTCOME_INTERNAL, "out of memory", NULL);
    else if (!is_strong_enough(login))
        refuse_weak(login);
    else if (login_step(login, LOGIN_EVENT_APPROVED, &decision))
        be_ready(login);
}
