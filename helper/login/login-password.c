/*
 * The password method (design §3): a password and, as SecondFactor= says, a code, asked for in one
 * go and answered in one go.
 *
 * Nothing but a right second factor makes this host pass a password on: who has none cannot try
 * passwords here, nor lock people's accounts at the provider. Who answers wrongly hears the same
 * text after the same time, whatever was wrong: the name, the password, the code, the account.
 * The log has it exactly.
 */
#include <errno.h>
#include <string.h>

#include "common/channel.h"
#include "helper/login/lockout.h"
#include "helper/login/login-internal.h"
#include "helper/token/jwt.h"

#define PROMPT_PASSWORD "Password: "
#define PROMPT_CODE     "One-time code: "
#define PASSWORD_MAX    1024u /* bytes */

/* Is one of this provider's people asked for a secret first? */
static bool asks_for_secret(const Login *login, const ProviderConfig *settings)
{
    Method methods[_METHOD_COUNT];
    size_t count = settings ? config_methods(settings, login_service(login), methods) : 0;

    if (login->caller == CALLER_SERVICE) /* nothing else is ever asked there */
        return count > 0;
    return count > 0 && (methods[0] == METHOD_PASSWORD || methods[0] == METHOD_BEARER);
}

const ProviderConfig *login_settings(const Login *login)
{
    const Config *config = login->logins->manager->config;

    return login->account ? config_provider(config, login->account->provider)
                          : login_password_stand_in(login);
}

const ProviderConfig *login_password_stand_in(const Login *login)
{
    const Config *config = login->logins->manager->config;

    for (size_t i = 0; i < config->provider_count; i++)
        if (asks_for_secret(login, &config->providers[i]))
            return &config->providers[i];
    return NULL;
}

bool login_password_hides(const Login *login)
{
    return login_client(login) || asks_for_secret(login, login_settings(login));
}

static bool wants_code(const Login *login)
{
    const ProviderConfig *settings = login_settings(login);

    return !settings || settings->second_factor != SECOND_FACTOR_NONE;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Without a second factor there is no way through here: the next method, where there is one. */
static bool is_for_nothing(const Login *login)
{
    const ProviderConfig *settings = login_settings(login);

    return !login->pretends && settings && settings->second_factor == SECOND_FACTOR_TOTP &&
           store_totp_has(login->logins->manager->store, login->account) == 0;
}

void login_begin_password(Login *login)
{
    login->pieces = 0;
    login->password = secret_free(login->password);
    if (is_for_nothing(login) && login_method_pass(login))
        return;
    login_ask(login, LOGIN_EVENT_CODE, STEP_ASK_HIDDEN, PROMPT_PASSWORD);
}

/* --- judging ---------------------------------------------------------------------------------- */

static void on_done(Provider *provider, TokenResult *result, void *userdata)
{
    Login *login = userdata;
    Manager *manager = login->logins->manager;
    int r = 0;

    if (result->evidence.reach == REACH_ANSWERED)
        login_note_judged(login);
    if (result->evidence.meaning == EVIDENCE_CONFIRMED && login->factor.kind != FACTOR_NONE)
        r = factor_use(manager->store, login->account, &login->factor);
    if (r == 0) {
        login_method_done(provider, result, login);
        return;
    }
    login->op = NULL; /* freed by the provider after this */
    if (r == -EALREADY)
        login_refuse(login, OUTCOME_WRONG_SECRET, "another sign-in used the code up", NULL);
    else
        login_refuse(login, OUTCOME_UNAVAILABLE, "the code's use could not be stored", NULL);
}

static void ask_provider(Login *login, const Secret *code)
{
    Provider *provider = manager_provider(login->logins->manager, login->account);
    const PasswordLogin password = {
        .username = login->account->directory_name,
        .password = login->password,
        .one_time_code = code,
    };

    int r = provider ? provider_password_login(provider, &password, login_method_time_usec(login),
                                               on_done, login, &login->op)
                     : -ENOENT;
    if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the sign-in could not be started", NULL);
}

static bool is_sendable(const Secret *password)
{
    size_t size = password ? secret_size(password) : 0;

    return size > 0 && size <= PASSWORD_MAX;
}

int login_check_code(Login *login, const Secret *code, const char **ret_reason)
{
    Stamp now = stamp_now();
    int r = factor_check(login->logins->manager->store, login->account, code,
                         now.wall_usec / USEC_PER_SEC, &login->factor, ret_reason);

    login->proven = r == 0;
    return r;
}

static bool is_local_factor(const Login *login)
{
    const ProviderConfig *settings = login_settings(login);

    return !settings || settings->second_factor == SECOND_FACTOR_TOTP;
}

Outcome login_code_outcome(int r)
{
    return r == -EKEYREJECTED || r == -EALREADY || r == -ENOENT ? OUTCOME_WRONG_SECRET
                                                                : OUTCOME_UNAVAILABLE;
}

LockoutAttempt login_attempt(const Login *login)
{
    return (LockoutAttempt){
        .user = login->user, .account = login->account, .rhost = login->rhost,
        .service = login->caller == CALLER_SERVICE ? login->service : NULL,
        .asker = login_local_asker(login),
    };
}

/* Nothing is tried then, and nothing counted: else a stranger could keep it locked for ever. */
bool login_is_locked(Login *login, bool has_code)
{
    LockoutAttempt attempt = login_attempt(login);

    /* On the host itself everybody is at the same place: whoever runs su is not its owner. Where a
     * service says that they are lets nobody through either. */
    attempt.is_known = has_code && login->asker[0] == '\0' && !attempt.service &&
                       lockout_knows_place(login->logins->manager, login->account, login->rhost);
    const char *reason = lockout_reason(login->logins->manager, &attempt);

    login->from_known_place = attempt.is_known;
    if (reason)
        login_refuse(login, OUTCOME_LOCKED_OUT, reason, NULL);
    return reason != NULL;
}

static void refuse_pretended(Login *login, const Evidence *evidence)
{
    login->unjudged = evidence->meaning == EVIDENCE_LATER;
    login_refuse(login, login->pretended, login->pretended_reason, NULL);
}

/* A right code of this host is asked for before the provider is; where there is none everybody's
 * sign-in meets its outage. */
static void pretend(Login *login)
{
    if (is_local_factor(login) || !is_sendable(login->password))
        login_refuse(login, login->pretended, login->pretended_reason, NULL);
    else
        login_probe(login, refuse_pretended);
}

/* `code` is NULL where none was asked for. */
static void judge(Login *login, const Secret *code)
{
    const char *reason = "an empty or far too long password";
    int r = 0;

    if (login_is_locked(login, code != NULL))
        return;
    if (login->pretends) {
        pretend(login);
        return;
    }
    if (code && is_local_factor(login))
        r = login_check_code(login, code, &reason);
    if (r < 0)
        login_refuse(login, login_code_outcome(r), reason, NULL);
    else if (!is_sendable(login->password))
        login_refuse(login, OUTCOME_WRONG_SECRET, reason, NULL);
    else
        ask_provider(login, is_local_factor(login) ? NULL : code);
}

/* Nobody has a signed token for a password. */
static bool is_token(const Login *login, const Secret *text)
{
    return login_has_method(login, METHOD_BEARER) &&
           jwt_looks_like(secret_peek(text), secret_size(text));
}

void login_answer_password(Login *login, const Secret *text)
{
    if (login->pieces == 0 && is_token(login, text)) {
        login->method = METHOD_BEARER;
        login_answer_bearer(login, text);
        return;
    }
    if (login->pieces++ > 0) {
        login_take_last(login, text, judge);
        return;
    }
    if (secret_copy(text, &login->password) < 0)
        login_refuse(login, OUTCOME_INTERNAL, "out of memory", NULL);
    else if (wants_code(login))
        login_ask(login, LOGIN_EVENT_PIECE, STEP_ASK_VISIBLE, PROMPT_CODE);
    else
        login_take_last(login, NULL, judge);
}
