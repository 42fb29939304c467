/*
 * The offline method (design §3): while the provider cannot be reached, and only then, a one-time
 * code of this host and what its person knows sign in whom outage.h allows.
 *
 * It is nobody's choice: it takes over from a method whose request failed. Where anybody on this
 * host is prepared for it everybody is asked in the same way, and every refusal reads the same and
 * falls on the same beat; the log has the cause. What is wrong counts towards the lock-out.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/channel.h"
#include "helper/login/lockout.h"
#include "helper/login/login-internal.h"
#include "helper/login/outage.h"
#include "helper/revocation/refresher.h"
#include "helper/revocation/revocation.h"
#include "helper/store/store-offline.h"

#define TEXT_BEGINS   "The sign-in service cannot be reached; signing in offline.\n"
#define PROMPT_SECRET "Offline passphrase, or password: "
#define PROMPT_CODE   "One-time code: "
#define SECRET_MAX    1024u /* bytes */

/* --- may this person? ------------------------------------------------------------------------- */

/* Gives the hash along, where all is well. */
static Outcome judge(const Login *login, char ret_hash[OFFLINE_HASH_SIZE], const char **ret_reason)
{
    Manager *manager = login->logins->manager;
    OfflineKind kind = OFFLINE_NONE;

    ret_hash[0] = '\0';
    int has = store_offline_get(manager->store, login->account, &kind, ret_hash);
    const OutageFacts facts = {
        .reach = login->reach,
        .account = login->account,
        .config = manager->config,
        .is_enrolled = store_totp_has(manager->store, login->account) > 0,
        .has_secret = has > 0 && ret_hash[0] != '\0' &&
                      !login_offline_is_to_be_forgotten(login->logins, login->account),
        .is_held = revocation_is_held(login->account),
        .now = stamp_now(),
    };
    return outage_judge(&facts, ret_reason);
}

Outcome login_offline_judge(const Login *login, const char **ret_reason)
{
    char hash[OFFLINE_HASH_SIZE];
    Outcome outcome = judge(login, hash, ret_reason);

    explicit_bzero(hash, sizeof(hash));
    return outcome;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void ask(Login *login, LoginEvent event, StepKind kind, const char *prompt)
{
    LoginDecision decision;

    if (login_step(login, event, &decision) &&
        channel_send_step(login->channel, kind, OUTCOME_INTERNAL, prompt) < 0)
        login_gone(login, "the client's channel takes no more");
}

void login_begin_offline(Login *login)
{
    login->pieces = 0;
    login->password = secret_free(login->password);
    ask(login, LOGIN_EVENT_CODE, STEP_ASK_HIDDEN, PROMPT_SECRET);
}

/* --- judging ---------------------------------------------------------------------------------- */

/* "network: connection refused; confirmed 312 s ago" */
static int note_evidence(Login *login)
{
    Stamp now = stamp_now();
    uint64_t age = stamp_age_usec(&login->account->confirmed, &now);
    char *evidence = NULL;

    if (asprintf(&evidence, "%.100s; confirmed %" PRIu64 " s ago",
                 login->evidence ? login->evidence : "", age / USEC_PER_SEC) < 0)
        return -ENOMEM;
    free(login->evidence);
    login->evidence = evidence;
    return 0;
}

static void admit(Login *login)
{
    Manager *manager = login->logins->manager;
    int r = note_evidence(login);

    if (r == 0)
        r = factor_use(manager->store, login->account, &login->factor);
    if (r == -EALREADY)
        login_refuse(login, OUTCOME_WRONG_SECRET, "another sign-in used the code up", NULL);
    else if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the code's use could not be stored", NULL);
    else
        login_accept_offline(login);
}

static void on_asked(Account *account, const Evidence *evidence, void *userdata)
{
    Login *login = userdata;
    const char *reason;

    login->asking = NULL;
    if (evidence->meaning != EVIDENCE_CONFIRMED)
        login->reach = evidence->reach;
    Outcome outcome = login_offline_judge(login, &reason);
    if (outcome == OUTCOME_ALLOW)
        admit(login);
    else
        login_refuse(login, outcome, reason, NULL);
}

/* All that was asked for is right. The prompt may have stood for minutes, and whoever is between us
 * and the provider may have kept the sign-in from it and nothing else: it is asked once more, about
 * the account. A word of it against them counts, and any that does not vouch for them means that
 * there is no outage. A screen locker's sign-in changes no verdict. */
static void ask_once_more(Login *login)
{
    Manager *manager = login->logins->manager;

    if (login->caller != CALLER_ROOT)
        admit(login);
    else if (refresher_check(manager->refresher, login->account,
                             manager->config->check_timeout_usec, on_asked, login,
                             &login->asking) < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the provider could not be asked", NULL);
}

static void on_checked(int r, const char *hash, void *userdata)
{
    Login *login = userdata;

    login->hash = NULL;
    login->password = secret_free(login->password);
    login_note_judged(login);
    if (r == 0)
        ask_once_more(login);
    else if (r == -EKEYREJECTED)
        login_refuse(login, OUTCOME_WRONG_SECRET, "the offline passphrase or password is wrong",
                     NULL);
    else
        login_refuse(login, OUTCOME_UNAVAILABLE, "the hash could not be computed", NULL);
}

static bool has_size(const Secret *secret)
{
    return secret_size(secret) > 0 && secret_size(secret) <= SECRET_MAX;
}

/* With the code found good: who is asked about a hash has given it. */
static void check_secret(Login *login)
{
    char hash[OFFLINE_HASH_SIZE];
    const char *reason;

    Outcome outcome = judge(login, hash, &reason);
    if (outcome != OUTCOME_ALLOW)
        login_refuse(login, outcome, reason, NULL);
    else if (!has_size(login->password))
        login_refuse(login, OUTCOME_WRONG_SECRET, "an empty or far too long passphrase", NULL);
    else if (hasher_check(login->logins->manager->hasher, login->password, hash, on_checked, login,
                          &login->hash) < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the hash could not be computed", NULL);
    explicit_bzero(hash, sizeof(hash));
}

/* Whatever was given to another method counts no more, but the code that goes with it. */
static bool has_good_code(const Login *login)
{
    return login->factor.kind != FACTOR_NONE;
}

/* `code` is NULL where it was found good before the provider was asked. */
static void judge_answers(Login *login, const Secret *code)
{
    const char *reason = NULL;
    int r = 0;

    if (login_is_locked(login, true))
        return;
    if (login->pretends) {
        login_refuse(login, login->pretended, login->pretended_reason, NULL);
        return;
    }
    if (code)
        r = login_check_code(login, code, &reason);
    if (r == 0)
        check_secret(login);
    else
        login_refuse(login, login_code_outcome(r), reason, NULL);
}

void login_answer_offline(Login *login, const Secret *text)
{
    if (login->pieces++ > 0) {
        login_take_last(login, text, judge_answers);
        return;
    }
    if (secret_copy(text, &login->password) < 0)
        login_refuse(login, OUTCOME_INTERNAL, "out of memory", NULL);
    else if (has_good_code(login))
        login_take_last(login, NULL, judge_answers);
    else
        ask(login, LOGIN_EVENT_PIECE, STEP_ASK_VISIBLE, PROMPT_CODE);
}

/* --- taking over ------------------------------------------------------------------------------ */

/* The password that was just typed is the one whose hash is kept: nothing more is asked. */
static bool knows_typed_password(const Login *login)
{
    char hash[OFFLINE_HASH_SIZE];
    OfflineKind kind = OFFLINE_NONE;

    if (login->pretends)
        return false;
    int has = store_offline_get(login->logins->manager->store, login->account, &kind, hash);
    explicit_bzero(hash, sizeof(hash));
    return login->method == METHOD_PASSWORD && login->password && has_good_code(login) &&
           has > 0 && kind == OFFLINE_PASSWORD;
}

static void go_on_in_silence(Login *login)
{
    login->method = METHOD_OFFLINE;
    if (channel_send_step(login->channel, STEP_SHOW, OUTCOME_INTERNAL, TEXT_BEGINS) < 0)
        login_gone(login, "the client's channel takes no more");
    else
        judge_answers(login, NULL);
}

/* Once, where nothing was shown yet and the request may be made again. */
static bool asks_again(Login *login, const Evidence *evidence)
{
    if (evidence->reach != REACH_FAILED || login->asked_again || login->state != LOGIN_STARTING)
        return false;
    login->asked_again = true;
    login_method_begin(login);
    return true;
}

bool login_offline_is_offered(const Login *login)
{
    const Manager *manager = login->logins->manager;

    return manager->config->offline_grace_usec > 0 && store_offline_any(manager->store) > 0;
}

/* The code that was pasted is whoever's pasted it: that the provider fails at one proves no
 * outage, and must not lead past what it would say of them. */
static bool may_be_their_doing(const Login *login, const Evidence *evidence)
{
    return evidence->reach == REACH_FAILED && login->method == METHOD_BROWSER &&
           login->state == LOGIN_WAITING;
}

bool login_offline_takes_over(Login *login, const Evidence *evidence)
{
    /* Who enrols shows that the provider knows them; a program answers all with the password. */
    if (evidence->reach == REACH_ANSWERED || login->method == METHOD_OFFLINE || login->enrols ||
        login->caller == CALLER_SERVICE || may_be_their_doing(login, evidence))
        return false;
    if (asks_again(login, evidence))
        return true;
    if (!login_offline_is_offered(login))
        return false;
    login->reach = evidence->reach;
    if (knows_typed_password(login))
        go_on_in_silence(login);
    else
        login_method_go_on(login, METHOD_OFFLINE, TEXT_BEGINS);
    return true;
}

const char *login_offline_refusal(void)
{
    return "The sign-in service cannot be reached, and you could not be signed in offline.\n"
           "That needs a right passphrase and code, prepared before (rcpchctl totp enrol), and an\n"
           "account that was confirmed lately. Try again when the service answers, or ask this\n"
           "host's administrator; local accounts work.";
}
