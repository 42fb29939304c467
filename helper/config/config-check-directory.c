/*
 * Checks of a provider's directory. It knows people by its own ids, and so must their sign-ins.
 */
#include "helper/config/config-check-private.h"

#include <string.h>

#include "helper/base/text-list.h"
#include "helper/directory/directory-kind.h"
#include "helper/provider/provider-type.h"

/* A token that somebody gave us, or a client that asks for one. */
static void check_directory_client(const ProviderConfig *provider, const DirectoryKind *kind,
                                   ConfigReport *report)
{
    const char *secret = provider->directory_secret_file;
    const char *certificate = provider->directory_certificate_file;

    config_check_url(provider, "DirectoryTokenEndpoint", provider->directory_token_endpoint,
                     report);
    if (provider->directory_token_file) {
        if (!kind->takes_tokens)
            config_report_error(report, "provider", provider->name, "DirectoryTokenFile",
                                "is not for this Directory=");
        if (secret || certificate || provider->directory_client_id)
            config_report_error(report, "provider", provider->name, "DirectoryTokenFile",
                                "and a client are given; one of them is too many");
        return;
    }
    if (!provider->directory_client_id)
        config_report_error(report, "provider", provider->name, "DirectoryClientId",
                            "is missing, and Directory= is set");
    if (!secret && !certificate)
        config_report_error(report, "provider", provider->name, "DirectoryCertificateFile",
                            "and DirectorySecretFile= are missing, and Directory= is set");
    if (secret && certificate)
        config_report_error(report, "provider", provider->name, "DirectorySecretFile",
                            "and DirectoryCertificateFile= are given; one of them is too many");
}

static bool is_of_provider(const Config *config, const GroupConfig *group,
                           const ProviderConfig *provider)
{
    return group->provider ? strcmp(group->provider, provider->name) == 0
                           : config->provider_count == 1;
}

static void check_directory_groups(const Config *config, const ProviderConfig *provider,
                                   const DirectoryKind *kind, ConfigReport *report)
{
    for (size_t i = 0; kind->group_fault && i < config->group_count; i++) {
        const GroupConfig *group = &config->groups[i];
        const char *fault = group->id ? kind->group_fault(group->id) : NULL;
        if (fault && is_of_provider(config, group, provider))
            config_report_error(report, "group", group->name, "Id", "%s", fault);
    }
}

void config_check_directory(const Config *config, const ProviderConfig *provider,
                            ConfigReport *report)
{
    const DirectoryKind *kind = directory_kind(provider->directory);

    for (size_t i = 0; provider->match_by[i]; i++)
        if (strcmp(provider->match_by[i], "email") != 0 &&
            strcmp(provider->match_by[i], "phone") != 0)
            config_report_error(report, "provider", provider->name, "MatchBy",
                                "'%.100s' is none of: email phone", provider->match_by[i]);
    if (kind && !kind->tells_phones && text_list_contains(provider->match_by, "phone"))
        config_report_warning(report, "provider", provider->name, "MatchBy",
                              "has phone, which this Directory= does not tell");
    if ((!kind || !kind->tells_numbers) && provider->uid_claim)
        config_report_warning(report, "provider", provider->name, "UidClaim",
                              "is only compared: without a Directory= that tells it, the number "
                              "is given before any token comes");
    if (!kind && provider->match_by[0])
        config_report_warning(report, "provider", provider->name, "MatchBy",
                              "has no effect without Directory=");
    if (kind && kind->vouches_for_nothing && provider->match_by[0])
        config_report_error(
            report, "provider", provider->name, "MatchBy",
            "is not for this Directory=, where people may write their own addresses "
            "and numbers; use rcpchctl user add --id");
    for (size_t i = 0; provider->auto_provision_groups[i]; i++)
        if (!config_group(config, provider->auto_provision_groups[i]))
            config_report_error(report, "provider", provider->name, "AutoProvisionGroups",
                                "there is no [group %.100s]", provider->auto_provision_groups[i]);
    if (!kind)
        return;
    if (!(kind->types & 1u << provider->type) ||
        (kind->id_claim && strcmp(provider->id_claim, kind->id_claim) != 0) ||
        (provider_traits(provider->type)->has_tenant && !provider->tenant))
        config_report_error(report, "provider", provider->name, "Directory", "%s", kind->needs);
    if (!provider->directory_url)
        config_report_error(report, "provider", provider->name, "DirectoryUrl",
                            "is missing, and Directory= is set");
    config_check_url(provider, "DirectoryUrl", provider->directory_url, report);
    check_directory_client(provider, kind, report);
    check_directory_groups(config, provider, kind, report);
}
