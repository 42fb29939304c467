/*
 * The table of provider types. See provider-type.h.
 */
#include "helper/provider/provider-type.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/base/buffer.h"
#include "helper/token/issuer.h"

#define EXPANDED_MAX 4096u

#define SCOPE "openid profile offline_access"

static const ProviderTraits table[_PROVIDER_TYPE_COUNT] = {
    /* The others give refresh tokens unasked, and Entra's consent page would keep out people of
     * tenants where an administrator consents. */
    [PROVIDER_GENERIC] = {.scope = SCOPE, .id_claim = "sub", .username_claim = "preferred_username",
                          .client_claims = {"client_id", "azp"}, .asks_consent = true},
    /* sub differs per application. */
    [PROVIDER_ENTRA] = {.issuer = "https://{login}/{tenant}/v2.0",
                        .redirect_uri = "{origin}/common/oauth2/nativeclient",
                        .scope = SCOPE, .id_claim = "oid", .username_claim = "preferred_username",
                        .dialect = DIALECT_AADSTS, .has_tenant = true,
                        .tenant_claim = TENANT_CLAIM_NEEDED, .keys_name_issuer = true,
                        .has_cloud = true, .names_contexts = true,
                        .client_claims = {"azp", "appid"}, .app_tokens = APP_TOKENS_IDTYP},
    /* Tokens name the tenant's id as their host, by whatever name it was asked. Microsoft has the
     * keys' issuer checked where metadata are for all tenants; which of the tenant's two issuers
     * keys say here it does not tell: either will do, another tenant's will not. */
    [PROVIDER_ENTRA_EXTERNAL_ID] = {.issuer = "https://{tenant}.{ciam}/{tenant}/v2.0",
                                    .scope = SCOPE, .id_claim = "oid",
                                    .username_claim = "preferred_username",
                                    .dialect = DIALECT_AADSTS, .has_tenant = true,
                                    .tenant_claim = TENANT_CLAIM_NEEDED,
                                    .keys_name_issuer = true,
                                    .keys_issuer = "https://{login}/{tenant}/v2.0",
                                    .has_cloud = true, .names_contexts = true,
                                    .client_claims = {"azp", "appid"},
                                    .app_tokens = APP_TOKENS_IDTYP},
    /* One issuer for all policies, metadata and keys for each. Without a resource in the scope
     * there is no access token; the client itself is one. */
    [PROVIDER_ENTRA_B2C] = {.metadata = "{origin}/{tenant}/{policy}/v2.0"
                                        "/.well-known/openid-configuration",
                            .scope = SCOPE " {client}", .id_claim = "oid",
                            .username_claim = "emails", .dialect = DIALECT_AADB2C,
                            .has_tenant = true, .tenant_claim = TENANT_CLAIM_OPTIONAL,
                            .has_policy = true, .client_claims = {"azp"},
                            .app_tokens = APP_TOKENS_IDTYP},
    /* Polling exactly at the interval can draw slow_down; access, refresh and logout tokens are
     * signed by the key of the ID tokens. */
    [PROVIDER_KEYCLOAK] = {.scope = SCOPE, .id_claim = "sub",
                           .username_claim = "preferred_username", .dialect = DIALECT_KEYCLOAK,
                           .roles_claim = "realm_access.roles",
                           .one_time_code_field = "totp",
                           .id_token_kind = "ID", .access_token_kind = "Bearer",
                           .client_claims = {"azp"}, .app_tokens = APP_TOKENS_SERVICE_ACCOUNT,
                           .poll_extra_sec = 1},
    [PROVIDER_OKTA] = {.scope = SCOPE, .id_claim = "sub", .username_claim = "preferred_username",
                       .access_id_claim = "uid", .client_claims = {"cid"}},
};

static const CloudHosts clouds[_CLOUD_COUNT] = {
    [CLOUD_PUBLIC] = {"login.microsoftonline.com", "ciamlogin.com"},
    [CLOUD_USGOV] = {"login.microsoftonline.us", NULL},
    [CLOUD_CHINA] = {"login.partner.microsoftonline.cn", NULL},
};

const ProviderTraits *provider_traits(ProviderType type)
{
    unsigned index = (unsigned)type;

    return &table[index < ELEMENTSOF(table) ? index : PROVIDER_GENERIC];
}

const CloudHosts *cloud_hosts(Cloud cloud)
{
    unsigned index = (unsigned)cloud;

    return &clouds[index < ELEMENTSOF(clouds) ? index : CLOUD_PUBLIC];
}

bool cloud_of_issuer(const char *issuer, Cloud *ret_cloud)
{
    for (unsigned i = 0; i < ELEMENTSOF(clouds); i++) {
        if (issuer_has_host(issuer, clouds[i].login) ||
            (clouds[i].ciam && issuer_is_below_host(issuer, clouds[i].ciam))) {
            *ret_cloud = (Cloud)i;
            return true;
        }
    }
    return false;
}

/* --- filling holes ---------------------------------------------------------------------------- */

typedef struct Span {
    const char *text; /* NULL: the configuration has none */
    size_t size;
} Span;

static Span span_of(const char *text)
{
    return (Span){text, text ? strlen(text) : 0};
}

static Span origin_of(const ProviderConfig *config)
{
    return (Span){config->issuer, config->issuer ? issuer_origin_size(config->issuer) : 0};
}

/* The value for the hole at `hole`, and how long that is. A brace that opens none stays. */
static Span hole_value(const char *hole, const ProviderConfig *config, size_t *ret_width)
{
    const CloudHosts *hosts = cloud_hosts(config->cloud);
    const struct {
        const char *hole;
        Span value;
    } holes[] = {
        {"{tenant}", span_of(config->tenant)}, {"{policy}", span_of(config->policy)},
        {"{client}", span_of(config->client_id)}, {"{origin}", origin_of(config)},
        {"{login}", span_of(hosts->login)}, {"{ciam}", span_of(hosts->ciam)},
    };

    for (size_t i = 0; i < ELEMENTSOF(holes); i++) {
        *ret_width = strlen(holes[i].hole);
        if (strncmp(hole, holes[i].hole, *ret_width) == 0)
            return holes[i].value;
    }
    *ret_width = 1;
    return (Span){hole, 1};
}

int provider_expand(const char *text, const ProviderConfig *config, char **ret_text)
{
    _cleanup_buffer_ Buffer out = BUFFER_INIT(EXPANDED_MAX);
    size_t width;

    while (*text) {
        size_t plain = strcspn(text, "{");
        int r = buffer_add(&out, text, plain);
        text += plain;
        if (r >= 0 && *text) {
            Span value = hole_value(text, config, &width);
            if (!value.text)
                return -ENODATA;
            r = buffer_add(&out, value.text, value.size);
            text += width;
        }
        if (r < 0)
            return r == -ENOMEM ? r : -ENODATA;
    }
    *ret_text = strndup(out.data ? out.data : "", out.size);
    return *ret_text ? 0 : -ENOMEM;
}
