/*
 * Checks between values (design §7). Each refuses what would let somebody in, hide somebody or
 * hand out a number that belongs to others; what is merely odd is a warning.
 */
#include "helper/config/config-check.h"

#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "common/limits.h"
#include "common/names.h"
#include "common/paths.h"
#include "helper/session/admission.h"
#include "helper/config/config-file.h"
#include "helper/directory/directory-kind.h"
#include "helper/base/networks.h"
#include "helper/provider/http-route.h"
#include "helper/provider/provider-type.h"
#include "helper/base/text-list.h"
#include "helper/base/hostile-text.h"
#include "helper/token/strength.h"

/* --- addresses -------------------------------------------------------------------------------- */

/* "127.0.0.1", "[::1]" or "localhost", as the whole host: 127.example.org is somewhere else. */
static bool is_loopback(const char *host, size_t size)
{
    if (size == 9 && strncmp(host, "localhost", 9) == 0)
        return true;
    if (size == 5 && strncmp(host, "[::1]", 5) == 0)
        return true;
    return size > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= size;
}

/* An address in brackets holds colons itself; what follows the bracket is still the host's. */
static size_t host_size(const char *host)
{
    size_t bracket = host[0] == '[' ? strcspn(host, "]/?#") : 0;

    return bracket + strcspn(host + bracket, ":/?#");
}

/* What is wrong with an address of the provider; NULL when nothing is. */
static const char *url_fault(const char *url, bool allow_http_loopback)
{
    bool https = strncmp(url, "https://", 8) == 0;
    const char *host = url + (https ? 8 : 7);

    if (!https && strncmp(url, "http://", 7) != 0)
        return "is not an https:// address";
    for (const char *p = url; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f)
            return "holds a character that an address cannot hold";
    }
    if (memchr(host, '@', strcspn(host, "/?")))
        return "must not hold a user name or password";
    if (strchr(host, '#'))
        return "must not hold a '#'";
    if (host_size(host) == 0)
        return "names no host";
    if (!https && !is_loopback(host, host_size(host)))
        return "is not https; http is for loopback addresses only";
    if (!https && !allow_http_loopback)
        return "is not https; http on loopback needs AllowInsecureLoopback=yes";
    return NULL;
}

static void check_url(const ProviderConfig *provider, const char *key, const char *url,
                      ConfigReport *report)
{
    const char *fault = url ? url_fault(url, provider->allow_insecure_loopback) : NULL;

    if (fault)
        config_report_error(report, "provider", provider->name, key, "%s", fault);
}

/* What comes behind it is the answer. */
static void check_redirect_uri(const ProviderConfig *provider, ConfigReport *report)
{
    const char *uri = provider->redirect_uri;
    const char *fault = url_fault(uri, true);

    if (!fault && strlen(uri) > REDIRECT_URI_MAX)
        fault = "is too long";
    if (!fault && strchr(uri, '?'))
        fault = "must not hold a '?'";
    if (fault)
        config_report_error(report, "provider", provider->name, "RedirectUri", "%s", fault);
}

/* Nothing, or a port; a slash behind it means nothing. */
static bool is_end(const char *text)
{
    size_t digits = text[0] == ':' ? strspn(text + 1, "0123456789") : 0;

    if (text[0] == ':' && (digits == 0 || digits > 5))
        return false;
    if (text[0] == ':')
        text += 1 + digits;
    return strcmp(text, "") == 0 || strcmp(text, "/") == 0;
}

/* What is wrong with a proxy's address; NULL when nothing is. rcpch.conf is read by more people than
 * should know a password, and shown. */
static const char *proxy_fault(const char *proxy)
{
    static const char *const schemes[] = {"http://", "https://", "socks5h://"};
    const char *host = NULL;

    for (size_t i = 0; i < ELEMENTSOF(schemes) && !host; i++)
        if (strncmp(proxy, schemes[i], strlen(schemes[i])) == 0)
            host = proxy + strlen(schemes[i]);
    if (!host)
        return "is none of http://, https://, socks5h://";
    if (strchr(host, '@'))
        return "must not hold a user name or password: ProxySecretFile= names a file for them";
    for (const char *p = host; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return "holds a character that an address cannot hold";
    if (host_size(host) == 0)
        return "names no host";
    return is_end(host + host_size(host)) ? NULL : "is more than scheme, host and port";
}

static void check_proxy(const ProviderConfig *provider, ConfigReport *report)
{
    const char *fault = provider->proxy ? proxy_fault(provider->proxy) : NULL;

    if (fault)
        config_report_error(report, "provider", provider->name, "Proxy", "%s", fault);
    for (size_t i = 0; provider->no_proxy[i]; i++)
        if ((fault = no_proxy_fault(provider->no_proxy[i])))
            config_report_error(report, "provider", provider->name, "NoProxy", "'%.100s' %s",
                                provider->no_proxy[i], fault);
    if (!provider->proxy && (provider->no_proxy[0] || provider->proxy_secret_file))
        config_report_warning(report, "provider", provider->name,
                              provider->no_proxy[0] ? "NoProxy" : "ProxySecretFile",
                              "has no effect without Proxy=");
}

/* --- providers -------------------------------------------------------------------------------- */

static bool is_plain_word(const char *text, size_t max)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t size = strlen(text);

    return size > 0 && size <= max && strspn(text, letters) == size && text[0] != '.' &&
           text[0] != '-';
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
            config_report_error(report, "provider", provider->name, "Domains",
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
    check_url(provider, "Issuer", provider->issuer, report);
    if (strchr(provider->issuer, '?'))
        config_report_error(report, "provider", provider->name, "Issuer", "must not hold a '?'");
    for (const ProviderConfig *other = config->providers; other < provider; other++) {
        if (other->issuer && strcmp(other->issuer, provider->issuer) == 0)
            config_report_error(report, "provider", provider->name, "Issuer",
                                "is the same as in [provider %s]", other->name);
    }
}

/* A token that somebody gave us, or a client that asks for one. */
static void check_directory_client(const ProviderConfig *provider, const DirectoryKind *kind,
                                   ConfigReport *report)
{
    const char *secret = provider->directory_secret_file;
    const char *certificate = provider->directory_certificate_file;

    check_url(provider, "DirectoryTokenEndpoint", provider->directory_token_endpoint, report);
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

/* A directory knows people by its own ids, and so must their sign-ins. */
static void check_directory(const Config *config, const ProviderConfig *provider,
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
        config_report_error(report, "provider", provider->name, "MatchBy",
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
    check_url(provider, "DirectoryUrl", provider->directory_url, report);
    check_directory_client(provider, kind, report);
    check_directory_groups(config, provider, kind, report);
}

static void check_provider(const Config *config, const ProviderConfig *provider, bool check_owner,
                           ConfigReport *report)
{
    if (!is_plain_word(provider->name, NAME_SHORT_MAX))
        config_report_error(report, "provider", provider->name, NULL,
                            "a name is made of letters, digits, '_', '.' and '-'");
    check_issuer(config, provider, report);
    if (!provider->client_id)
        config_report_error(report, "provider", provider->name, "ClientId", "is missing");
    check_url(provider, "OidcUrl", provider->oidc_url, report);
    check_url(provider, "DeviceEndpoint", provider->device_endpoint, report);
    check_url(provider, "TokenEndpoint", provider->token_endpoint, report);
    check_url(provider, "JwksUri", provider->jwks_uri, report);
    check_url(provider, "AuthorizationEndpoint", provider->authorization_endpoint, report);
    check_redirect_uri(provider, report);
    check_proxy(provider, report);
    config_check_type(provider, report);
    check_domains(config, provider, report);
    check_directory(config, provider, report);
    if (check_owner) {
        check_file(provider, "CaFile", provider->ca_file, S_IWGRP | S_IWOTH, report);
        check_file(provider, "ProxySecretFile", provider->proxy_secret_file,
                   S_IWGRP | S_IROTH | S_IWOTH, report);
        check_file(provider, "ClientSecretFile", provider->client_secret_file,
                   S_IWGRP | S_IROTH | S_IWOTH, report);
        check_file(provider, "DirectorySecretFile", provider->directory_secret_file,
                   S_IWGRP | S_IROTH | S_IWOTH, report);
        check_file(provider, "DirectoryCertificateFile", provider->directory_certificate_file,
                   S_IWGRP | S_IROTH | S_IWOTH, report);
        check_file(provider, "DirectoryTokenFile", provider->directory_token_file,
                   S_IWGRP | S_IROTH | S_IWOTH, report);
    }
}

/* --- numbers ---------------------------------------------------------------------------------- */

typedef struct Range {
    uint32_t first, last;
    const char *owner;
} Range;

/* systemd's UIDS-GIDS.md and shadow's login.defs. */
static const Range taken_ranges[] = {
    {0, 59999, "local users and the distribution"},
    {60000, 61183, "homed, dynamic users of the distribution"},
    {61184, 65519, "systemd's dynamic users"},
    {65520, 65535, "nobody and reserved numbers"},
    {524288, 1879048191, "containers and subordinate ids"},
    {2147352576, 2147418111, "foreign user ids"},
    {2147483648, UINT32_MAX, "reserved numbers"},
};

static const Range *range_taken(uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < ELEMENTSOF(taken_ranges); i++) {
        if (first <= taken_ranges[i].last && last >= taken_ranges[i].first)
            return &taken_ranges[i];
    }
    return NULL;
}

static void check_identity(const Config *config, ConfigReport *report)
{
    uint64_t last = (uint64_t)config->uid_base + config->uid_count - 1;
    const Range *taken = range_taken(config->uid_base, last);
    const char *percent = strchr(config->home_template, '%');

    if (taken)
        config_report_error(report, "identity", NULL, "UidBase",
                            "%u and UidCount=%u reach into %u-%u, which belong to %s",
                            config->uid_base, config->uid_count, taken->first, taken->last,
                            taken->owner);
    if (!percent || percent[1] != 'u' || strchr(percent + 1, '%'))
        config_report_error(report, "identity", NULL, "HomeTemplate",
                            "must hold %%u once, for the account's name");
    else if (!path_is_valid(config->home_template))
        config_report_error(report, "identity", NULL, "HomeTemplate",
                            "is not an absolute path without '..', '//' and ':'");
    if (strlen(config->shell) > SHELL_MAX)
        config_report_error(report, "identity", NULL, "Shell", "is longer than %u bytes",
                            SHELL_MAX);
}

/* --- groups and users ------------------------------------------------------------------------- */

const char *const config_privileged_groups[] = {"docker", "lxd",  "disk", "shadow",
                                                "sudo",   "wheel", "root", "kmem",
                                                "incus-admin", "libvirt", NULL};

static bool is_privileged_group(const char *name)
{
    for (size_t i = 0; config_privileged_groups[i]; i++) {
        if (strcmp(name, config_privileged_groups[i]) == 0)
            return true;
    }
    return false;
}

static void check_local_group(const GroupConfig *group, ConfigReport *report)
{
    if (!group->local_group)
        return;
    if (!name_is_valid_short(group->local_group))
        config_report_error(report, "group", group->name, "LocalGroup", "is not a group's name");
    if (is_privileged_group(group->local_group) && !group->allow_privileged)
        config_report_error(report, "group", group->name, "LocalGroup",
                            "%s is as good as root; AllowPrivilegedLocalGroup=yes says you mean it",
                            group->local_group);
}

static void check_group_provider(const Config *config, const GroupConfig *group,
                                 ConfigReport *report)
{
    if (group->provider && !config_provider(config, group->provider))
        config_report_error(report, "group", group->name, "Provider",
                            "%s is no [provider] section", group->provider);
    if (!group->provider && config->provider_count > 1)
        config_report_error(report, "group", group->name, "Provider",
                            "is needed when there is more than one provider");
}

static const char *provider_of(const Config *config, const GroupConfig *group)
{
    if (group->provider)
        return group->provider;
    return config->provider_count == 1 ? config->providers[0].name : "";
}

/* Same directory group, or same pinned number, as an earlier section. */
static void check_group_twins(const Config *config, const GroupConfig *group, ConfigReport *report)
{
    const char *provider = provider_of(config, group);

    for (const GroupConfig *other = config->groups; other < group; other++) {
        bool same_provider = strcmp(provider, provider_of(config, other)) == 0;
        if (group->id && *group->id && other->id && strcmp(group->id, other->id) == 0 &&
            same_provider)
            config_report_error(report, "group", group->name, "Id", "is also that of [group %s]",
                                other->name);
        if (group->role && other->role && strcmp(group->role, other->role) == 0 && same_provider)
            config_report_error(report, "group", group->name, "Role", "is also that of [group %s]",
                                other->name);
        if (group->gid != 0 && group->gid == other->gid)
            config_report_error(report, "group", group->name, "Gid", "is also that of [group %s]",
                                other->name);
    }
}

/* Fleets pin numbers that people and groups had before, also among those that useradd gives. */
static void check_pin(const char *section, const char *name, const char *key, uint32_t number,
                      ConfigReport *report)
{
    const Range *taken = range_taken(number, number);

    if (number == 0 || !taken)
        return;
    if (number < 1000 || taken->first > 0)
        config_report_error(report, section, name, key, "%u belongs to %s", number, taken->owner);
    else
        config_report_warning(report, section, name, key,
                              "%u may be given to a local user by useradd", number);
}

static void check_group(const Config *config, const GroupConfig *group, ConfigReport *report)
{
    if (!name_is_valid_short(group->name))
        config_report_error(report, "group", group->name, NULL, "'%.100s' is not a group's name",
                            group->name);
    if (!group->id)
        config_report_error(report, "group", group->name, "Id", "is missing");
    else if (strlen(group->id) > CLAIM_MAX)
        config_report_error(report, "group", group->name, "Id", "is too long");
    if (group->role && strlen(group->role) > CLAIM_MAX)
        config_report_error(report, "group", group->name, "Role", "is too long");
    check_pin("group", group->name, "Gid", group->gid, report);
    check_group_provider(config, group, report);
    check_local_group(group, report);
    check_group_twins(config, group, report);
}

static void check_pinned_uid(const Config *config, const UserConfig *user, ConfigReport *report)
{
    check_pin("user", user->name, "Uid", user->uid, report);
    for (size_t i = 0; user->uid != 0 && i < config->group_count; i++) {
        if (config->groups[i].gid == user->uid)
            config_report_error(report, "user", user->name, "Uid",
                                "%u is also the Gid= of [group %s]", user->uid,
                                config->groups[i].name);
    }
}

static void check_tie(const Config *config, const UserConfig *user, ConfigReport *report)
{
    if (!user->directory && user->kill_services)
        config_report_warning(report, "user", user->name, "KillServices",
                              "is for local accounts that Directory= ties: of others all is ended");
    if (!user->directory)
        return;
    if (!name_is_valid_full(user->directory))
        config_report_error(report, "user", user->name, "Directory",
                            "is not a name such as alice@rcpch.ac.uk");
    else if (!config_provider_for_domain(config, user->directory))
        config_report_warning(report, "user", user->name, "Directory",
                              "no [provider] section has this name's domain in Domains=");
    if (strcmp(user->name, "root") == 0)
        config_report_error(report, "user", user->name, "Directory", "root is never tied");
    if (user->uid != 0 || user->home || user->shell)
        config_report_error(report, "user", user->name, "Directory",
                            "ties a local account, which keeps its uid, home and shell");
}

static void check_user(const Config *config, const UserConfig *user, ConfigReport *report)
{
    if (!name_is_valid(user->name))
        config_report_error(report, "user", user->name, NULL, "'%.100s' is not an account's name",
                            user->name);
    if (user->shell && strlen(user->shell) > SHELL_MAX)
        config_report_error(report, "user", user->name, "Shell", "is longer than %u bytes",
                            SHELL_MAX);
    check_tie(config, user, report);
    check_pinned_uid(config, user, report);
    for (const UserConfig *other = config->users; other < user; other++) {
        if (user->uid != 0 && other->uid == user->uid)
            config_report_error(report, "user", user->name, "Uid", "is also that of [user %s]",
                                other->name);
    }
}

/* --- access, services, revocation ------------------------------------------------------------- */

static void check_group_names(const Config *config, char *const *names, const char *section,
                              const char *name, const char *key, ConfigReport *report)
{
    for (size_t i = 0; names[i]; i++) {
        if (!config_group(config, names[i]))
            config_report_error(report, section, name, key, "'%.100s' is no [group] section",
                                names[i]);
    }
}

static void check_access(const Config *config, ConfigReport *report)
{
    check_group_names(config, config->allow_groups, "access", NULL, "AllowGroups", report);
    for (size_t i = 0; config->allow_users[i]; i++) {
        if (!name_is_valid(config->allow_users[i]))
            config_report_error(report, "access", NULL, "AllowUsers",
                                "'%.100s' is not an account's name", config->allow_users[i]);
    }
    if (!config->allow_all && !config->allow_groups[0] && !config->allow_users[0])
        config_report_warning(report, "access", NULL, NULL,
                              "allows nobody: name AllowGroups=, AllowUsers= or AllowAll=yes");
}

/* Nobody but sshd tells how somebody came in. */
static void check_sshd_keys(const ServiceConfig *service, ConfigReport *report)
{
    bool sshd = strcmp(service->name, "sshd") == 0;

    if (!sshd && service->keys != KEYS_WITH_SIGN_IN)
        config_report_error(report, "service", service->name, "Keys", "is for [service sshd] only");
    if (!sshd && service->require_prior != REQUIRE_PRIOR_NO)
        config_report_error(report, "service", service->name, "RequirePrior",
                            "is for [service sshd] only");
    if (service->keys == KEYS_ALLOW && service->max_auth_age_usec > 0)
        config_report_warning(report, "service", service->name, "Keys",
                              "allows keys without a sign-in, but MaxAuthAge= refuses them "
                              "when the last one is older");
}

static void check_end_elevated(const ServiceConfig *service, ConfigReport *report)
{
    if (service->end_elevated && !service_elevates(service->name))
        config_report_error(report, "service", service->name, "EndElevated",
                            "is for [service sudo] and [service su]");
    else if (service->end_elevated && !service->require_groups[0])
        config_report_error(report, "service", service->name, "EndElevated",
                            "needs RequireGroups=: without one nobody is ever out of it");
}

/* In these a job begins, and nobody signs in. */
static bool asks_nobody(const char *service)
{
    static const char *const services[] = {"cron", "crond", "atd", "systemd-user"};

    for (size_t i = 0; i < ELEMENTSOF(services); i++)
        if (strcmp(service, services[i]) == 0)
            return true;
    return false;
}

static void check_classes(const ServiceConfig *service, ConfigReport *report)
{
    size_t size = 0;

    for (size_t i = 0; service->require_acr[i]; i++) {
        size += strlen(service->require_acr[i]) + 1;
        if (!hostile_text_is_graphic(service->require_acr[i], STRENGTH_WORD_MAX))
            config_report_error(report, "service", service->name, "RequireAcr",
                                "'%.100s' is no value of acr", service->require_acr[i]);
    }
    if (size > STRENGTH_REQUEST_MAX)
        config_report_error(report, "service", service->name, "RequireAcr",
                            "is longer than %u bytes", STRENGTH_REQUEST_MAX);
    for (size_t i = 0; service->require_auth_context[i]; i++)
        if (!strength_is_context(service->require_auth_context[i]))
            config_report_error(report, "service", service->name, "RequireAuthContext",
                                "'%.100s' is none of c1 to c99",
                                service->require_auth_context[i]);
}

/* Who cannot have what is asked of a sign-in is told so now rather than at the door. */
static void check_strength(const Config *config, const ServiceConfig *service,
                           ConfigReport *report)
{
    check_classes(service, report);
    if (!strength_is_required(service))
        return;
    const char *key = service->require_acr[0] ? "RequireAcr" : "RequireAuthContext";
    if (asks_nobody(service->name))
        config_report_warning(report, "service", service->name, key,
                              "lets nobody in: no sign-in is made for %s", service->name);
    for (size_t i = 0; i < config->provider_count; i++)
        if (!strength_wanted(service, config->providers[i].type))
            config_report_warning(report, "service", service->name, key,
                                  "lets nobody of [provider %s] in: its type needs %s=",
                                  config->providers[i].name,
                                  service->require_acr[0] ? "RequireAuthContext" : "RequireAcr");
}

static void check_networks(const ServiceConfig *service, ConfigReport *report)
{
    if (service_elevates(service->name) && service->allow_from[0] &&
        !text_list_contains(service->allow_from, "local"))
        config_report_warning(report, "service", service->name, "AllowFrom",
                              "has no 'local': %s comes from no remote host, so nobody may use it",
                              service->name);
    for (size_t i = 0; service->allow_from[i]; i++) {
        const char *fault = network_fault(service->allow_from[i]);
        if (fault)
            config_report_error(report, "service", service->name, "AllowFrom", "'%.100s' %s",
                                service->allow_from[i], fault);
    }
}

static void check_service(const Config *config, const ServiceConfig *service,
                          ConfigReport *report)
{
    bool alias = strcmp(service->name, "sudo-i") == 0 || strcmp(service->name, "su-l") == 0;

    if (!is_plain_word(service->name, 64))
        config_report_error(report, "service", service->name, NULL, "is not a PAM service's name");
    if (alias)
        config_report_error(report, "service", service->name, NULL,
                            "is covered by [service %s]",
                            strcmp(service->name, "su-l") == 0 ? "su" : "sudo");
    if (service->provider && !config_provider_or_issuer(config, service->provider))
        config_report_error(report, "service", service->name, "Provider",
                            "%.200s is no [provider] section and no Issuer= of one",
                            service->provider);
    check_group_names(config, service->require_groups, "service", service->name, "RequireGroups",
                      report);
    check_sshd_keys(service, report);
    check_end_elevated(service, report);
    check_strength(config, service, report);
    check_networks(service, report);
}

static void check_revocation(const Config *config, ConfigReport *report)
{
    if (config->max_unconfirmed_usec != 0 &&
        config->offline_grace_usec > config->max_unconfirmed_usec)
        config_report_warning(report, "revocation", NULL, "OfflineGrace",
                              "is longer than MaxUnconfirmed: new sessions would be ended at once");
    if (config->max_unconfirmed_usec != 0 &&
        config->max_unconfirmed_usec < config->refresh_check_usec)
        config_report_warning(report, "revocation", NULL, "MaxUnconfirmed",
                              "is shorter than RefreshCheckSec: everybody would be ended");
    if (config->logins_per_source > config->logins_total)
        config_report_warning(report, "access", NULL, "LoginsPerSource",
                              "is more than Logins: one source can take them all");
}

void config_check(const Config *config, bool check_owner, ConfigReport *report)
{
    if (config->provider_count == 0)
        config_report_warning(report, NULL, NULL, NULL,
                              "there is no [provider] section: nobody can sign in");
    for (size_t i = 0; i < config->provider_count; i++)
        check_provider(config, &config->providers[i], check_owner, report);
    check_identity(config, report);
    for (size_t i = 0; i < config->group_count; i++)
        check_group(config, &config->groups[i], report);
    for (size_t i = 0; i < config->user_count; i++)
        check_user(config, &config->users[i], report);
    for (size_t i = 0; i < config->service_count; i++)
        check_service(config, &config->services[i], report);
    check_access(config, report);
    check_revocation(config, report);
}
