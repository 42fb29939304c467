/*
 * Shared checks of signed tokens. See token-claims.h.
 */
#include "helper/token/token-claims.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "helper/base/json-strict.h"
#include "helper/provider/provider-type.h"

static bool text_equals(const json_t *value, const char *expected)
{
    return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

int token_verify(const Jwt *jwt, const Jwks *jwks, const TokenRules *rules)
{
    const ProviderTraits *traits = provider_traits(rules->config->type);
    _cleanup_free_ char *other = NULL;
    int r = traits->keys_issuer ? provider_expand(traits->keys_issuer, rules->config, &other) : 0;

    if (r == -ENOMEM)
        return r;
    const char *const issuers[] = {rules->config->issuer, other, NULL};
    r = jwt_verify(jwt, jwks, traits->keys_name_issuer ? issuers : NULL, rules->tenant);
    if (r == JWT_E_UNKNOWN_KEY)
        return TOKEN_E_UNKNOWN_KEY;
    return r == 0 ? 0 : TOKEN_E_REFUSED;
}

bool token_claim_is(const json_t *payload, const char *name, const char *expected)
{
    return text_equals(json_object_get(payload, name), expected);
}

bool token_audience_has(const json_t *payload, const char *audience)
{
    const json_t *aud = json_object_get(payload, "aud");
    bool found = false;

    if (!json_is_array(aud))
        return text_equals(aud, audience);
    for (size_t i = 0; i < json_array_size(aud); i++) {
        if (!json_is_string(json_array_get(aud, i)))
            return false;
        found = found || text_equals(json_array_get(aud, i), audience);
    }
    return found;
}

bool token_is_of_tenant(const json_t *payload, const TokenRules *rules)
{
    TenantClaim needed = provider_traits(rules->config->type)->tenant_claim;
    const json_t *tid = json_object_get(payload, "tid");

    if (needed == TENANT_CLAIM_NONE || (needed == TENANT_CLAIM_OPTIONAL && !tid))
        return true;
    return rules->tenant && text_equals(tid, rules->tenant);
}

/* B2C's policies share issuer, audience and perhaps keys, but not what they ask of a person: one
 * that resets passwords must not sign in. Policies are named in either case. */
bool token_is_of_policy(const json_t *payload, const ProviderConfig *config)
{
    if (!provider_traits(config->type)->has_policy)
        return true;
    const char *named = json_text(payload, "tfp", CLAIM_MAX);
    if (!named && !json_object_get(payload, "tfp"))
        named = json_text(payload, "acr", CLAIM_MAX);
    return config->policy && named && strcasecmp(named, config->policy) == 0;
}

bool token_numeric_date(const json_t *payload, const char *name, uint64_t *ret_sec)
{
    const json_t *value = json_object_get(payload, name);

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret_sec = (uint64_t)json_integer_value(value);
        return true;
    }
    if (!json_is_real(value) || !(json_real_value(value) >= 0.0) ||
        !(json_real_value(value) < (double)JSON_INTEGER_MAX))
        return false;
    *ret_sec = (uint64_t)json_real_value(value);
    return true;
}

TokenTimes token_times(const json_t *payload, const TokenRules *rules)
{
    uint64_t skew = rules->config->clock_skew_usec / 1000000u, now = rules->now_sec, exp, at;

    if (!token_numeric_date(payload, "exp", &exp))
        return TOKEN_TIMES_NO_EXP;
    if (!token_numeric_date(payload, "iat", &at))
        return TOKEN_TIMES_NO_IAT;
    if (at > now && at - now > skew)
        return TOKEN_TIMES_FUTURE;
    if (json_object_get(payload, "nbf") && !token_numeric_date(payload, "nbf", &at))
        return TOKEN_TIMES_BAD_NBF;
    if (at > now && at - now > skew)
        return TOKEN_TIMES_EARLY;
    return now >= exp && now - exp >= skew ? TOKEN_TIMES_EXPIRED : TOKEN_TIMES_GOOD;
}
