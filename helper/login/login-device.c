/*
 * The device method (design §3, RFC 8628): the provider gives a code, the person is shown it and
 * asked for Enter, polling runs from the start, and what comes back is judged.
 */
#include "common/channel.h"
#include "helper/login/login-internal.h"

static int compose(Login *login, const DeviceCode *code, char **ret_text)
{
    SignInText facts;
    char host[HOST_NAME_SIZE];

    int r = login_method_facts(login, host, &facts);
    if (r < 0)
        return r;
    facts.uri = code->verification_uri ? code->verification_uri : "";
    facts.uri_complete = code->verification_uri_complete;
    facts.user_code = code->user_code ? code->user_code : "";
    if (code->expires_in_sec < facts.seconds_left)
        facts.seconds_left = code->expires_in_sec;
    return login_text_device(&facts, ret_text);
}

static void on_code(Provider *provider, const DeviceCode *code, void *userdata)
{
    _cleanup_free_ char *text = NULL;
    Login *login = userdata;
    LoginDecision decision;

    if (!login_step(login, LOGIN_EVENT_CODE, &decision))
        return;
    int r = compose(login, code, &text);
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

void login_begin_device(Login *login)
{
    static const DeviceHandlers handlers = {.on_code = on_code, .on_done = login_method_done};
    Provider *provider = manager_provider(login->logins->manager, login->account);

    int r = provider_device_login(provider, &handlers, login_service(login),
                                  login_method_time_usec(login), login, &login->op);
    if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the sign-in could not be started", NULL);
}
