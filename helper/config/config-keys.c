/*
 * One table of section, key, kind and place (design §7). Whatever reads, checks, suggests or
 * releases configuration goes through it, so a key is added by adding a row.
 */
#include "helper/config/config-keys.h"

#include <ctype.h>
#include <string.h>

#include "common/limits.h"
#include "helper/config/config.h"

#define SEC    CONFIG_USEC_PER_SEC
#define MSEC   (CONFIG_USEC_PER_SEC / 1000)
#define MINUTE (60 * SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (366 * DAY)

static const char *const provider_types[] = {
    [PROVIDER_GENERIC] = "generic",
    [PROVIDER_ENTRA] = "entra",
    [PROVIDER_KEYCLOAK] = "keycloak",
    [PROVIDER_ENTRA_EXTERNAL_ID] = "entra-external-id",
    [PROVIDER_ENTRA_B2C] = "entra-b2c",
    [PROVIDER_OKTA] = "okta",
    [_PROVIDER_TYPE_COUNT] = NULL,
};
static const char *const clouds[] = {
    [CLOUD_PUBLIC] = "public", [CLOUD_USGOV] = "usgov", [CLOUD_CHINA] = "china",
    [_CLOUD_COUNT] = NULL,
};
static const char *const methods[] = {
    [METHOD_DEVICE] = "device", [METHOD_BROWSER] = "browser", [METHOD_PASSWORD] = "password",
    [METHOD_BEARER] = "bearer",
    [_METHOD_COUNT] = NULL,
};
static const char *const totp_algorithms[] = {
    [TOTP_SHA1] = "sha1", [TOTP_SHA256] = "sha256", [TOTP_SHA512] = "sha512",
    [_TOTP_ALGORITHM_COUNT] = NULL,
};
static const char *const offline_secrets[] = {
    [OFFLINE_SECRET_ANY] = "any", [OFFLINE_SECRET_PASSPHRASE] = "passphrase",
    [OFFLINE_SECRET_PASSWORD] = "password", [OFFLINE_SECRET_NO] = "no",
    [_OFFLINE_SECRET_COUNT] = NULL,
};
static const char *const second_factors[] = {
    [SECOND_FACTOR_TOTP] = "totp", [SECOND_FACTOR_PROVIDER] = "provider",
    [SECOND_FACTOR_NONE] = "none", [_SECOND_FACTOR_COUNT] = NULL,
};
static const char *const prompts[] = {
    [PROMPT_DEFAULT] = "default", [PROMPT_NO] = "no", [PROMPT_CONSENT] = "consent",
    [PROMPT_LOGIN] = "login", [PROMPT_SELECT_ACCOUNT] = "select_account", [_PROMPT_COUNT] = NULL,
};
static const char *const first_binds[] = {"no", "username", "email", NULL};
static const char *const directories[] = {"none", "graph", "keycloak", "scim", "okta", NULL};
static const char *const auto_provisions[] = {"yes", "no", NULL};
static const char *const refused_refreshes[] = {"aged", "revoked", NULL};
static const char *const name_formats[] = {"short", "full", NULL};
static const char *const show_qrs[] = {"utf8", "ascii", "no", NULL};
static const char *const keys_words[] = {"with-signin", "deny", "allow", NULL};
static const char *const kill_login_uids[] = {"sessions", "all", "no", NULL};
static const char *const require_priors[] = {"no", "publickey", NULL};
static const char *const unknown_names[] = {"hide", "show", NULL};
static const char *const on_revokeds[] = {"end", "keep", NULL};

#define NAMED(type, array, counter, limit)                                                         \
    .named = true, .array_offset = offsetof(Config, array),                                        \
    .count_offset = offsetof(Config, counter), .element_size = sizeof(type), .max = (limit)

static const ConfigSection sections[] = {
    {"provider", NAMED(ProviderConfig, providers, provider_count, CONFIG_PROVIDERS_MAX)},
    {"access"},
    {"group", NAMED(GroupConfig, groups, group_count, GROUPS_PER_USER_MAX)},
    {"user", NAMED(UserConfig, users, user_count, CONFIG_SECTIONS_MAX)},
    {"service", NAMED(ServiceConfig, services, service_count, CONFIG_SERVICES_MAX)},
    {"service-account", NAMED(ServiceAccountConfig, service_accounts, service_account_count,
                              CONFIG_SERVICES_MAX)},
    {"identity"},
    {"revocation"},
    {"totp"},
    {"token"},
    {"audit"},
};

/* config.c reaches a named element's name without knowing its type. */
_Static_assert(offsetof(ProviderConfig, name) == 0, "name comes first");
_Static_assert(offsetof(GroupConfig, name) == 0, "name comes first");
_Static_assert(offsetof(UserConfig, name) == 0, "name comes first");
_Static_assert(offsetof(ServiceAccountConfig, name) == 0, "name comes first");
_Static_assert(offsetof(ServiceConfig, name) == 0, "name comes first");
/* The word kind writes an unsigned int. */
_Static_assert(sizeof(ProviderType) == sizeof(unsigned) && sizeof(ShowQr) == sizeof(unsigned),
               "enumerations are as wide as unsigned int");

#define PROVIDER(field) offsetof(ProviderConfig, field)
#define GROUP(field)    offsetof(GroupConfig, field)
#define USER(field)     offsetof(UserConfig, field)
#define SERVICE(field)  offsetof(ServiceConfig, field)
#define ACCOUNT(field)  offsetof(ServiceAccountConfig, field)
#define CONFIG(field)   offsetof(Config, field)

/* section, key, kind, place, least, most, unit of a bare number, words */
static const ConfigKey keys[] = {
    {"provider", "Type", &config_kind_word, PROVIDER(type), .words = provider_types},
    {"provider", "Cloud", &config_kind_word, PROVIDER(cloud), .words = clouds},
    {"provider", "Issuer", &config_kind_text, PROVIDER(issuer)},
    {"provider", "OidcUrl", &config_kind_text, PROVIDER(oidc_url)},
    {"provider", "DeviceEndpoint", &config_kind_text, PROVIDER(device_endpoint)},
    {"provider", "AuthorizationEndpoint", &config_kind_text, PROVIDER(authorization_endpoint)},
    {"provider", "TokenEndpoint", &config_kind_text, PROVIDER(token_endpoint)},
    {"provider", "JwksUri", &config_kind_text, PROVIDER(jwks_uri)},
    {"provider", "ClientId", &config_kind_text, PROVIDER(client_id)},
    {"provider", "ClientSecretFile", &config_kind_path, PROVIDER(client_secret_file)},
    {"provider", "Scope", &config_kind_text, PROVIDER(scope)},
    {"provider", "Tenant", &config_kind_text, PROVIDER(tenant)},
    {"provider", "Policy", &config_kind_text, PROVIDER(policy)},
    {"provider", "RedirectUri", &config_kind_text, PROVIDER(redirect_uri)},
    {"provider", "Prompt", &config_kind_word, PROVIDER(prompt), .words = prompts},
    {"provider", "Domains", &config_kind_list, PROVIDER(domains)},
    {"provider", "Methods", &config_kind_methods, PROVIDER(methods), .words = methods},
    {"provider", "SecondFactor", &config_kind_word, PROVIDER(second_factor),
     .words = second_factors},
    {"provider", "ApiAudience", &config_kind_text, PROVIDER(api_audience)},
    {"provider", "RequireScopes", &config_kind_list, PROVIDER(require_scopes)},
    {"provider", "RequireRoles", &config_kind_list, PROVIDER(require_roles)},
    {"provider", "UsernameClaim", &config_kind_text, PROVIDER(username_claim)},
    {"provider", "UsernameTemplate", &config_kind_text, PROVIDER(username_template)},
    {"provider", "EmailClaim", &config_kind_text, PROVIDER(email_claim)},
    {"provider", "RequireClaims", &config_kind_list, PROVIDER(require_claims)},
    {"provider", "IdClaim", &config_kind_text, PROVIDER(id_claim)},
    {"provider", "NameClaim", &config_kind_text, PROVIDER(name_claim)},
    {"provider", "PhoneClaim", &config_kind_text, PROVIDER(phone_claim)},
    {"provider", "UidClaim", &config_kind_text, PROVIDER(uid_claim)},
    {"provider", "RolesClaim", &config_kind_text, PROVIDER(roles_claim)},
    {"provider", "CopyClaims", &config_kind_list, PROVIDER(copy_claims)},
    {"provider", "GroupsClaim", &config_kind_text, PROVIDER(groups_claim)},
    {"provider", "FirstBind", &config_kind_word, PROVIDER(first_bind), .words = first_binds},
    {"provider", "RefusedRefresh", &config_kind_flag_word, PROVIDER(refused_refresh_is_revoked),
     .words = refused_refreshes},
    {"provider", "AllowInsecureLoopback", &config_kind_boolean, PROVIDER(allow_insecure_loopback)},
    {"provider", "CaFile", &config_kind_path, PROVIDER(ca_file)},
    {"provider", "Proxy", &config_kind_text, PROVIDER(proxy)},
    {"provider", "ProxySecretFile", &config_kind_path, PROVIDER(proxy_secret_file)},
    {"provider", "NoProxy", &config_kind_list, PROVIDER(no_proxy)},
    {"provider", "HttpTimeoutSec", &config_kind_duration, PROVIDER(http_timeout_usec), SEC,
     MINUTE, SEC},
    {"provider", "ClockSkewSec", &config_kind_duration, PROVIDER(clock_skew_usec), 0, 600 * SEC,
     SEC},
    {"provider", "RequestsPerMinute", &config_kind_number, PROVIDER(requests_per_minute), 2,
     1000000},

    {"provider", "Directory", &config_kind_word, PROVIDER(directory), .words = directories},
    {"provider", "DirectoryClientId", &config_kind_text, PROVIDER(directory_client_id)},
    {"provider", "DirectorySecretFile", &config_kind_path, PROVIDER(directory_secret_file)},
    {"provider", "DirectoryCertificateFile", &config_kind_path,
     PROVIDER(directory_certificate_file)},
    {"provider", "DirectoryKeyId", &config_kind_text, PROVIDER(directory_key_id)},
    {"provider", "DirectoryTokenFile", &config_kind_path, PROVIDER(directory_token_file)},
    {"provider", "DirectoryTokenEndpoint", &config_kind_text, PROVIDER(directory_token_endpoint)},
    {"provider", "DirectoryScope", &config_kind_text, PROVIDER(directory_scope)},
    {"provider", "DirectoryUrl", &config_kind_text, PROVIDER(directory_url)},
    {"provider", "MatchBy", &config_kind_list, PROVIDER(match_by)},
    {"provider", "AutoProvision", &config_kind_flag_word, PROVIDER(adds_nobody),
     .words = auto_provisions},
    {"provider", "AutoProvisionGroups", &config_kind_list, PROVIDER(auto_provision_groups)},

    {"access", "AllowAll", &config_kind_boolean, CONFIG(allow_all)},
    {"access", "AllowGroups", &config_kind_list, CONFIG(allow_groups)},
    {"access", "AllowUsers", &config_kind_list, CONFIG(allow_users)},
    {"access", "SharedDomains", &config_kind_list, CONFIG(shared_domains)},
    {"access", "LoginsPerAccount", &config_kind_number, CONFIG(logins_per_account), 1,
     LOGINS_PER_ACCOUNT_MAX},
    {"access", "LoginsPerSource", &config_kind_number, CONFIG(logins_per_source), 1,
     LOGINS_PER_SOURCE_MAX},
    {"access", "Logins", &config_kind_number, CONFIG(logins_total), 1, LOGINS_MAX},
    {"access", "LockAfter", &config_kind_number, CONFIG(lock_after), 1, 1000},
    {"access", "LockWindow", &config_kind_duration, CONFIG(lock_window_usec), SEC, DAY, SEC},
    {"access", "ShowQr", &config_kind_word, CONFIG(show_qr), .words = show_qrs},

    {"group", "Id", &config_kind_text, GROUP(id)},
    {"group", "Role", &config_kind_text, GROUP(role)},
    {"group", "Provider", &config_kind_text, GROUP(provider)},
    {"group", "LocalGroup", &config_kind_text, GROUP(local_group)},
    {"group", "Gid", &config_kind_number, GROUP(gid), 1, UINT32_MAX - 1},
    {"group", "AllowPrivilegedLocalGroup", &config_kind_boolean, GROUP(allow_privileged)},

    {"user", "Directory", &config_kind_text, USER(directory)},
    {"user", "KillServices", &config_kind_boolean, USER(kill_services)},
    {"user", "Uid", &config_kind_number, USER(uid), 1, UINT32_MAX - 1},
    {"user", "Shell", &config_kind_path, USER(shell)},
    {"user", "Home", &config_kind_path, USER(home)},

    {"service", "RequireGroups", &config_kind_list, SERVICE(require_groups)},
    {"service", "EndElevated", &config_kind_boolean, SERVICE(end_elevated)},
    {"service", "RequireAcr", &config_kind_list, SERVICE(require_acr)},
    {"service", "RequireAuthContext", &config_kind_list, SERVICE(require_auth_context)},
    {"service", "MaxAuthAge", &config_kind_duration, SERVICE(max_auth_age_usec), 0, YEAR, SEC},
    {"service", "Keys", &config_kind_word, SERVICE(keys), .words = keys_words},
    {"service", "AllowFrom", &config_kind_list, SERVICE(allow_from)},
    {"service", "RequirePrior", &config_kind_word, SERVICE(require_prior),
     .words = require_priors},
    {"service", "Unprivileged", &config_kind_boolean, SERVICE(unprivileged)},
    {"service", "UnknownNames", &config_kind_word, SERVICE(unknown_names),
     .words = unknown_names},
    {"service", "CallerUid", &config_kind_list, SERVICE(caller_uid)},
    {"service", "Provider", &config_kind_text, SERVICE(provider)},
    {"service", "Methods", &config_kind_service_methods, SERVICE(methods), .words = methods},

    {"service-account", "ClientId", &config_kind_text, ACCOUNT(client_id)},
    {"service-account", "LocalUser", &config_kind_text, ACCOUNT(local_user)},
    {"service-account", "RequireRoles", &config_kind_list, ACCOUNT(require_roles)},
    {"service-account", "Provider", &config_kind_text, ACCOUNT(provider)},

    {"identity", "NameFormat", &config_kind_word, CONFIG(name_format), .words = name_formats},
    {"identity", "UidBase", &config_kind_number, CONFIG(uid_base), 1, UINT32_MAX - 1},
    {"identity", "UidCount", &config_kind_number, CONFIG(uid_count), 1, UINT32_MAX - 1},
    {"identity", "HomeTemplate", &config_kind_text, CONFIG(home_template)},
    {"identity", "Shell", &config_kind_path, CONFIG(shell)},

    {"token", "VerifyUsers", &config_kind_list, CONFIG(verify_users)},

    {"totp", "Issuer", &config_kind_text, CONFIG(totp_issuer)},
    {"totp", "Algorithm", &config_kind_word, CONFIG(totp_algorithm), .words = totp_algorithms},
    {"totp", "Digits", &config_kind_number, CONFIG(totp_digits), TOTP_DIGITS_MIN, TOTP_DIGITS_MAX},
    {"totp", "EnrolWithin", &config_kind_duration, CONFIG(totp_enrol_within_usec), 0, DAY, SEC},
    {"totp", "AllowSharedTotp", &config_kind_boolean, CONFIG(totp_allow_shared)},
    {"totp", "OfflineSecret", &config_kind_word, CONFIG(totp_offline_secret),
     .words = offline_secrets},
    {"totp", "OfflinePassphraseMin", &config_kind_number, CONFIG(totp_passphrase_min),
     OFFLINE_PASSPHRASE_LEAST, OFFLINE_PASSPHRASE_MAX / 4},

    {"revocation", "RefreshCheckSec", &config_kind_duration, CONFIG(refresh_check_usec), SEC, DAY,
     SEC},
    {"revocation", "DirectoryPollSec", &config_kind_duration, CONFIG(directory_poll_usec), SEC, DAY,
     SEC},
    {"revocation", "FreshSec", &config_kind_duration, CONFIG(fresh_usec), 0, DAY, SEC},
    {"revocation", "CheckTimeoutMs", &config_kind_duration, CONFIG(check_timeout_usec), 100 * MSEC,
     4500 * MSEC, MSEC},
    {"revocation", "MaxUnconfirmed", &config_kind_duration, CONFIG(max_unconfirmed_usec), 0, YEAR,
     SEC},
    {"revocation", "OfflineGrace", &config_kind_duration, CONFIG(offline_grace_usec), 0, YEAR, SEC},
    {"revocation", "OnRevoked", &config_kind_on_revoked, CONFIG(on_revoked), 0, DAY, SEC,
     on_revokeds},
    {"revocation", "EndOnExpiry", &config_kind_boolean, CONFIG(end_on_expiry)},
    {"revocation", "KillLoginUid", &config_kind_word, CONFIG(kill_login_uid),
     .words = kill_login_uids},
};

const char *config_method_to_word(Method method)
{
    return (unsigned)method < _METHOD_COUNT ? methods[method] : "";
}

const ConfigSection *config_section_find(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(sections); i++) {
        if (strcmp(sections[i].name, name) == 0)
            return &sections[i];
    }
    return NULL;
}

const ConfigKey *config_key_find(const ConfigSection *section, const char *key)
{
    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        if (strcmp(keys[i].section, section->name) == 0 && strcmp(keys[i].key, key) == 0)
            return &keys[i];
    }
    return NULL;
}

const ConfigKey *config_key_next(size_t *iterator)
{
    return *iterator < ELEMENTSOF(keys) ? &keys[(*iterator)++] : NULL;
}

#define DISTANCE_TEXT_MAX 63u

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static char lower(char c)
{
    return (char)tolower((unsigned char)c);
}

/* One cell of the optimal string alignment: rows i-2, i-1 and i are kept. */
static unsigned alignment_cell(unsigned rows[3][DISTANCE_TEXT_MAX + 1], const char *a,
                               const char *b, size_t i, size_t j)
{
    unsigned *before = rows[(i + 1) % 3], *above = rows[(i + 2) % 3], *here = rows[i % 3];
    bool same = lower(a[i - 1]) == lower(b[j - 1]);
    unsigned cell = above[j - 1] + (same ? 0u : 1u);

    cell = least(cell, above[j] + 1u);
    cell = least(cell, here[j - 1] + 1u);
    if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
        lower(a[i - 2]) == lower(b[j - 1]))
        cell = least(cell, before[j - 2] + 1u);
    return cell;
}

unsigned config_edit_distance(const char *a, const char *b)
{
    unsigned rows[3][DISTANCE_TEXT_MAX + 1] = {0};
    size_t a_size = strlen(a), b_size = strlen(b);

    if (a_size > DISTANCE_TEXT_MAX || b_size > DISTANCE_TEXT_MAX)
        return UINT32_MAX;
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        rows[i % 3][0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++)
            rows[i % 3][j] = alignment_cell(rows, a, b, i, j);
    }
    return rows[a_size % 3][b_size];
}

/* Takes `candidate` when it is nearer than what was found before. A third of the letters may
 * differ; more is not a slip but another word. */
static void nearer(const char *text, const char *candidate, unsigned *distance, const char **best)
{
    unsigned d = config_edit_distance(text, candidate);

    if (d <= strlen(candidate) / 3 + 1 && d < *distance) {
        *distance = d;
        *best = candidate;
    }
}

const char *config_section_suggest(const char *name)
{
    const char *best = NULL;
    unsigned distance = UINT32_MAX;

    for (size_t i = 0; i < ELEMENTSOF(sections); i++)
        nearer(name, sections[i].name, &distance, &best);
    return best;
}

const char *config_key_suggest(const ConfigSection *section, const char *key)
{
    const char *best = NULL;
    unsigned distance = UINT32_MAX;

    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        if (strcmp(keys[i].section, section->name) == 0)
            nearer(key, keys[i].key, &distance, &best);
    }
    return best;
}

const char *config_key_elsewhere(const ConfigSection *section, const char *key)
{
    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        if (strcmp(keys[i].section, section->name) != 0 && strcmp(keys[i].key, key) == 0)
            return keys[i].section;
    }
    return NULL;
}
