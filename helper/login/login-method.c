/*
 * The methods of signing in as one table (design §3), and what all of them share: the facts that
 * are shown, the time there is, what becomes of the provider's answer, and which method is next.
 */
#include <string.h>

#include "common/channel.h"
#include "helper/base/host-name.h"
#include "helper/login/login-internal.h"
#include "helper/login/login-text.h"

/* How an alarm about a method begins that the provider lets nobody use. */
#define ALARM_METHOD         "Provider %s refuses the sign-in method %s"
#define PROVIDER_MARGIN_USEC (200 * USEC_PER_MSEC)

typedef struct MethodRow {
    const char *word;
    const char *name; /* for people: "the sign-in …" */
    void (*begin)(Login *login);
    /* What the person typed at the prompt; NULL: it was Enter, whatever it was. */
    void (*answer)(Login *login, const Secret *text);
    bool by_program; /* one hidden answer is enough: a program can give it for a person */
} MethodRow;

static const MethodRow methods[_METHOD_COUNT + 1] = {
    [METHOD_DEVICE] = {"device", "by code", login_begin_device, NULL},
    [METHOD_BROWSER] = {"browser", "in a browser", login_begin_browser, login_answer_browser},
    [METHOD_PASSWORD] = {"password", "by password", login_begin_password, login_answer_password,
                         true},
    [METHOD_OFFLINE] = {"offline", "offline", login_begin_offline, login_answer_offline},
    [METHOD_BEARER] = {"bearer", "by access token", login_begin_bearer, login_answer_bearer,
                       true},
};

const char *login_method_to_word(Method method)
{
    return (unsigned)method < ELEMENTSOF(methods) ? methods[method].word : NULL;
}

const char *login_words(const Login *login)
{
    static const char *const with_factor[] = {
        [FACTOR_TOTP] = "password,totp", [FACTOR_TOTP_SHARED] = "password,totp-shared",
        [FACTOR_RECOVERY] = "password,recovery-code"};

    if (login->method == METHOD_PASSWORD && login->factor.kind != FACTOR_NONE)
        return with_factor[login->factor.kind];
    return login_method_to_word(login->method);
}

void login_ask(Login *login, LoginEvent event, StepKind kind, const char *prompt)
{
    LoginDecision decision;

    if (login_step(login, event, &decision) &&
        channel_send_step(login->channel, kind, OUTCOME_INTERNAL, prompt) < 0)
        login_gone(login, "the client's channel takes no more");
}

bool login_has_method(const Login *login, Method method)
{
    Method methods_left[_METHOD_COUNT];
    size_t count = login_methods(login, methods_left);

    for (size_t i = 0; i < count; i++)
        if (methods_left[i] == method)
            return (login->refused_methods & 1u << method) == 0;
    return false;
}

/* A second factor is for who has signed in at this moment; a token may lie anywhere. A service that
 * speaks for people passes on one answer and shows nothing. */
static bool is_usable(const Login *login, Method method)
{
    if (login->enrols)
        return method != METHOD_BEARER;
    if (login->presents)
        return method == METHOD_BEARER;
    return login->caller != CALLER_SERVICE || methods[method].by_program;
}

/* What is presented for sudo must be what sudo takes. */
static const ServiceConfig *service_of_methods(const Login *login)
{
    return login->presents ? config_service(login->logins->manager->config, "sudo")
                           : login_service(login);
}

size_t login_methods(const Login *login, Method ret_methods[_METHOD_COUNT])
{
    const ProviderConfig *settings = login_settings(login);
    const ServiceConfig *service = service_of_methods(login);
    size_t count = 0, left = 0;

    if (login_client(login)) {
        ret_methods[0] = METHOD_BEARER;
        count = config_takes_method(service, METHOD_BEARER) ? 1 : 0;
    } else if (settings)
        count = config_methods(settings, service, ret_methods);
    for (size_t i = 0; i < count; i++)
        if (is_usable(login, ret_methods[i]))
            ret_methods[left++] = ret_methods[i];
    return left;
}

bool login_is_brief(const Login *login)
{
    Method methods_left[_METHOD_COUNT];

    return login->caller == CALLER_SERVICE ||
           (login->method == METHOD_BEARER && login_methods(login, methods_left) == 1);
}

bool login_has_way(const Config *config, const Account *account, const char *service)
{
    const ProviderConfig *provider = config_provider(config, account->provider);
    const ServiceConfig *section = config_service(config, service);
    Method methods_left[_METHOD_COUNT];

    if (config_service_account(config, account->name))
        return config_takes_method(section, METHOD_BEARER);
    return provider && config_methods(provider, section, methods_left) > 0;
}

/* What somebody reads for whom there is none. */
static void say_no_method(const Login *login, char *text, size_t size)
{
    const ServiceConfig *service = service_of_methods(login);

    if (login->presents)
        snprintf(text, size, "sudo takes no access token here for your account.\n"
                             "Ask the administrator of this host: Methods= has no bearer for it.");
    else
        snprintf(text, size,
                 "%.64s takes none of the ways of signing in that there are for your account.\n"
                 "Ask the administrator of this host: Methods= of [service %.64s] decides.",
                 login->service, service ? service->name : login->service);
}

bool login_first_method(Login *login)
{
    Method methods_left[_METHOD_COUNT];
    char text[384];

    if (login_methods(login, methods_left) > 0) {
        login->method = methods_left[0];
        return true;
    }
    say_no_method(login, text, sizeof(text));
    login_refuse(login, OUTCOME_UNAVAILABLE,
                 "Methods= of the service leaves no way of signing in for the account", text);
    return false;
}

void login_method_begin(Login *login)
{
    methods[login->method].begin(login);
}

bool login_method_answer(Login *login, const Secret *text)
{
    if (login->state != LOGIN_ASKING || !methods[login->method].answer)
        return false;
    methods[login->method].answer(login, text);
    return true;
}

int login_method_facts(Login *login, char host[HOST_NAME_SIZE], SignInText *ret_facts)
{
    *ret_facts = (SignInText){
        .user = login->user,
        .host = host,
        .rhost = login->rhost,
        .seconds_left = login_time_left_usec(login) / USEC_PER_SEC,
        .qr = login->no_qr ? SHOW_QR_NO : login->logins->manager->config->show_qr,
    };
    return host_name(host);
}

/* A little earlier than our own end: the provider's part knows better why nothing came. */
uint64_t login_method_time_usec(Login *login)
{
    uint64_t left = login_time_left_usec(login);

    return left > PROVIDER_MARGIN_USEC ? left - PROVIDER_MARGIN_USEC : 0;
}

/* --- the next method -------------------------------------------------------------------------- */

/* The one that Methods= lists behind the present one, and that was not refused. A reload may have
 * changed the list meanwhile. */
static bool find_next(const Login *login, Method *ret_method)
{
    Method methods_left[_METHOD_COUNT];
    size_t count = login_methods(login, methods_left);
    bool behind = false;

    if (!manager_provider(login->logins->manager, login->account))
        return false;
    for (size_t i = 0; i < count; i++) {
        Method method = methods_left[i];
        if (behind && !(login->refused_methods & 1u << method)) {
            *ret_method = method;
            return true;
        }
        behind = behind || method == login->method;
    }
    return false;
}

void login_take_last(Login *login, const Secret *code,
                     void (*judge)(Login *login, const Secret *code))
{
    LoginDecision decision;

    if (!login_step(login, LOGIN_EVENT_ANSWER, &decision))
        return;
    login_note_answer(login);
    login_answered(login);
    if (login->state == LOGIN_WAITING)
        judge(login, code);
}

bool login_method_pass(Login *login)
{
    Method next;

    if (!find_next(login, &next))
        return false;
    login->method = next;
    login_method_begin(login);
    return true;
}

/* A policy may be about one person; a registration is about everybody. */
static void note_refused_method(const Login *login, Method next, const Evidence *evidence)
{
    if (evidence->meaning == EVIDENCE_OUR_FAULT)
        manager_alarm(login->logins->manager,
                      ALARM_METHOD " (%s): people go on with %s. Allow it there, or take it out of "
                      "Methods=.",
                      login->account->provider, login_method_to_word(login->method), evidence->code,
                      login_method_to_word(next));
}

/* The prompt of the refused method may still stand: the next one begins when it is answered. */
void login_method_go_on(Login *login, Method next, const char *text)
{
    LoginDecision decision;

    if (!login_step(login, LOGIN_EVENT_NEXT, &decision))
        return;
    login->method = next;
    login->answered = false;
    login->answered_usec = 0;
    login->issued = (Stamp){0}; /* of a token that was too weak: it says nothing of what follows */
    login->proven = false;
    if (channel_send_step(login->channel, STEP_SHOW, OUTCOME_INTERNAL, text) < 0)
        login_gone(login, "the client's channel takes no more");
    else if (login->state == LOGIN_STARTING)
        login_method_begin(login);
}

static void go_on(Login *login, Method next, const char *said)
{
    char text[160];

    snprintf(text, sizeof(text), "%s the sign-in %s.\nAnother way:\n", said,
             methods[login->method].name);
    login_method_go_on(login, next, text);
}

/* --- the end of a method ---------------------------------------------------------------------- */

static void deny(Login *login, const Evidence *evidence, const char *reason)
{
    if (evidence->meaning == EVIDENCE_OUR_FAULT)
        manager_alarm(login->logins->manager,
                      ALARM_REGISTRATION ": %s. Nobody can sign in; check ClientId= and the "
                      "secret.",
                      login->account->provider, evidence->code);
    login_refuse(login, evidence_to_outcome(evidence->meaning), reason, NULL);
}

static void on_asked_about(Account *account, const Evidence *evidence, void *userdata)
{
}

/* "Disabled" is reason to ask about the account that was signed in to, of which we know the id. */
static void ask_about_account(Login *login, const Evidence *evidence)
{
    Manager *manager = login->logins->manager;
    Account *account = login->account;

    if (evidence->meaning == EVIDENCE_DISABLED && account && account->id &&
        account->state == ACCOUNT_ACTIVE)
        (void)refresher_check(manager->refresher, account, manager->config->check_timeout_usec,
                              on_asked_about, NULL, NULL);
}

/* What the provider's answers here prove they prove about whoever signed in there, who need not be
 * the account's owner, or about a name, which may be another's by now: it decides this login and
 * never moves a verdict. */
void login_method_refused(Login *login, const Evidence *evidence, const char *reason)
{
    Method next;

    free(login->evidence);
    login->evidence = strdup(evidence->code);
    if (evidence->meaning == EVIDENCE_WRONG_SECRET)
        login_offline_doubt(login);
    ask_about_account(login, evidence);
    if (login_offline_takes_over(login, evidence))
        return;
    login->refused_methods |= 1u << login->method;
    if (!evidence->is_of_method || !find_next(login, &next)) {
        deny(login, evidence, reason);
        return;
    }
    note_refused_method(login, next, evidence);
    login->op = provider_op_cancel(login->op);
    go_on(login, next, "Your organisation's sign-in service refuses");
}

bool login_method_too_weak(Login *login)
{
    Method next;

    login->refused_methods |= 1u << login->method;
    if (!find_next(login, &next))
        return false;
    go_on(login, next, "A second factor is needed for this, and it was not a part of");
    return true;
}

static void on_confirmed(Login *login, Provider *provider)
{
    Manager *manager = login->logins->manager;

    manager_alarm_over(manager, ALARM_REGISTRATION, provider_name(provider));
    manager_alarm_over(manager, ALARM_METHOD, provider_name(provider),
                       login_method_to_word(login->method));
}

void login_method_done(Provider *provider, TokenResult *result, void *userdata)
{
    Login *login = userdata;

    login->op = NULL; /* freed by the provider after this */
    free(login->evidence);
    login->evidence = strdup(result->evidence.code);
    if (result->evidence.meaning == EVIDENCE_CONFIRMED)
        on_confirmed(login, provider);
    if (result->evidence.meaning == EVIDENCE_CONFIRMED && result->identity)
        login_accept(login, result);
    else
        login_method_refused(login, &result->evidence, result->reason);
}
