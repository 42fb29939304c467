/*
 * Sign-ins that ask the provider nothing before it is too late, or nothing at all, see an outage
 * all the same: the browser method shows an address that was made here, and a name that nobody has
 * is asked for a password like one that somebody has.
 */
#include <errno.h>
#include <string.h>

#include "helper/login/login-internal.h"

/* Of its account, or of who stands in for it where there is none. */
static Provider *provider_of(const Login *login)
{
    const Manager *manager = login->logins->manager;
    const ProviderConfig *settings = login_settings(login);

    for (size_t i = 0; settings && i < manager->config->provider_count; i++)
        if (strcmp(manager->config->providers[i].name, settings->name) == 0)
            return manager->providers[i];
    return NULL;
}

static void on_probed(Provider *provider, TokenResult *result, void *userdata)
{
    Login *login = userdata;

    login->op = NULL; /* freed by the provider after this */
    free(login->evidence);
    login->evidence = strdup(result->evidence.code);
    if (!login_offline_takes_over(login, &result->evidence))
        login->probed(login, &result->evidence);
}

void login_probe(Login *login, void (*probed)(Login *login, const Evidence *evidence))
{
    Provider *provider = provider_of(login);
    int r = provider ? provider_probe(provider, login_method_time_usec(login), on_probed, login,
                                      &login->op)
                     : -ENOENT;

    login->probed = probed;
    if (r < 0)
        login_refuse(login, OUTCOME_UNAVAILABLE, "the sign-in could not be started", NULL);
}
