/*
 * The methods of signing in as one table (design §3), and what all of them share: the facts that
 * are shown, the time there is, and what becomes of the provider's answer.
 */
#include <string.h>

#include "helper/host-name.h"
#include "helper/login-internal.h"
#include "helper/login-text.h"

#define PROVIDER_MARGIN_USEC (200 * USEC_PER_MSEC)

typedef struct MethodRow {
    const char *word;
    void (*begin)(Login *login);
    /* What the person typed at the prompt; NULL: it was Enter, whatever it was. */
    void (*answer)(Login *login, const Secret *text);
} MethodRow;

static const MethodRow methods[_METHOD_COUNT] = {
    [METHOD_DEVICE] = {"device", login_begin_device, NULL},
    [METHOD_BROWSER] = {"browser", login_begin_browser, login_answer_browser},
};

const char *login_method_to_word(Method method)
{
    return (unsigned)method < _METHOD_COUNT ? methods[method].word : NULL;
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

/* What the provider's answers here prove they prove about whoever signed in there, who need not be
 * the account's owner: it decides this login and never moves a verdict. */
void login_method_refused(Login *login, const Evidence *evidence, const char *reason)
{
    const char *provider = login->account->provider;

    free(login->evidence);
    login->evidence = strdup(evidence->code);
    if (evidence->meaning == EVIDENCE_OUR_FAULT)
        manager_alarm(login->logins->manager,
                      ALARM_REGISTRATION ": %s. Nobody can sign in; check ClientId= and the "
                      "secret.",
                      provider, evidence->code);
    login_refuse(login, evidence_to_outcome(evidence->meaning), reason, NULL);
}

void login_method_done(Provider *provider, TokenResult *result, void *userdata)
{
    Login *login = userdata;

    login->op = NULL; /* freed by the provider after this */
    free(login->evidence);
    login->evidence = strdup(result->evidence.code);
    if (result->evidence.meaning == EVIDENCE_CONFIRMED)
        manager_alarm_over(login->logins->manager, ALARM_REGISTRATION, provider_name(provider));
    if (result->evidence.meaning == EVIDENCE_CONFIRMED && result->identity)
        login_accept(login, result);
    else
        login_method_refused(login, &result->evidence, result->reason);
}
