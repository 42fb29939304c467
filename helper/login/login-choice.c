/*
 * A short menu, where several providers may be asked and nothing has decided between them
 * (login-provider.h). An account that was never bound takes over the provider that was chosen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/channel.h"
#include "helper/login/login-internal.h"
#include "helper/login/login-provider.h"
#include "helper/base/text-list.h"

#define PROMPT_CHOICE "Number or name: "

static int find(const Login *login, const ProviderConfig *providers[CONFIG_PROVIDERS_MAX])
{
    return (int)login_providers(login->account, login->logins->manager->config, login->service,
                                login->hint, providers);
}

static int take(Login *login, const ProviderConfig *provider)
{
    Accounts *accounts = login->logins->manager->accounts;

    if (strcmp(login->account->provider, provider->name) == 0)
        return 0;
    return account_set_provider(accounts, login->account, provider->name);
}

int login_choice_prepare(Login *login)
{
    const ProviderConfig *providers[CONFIG_PROVIDERS_MAX];
    int count = login->account ? find(login, providers) : 0, r = 0;

    if (count == 0)
        return 0;
    if (count > 1)
        login->choices = text_list_new();
    for (int i = 0; count > 1 && r >= 0 && i < count; i++)
        r = login->choices ? text_list_add(&login->choices, providers[i]->name) : -ENOMEM;
    return r < 0 ? r : take(login, providers[0]);
}

static void ask(Login *login, const char *text)
{
    int r = channel_send_step(login->channel, STEP_SHOW, OUTCOME_INTERNAL, text);

    if (r == 0)
        r = channel_send_step(login->channel, STEP_ASK_VISIBLE, OUTCOME_INTERNAL, PROMPT_CHOICE);
    if (r < 0)
        login_gone(login, "the client's channel takes no more");
}

bool login_choice_begin(Login *login)
{
    char text[64 + CONFIG_PROVIDERS_MAX * (NAME_SHORT_MAX + 8)] = "Where do you sign in?\n";
    LoginDecision decision;
    size_t used = strlen(text);

    if (!login->choices)
        return false;
    for (size_t i = 0; login->choices[i] && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%3zu  %s\n", i + 1,
                                 login->choices[i]);
    if (login_step(login, LOGIN_EVENT_MENU, &decision))
        ask(login, text);
    return true;
}

/* "2", or the name itself. */
static const char *read_choice(char *const *choices, const char *text)
{
    for (size_t i = 0; choices[i]; i++) {
        char number[24];
        snprintf(number, sizeof(number), "%zu", i + 1);
        if (strcmp(text, number) == 0 || strcmp(text, choices[i]) == 0)
            return choices[i];
    }
    return NULL;
}

/* The configuration may have changed since the menu was shown. */
static const ProviderConfig *find_chosen(const Login *login, const char *name)
{
    const ProviderConfig *providers[CONFIG_PROVIDERS_MAX];
    int count = find(login, providers);

    for (int i = 0; i < count; i++)
        if (strcmp(providers[i]->name, name) == 0)
            return providers[i];
    return NULL;
}

static void begin_with(Login *login, const char *name)
{
    const ProviderConfig *provider = find_chosen(login, name);
    LoginDecision decision;

    if (!login_step(login, LOGIN_EVENT_ANSWER, &decision))
        return;
    if (!provider || take(login, provider) < 0) {
        login_refuse(login, OUTCOME_UNAVAILABLE, "the chosen provider cannot be asked", NULL);
        return;
    }
    text_list_free(login->choices);
    login->choices = NULL;
    login->pieces = 0;
    if (login_first_method(login))
        login_method_begin(login);
}

bool login_choice_answer(Login *login, const Secret *text)
{
    LoginDecision decision;

    if (login->state != LOGIN_TURNING || !login->choices)
        return false;
    const char *name = read_choice(login->choices, secret_peek(text));
    if (name)
        begin_with(login, name);
    else if (++login->pieces > MENU_ANSWERS_MAX)
        login_refuse(login, OUTCOME_WRONG_SECRET, "no provider was chosen", NULL);
    else if (login_step(login, LOGIN_EVENT_PIECE, &decision))
        ask(login, "That is none of them.\n");
    return true;
}
