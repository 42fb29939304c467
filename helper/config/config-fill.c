/*
 * Defaults of what the configuration left out, and one spelling for what may be written in
 * several: domains, directory names and Entra's group ids are kept in lower case.
 */
#include "helper/config/config-check.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "helper/directory/directory-kind.h"
#include "helper/token/issuer.h"
#include "helper/provider/provider-type.h"
#include "helper/base/text-list.h"

static int default_text(char **field, const char *value)
{
    if (*field || !value)
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

/* An address or a text of the type's table; left out where the configuration lacks what it needs:
 * config-check.c then says what is missing. */
static int default_expanded(char **field, const char *text, const ProviderConfig *provider)
{
    if (*field || !text)
        return 0;
    int r = provider_expand(text, provider, field);
    return r == -ENODATA ? 0 : r;
}

/* OidcUrl= alone is enough where it stands below its issuer (Discovery §4). */
static int fill_issuer_from_url(ProviderConfig *provider)
{
    static const char suffix[] = "/.well-known/openid-configuration";
    const char *url = provider->oidc_url;
    size_t size = url ? strlen(url) : 0;

    if (provider->issuer || size < sizeof(suffix) ||
        strcmp(url + size - (sizeof(suffix) - 1), suffix) != 0)
        return 0;
    provider->issuer = strndup(url, size - (sizeof(suffix) - 1));
    return provider->issuer ? 0 : -ENOMEM;
}

static int fill_tenant(ProviderConfig *provider)
{
    if (!provider_traits(provider->type)->has_tenant || provider->tenant || !provider->issuer)
        return 0;
    int r = issuer_tenant(provider->issuer, &provider->tenant);
    return r == -EINVAL ? 0 : r;
}

/* Where the people are said to be: issuer, tenant, cloud. */
static int fill_place(ProviderConfig *provider)
{
    const ProviderTraits *traits = provider_traits(provider->type);
    int r = default_expanded(&provider->issuer, traits->issuer, provider);

    if (r >= 0)
        r = fill_issuer_from_url(provider);
    if (r >= 0)
        r = fill_tenant(provider);
    if (r >= 0 && provider->issuer && provider->cloud == CLOUD_PUBLIC)
        (void)cloud_of_issuer(provider->issuer, &provider->cloud);
    return r;
}

/* Where the type has no page for it, RFC 8252's address of the person's own machine (7.3): nothing
 * listens there, and the address bar keeps the answer. */
static int fill_redirect_uri(ProviderConfig *provider)
{
    int r = default_expanded(&provider->redirect_uri,
                             provider_traits(provider->type)->redirect_uri, provider);

    return r < 0 ? r : default_text(&provider->redirect_uri, "http://localhost");
}

/* {given}.{family} is a name of the only domain; with several, the template says which. */
static int fill_template(ProviderConfig *provider)
{
    char *text = provider->username_template, *whole = NULL;

    if (!text || strchr(text, '@') || !provider->domains[0] || provider->domains[1])
        return 0;
    if (asprintf(&whole, "%s@%s", text, provider->domains[0]) < 0)
        return -ENOMEM;
    free(text);
    provider->username_template = whole;
    return 0;
}

/* One that begins with a slash is the address's own. */
static int fill_directory_scope(ProviderConfig *provider, const char *scope)
{
    if (!scope || *scope != '/' || provider->directory_scope)
        return default_text(&provider->directory_scope, scope);
    if (asprintf(&provider->directory_scope, "%s%s", provider->directory_url, scope) < 0) {
        provider->directory_scope = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* Without a slash at the end: what is asked for is written behind it. */
/* Of the kind's own; NULL: the provider's. */
static int fill_token_endpoint(ProviderConfig *provider, const DirectoryKind *kind)
{
    char **endpoint = &provider->directory_token_endpoint;
    int size = 0;

    if (*endpoint)
        return 0;
    if (kind->token_path)
        size = asprintf(endpoint, "%s%s", provider->directory_url, kind->token_path);
    else if (kind->tokens_of_entra & 1u << provider->type && provider->tenant)
        size = asprintf(endpoint, "https://%s/%s/oauth2/v2.0/token",
                        cloud_hosts(provider->cloud)->login, provider->tenant);
    if (size < 0)
        *endpoint = NULL;
    return size < 0 ? -ENOMEM : 0;
}

static int fill_directory(ProviderConfig *provider)
{
    const DirectoryKind *kind = directory_kind(provider->directory);
    int r;

    if (!kind)
        return 0;
    r = default_text(&provider->directory_url, kind->default_url[provider->cloud]);
    if (r == 0 && !provider->directory_url && kind->url_of_issuer && provider->issuer)
        r = kind->url_of_issuer(provider->issuer, &provider->directory_url);
    if (r < 0 || !provider->directory_url)
        return r;
    for (size_t size = strlen(provider->directory_url);
         size > 0 && provider->directory_url[size - 1] == '/'; size--)
        provider->directory_url[size - 1] = '\0';
    r = fill_token_endpoint(provider, kind);
    if (r < 0)
        return r;
    return fill_directory_scope(provider, kind->token_scope);
}

/* Paths that a token names would take the place of the ids that the directory told. */
static const char *default_groups_claim(const ProviderConfig *provider)
{
    const DirectoryKind *kind = directory_kind(provider->directory);

    return kind && kind->tokens_lack_groups ? "" : "groups";
}

static int fill_provider(ProviderConfig *provider)
{
    const ProviderTraits *traits = provider_traits(provider->type);
    int r = fill_place(provider);

    if (r >= 0)
        r = default_expanded(&provider->scope, traits->scope, provider);
    if (r >= 0)
        r = fill_redirect_uri(provider);
    if (r >= 0)
        r = fill_directory(provider);
    if (r >= 0)
        r = default_text(&provider->username_claim, traits->username_claim);
    if (r >= 0)
        r = default_text(&provider->id_claim, traits->id_claim);
    if (r >= 0)
        r = default_text(&provider->email_claim, "email");
    if (r >= 0)
        r = default_list(&provider->require_claims);
    if (r >= 0)
        r = default_list(&provider->require_scopes);
    if (r >= 0)
        r = default_list(&provider->require_roles);
    if (r >= 0)
        r = default_text(&provider->name_claim, "name");
    if (r >= 0)
        r = default_text(&provider->phone_claim, "phone_number");
    if (r >= 0)
        r = default_text(&provider->groups_claim, default_groups_claim(provider));
    if (r >= 0)
        r = default_text(&provider->roles_claim,
                         traits->roles_claim ? traits->roles_claim : "roles");
    if (r >= 0)
        r = default_list(&provider->copy_claims);
    if (r >= 0)
        r = default_list(&provider->no_proxy);
    if (r >= 0)
        r = default_list(&provider->domains);
    if (r >= 0)
        r = default_list(&provider->match_by);
    if (r >= 0)
        r = default_list(&provider->auto_provision_groups);
    if (r < 0)
        return r;
    if (provider->method_count == 0)
        provider->methods[provider->method_count++] = METHOD_DEVICE;
    for (size_t i = 0; provider->domains[i]; i++)
        fold(provider->domains[i]);
    return fill_template(provider);
}

static int fill_service(ServiceConfig *service)
{
    int r = default_list(&service->require_groups);

    if (r >= 0)
        r = default_list(&service->require_acr);
    if (r >= 0)
        r = default_list(&service->require_auth_context);
    if (r >= 0)
        r = default_list(&service->caller_uid);
    return r < 0 ? r : default_list(&service->allow_from);
}

static int fill_group(const Config *config, GroupConfig *group)
{
    const ProviderConfig *provider = NULL;
    int r = group->role ? default_text(&group->id, "") : 0;

    if (group->provider)
        provider = config_provider(config, group->provider);
    else if (config->provider_count == 1)
        provider = &config->providers[0];
    if (provider && provider_traits(provider->type)->has_tenant)
        fold(group->id);
    return r;
}

static UserConfig *find_user(Config *config, const char *name)
{
    for (size_t i = 0; i < config->user_count; i++)
        if (strcmp(config->users[i].name, name) == 0)
            return &config->users[i];
    return NULL;
}

static int add_user(Config *config, const char *name)
{
    UserConfig *grown = reallocarray(config->users, config->user_count + 1, sizeof(*grown));
    char *copy = grown ? strdup(name) : NULL;

    if (grown)
        config->users = grown;
    if (!copy)
        return -ENOMEM;
    grown[config->user_count++] = (UserConfig){.name = copy};
    return 0;
}

/* Its local account is tied as a person's would be, by a name that no directory can have (RFC
 * 2606). Another tie stays: config-check.c refuses it. */
static int fill_service_account(Config *config, ServiceAccountConfig *service)
{
    int r = default_list(&service->require_roles);

    if (r < 0 || !service->local_user)
        return r;
    if (!find_user(config, service->local_user))
        r = add_user(config, service->local_user);
    UserConfig *user = r < 0 ? NULL : find_user(config, service->local_user);
    if (!user || user->directory)
        return r;
    if (asprintf(&user->directory, "%s@service-account.invalid", service->name) < 0) {
        user->directory = NULL;
        return -ENOMEM;
    }
    user->is_service = true;
    return 0;
}

int config_fill(Config *config)
{
    int r = default_text(&config->home_template, "/home/%u");
    if (r >= 0)
        r = default_text(&config->totp_issuer, "RCPCH");

    if (r >= 0)
        r = default_text(&config->shell, "/bin/bash");
    if (r >= 0)
        r = default_list(&config->allow_groups);
    if (r >= 0)
        r = default_list(&config->allow_users);
    if (r >= 0)
        r = default_list(&config->shared_domains);
    if (r >= 0)
        r = default_list(&config->verify_users);
    for (size_t i = 0; r >= 0 && config->shared_domains[i]; i++)
        fold(config->shared_domains[i]);
    for (size_t i = 0; r >= 0 && i < config->provider_count; i++)
        r = fill_provider(&config->providers[i]);
    for (size_t i = 0; r >= 0 && i < config->service_count; i++)
        r = fill_service(&config->services[i]);
    for (size_t i = 0; r >= 0 && i < config->service_account_count; i++)
        r = fill_service_account(config, &config->service_accounts[i]);
    for (size_t i = 0; r >= 0 && i < config->user_count; i++)
        fold(config->users[i].directory);
    for (size_t i = 0; r >= 0 && i < config->group_count; i++)
        r = fill_group(config, &config->groups[i]);
    return r;
}
