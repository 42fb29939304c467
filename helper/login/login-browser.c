/*
 * The browser method (design §3, code-grant.h): the person opens an address, signs in, and pastes
 * the address on which their browser ends; in pieces where a terminal takes no long lines.
 */
#include "common/channel.h"
#include "helper/login/login-internal.h"
#include "helper/login/login-text.h"

static void ask(Login *login, const char *text)
{
    int r = channel_send_step(login->channel, STEP_SHOW, OUTCOME_INTERNAL, text);

    if (r == 0)
        r = channel_send_step(login->channel, STEP_ASK_VISIBLE, OUTCOME_INTERNAL,
                              LOGIN_PROMPT_PASTE);
    if (r < 0)
        login_gone(login, "the client's channel takes no more");
}

static void on_address(Provider *provider, const char *address, const char *redirect_uri,
                       void *userdata)
{
    _cleanup_free_ char *text = NULL;
    Login *login = userdata;
    LoginDecision decision;
    SignInText facts;
    char host[HOST_NAME_SIZE];

    if (!login_step(login, LOGIN_EVENT_CODE, &decision))
        return;
    int r = login_method_facts(login, host, &facts);
    facts.uri = address;
    facts.redirect_uri = redirect_uri;
    if (r == 0)
        r = login_text_browser(&facts, &text);
    if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the provider's address cannot be shown", NULL);
    else
        ask(login, text);
}

static void show_address(Login *login, const Evidence *evidence)
{
    static const BrowserHandlers handlers = {.on_address = on_address,
                                             .on_done = login_method_done};
    Provider *provider = manager_provider(login->logins->manager, login->account);

    login->pieces = 0;
    int r = provider_browser_login(provider, &handlers, login_service(login),
                                   login->account->directory_name, login_method_time_usec(login),
                                   login, &login->op);
    if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the sign-in could not be started", NULL);
}

/* The address is made here, and nothing would tell its reader that nobody answers there. */
void login_begin_browser(Login *login)
{
    if (login_offline_is_offered(login))
        login_probe(login, show_address);
    else
        show_address(login, NULL);
}

/* --- what was pasted -------------------------------------------------------------------------- */

static void on_code(Login *login, const BrowserAnswer *answer)
{
    LoginDecision decision;

    if (login_step(login, LOGIN_EVENT_ANSWER, &decision))
        login_answered(login);
}

static void on_refused(Login *login, const BrowserAnswer *answer)
{
    LoginDecision decision;

    if (login_step(login, LOGIN_EVENT_ANSWER, &decision)) /* no prompt stands any more */
        login_method_refused(login, &answer->evidence,
                             "the provider's page refused the sign-in");
}

static void on_incomplete(Login *login, const BrowserAnswer *answer)
{
    LoginDecision decision;
    char text[256];

    if (!login_step(login, LOGIN_EVENT_PIECE, &decision))
        return;
    snprintf(text, sizeof(text),
             "%zu characters have come, the last ones are: %s\n"
             "Paste what follows them, or press Enter if nothing does.\n",
             answer->pasted_size, answer->tail);
    ask(login, text);
}

static void on_nonsense(Login *login, const BrowserAnswer *answer)
{
    LoginDecision decision;

    if (login_step(login, LOGIN_EVENT_PIECE, &decision))
        ask(login, "That is not the whole address on which a sign-in ends.\n"
                   "Copy all of it from the browser's address bar, from http to the end.\n");
}

static void on_other_state(Login *login, const BrowserAnswer *answer)
{
    login_refuse(login, OUTCOME_WRONG_SECRET, "the pasted address belongs to another sign-in",
                 "That address belongs to another sign-in. Connect again, and open the address\n"
                 "that is shown then.");
}

static void on_other_issuer(Login *login, const BrowserAnswer *answer)
{
    login_refuse(login, OUTCOME_WRONG_SECRET, "the pasted address names another provider (mix-up)",
                 "That address comes from another sign-in service than the one this host asked.\n"
                 "Tell the administrator of this host.");
}

void login_answer_browser(Login *login, const Secret *piece)
{
    static void (*const handlers[])(Login *login, const BrowserAnswer *answer) = {
        [CODE_ANSWER_CODE] = on_code,
        [CODE_ANSWER_REFUSED] = on_refused,
        [CODE_ANSWER_INCOMPLETE] = on_incomplete,
        [CODE_ANSWER_OTHER_STATE] = on_other_state,
        [CODE_ANSWER_OTHER_ISSUER] = on_other_issuer,
        [CODE_ANSWER_NONSENSE] = on_nonsense,
    };
    BrowserAnswer answer;

    if (++login->pieces > PASTED_PIECES_MAX)
        login_refuse(login, OUTCOME_WRONG_SECRET, "no usable address was pasted", NULL);
    else if (provider_browser_answer(login->op, piece, &answer) < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the pasted address could not be read", NULL);
    else
        handlers[answer.verdict](login, &answer);
}
