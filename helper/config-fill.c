/*
 * Defaults of what the configuration left out, and one spelling for what may be written in
 * several: domains, directory names and Entra's group ids are kept in lower case.
 */
#include "helper/config-check.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "helper/text-list.h"

static int default_text(char **field, const char *value)
{
    if (*field)
        return 0;
    *field = strdup(value);
    return *field ? 0 : -ENOMEM;
}

static int default_list(char ***field)
{
    if (*field)
        return 0;
    *field = text_list_new();
    return *field ? 0 : -ENOMEM;
}

static void fold(char *text)
{
    for (; text && *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

static int fill_oidc_url(ProviderConfig *provider)
{
    static const char suffix[] = "/.well-known/openid-configuration";
    const char *issuer = provider->issuer;

    if (provider->oidc_url || !issuer)
        return 0;
    size_t size = strlen(issuer);
    while (size > 0 && issuer[size - 1] == '/')
        size--;
    if (asprintf(&provider->oidc_url, "%.*s%s", (int)size, issuer, suffix) < 0) {
        provider->oidc_url = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* Entra's issuer is https://host/{tid}/v2.0: the tenant is the first part of the path. */
static int fill_tenant(ProviderConfig *provider)
{
    const char *host = provider->issuer ? strstr(provider->issuer, "://") : NULL;
    const char *path = host ? strchr(host + 3, '/') : NULL;

    if (provider->type != PROVIDER_ENTRA || provider->tenant || !path || !path[1])
        return 0;
    provider->tenant = strndup(path + 1, strcspn(path + 1, "/"));
    return provider->tenant ? 0 : -ENOMEM;
}

static int fill_provider(ProviderConfig *provider)
{
    bool entra = provider->type == PROVIDER_ENTRA;
    int r = fill_oidc_url(provider);

    if (r >= 0)
        r = fill_tenant(provider);
    if (r >= 0)
        r = default_text(&provider->scope, "openid profile offline_access");
    if (r >= 0)
        r = default_text(&provider->username_claim, "preferred_username");
    if (r >= 0)
        r = default_text(&provider->id_claim, entra ? "oid" : "sub");
    if (r >= 0)
        r = default_text(&provider->name_claim, "name");
    if (r >= 0)
        r = default_text(&provider->groups_claim, "groups");
    if (r >= 0)
        r = default_list(&provider->domains);
    if (r < 0)
        return r;
    if (provider->method_count == 0)
        provider->methods[provider->method_count++] = METHOD_DEVICE;
    for (size_t i = 0; provider->domains[i]; i++)
        fold(provider->domains[i]);
    return 0;
}

static int fill_service(ServiceConfig *service)
{
    int r = default_list(&service->require_groups);

    return r < 0 ? r : default_list(&service->allow_from);
}

static void fill_group(const Config *config, GroupConfig *group)
{
    const ProviderConfig *provider = NULL;

    if (group->provider)
        provider = config_provider(config, group->provider);
    else if (config->provider_count == 1)
        provider = &config->providers[0];
    if (provider && provider->type == PROVIDER_ENTRA)
        fold(group->id);
}

int config_fill(Config *config)
{
    int r = default_text(&config->home_template, "/home/%u");

    if (r >= 0)
        r = default_text(&config->shell, "/bin/bash");
    if (r >= 0)
        r = default_list(&config->allow_groups);
    if (r >= 0)
        r = default_list(&config->allow_users);
    for (size_t i = 0; r >= 0 && i < config->provider_count; i++)
        r = fill_provider(&config->providers[i]);
    for (size_t i = 0; r >= 0 && i < config->service_count; i++)
        r = fill_service(&config->services[i]);
    for (size_t i = 0; r >= 0 && i < config->user_count; i++)
        fold(config->users[i].directory);
    for (size_t i = 0; r >= 0 && i < config->group_count; i++)
        fill_group(config, &config->groups[i]);
    return r;
}
