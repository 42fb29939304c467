/*
 * The device method (design §3, RFC 8628): the provider gives a code, the person is shown it and
 * asked for Enter, polling runs from the start, and what comes back is judged.
 */
#include <errno.h>
#include <string.h>

#include "common/channel.h"
#include "helper/host-name.h"
#include "helper/login-internal.h"
#include "helper/login-text.h"

#define PROVIDER_MARGIN_USEC (200 * USEC_PER_MSEC)

static int compose_device(Login *login, const DeviceCode *code, char **ret_text)
{
    Manager *manager = login->logins->manager;
    uint64_t left = login_time_left_usec(login) / USEC_PER_SEC;
    char host[HOST_NAME_SIZE];

    int r = host_name(host);
    if (r < 0)
        return r;
    DeviceText facts = {
        .uri = code->verification_uri ? code->verification_uri : "",
        .uri_complete = code->verification_uri_complete,
        .user_code = code->user_code ? code->user_code : "",
        .user = login->user,
        .host = host,
        .rhost = login->rhost,
        .seconds_left = code->expires_in_sec < left ? code->expires_in_sec : left,
        .qr = login->no_qr ? SHOW_QR_NO : manager->config->show_qr,
    };
    return login_text_device(&facts, ret_text);
}

static void on_code(Provider *provider, const DeviceCode *code, void *userdata)
{
    _cleanup_free_ char *text = NULL;
    Login *login = userdata;
    LoginDecision decision;

    if (!login_step(login, LOGIN_EVENT_CODE, &decision))
        return;
    int r = compose_device(login, code, &text);
    if (r < 0) {
        login_refuse(login, OUTCOME_UNAVAILABLE, "the provider's address or code cannot be shown",
                     NULL);
        return;
    }
    r = channel_send_step(login->channel, STEP_SHOW, OUTCOME_INTERNAL, text);
    if (r == 0)
        r = channel_send_step(login->channel, STEP_ASK_VISIBLE, OUTCOME_INTERNAL, LOGIN_PROMPT);
    if (r < 0)
        login_gone(login, "the client's channel takes no more");
}

/* What the provider's answers here prove they prove about whoever used the code, who need not be
 * the account's owner: it decides this login and never moves a verdict. */
static void on_refused_by_provider(Login *login, Provider *provider, TokenResult *result)
{
    if (result->evidence.meaning == EVIDENCE_OUR_FAULT)
        manager_alarm(login->logins->manager,
                      ALARM_REGISTRATION ": %s. Nobody can sign in; check ClientId= and the "
                      "secret.",
                      provider_name(provider), result->evidence.code);
    login_refuse(login, evidence_to_outcome(result->evidence.meaning), result->reason, NULL);
}

static void on_done(Provider *provider, TokenResult *result, void *userdata)
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
        on_refused_by_provider(login, provider, result);
}

void login_begin_device(Login *login)
{
    static const DeviceHandlers handlers = {.on_code = on_code, .on_done = on_done};
    Provider *provider = manager_provider(login->logins->manager, login->account);
    uint64_t left = login_time_left_usec(login);

    /* A little earlier than our own end: the provider's part knows better why nothing came. */
    left = left > PROVIDER_MARGIN_USEC ? left - PROVIDER_MARGIN_USEC : 0;
    int r = provider_device_login(provider, &handlers, left, login, &login->op);
    if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the sign-in could not be started", NULL);
}
