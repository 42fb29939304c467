/*
 * Logins under way: their limits, their channels, their time (design §2, §3).
 *
 * A login is begun over the bus and lives on its private channel. What may happen when is the
 * table of login-states.c; this file turns what the channel, the clock and the provider say into
 * the table's events. A login ends exactly once, with exactly one line in the access log.
 */
#include "helper/login/login-internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/channel.h"
#include "helper/login/account-text.h"
#include "helper/session/admission.h"
#include "helper/login/auth-info.h"
#include "helper/login/lockout.h"
#include "helper/login/login-text.h"
#include "helper/base/hang-up.h"
#include "helper/base/networks.h"
#include "helper/retired.h"
#include "helper/revocation/revocation.h"
#include "helper/base/text-list.h"
#include "helper/token/strength.h"

#define TIMEOUT_DEFAULT_SEC 300u
#define TIMEOUT_MIN_SEC     10u
#define TIMEOUT_MAX_SEC     (LOGIN_LIFE_MAX_USEC / USEC_PER_SEC)
#define LINGER_USEC         (900 * USEC_PER_SEC) /* for an Enter after the decision */
#define LINGERING_MAX       256u

static uint64_t now_usec(Login *login);

/* Nothing that is asked for it goes on. */
static void cancel_work(Login *login)
{
    login->op = provider_op_cancel(login->op);
    login->hash = hash_job_cancel(login->hash);
    login->asking = refresher_wait_cancel(login->asking);
    login_accept_cancel(login);
}

static Login *login_free(Login *login)
{
    if (!login)
        return NULL;
    cancel_work(login);
    sd_event_source_disable_unref(login->io);
    sd_event_source_disable_unref(login->timer);
    hang_up(login->channel);
    free(login->user);
    free(login->service);
    free(login->rhost);
    free(login->tty);
    free(login->asker);
    free(login->enrols);
    free(login->hint);
    text_list_free(login->choices);
    free(login->identity);
    free(login->evidence);
    free(login->strength);
    secret_free(login->password);
    presented_token_clear(&login->presented);
    free(login);
    return NULL;
}
DEFINE_CLEANUP(Login *, login_free)

/* --- the end of a login ----------------------------------------------------------------------- */

static void close_channel(Login *login)
{
    login->io = sd_event_source_disable_unref(login->io);
    login->timer = sd_event_source_disable_unref(login->timer);
    hang_up(login->channel);
    login->channel = -1;
    (void)sd_event_source_set_enabled(login->logins->reaper, SD_EVENT_ONESHOT);
}

/* Runs once the loop is idle of the login's own callbacks. */
static int on_reap(sd_event_source *source, void *userdata)
{
    Logins *logins = userdata;
    Login **link = &logins->first;

    while (*link) {
        Login *login = *link;
        if (login->state == LOGIN_DECIDED && login->channel < 0) {
            *link = login->next;
            login_free(login);
        } else {
            link = &login->next;
        }
    }
    return 0;
}

void login_fill_record(const Login *login, Record *record, char uid[16])
{
    record->event = RECORD_LOGIN;
    record_set(record, RECORD_USER, login->user);
    record_set(record, RECORD_SERVICE, login->service);
    record_set(record, RECORD_RHOST, login->rhost);
    record_set(record, RECORD_TTY, login->tty);
    record_set(record, RECORD_METHOD, login_words(login));
    record_set(record, RECORD_EVIDENCE, login->evidence);
    if (!login->account)
        return;
    snprintf(uid, 16, "%u", login->account->uid);
    record_set(record, RECORD_UID, uid);
    record_set(record, RECORD_PROVIDER, login->account->provider);
    record_set(record, RECORD_IDENTITY,
               login->account->id ? login->account->id : login->account->directory_name);
}

static void log_denial(Login *login, Outcome outcome, const char *reason)
{
    Record record = {0};
    char uid[16];

    login_fill_record(login, &record, uid);
    record_set(&record, RECORD_OUTCOME, outcome_to_word(outcome));
    record_set(&record, RECORD_REASON, reason);
    if (outcome == OUTCOME_WRONG_IDENTITY)
        record_set(&record, RECORD_OTHER, login->identity);
    manager_log(login->logins->manager, &record);
    login->recorded = true;
}

/* The module may still sit in its prompt: it hears the outcome when it reads again, so the
 * channel stays open, bounded, with its timer as the bound. */
void login_finish(Login *login, Outcome outcome, const char *text)
{
    cancel_work(login);
    if (login->channel < 0)
        return;
    if (channel_send_step(login->channel, STEP_FINISHED, outcome, text ? text : "") < 0 ||
        sd_event_source_set_time_relative(login->timer, LINGER_USEC) < 0 ||
        sd_event_source_set_enabled(login->timer, SD_EVENT_ONESHOT) < 0) /* it may have fired */
        close_channel(login);
}

int login_give_channel(Login *login)
{
    int channel = TAKE_FD(login->channel);

    login_accept_cancel(login);
    close_channel(login);
    return channel;
}

static void tell(Login *login, Outcome outcome, const char *text)
{
    if (login->method == METHOD_OFFLINE && login->answered_usec != 0)
        text = login_offline_refusal();
    text = text ? text : login_text_refusal(outcome);
    login_finish(login, outcome, text ? text : outcome_to_text(outcome));
}

/* What a guesser could learn from. */
static bool is_telling(Outcome outcome)
{
    static const Outcome telling[] = {OUTCOME_WRONG_SECRET, OUTCOME_LOCKED_OUT, OUTCOME_DISABLED,
                                      OUTCOME_REVOKED, OUTCOME_NOT_BOUND, OUTCOME_NOT_IN_GROUP,
                                      OUTCOME_WRONG_IDENTITY, OUTCOME_INTERNAL};

    for (size_t i = 0; i < ELEMENTSOF(telling); i++)
        if (outcome == telling[i])
            return true;
    return false;
}

static void tell_later(Login *login, Outcome outcome)
{
    cancel_work(login);
    login->untold = true;
    bool hides = login->pretends || login->method == METHOD_OFFLINE ||
                 (!login->proven && is_telling(outcome));
    login->told = login->unjudged ? OUTCOME_UNAVAILABLE : hides ? OUTCOME_WRONG_SECRET : outcome;
    uint64_t when =
        refusal_beat_next(&login->logins->beat, login->answered_usec, now_usec(login));
    if (sd_event_source_set_time(login->timer, when) < 0 ||
        sd_event_source_set_enabled(login->timer, SD_EVENT_ONESHOT) < 0)
        close_channel(login);
}

/* Who leaves, or has the time run out, before the answer was found right has tried it all the
 * same. Who waits for the provider's word on a right one has not guessed. */
static bool has_left_untold(const Login *login, Outcome outcome)
{
    return (outcome == OUTCOME_CANCELLED || outcome == OUTCOME_CODE_EXPIRED) && !login->asking &&
           (login->method == METHOD_PASSWORD || login->method == METHOD_OFFLINE) &&
           (login->seen & 1u << LOGIN_EVENT_APPROVED) == 0;
}

/* Who presents a token runs as the account's own user, and may hear what is wrong with it. */
static void tell_presenter(Login *login, Outcome outcome, const char *reason, const char *text)
{
    char words[256];

    snprintf(words, sizeof(words),
             "The token is not taken: %.160s.\nGet a new one, of your own and for this host's API.",
             reason ? reason : outcome_to_word(outcome));
    tell(login, outcome, text || login->answered_usec == 0 ? text : words);
}

/* A wrong answer to what can be guessed, also where any answer would have been wrong. */
static bool is_failure(const Login *login, Outcome outcome)
{
    if (login->answered_usec == 0 || outcome == OUTCOME_LOCKED_OUT)
        return false;
    /* No guess is ever a signed token: who presents an old one ten times locks nobody out. */
    if (login->method == METHOD_BEARER)
        return false;
    if (has_left_untold(login, outcome))
        return true;
    return outcome == OUTCOME_WRONG_SECRET || (login->pretends && !login->unjudged);
}

static void deny(Login *login, Outcome outcome, const char *reason, const char *text)
{
    if (outcome == OUTCOME_ALLOW)
        outcome = OUTCOME_INTERNAL;
    log_denial(login, outcome, reason);
    if (is_failure(login, outcome)) {
        LockoutAttempt attempt = login_attempt(login);
        attempt.is_known = login->from_known_place;
        lockout_failed(login->logins->manager, &attempt);
    }
    login->password = secret_free(login->password);
    if (login->presents)
        tell_presenter(login, outcome, reason, text);
    else if (login->answered_usec != 0 && login->channel >= 0)
        tell_later(login, outcome);
    else
        tell(login, outcome, text);
}

void login_note_answer(Login *login)
{
    login->answered_usec = now_usec(login);
}

void login_note_judged(Login *login)
{
    uint64_t now = now_usec(login);

    refusal_beat_note(&login->logins->beat, now - login->answered_usec, now);
}

void login_refuse(Login *login, Outcome outcome, const char *reason, const char *text)
{
    LoginDecision decision;

    if (login_states_step(&login->state, &login->seen, LOGIN_EVENT_REFUSED, &decision) < 0)
        return; /* decided already */
    deny(login, outcome, reason, text);
}

bool login_step(Login *login, LoginEvent event, LoginDecision *ret_decision)
{
    if (login_states_step(&login->state, &login->seen, event, ret_decision) == 0)
        return true;
    if (login->state == LOGIN_DECIDED)
        close_channel(login);
    else
        login_refuse(login, OUTCOME_INTERNAL, "something came out of order", NULL);
    return false;
}

/* The module hung up, or its conversation failed: the provider is not asked any more. */
void login_gone(Login *login, const char *reason)
{
    LoginDecision decision;

    if (login_step(login, LOGIN_EVENT_GONE, &decision) && decision == LOGIN_DECIDES_DENY)
        deny(login, OUTCOME_CANCELLED, reason, NULL);
    if (login->channel >= 0)
        close_channel(login);
}

/* --- the channel ------------------------------------------------------------------------------ */

void login_answered(Login *login)
{
    login->answered = true;
    if (channel_send_step(login->channel, STEP_WAIT, OUTCOME_INTERNAL, "") < 0)
        login_gone(login, "the client's channel takes no more");
    else if (login->state == LOGIN_READY)
        login_record_admission(login);
}

static void on_answer(Login *login, const Secret *text)
{
    LoginDecision decision;

    if (login_choice_answer(login, text) || login_method_answer(login, text))
        return;
    if (!login_step(login, LOGIN_EVENT_ANSWER, &decision) || login->state == LOGIN_DECIDED)
        return;
    if (login->state == LOGIN_STARTING) /* it was to the prompt of a refused method */
        login_method_begin(login);
    else
        login_answered(login);
}

static int on_channel(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    _cleanup_secret_ Secret *text = NULL;
    Login *login = userdata;
    AnswerKind kind;

    int r = channel_receive_answer(fd, &kind, &text);
    if (r == -EAGAIN && (events & (EPOLLHUP | EPOLLERR)) == 0)
        return 0;
    if (r == 0 && kind == ANSWER_TEXT)
        on_answer(login, text);
    else if (r == 0)
        login_gone(login, "the client gave up");
    else
        login_gone(login, r == -EBADMSG ? "the client sent nonsense" : "the client hung up");
    return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    Login *login = userdata;

    if (login->state == LOGIN_DECIDED && login->untold) {
        login->untold = false;
        tell(login, login->told, NULL);
    } else if (login->state == LOGIN_DECIDED)
        close_channel(login);
    else if (login->state == LOGIN_PUBLISHING || login->state == LOGIN_RECORDING)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the enforcer did not answer in time", NULL);
    else if (login->state == LOGIN_STARTING)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the provider gave no code in time", NULL);
    else
        login_refuse(login, OUTCOME_CODE_EXPIRED, "nobody signed in within the time", NULL);
    return 0;
}

/* --- time ------------------------------------------------------------------------------------- */

static uint64_t now_usec(Login *login)
{
    uint64_t now = 0;

    (void)sd_event_now(login->logins->manager->event, CLOCK_BOOTTIME, &now);
    return now;
}

uint64_t login_time_left_usec(Login *login)
{
    uint64_t now = now_usec(login);

    return login->deadline_usec > now ? login->deadline_usec - now : 0;
}

void login_limit_time(Login *login, uint64_t usec)
{
    uint64_t limit = now_usec(login) + usec;

    if (limit < login->deadline_usec)
        (void)sd_event_source_set_time(login->timer, limit);
}

void login_unlimit_time(Login *login)
{
    (void)sd_event_source_set_time(login->timer, login->deadline_usec);
}

/* --- limits ----------------------------------------------------------------------------------- */

/* Decided logins whose module sits in its prompt hold a descriptor each: the oldest go first. */
static void bound_lingering(Logins *logins)
{
    unsigned count = 0;

    for (Login *login = logins->first; login; login = login->next) /* newest first */
        if (login->state == LOGIN_DECIDED && login->channel >= 0 && ++count > LINGERING_MAX)
            close_channel(login);
}

size_t logins_count(const Logins *logins)
{
    size_t count = 0;

    for (const Login *login = logins->first; login; login = login->next)
        count += login_is_pending(login);
    return count;
}

/* --- the beginning ---------------------------------------------------------------------------- */

Outcome login_may_begin(Manager *manager, const Account *account, bool unprivileged,
                        const char **ret_reason)
{
    Stamp now = stamp_now();

    *ret_reason = NULL;
    if (!account || account->state != ACCOUNT_ACTIVE) {
        *ret_reason = account ? "the account was forgotten" : "the account is not known here";
        return account ? OUTCOME_DISABLED : OUTCOME_UNAVAILABLE;
    }
    Outcome outcome = verdict_admits(account, manager->config, true, false, &now);
    if (outcome != OUTCOME_ALLOW) {
        *ret_reason = account->evidence;
        return outcome;
    }
    const ProviderConfig *provider = config_provider(manager->config, account->provider);
    if (!provider || provider->method_count == 0 || !manager_provider(manager, account)) {
        *ret_reason = "the account's provider is not configured";
        return OUTCOME_UNAVAILABLE;
    }
    if (!account->id && !config_service_account(manager->config, account->name) &&
        (unprivileged || provider->first_bind == FIRST_BIND_NO)) {
        *ret_reason = "the account is not bound to a directory id";
        return OUTCOME_NOT_BOUND;
    }
    return OUTCOME_ALLOW;
}

/* The group that an elevation needs and the directory has just said the person is not in. PAM asks
 * for the sign-in before the account phase refuses: nobody is to fetch a telephone for nothing.
 * Knowledge older than polls leave it refuses nobody here: a sign-in brings the groups. */
static const char *known_missing_group(const Login *login)
{
    const Config *config = login->logins->manager->config;
    Stamp now = stamp_now();

    if (!service_elevates(login->service) || login->account->verdict != VERDICT_ACTIVE ||
        stamp_age_usec(&login->account->confirmed, &now) >
            config->fresh_usec + config->refresh_check_usec)
        return NULL;
    return admission_missing_group(login->account, config, login->service);
}

/* Tied, and not added yet. */
static bool is_not_added(const Login *login)
{
    return !login->account && account_is_to_be_tied(login->logins->manager->config, login->user);
}

static Outcome judge_account(const Login *login, const char **ret_reason)
{
    if (!is_not_added(login))
        return login_may_begin(login->logins->manager, login->account,
                               login->caller != CALLER_ROOT, ret_reason);
    *ret_reason = REASON_NOT_ADDED;
    return OUTCOME_NOT_BOUND;
}

static void refuse_not_added(Login *login)
{
    char text[ACCOUNT_TEXT_SIZE];

    account_text(&(AccountTextFacts){.outcome = OUTCOME_NOT_BOUND, .rule = RULE_NOT_ADDED}, text);
    login_refuse(login, OUTCOME_NOT_BOUND, REASON_NOT_ADDED, text);
}

static void refuse_group(Login *login, const char *missing)
{
    char text[ACCOUNT_TEXT_SIZE];

    account_text(&(AccountTextFacts){.outcome = OUTCOME_NOT_IN_GROUP, .rule = "groups",
                                     .missing = missing}, text);
    login_refuse(login, OUTCOME_NOT_IN_GROUP, "not in a group that the service requires", text);
}

const ServiceConfig *login_service(const Login *login)
{
    return config_service(login->logins->manager->config, login->service);
}

/* No sign-in of this provider could be strong enough: nobody is to fetch a telephone for
 * nothing. */
static bool can_be_strong_enough(const Login *login)
{
    const ServiceConfig *service = login_service(login);
    const ProviderConfig *provider =
        config_provider(login->logins->manager->config, login->account->provider);

    return !strength_is_required(service) ||
           (provider && strength_wanted(service, provider->type));
}

static void refuse_strength(Login *login)
{
    char text[ACCOUNT_TEXT_SIZE];

    account_text(&(AccountTextFacts){.outcome = OUTCOME_MFA_MISSING, .rule = "strength untold"},
                 text);
    login_refuse(login, OUTCOME_MFA_MISSING,
                 "the service asks of a sign-in what the account's provider never tells", text);
}

/* Strangers learn nothing of the account, and make no code appear. */
static Outcome judge_origin(const Login *login, const char *auth_info, const char **ret_reason)
{
    const Config *config = login->logins->manager->config;
    const ServiceConfig *service = login_service(login);

    if (!admission_allows_address(config, login->service, login->rhost)) {
        *ret_reason = networks_refusal(login->rhost);
        return OUTCOME_NOT_FROM_HERE;
    }
    if (service && service->require_prior == REQUIRE_PRIOR_PUBLICKEY &&
        !auth_info_has(auth_info, "publickey")) {
        *ret_reason = "RequirePrior= wants a key first, and sshd accepted none";
        return OUTCOME_KEY_FIRST;
    }
    return OUTCOME_ALLOW;
}

/* Asks for everything that it would ask somebody for who may come in. */
static void pretend(Login *login, Outcome outcome, const char *reason)
{
    login->pretends = true;
    login->pretended = outcome;
    login->pretended_reason = reason;
    if (login_first_method(login))
        login_method_begin(login);
}

static void begin(Login *login, const char *auth_info)
{
    const char *reason = NULL;

    Outcome outcome = judge_origin(login, auth_info, &reason);
    if (outcome == OUTCOME_ALLOW && login->caller == CALLER_ROOT && !login_client(login) &&
        login_choice_prepare(login) < 0) {
        reason = "who is to be asked could not be stored";
        outcome = OUTCOME_UNAVAILABLE;
    }
    if (outcome == OUTCOME_ALLOW)
        outcome = judge_account(login, &reason);
    const char *missing = outcome == OUTCOME_ALLOW ? known_missing_group(login) : NULL;
    if (missing) {
        refuse_group(login, missing);
        return;
    }
    if (outcome == OUTCOME_ALLOW && !login_password_hides(login) && !can_be_strong_enough(login)) {
        refuse_strength(login);
        return;
    }
    bool pretends = outcome != OUTCOME_ALLOW && login_password_hides(login);
    /* Where a menu is shown first, what is chosen decides. */
    if (outcome == OUTCOME_ALLOW && !login->choices && !login_first_method(login))
        return;
    if (outcome == OUTCOME_ALLOW || pretends) {
        const char *limit = login_limit(login);
        reason = limit ? limit : reason;
        outcome = limit ? OUTCOME_TOO_MANY : outcome;
    }
    if (pretends && outcome != OUTCOME_TOO_MANY)
        pretend(login, outcome, reason);
    else if (outcome == OUTCOME_NOT_BOUND && is_not_added(login))
        refuse_not_added(login);
    else if (outcome != OUTCOME_ALLOW)
        login_refuse(login, outcome, reason, NULL);
    else if (!login_begin_presented(login) && !login_choice_begin(login))
        login_method_begin(login);
}

static uint32_t clamp_timeout(uint32_t seconds)
{
    if (seconds == 0)
        return TIMEOUT_DEFAULT_SEC;
    if (seconds < TIMEOUT_MIN_SEC)
        return TIMEOUT_MIN_SEC;
    return seconds > TIMEOUT_MAX_SEC ? (uint32_t)TIMEOUT_MAX_SEC : seconds;
}

static int add_sources(Login *login, uint32_t timeout_sec)
{
    sd_event *event = login->logins->manager->event;

    int r = sd_event_add_io(event, &login->io, login->channel, EPOLLIN, on_channel, login);
    if (r < 0)
        return r;
    /* A little before the module's own patience, so that it hears why. */
    uint64_t usec = clamp_timeout(timeout_sec) * USEC_PER_SEC - USEC_PER_SEC;
    login->deadline_usec = now_usec(login) + usec;
    return sd_event_add_time(event, &login->timer, CLOCK_BOOTTIME, login->deadline_usec,
                             100 * USEC_PER_MSEC, on_time, login);
}

/* Only root's word counts, and only where there is no address: it is the name su gives its
 * caller. */
static const char *asker_of(const LoginRequest *request)
{
    bool other = request->caller == CALLER_ROOT && request->rhost[0] == '\0' &&
                 strcmp(request->ruser, request->user) != 0;

    return other ? request->ruser : "";
}

static int login_new(Logins *logins, const LoginRequest *request, int channel, Login **ret_login)
{
    _cleanup_(login_freep) Login *login = calloc(1, sizeof(*login));

    if (!login) {
        close(channel);
        return -ENOMEM;
    }
    login->logins = logins;
    login->channel = channel;
    login->no_qr = request->no_qr;
    login->caller = request->caller;
    login->by_owner = strcmp(request->ruser, request->user) == 0;
    login->presents = request->presents;
    login->audit_session = request->audit_session;
    login->account = accounts_find(logins->manager->accounts, request->user);
    login->user = strdup(request->user);
    login->service = strdup(request->service);
    /* Where an account says that it is itself proves nothing, and counts for nothing. */
    login->rhost = strdup(request->caller == CALLER_OWNER ? "" : request->rhost);
    login->tty = strdup(request->tty);
    login->asker = strdup(asker_of(request));
    login->hint = strdup(request->provider ? request->provider : "");
    if (request->enrols && !(login->enrols = strdup(request->enrols)))
        return -ENOMEM;
    if (!login->user || !login->service || !login->rhost || !login->tty || !login->asker ||
        !login->hint)
        return -ENOMEM;
    int r = random_id(login->sign_in);
    if (r >= 0)
        r = add_sources(login, request->timeout_sec);
    if (r < 0)
        return r;
    *ret_login = TAKE_PTR(login);
    return 0;
}

/* Who knows an existing name is asked for a secret; who does not is to see the same. */
static bool hides_unknown_names(const Login *login)
{
    const ServiceConfig *service = login_service(login);

    return !login->account && login_password_hides(login) &&
           (!service || service->unknown_names == UNKNOWN_NAMES_HIDE);
}

int logins_begin(Logins *logins, const LoginRequest *request, int *ret_channel,
                 char ret_sign_in[RANDOM_ID_SIZE])
{
    _cleanup_close_ int ours = -1, theirs = -1;
    Login *login;

    int r = channel_new(&ours, &theirs);
    if (r < 0)
        return r;
    r = login_new(logins, request, TAKE_FD(ours), &login);
    if (r < 0)
        return r;
    if (request->is_unknown && !hides_unknown_names(login)) {
        login_free(login);
        return -ENOENT;
    }
    login->next = logins->first;
    logins->first = login;
    memcpy(ret_sign_in, login->sign_in, RANDOM_ID_SIZE);
    if (login->enrols)
        (void)channel_send_step(login->channel, STEP_SHOW, OUTCOME_INTERNAL,
                                "Sign in first, to enrol a second factor.\n");
    begin(login, request->auth_info);
    bound_lingering(logins);
    *ret_channel = TAKE_FD(theirs);
    return 0;
}

void logins_account_changed(Logins *logins, Account *account, Outcome outcome)
{
    if (outcome == OUTCOME_ALLOW)
        return;
    for (Login *login = logins->first; login; login = login->next)
        if (login->account == account && login_is_pending(login))
            login_refuse(login, outcome, account->evidence, NULL);
}

void logins_end_all(Logins *logins, Outcome outcome, const char *reason)
{
    for (Login *login = logins->first; login; login = login->next)
        if (login_is_pending(login))
            login_refuse(login, outcome, reason, NULL);
}

int logins_new(Manager *manager, Logins **ret_logins)
{
    _cleanup_(logins_freep) Logins *logins = calloc(1, sizeof(*logins));

    if (!logins)
        return -ENOMEM;
    logins->manager = manager;
    int r = sd_event_add_defer(manager->event, &logins->reaper, on_reap, logins);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(logins->reaper, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret_logins = TAKE_PTR(logins);
    return 0;
}

Logins *logins_free(Logins *logins)
{
    if (!logins)
        return NULL;
    while (logins->first) {
        Login *login = logins->first;
        logins->first = login->next;
        login_free(login);
    }
    logins_offline_free(logins);
    sd_event_source_disable_unref(logins->reaper);
    free(logins);
    return NULL;
}
