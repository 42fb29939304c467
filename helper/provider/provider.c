/*
 * One provider: its metadata and keys, its request budget, its operations. See provider.h.
 */
#include "helper/provider/provider.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/token/issuer.h"
#include "helper/provider/provider-internal.h"
#include "helper/provider/provider-type.h"

uint64_t provider_now(const Provider *provider, clockid_t clock)
{
    uint64_t now = 0;

    return sd_event_now(provider->event, clock, &now) >= 0 ? now : 0;
}

void provider_note_reply(Provider *provider, const HttpReply *reply)
{
    provider->answered_last = reply->status != 0 && reply->status < 500;
    if (provider->answered_last) {
        provider->last_success_usec = provider_now(provider, CLOCK_REALTIME);
        return;
    }
    provider->last_failure_usec = provider_now(provider, CLOCK_REALTIME);
    if (reply->status == 0)
        snprintf(provider->last_error, sizeof(provider->last_error), "%s", reply->error);
    else
        snprintf(provider->last_error, sizeof(provider->last_error), "http %ld", reply->status);
}

static const char *last_problem(const Provider *provider)
{
    const char *metadata =
        discovery_is_needless(provider->config) ? "" : document_error(provider->metadata_document);

    if (provider->last_error[0] && !provider->answered_last)
        return provider->last_error;
    if (metadata[0])
        return metadata;
    /* Where the keys are is known once the metadata were fetched; until then nobody has asked. */
    return document_has_url(provider->jwks_document) ? document_error(provider->jwks_document) : "";
}

/* A document came or failed: whoever waits for one looks again, each from its own event source. */
static void wake_operations(void *userdata)
{
    Provider *provider = userdata;

    if (last_problem(provider)[0])
        provider->last_failure_usec = provider_now(provider, CLOCK_REALTIME);
    for (ProviderOp *op = provider->ops; op; op = op->next)
        op_kick(op);
}

static int adopt_metadata(Provider *provider, Metadata *metadata)
{
    int r = document_set_url(provider->jwks_document, metadata->jwks_uri);

    if (r < 0)
        return r;
    metadata_free(provider->metadata);
    provider->metadata = metadata;
    return 0;
}

static int accept_metadata(void *userdata, const char *body, size_t size, const char **ret_reason)
{
    Provider *provider = userdata;
    _cleanup_(metadata_freep) Metadata *metadata = NULL;
    int r = discovery_parse(body, size, provider->config, provider->tenant, &metadata, ret_reason);

    if (r == 0)
        r = adopt_metadata(provider, metadata);
    if (r == 0)
        metadata = NULL;
    return r;
}

static int accept_jwks(void *userdata, const char *body, size_t size, const char **ret_reason)
{
    Provider *provider = userdata;
    Jwks *jwks = NULL;
    int r = jwks_parse(body, size, &jwks, ret_reason);

    if (r < 0)
        return r;
    jwks_free(provider->jwks);
    provider->jwks = jwks;
    return 0;
}

DocumentState provider_ensure_metadata(Provider *provider)
{
    if (discovery_is_needless(provider->config))
        return DOCUMENT_READY;
    return document_ensure(provider->metadata_document);
}

static int new_document(Provider *provider, const char *cache_dir, const char *what,
                        int (*accept)(void *, const char *, size_t, const char **),
                        Document **ret_document)
{
    const ProviderConfig *config = provider->config;
    const DocumentOwner owner = {
        .accept = accept, .settled = wake_operations, .userdata = provider};
    const HttpOptions options = http_options_for(config);
    char name[NAME_FULL_MAX + 32];
    int n = snprintf(name, sizeof(name), "%s.%s", config->name, what);

    if (n < 0 || (size_t)n >= sizeof(name) || strchr(name, '/') || name[0] == '.')
        return -EINVAL;
    return document_new(provider->event, provider->http, &options, cache_dir, name, &owner,
                        ret_document);
}

/* Keys first: reading cached metadata tells them their address. */
static int set_up_documents(Provider *provider, const char *cache_dir)
{
    _cleanup_free_ char *url = NULL;
    _cleanup_(metadata_freep) Metadata *metadata = NULL;
    const char *reason;
    int r = new_document(provider, cache_dir, "jwks", accept_jwks, &provider->jwks_document);

    if (r == 0)
        r = new_document(provider, cache_dir, "metadata", accept_metadata,
                         &provider->metadata_document);
    if (r < 0)
        return r;
    if (!discovery_is_needless(provider->config)) {
        r = discovery_url(provider->config, &url);
        return r == 0 ? document_set_url(provider->metadata_document, url) : r;
    }
    r = discovery_from_config(provider->config, &metadata, &reason);
    if (r == 0)
        r = adopt_metadata(provider, metadata);
    if (r == 0)
        metadata = NULL;
    return r;
}

static int set_tenant(Provider *provider)
{
    const ProviderConfig *config = provider->config;

    if (!provider_traits(config->type)->has_tenant)
        return 0;
    if (!config->tenant)
        return issuer_tenant(config->issuer, &provider->tenant);
    provider->tenant = strdup(config->tenant);
    return provider->tenant ? 0 : -ENOMEM;
}

int provider_new(sd_event *event, Http *http, const ProviderConfig *config, const char *cache_dir,
                 Provider **ret_provider)
{
    _cleanup_(provider_freep) Provider *provider = calloc(1, sizeof(*provider));

    if (!provider)
        return -ENOMEM;
    provider->event = sd_event_ref(event);
    provider->http = http;
    provider->config = config;
    request_budget_start(&provider->budget, config->requests_per_minute,
                         provider_now(provider, CLOCK_BOOTTIME));
    int r = sd_event_add_time(event, &provider->budget_timer, CLOCK_BOOTTIME, UINT64_MAX, 10000,
                              provider_on_budget, provider);
    if (r >= 0)
        r = sd_event_source_set_enabled(provider->budget_timer, SD_EVENT_OFF);
    if (r >= 0)
        r = set_tenant(provider);
    if (r >= 0)
        r = set_up_documents(provider, cache_dir);
    if (r < 0)
        return r;
    *ret_provider = TAKE_PTR(provider);
    return 0;
}

Provider *provider_free(Provider *provider)
{
    if (!provider)
        return NULL;
    provider_tests_end(provider);
    while (provider->ops)
        op_free(provider->ops);
    sd_event_source_disable_unref(provider->budget_timer);
    document_free(provider->metadata_document);
    document_free(provider->jwks_document);
    metadata_free(provider->metadata);
    jwks_free(provider->jwks);
    free(provider->tenant);
    sd_event_unref(provider->event);
    free(provider);
    return NULL;
}

uint64_t provider_take_request(Provider *provider)
{
    return request_budget_take(&provider->budget, REQUEST_REFRESH,
                               provider_now(provider, CLOCK_BOOTTIME));
}

DocumentState provider_token_endpoint(Provider *provider, const char **ret_url,
                                      bool *ret_secret_in_body)
{
    if (provider->config->directory_token_endpoint) {
        *ret_url = provider->config->directory_token_endpoint;
        *ret_secret_in_body = false;
        return DOCUMENT_READY;
    }
    DocumentState state = provider_ensure_metadata(provider);
    if (state != DOCUMENT_READY)
        return state;
    *ret_url = provider->metadata->token_endpoint;
    *ret_secret_in_body = provider->metadata->secret_in_body;
    return state;
}

bool provider_is_busy(const Provider *provider)
{
    return provider->ops || provider->tests;
}

const char *provider_name(const Provider *provider)
{
    return provider->config->name;
}

const char *provider_issuer(const Provider *provider)
{
    return provider->config->issuer;
}

void provider_status(const Provider *provider, ProviderStatus *ret_status)
{
    uint64_t fetched = document_fetched_usec(provider->metadata_document);
    uint64_t jwks_fetched = document_fetched_usec(provider->jwks_document);
    uint64_t success = provider->last_success_usec;

    success = fetched > success ? fetched : success;
    success = jwks_fetched > success ? jwks_fetched : success;
    *ret_status = (ProviderStatus){
        .last_success_usec = success,
        .last_failure_usec = provider->last_failure_usec,
        .last_error = last_problem(provider),
        .jwks_keys = provider->jwks ? (unsigned)provider->jwks->count : 0,
        .jwks_fetched_usec = jwks_fetched,
    };
    if (success == 0)
        ret_status->state = ret_status->last_error[0] ? "unreachable" : "not asked yet";
    else
        ret_status->state = ret_status->last_error[0] ? "unreachable" : "ok";
}
