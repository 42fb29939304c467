/*
 * Checks of [provider]: issuer, domains, addresses, and the files that it names.
 */
#include "helper/config/config-check-private.h"

#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "common/limits.h"
#include "common/names.h"
#include "common/paths.h"
#include "helper/base/text-list.h"
#include "helper/config/config-check.h"
#include "helper/config/config-file.h"
#include "helper/provider/provider-type.h"

#define READ_BY_OTHERS (S_IWGRP | S_IROTH | S_IWOTH)

static const struct {
    const char *key;
    size_t offset;
} addresses[] = {
    {"OidcUrl", offsetof(ProviderConfig, oidc_url)},
    {"DeviceEndpoint", offsetof(ProviderConfig, device_endpoint)},
    {"TokenEndpoint", offsetof(ProviderConfig, token_endpoint)},
    {"JwksUri", offsetof(ProviderConfig, jwks_uri)},
    {"AuthorizationEndpoint", offsetof(ProviderConfig, authorization_endpoint)},
};

/* The trust anchor, and secrets. */
static const struct {
    const char *key;
    size_t offset;
    unsigned forbidden_mode;
} named_files[] = {
    {"CaFile", offsetof(ProviderConfig, ca_file), S_IWGRP | S_IWOTH},
    {"ProxySecretFile", offsetof(ProviderConfig, proxy_secret_file), READ_BY_OTHERS},
    {"ClientSecretFile", offsetof(ProviderConfig, client_secret_file), READ_BY_OTHERS},
    {"DirectorySecretFile", offsetof(ProviderConfig, directory_secret_file), READ_BY_OTHERS},
    {"DirectoryCertificateFile", offsetof(ProviderConfig, directory_certificate_file),
     READ_BY_OTHERS},
    {"DirectoryTokenFile", offsetof(ProviderConfig, directory_token_file), READ_BY_OTHERS},
};

static const char *text_at(const ProviderConfig *provider, size_t offset)
{
    return *(char *const *)(const void *)((const char *)provider + offset);
}

/* The trust anchor and the secret: what others may write or read is neither. */
static void check_file(const ProviderConfig *provider, const char *key, const char *path,
                       unsigned forbidden_mode, ConfigReport *report)
{
    const struct passwd *user = getpwnam(RCPCH_USER);
    ConfigWhy why = {""};

    if (path && config_file_check(path, user ? user->pw_uid : 0, forbidden_mode, &why) < 0)
        config_report_error(report, "provider", provider->name, key, "%s %s", path, why.text);
}

static void check_domains(const Config *config, const ProviderConfig *provider,
                          ConfigReport *report)
{
    for (size_t i = 0; provider->domains[i]; i++) {
        char probe[NAME_FULL_MAX + 3];
        snprintf(probe, sizeof(probe), "a@%s", provider->domains[i]);
        if (strlen(provider->domains[i]) > NAME_FULL_MAX || !name_is_valid_full(probe))
            config_report_error(report, "provider", provider->name, "Domains",
                                "'%.100s' is not a domain", provider->domains[i]);
        const ProviderConfig *other = config_provider_for_domain(config, probe);
        if (other && other != provider &&
            !text_list_contains(config->shared_domains, provider->domains[i]))
            config_report_error(
                report, "provider", provider->name, "Domains",
                "%s is also in [provider %s]; [access] SharedDomains= says you mean it",
                provider->domains[i], other->name);
    }
    if (!provider->domains[0] && config->provider_count > 1)
        config_report_error(report, "provider", provider->name, "Domains",
                            "is needed when there is more than one provider");
}

static void check_issuer(const Config *config, const ProviderConfig *provider,
                         ConfigReport *report)
{
    if (!provider->issuer) {
        config_report_error(report, "provider", provider->name, "Issuer", "is missing%s",
                            provider_traits(provider->type)->issuer ? "; so is Tenant=" : "");
        return;
    }
    config_check_url(provider, "Issuer", provider->issuer, report);
    if (strchr(provider->issuer, '?'))
        config_report_error(report, "provider", provider->name, "Issuer", "must not hold a '?'");
    for (const ProviderConfig *other = config->providers; other < provider; other++) {
        if (other->issuer && strcmp(other->issuer, provider->issuer) == 0)
            config_report_error(report, "provider", provider->name, "Issuer",
                                "is the same as in [provider %s]", other->name);
    }
}

void config_check_provider(const Config *config, const ProviderConfig *provider, bool check_owner,
                           ConfigReport *report)
{
    if (!config_is_plain_word(provider->name, NAME_SHORT_MAX))
        config_report_error(report, "provider", provider->name, NULL,
                            "a name is made of letters, digits, '_', '.' and '-'");
    check_issuer(config, provider, report);
    if (!provider->client_id)
        config_report_error(report, "provider", provider->name, "ClientId", "is missing");
    for (size_t i = 0; i < ELEMENTSOF(addresses); i++)
        config_check_url(provider, addresses[i].key, text_at(provider, addresses[i].offset),
                         report);
    config_check_redirect_uri(provider, report);
    config_check_proxy(provider, report);
    config_check_type(provider, report);
    check_domains(config, provider, report);
    config_check_directory(config, provider, report);
    for (size_t i = 0; check_owner && i < ELEMENTSOF(named_files); i++)
        check_file(provider, named_files[i].key, text_at(provider, named_files[i].offset),
                   named_files[i].forbidden_mode, report);
}
