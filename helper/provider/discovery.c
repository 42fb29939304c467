/*
 * Provider metadata. See discovery.h.
 */
#include "helper/provider/discovery.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/provider/http-headers.h"
#include "helper/token/issuer.h"
#include "helper/base/json-strict.h"
#include "helper/provider/provider-type.h"

#define URL_MAX 2048u

int discovery_url(const ProviderConfig *config, char **ret_url)
{
    const char *text = provider_traits(config->type)->metadata;
    size_t size = strlen(config->issuer);

    if (config->oidc_url)
        *ret_url = strdup(config->oidc_url);
    else if (text)
        return provider_expand(text, config, ret_url);
    else if (asprintf(ret_url, "%s%s.well-known/openid-configuration", config->issuer,
                      size > 0 && config->issuer[size - 1] == '/' ? "" : "/") < 0)
        *ret_url = NULL;
    return *ret_url ? 0 : -ENOMEM;
}

static const char *method_endpoint(const ProviderConfig *config, Method method)
{
    const char *const endpoints[_METHOD_COUNT] = {
        [METHOD_DEVICE] = config->device_endpoint,
        [METHOD_BROWSER] = config->authorization_endpoint,
        [METHOD_PASSWORD] = config->token_endpoint,
    };

    return endpoints[method];
}

bool discovery_is_needless(const ProviderConfig *config)
{
    if (config->oidc_url || !config->token_endpoint || !config->jwks_uri)
        return false;
    for (size_t i = 0; i < config->method_count; i++)
        if (config->methods[i] != METHOD_BEARER && !method_endpoint(config, config->methods[i]))
            return false;
    return config->method_count > 0;
}

/* One address: the configured one, else the document's. Absent gives NULL. */
static int take_url(const ProviderConfig *config, const char *configured, const char *published,
                    char **ret_url)
{
    const char *url = configured ? configured : published;

    if (!url)
        return 0;
    if (!url_is_allowed(url, config->allow_insecure_loopback))
        return -EBADMSG;
    *ret_url = strdup(url);
    return *ret_url ? 0 : -ENOMEM;
}

static int take_urls(const ProviderConfig *config, const json_t *document, Metadata *metadata,
                     const char **ret_reason)
{
    /* If OidcUrl, Issuer and JwksUri are all given, OidcUrl wins (facts/providers.md §4). */
    const char *jwks_uri = config->oidc_url ? NULL : config->jwks_uri;

    *ret_reason = "metadata: an endpoint is not an https address";
    int r = take_url(config, config->device_endpoint,
                     json_text(document, "device_authorization_endpoint", URL_MAX),
                     &metadata->device_endpoint);
    if (r == 0)
        r = take_url(config, config->authorization_endpoint,
                     json_text(document, "authorization_endpoint", URL_MAX),
                     &metadata->authorization_endpoint);
    if (r == 0)
        r = take_url(config, config->token_endpoint, json_text(document, "token_endpoint", URL_MAX),
                     &metadata->token_endpoint);
    if (r == 0)
        r = take_url(config, jwks_uri, json_text(document, "jwks_uri", URL_MAX),
                     &metadata->jwks_uri);
    if (r < 0)
        return r;
    *ret_reason = "metadata: token_endpoint or jwks_uri is missing";
    return metadata->token_endpoint && metadata->jwks_uri ? 0 : -EBADMSG;
}

/* Absent means client_secret_basic (Discovery §3). */
static bool secret_goes_in_body(const json_t *document)
{
    const json_t *methods = json_object_get(document, "token_endpoint_auth_methods_supported");
    bool basic = !json_is_array(methods), post = false;

    for (size_t i = 0; i < json_array_size(methods); i++) {
        const char *method = json_string_value(json_array_get(methods, i));
        basic = basic || (method && strcmp(method, "client_secret_basic") == 0);
        post = post || (method && strcmp(method, "client_secret_post") == 0);
    }
    return post && !basic;
}

static int build(const ProviderConfig *config, const json_t *document, Metadata **ret_metadata,
                 const char **ret_reason)
{
    _cleanup_(metadata_freep) Metadata *metadata = calloc(1, sizeof(*metadata));

    if (!metadata)
        return -ENOMEM;
    metadata->issuer_in_answer = json_is_true(
        json_object_get(document, "authorization_response_iss_parameter_supported"));
    metadata->secret_in_body = secret_goes_in_body(document);
    int r = take_urls(config, document, metadata, ret_reason);
    if (r == 0)
        *ret_metadata = TAKE_PTR(metadata);
    return r;
}

int discovery_from_config(const ProviderConfig *config, Metadata **ret_metadata,
                          const char **ret_reason)
{
    return build(config, NULL, ret_metadata, ret_reason);
}

int discovery_parse(const char *data, size_t size, const ProviderConfig *config, const char *tenant,
                    Metadata **ret_metadata, const char **ret_reason)
{
    json_auto_t *document = NULL;
    int r = json_read_strict(data, size, HTTP_BODY_MAX, &document);

    *ret_reason = "metadata: not strict JSON";
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    const char *issuer = json_text(document, "issuer", URL_MAX);
    *ret_reason = "metadata: issuer is not the configured one";
    if (!issuer || !issuer_matches(issuer, config->issuer, tenant))
        return -EBADMSG;
    return build(config, document, ret_metadata, ret_reason);
}

Metadata *metadata_free(Metadata *metadata)
{
    if (!metadata)
        return NULL;
    free(metadata->device_endpoint);
    free(metadata->authorization_endpoint);
    free(metadata->token_endpoint);
    free(metadata->jwks_uri);
    free(metadata);
    return NULL;
}
