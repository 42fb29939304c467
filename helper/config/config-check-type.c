/*
 * Checks of what a provider's type asks for: tenant, policy, cloud
 * (helper/provider/provider-type.h); and of what is asked of its claims (helper/token/claims.h).
 */
#include "helper/config/config-check.h"

#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/config/config-check-private.h"
#include "helper/token/claims.h"
#include "helper/token/issuer.h"
#include "helper/provider/provider-type.h"

/* Every tenant signs in at these, so that anybody with a Microsoft account would be "ours". */
static bool is_shared_tenant(const char *tenant)
{
    return strcmp(tenant, "common") == 0 || strcmp(tenant, "organizations") == 0 ||
           strcmp(tenant, "consumers") == 0;
}

static void check_tenant(const ProviderConfig *provider, ConfigReport *report)
{
    const char *tenant = provider->tenant, *issuer = provider->issuer;

    if (!provider_traits(provider->type)->has_tenant || !issuer)
        return;
    if (!tenant || is_shared_tenant(tenant) || strstr(issuer, "{tenantid}"))
        config_report_error(report, "provider", provider->name, "Issuer",
                            "does not name one tenant; use https://HOST/TENANT-ID/v2.0");
    else if (!config_is_guid(tenant))
        config_report_warning(report, "provider", provider->name, "Tenant",
                              "%.100s is not a tenant's id: tokens name the id, not the domain",
                              tenant);
}

/* The host of an External ID issuer is the tenant, whatever name people see. */
static void check_ciam_host(const ProviderConfig *provider, ConfigReport *report)
{
    const char *ciam = cloud_hosts(CLOUD_PUBLIC)->ciam, *tenant = provider->tenant;
    char host[128];

    if (!provider->issuer || !tenant || !issuer_is_below_host(provider->issuer, ciam))
        return;
    snprintf(host, sizeof(host), "%.90s.%s", tenant, ciam);
    if (!issuer_has_host(provider->issuer, host))
        config_report_error(report, "provider", provider->name, "Issuer",
                            "is not how tokens name it: https://%s/%.90s/v2.0, or Tenant= alone",
                            host, tenant);
}

static void check_policy(const ProviderConfig *provider, ConfigReport *report)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    bool has_policy = provider_traits(provider->type)->has_policy;

    if (has_policy != (provider->policy != NULL))
        config_report_error(report, "provider", provider->name, "Policy",
                            has_policy ? "is missing" : "is for Type=entra-b2c");
    else if (has_policy && provider->policy[strspn(provider->policy, letters)] != '\0')
        config_report_error(report, "provider", provider->name, "Policy",
                            "is not the name of a policy or user flow such as B2C_1_signin");
}

static void check_cloud(const ProviderConfig *provider, ConfigReport *report)
{
    Cloud cloud = provider->cloud;

    if (!provider_traits(provider->type)->has_cloud) {
        if (cloud != CLOUD_PUBLIC)
            config_report_error(report, "provider", provider->name, "Cloud",
                                "is for Type=entra and Type=entra-external-id");
        return;
    }
    if (provider->issuer && cloud_of_issuer(provider->issuer, &cloud) && cloud != provider->cloud)
        config_report_error(report, "provider", provider->name, "Cloud",
                            "is not that of Issuer=, whose host belongs to another");
}

/* What is not written is generic, which takes Entra's refusals for one another. */
static void check_plain(const ProviderConfig *provider, ConfigReport *report)
{
    Cloud cloud;

    if (provider_traits(provider->type)->dialect == DIALECT_PLAIN && provider->issuer &&
        cloud_of_issuer(provider->issuer, &cloud))
        config_report_warning(report, "provider", provider->name, "Type",
                              "is not entra, and Issuer= is of Entra ID: who is disabled there "
                              "would not be told from who has to sign in again");
}

static void check_refusals(const ProviderConfig *provider, ConfigReport *report)
{
    if (provider->refused_refresh_is_revoked &&
        provider_traits(provider->type)->dialect != DIALECT_PLAIN)
        config_report_warning(report, "provider", provider->name, "RefusedRefresh",
                              "has no effect: providers of this type say why they refuse");
}

static void check_claims(const ProviderConfig *provider, ConfigReport *report)
{
    const char *text = provider->username_template;
    const char *fault = text ? claim_template_fault(text) : NULL;

    if (text && !fault && !strchr(text, '@'))
        fault = "needs '@' and a domain at its end, because Domains= is not one domain";
    if (fault)
        config_report_error(report, "provider", provider->name, "UsernameTemplate", "%s", fault);
    else if (text && provider->first_bind == FIRST_BIND_USERNAME)
        config_report_warning(report, "provider", provider->name, "FirstBind",
                              "binds whoever of two people of one name signs in first; add by "
                              "--id");
    for (size_t i = 0; provider->require_claims[i]; i++) {
        const char *claim = provider->require_claims[i], *equals = strchr(claim, '=');
        if (!equals || equals == claim || !equals[1])
            config_report_error(report, "provider", provider->name, "RequireClaims",
                                "'%.100s' is not of the form claim=value", claim);
    }
}

static void check_copied(const ProviderConfig *provider, ConfigReport *report)
{
    char *const *wanted = provider->copy_claims;

    for (size_t i = 0; wanted[i]; i++) {
        if (!claim_copy_is_valid(wanted[i]))
            config_report_error(report, "provider", provider->name, "CopyClaims",
                                "'%.100s' is not of the form claim:name with a name of letters, "
                                "digits and '_'",
                                wanted[i]);
        for (size_t k = 0; k < i; k++)
            if (strcmp(claim_copy_name(wanted[i]), claim_copy_name(wanted[k])) == 0)
                config_report_error(report, "provider", provider->name, "CopyClaims",
                                    "gives two claims the name '%.100s'",
                                    claim_copy_name(wanted[i]));
        if (i == CLAIMS_COPIED_MAX)
            config_report_error(report, "provider", provider->name, "CopyClaims",
                                "names more than %u claims", CLAIMS_COPIED_MAX);
    }
}

static bool has_method(const ProviderConfig *provider, Method method)
{
    for (size_t i = 0; i < provider->method_count; i++)
        if (provider->methods[i] == method)
            return true;
    return false;
}

static void check_second_factor(const ProviderConfig *provider, ConfigReport *report)
{
    SecondFactor factor = provider->second_factor;

    if (!has_method(provider, METHOD_PASSWORD)) {
        if (factor != SECOND_FACTOR_TOTP)
            config_report_warning(report, "provider", provider->name, "SecondFactor",
                                  "has no effect: Methods= does not name password");
        return;
    }
    if (factor == SECOND_FACTOR_PROVIDER && !provider_traits(provider->type)->one_time_code_field)
        config_report_error(report, "provider", provider->name, "SecondFactor",
                            "is for Type=keycloak: others take no code beside a password");
    if (factor == SECOND_FACTOR_NONE)
        config_report_warning(report, "provider", provider->name, "SecondFactor",
                              "lets a password alone sign people in");
}

/* The audience of an ID token is the client: with the same word here either would open the door. */
static void check_bearer(const ProviderConfig *provider, ConfigReport *report)
{
    const char *audience = provider->api_audience;

    if (has_method(provider, METHOD_BEARER) && !audience)
        config_report_error(report, "provider", provider->name, "ApiAudience",
                            "is missing, and Methods= names bearer");
    if (audience && provider->client_id && strcmp(audience, provider->client_id) == 0)
        config_report_error(report, "provider", provider->name, "ApiAudience",
                            "is ClientId=, so that an ID token would pass for an access token; "
                            "register an API of its own");
    if (!audience && (provider->require_scopes[0] || provider->require_roles[0]))
        config_report_warning(report, "provider", provider->name,
                              provider->require_scopes[0] ? "RequireScopes" : "RequireRoles",
                              "has no effect without ApiAudience=");
}

void config_check_type(const ProviderConfig *provider, ConfigReport *report)
{
    check_tenant(provider, report);
    check_ciam_host(provider, report);
    check_policy(provider, report);
    check_cloud(provider, report);
    check_plain(provider, report);
    check_refusals(provider, report);
    check_claims(provider, report);
    check_copied(provider, report);
    check_second_factor(provider, report);
    check_bearer(provider, report);
    if (provider->oidc_url && provider->jwks_uri)
        config_report_warning(report, "provider", provider->name, "JwksUri",
                              "has no effect: OidcUrl= goes before it");
}
