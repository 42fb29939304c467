/*
 * The bearer method: an access token where a password is asked for, by clients that can do no
 * more than send one (PostgreSQL, Dovecot, scripts). It is judged here, by the provider's
 * published keys.
 *
 * A token is as old as it is: the sign-in counts from when the provider issued it, and none
 * lifts what the provider revoked since. Whoever presents one that is not theirs hears the same
 * after the same time as for a name that nobody has.
 */
#include <errno.h>
#include <string.h>

#include "helper/config/config-values.h"
#include "helper/login/login-internal.h"
#include "helper/revocation/revocation.h"
#include "helper/token/access-token.h"
#include "helper/token/jwt.h"

#define PROMPT_TOKEN "Access token: "

void login_begin_bearer(Login *login)
{
    login_ask(login, LOGIN_EVENT_CODE, STEP_ASK_HIDDEN, PROMPT_TOKEN);
}

/* --- judging ---------------------------------------------------------------------------------- */

/* For a clock of the provider's that is ahead it was issued now. */
static Stamp issued_at(const AccessToken *token)
{
    Stamp now = stamp_now();
    uint64_t issued = token->issued_sec * USEC_PER_SEC;

    return issued < now.wall_usec ? stamp_ago(&now, now.wall_usec - issued) : now;
}

static bool is_theirs(const Account *account, const Identity *identity)
{
    return account->id && strcmp(account->id, identity->id) == 0 &&
           strcmp(account->issuer, identity->issuer) == 0;
}

const ServiceAccountConfig *login_client(const Login *login)
{
    return login->account ? config_service_account(login->logins->manager->config,
                                                   login->account->name)
                          : NULL;
}

static Outcome judge_client(const Login *login, const ServiceAccountConfig *client,
                            const AccessToken *token, const Identity *identity,
                            const char **ret_reason)
{
    *ret_reason = "the token is a person's, and the account a client's";
    if (!token->is_app)
        return OUTCOME_WRONG_IDENTITY;
    *ret_reason = "the token is another client's";
    if (strcmp(token->client, client->client_id) != 0 ||
        (login->account->id && !is_theirs(login->account, identity)))
        return OUTCOME_WRONG_IDENTITY;
    *ret_reason = "the token has none of RequireRoles=";
    return access_token_has_role(identity, client->require_roles) ? OUTCOME_ALLOW
                                                                  : OUTCOME_NOT_IN_GROUP;
}

static Outcome judge_person(const Login *login, const AccessToken *token, const Identity *identity,
                            const char **ret_reason)
{
    const ProviderConfig *settings = login_settings(login);

    *ret_reason = "the token is a client's own, and no person's";
    if (token->is_app || !settings)
        return OUTCOME_WRONG_IDENTITY;
    *ret_reason = "the token has none of RequireScopes=";
    if (!access_token_has_scope(token, settings->require_scopes))
        return OUTCOME_NOT_IN_GROUP;
    *ret_reason = "the token has none of RequireRoles=";
    return access_token_has_role(identity, settings->require_roles) ? OUTCOME_ALLOW
                                                                    : OUTCOME_NOT_IN_GROUP;
}

static Outcome judge_token(const Login *login, const AccessToken *token, const Identity *identity,
                           const char **ret_reason)
{
    const ServiceAccountConfig *client = login_client(login);
    Outcome outcome = client ? judge_client(login, client, token, identity, ret_reason)
                             : judge_person(login, token, identity, ret_reason);

    if (outcome != OUTCOME_ALLOW || !revocation_is_after(login->account, &login->issued))
        return outcome;
    *ret_reason = "the token was issued before the sign-in was revoked, or expired";
    outcome = verdict_stands(login->account);
    return outcome == OUTCOME_ALLOW ? OUTCOME_REVOKED : outcome;
}

/* ClientId= says whose account it is: the first token shows the id behind that. What RequireClaims=
 * asks of people is not asked of clients. */
static int bind_client(Login *login, Identity *identity)
{
    Manager *manager = login->logins->manager;

    if (!login_client(login))
        return 0;
    identity->lacks_claim = false;
    login->proven = true;
    if (login->account->id)
        return 0;
    int r = account_bind(manager->accounts, manager->config, login->account, identity->issuer,
                         identity->id);
    if (r == 0)
        manager_log_account(manager, login->account, "helper", "bound", "the token of ClientId=");
    return r;
}

/* For later, of somebody who signs in: as the token said it. What of that is out of date is found
 * again when it is used. */
static void keep_what_it_said(Login *login, TokenResult *result, const Identity *said)
{
    if (login->state == LOGIN_DECIDED)
        return;
    result->identity->groups_known = said->groups_known;
    result->identity->roles_known = said->roles_known;
    login->presented = (PresentedToken){.identity = result->identity, .access = result->access};
    result->identity = NULL;
    result->access = NULL;
}

static Outcome judge_life(const Login *login, const AccessToken *token, const char **ret_reason)
{
    Stamp now = stamp_now();

    *ret_reason = "access token: expired";
    return login->presents && presented_life_usec(token, &now) == 0 ? OUTCOME_WRONG_SECRET
                                                                     : OUTCOME_ALLOW;
}

static void take_token(Provider *provider, Login *login, TokenResult *result)
{
    const Identity said = *result->identity;
    const char *reason = NULL;

    login->issued = issued_at(result->access);
    login->proven = is_theirs(login->account, result->identity);
    Outcome outcome = judge_token(login, result->access, result->identity, &reason);
    if (outcome == OUTCOME_ALLOW)
        outcome = judge_life(login, result->access, &reason);
    if (outcome != OUTCOME_ALLOW)
        login_refuse(login, outcome, reason, NULL);
    else if (bind_client(login, result->identity) < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the client's id could not be stored", NULL);
    else
        login_method_done(provider, result, login);
    if (login->presents)
        keep_what_it_said(login, result, &said);
}

/* Also of a token for nobody: it takes as long. */
static void on_judged(Provider *provider, TokenResult *result, void *userdata)
{
    Login *login = userdata;

    login->op = NULL; /* freed by the provider after this */
    login->unjudged = result->evidence.meaning == EVIDENCE_LATER;
    if (login->pretends)
        login_refuse(login, login->pretended, login->pretended_reason, NULL);
    else if (result->access && result->identity)
        take_token(provider, login, result);
    else
        login_method_done(provider, result, login);
}

static Provider *provider_of(const Login *login)
{
    const Manager *manager = login->logins->manager;
    const ProviderConfig *settings = login_settings(login);

    return settings ? manager->providers[settings - manager->config->providers] : NULL;
}

static void judge(Login *login, const Secret *token)
{
    Provider *provider = provider_of(login);

    int r = provider ? provider_bearer_login(provider, token, login_method_time_usec(login),
                                             on_judged, login, &login->op)
                     : -ENOENT;
    if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the token could not be judged", NULL);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Enter alone: on to what Methods= lists behind. */
static void go_on(Login *login)
{
    LoginDecision decision;

    if (!login->pretends && login_step(login, LOGIN_EVENT_NEXT, &decision) &&
        login_method_pass(login))
        return;
    login_note_answer(login);
    login_refuse(login, login->pretends ? login->pretended : OUTCOME_WRONG_SECRET,
                 login->pretends ? login->pretended_reason : "an empty token", NULL);
}

void login_answer_bearer(Login *login, const Secret *text)
{
    bool is_token = jwt_looks_like(secret_peek(text), secret_size(text));
    LoginDecision decision;

    if (!is_token && secret_size(text) > 0 && login_has_method(login, METHOD_PASSWORD)) {
        login->method = METHOD_PASSWORD;
        login_answer_password(login, text);
        return;
    }
    if (!login_step(login, LOGIN_EVENT_ANSWER, &decision))
        return;
    if (secret_size(text) == 0) {
        go_on(login);
        return;
    }
    login_note_answer(login);
    login_answered(login);
    if (login->state == LOGIN_WAITING)
        judge(login, text);
}

/* --- presented beforehand --------------------------------------------------------------------- */

/* In its own session, by the person who presented it, and as root's module tells both. */
static bool may_be_presented(const Login *login)
{
    bool is_sudo = strcmp(login->service, "sudo") == 0 || strcmp(login->service, "sudo-i") == 0;

    return is_sudo && login->by_owner && login->caller == CALLER_ROOT && !login->enrols &&
           login_has_method(login, METHOD_BEARER);
}

bool login_begin_presented(Login *login)
{
    PresentedTokens *tokens = login->logins->manager->presented;
    TokenResult result = {.evidence = {.meaning = EVIDENCE_CONFIRMED}};
    PresentedToken token;
    LoginDecision decision;
    Stamp now = stamp_now();

    if (!may_be_presented(login) || !presented_take(tokens, login->account->uid,
                                                    login->audit_session, &now, &token))
        return false;
    login->method = METHOD_BEARER;
    login->was_presented = true;
    result.identity = token.identity;
    result.access = token.access;
    provider_bearer_words(token.access, result.evidence.code, sizeof(result.evidence.code));
    /* The answer has been given: it is what the prompt would have asked for. */
    if (login_step(login, LOGIN_EVENT_CODE, &decision) &&
        login_step(login, LOGIN_EVENT_ANSWER, &decision))
        login_answered(login);
    if (login->state == LOGIN_WAITING)
        take_token(provider_of(login), login, &result);
    presented_token_clear(&token);
    return true;
}

void login_keep_presented(Login *login, char *text)
{
    PresentedTokens *tokens = login->logins->manager->presented;
    Stamp now = stamp_now();
    char span[48];

    uint64_t life = presented_life_usec(login->presented.access, &now);
    (void)config_format_duration(life - life % USEC_PER_SEC, span, sizeof(span));
    presented_put(tokens, login->account->uid, login->audit_session, &login->presented, &now);
    snprintf(text, PRESENTED_TEXT_SIZE,
             "The next sudo in this login session takes this for your sign-in, once, within %s.",
             span);
}
