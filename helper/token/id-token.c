/*
 * ID token validation. See id-token.h.
 *
 * Each check is a function that gives NULL or the reason of refusal; they stand in one table, in
 * the order in which the log should name the first that fails.
 */
#include "helper/token/id-token.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "helper/token/identity.h"
#include "helper/base/json-strict.h"
#include "helper/token/jwt.h"
#include "helper/provider/provider-type.h"

typedef const char *(*ClaimCheck)(const json_t *payload, const IdTokenRules *rules);

static bool text_equals(const json_t *value, const char *expected)
{
    return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

/* Other tokens of the provider, and its security events, may carry the same signature. */
static const char *check_purpose(const json_t *payload, const IdTokenRules *rules)
{
    const char *expected = provider_traits(rules->config->type)->id_token_kind;
    const json_t *typ = json_object_get(payload, "typ");

    if (json_object_get(payload, "events"))
        return "id token: it is a security event";
    if (expected && typ && !text_equals(typ, expected))
        return "id token: its typ claim says it is another token";
    return NULL;
}

static const char *check_issuer(const json_t *payload, const IdTokenRules *rules)
{
    return text_equals(json_object_get(payload, "iss"), rules->config->issuer)
               ? NULL
               : "id token: iss mismatch";
}

static const char *check_tenant(const json_t *payload, const IdTokenRules *rules)
{
    TenantClaim needed = provider_traits(rules->config->type)->tenant_claim;
    const json_t *tid = json_object_get(payload, "tid");

    if (needed == TENANT_CLAIM_NONE || (needed == TENANT_CLAIM_OPTIONAL && !tid))
        return NULL;
    if (!rules->tenant || !text_equals(tid, rules->tenant))
        return "id token: tid mismatch";
    return NULL;
}

/* B2C's policies share issuer, audience and perhaps keys, but not what they ask of a person: one
 * that resets passwords must not sign in. Policies are named in either case. */
static const char *check_policy(const json_t *payload, const IdTokenRules *rules)
{
    const char *policy = rules->config->policy;

    if (!provider_traits(rules->config->type)->has_policy)
        return NULL;
    const char *named = json_text(payload, "tfp", CLAIM_MAX);
    if (!named && !json_object_get(payload, "tfp"))
        named = json_text(payload, "acr", CLAIM_MAX);
    return policy && named && strcasecmp(named, policy) == 0 ? NULL
                                                             : "id token: of another policy";
}

/* One string, or a list of strings with ours among them. */
static bool audience_has(const json_t *aud, const char *client)
{
    bool found = false;

    if (!json_is_array(aud))
        return text_equals(aud, client);
    for (size_t i = 0; i < json_array_size(aud); i++) {
        if (!json_is_string(json_array_get(aud, i)))
            return false;
        found = found || text_equals(json_array_get(aud, i), client);
    }
    return found;
}

static const char *check_audience(const json_t *payload, const IdTokenRules *rules)
{
    const json_t *aud = json_object_get(payload, "aud"), *azp = json_object_get(payload, "azp");
    const char *client = rules->config->client_id;

    if (!audience_has(aud, client))
        return "id token: aud mismatch";
    if (json_is_array(aud) && json_array_size(aud) > 1 && !azp)
        return "id token: several audiences without azp";
    return azp && !text_equals(azp, client) ? "id token: azp mismatch" : NULL;
}

/* A NumericDate (RFC 7519 §2): a number, perhaps with a fraction, from 0 to 2^53 seconds. */
static bool numeric_date(const json_t *payload, const char *name, uint64_t *ret_sec)
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

static const char *check_times(const json_t *payload, const IdTokenRules *rules)
{
    uint64_t skew = rules->config->clock_skew_usec / 1000000u, now = rules->now_sec, exp, at;

    if (!numeric_date(payload, "exp", &exp))
        return "id token: exp is missing or no time";
    if (!numeric_date(payload, "iat", &at))
        return "id token: iat is missing or no time";
    if (at > now && at - now > skew)
        return "id token: issued in the future; check the clock of this host";
    if (json_object_get(payload, "nbf") && !numeric_date(payload, "nbf", &at))
        return "id token: nbf is no time";
    if (at > now && at - now > skew)
        return "id token: not valid yet; check the clock of this host";
    if (now >= exp && now - exp >= skew)
        return "id token: expired; check the clock of this host";
    return NULL;
}

static const char *check_nonce(const json_t *payload, const IdTokenRules *rules)
{
    if (rules->nonce && !text_equals(json_object_get(payload, "nonce"), rules->nonce))
        return "id token: nonce mismatch";
    return NULL;
}

static const char *check_subject(const json_t *payload, const IdTokenRules *rules)
{
    return json_text(payload, "sub", CLAIM_MAX) ? NULL
                                                : "id token: sub is missing, empty or too long";
}

static const ClaimCheck claim_checks[] = {
    check_purpose,  check_issuer, check_tenant, check_policy,
    check_audience, check_times,  check_nonce,  check_subject,
};

const char *id_token_check_claims(const json_t *payload, const IdTokenRules *rules)
{
    for (size_t i = 0; i < ELEMENTSOF(claim_checks); i++) {
        const char *reason = claim_checks[i](payload, rules);
        if (reason)
            return reason;
    }
    return NULL;
}

static int verify(const Jwt *jwt, const Jwks *jwks, const IdTokenRules *rules,
                  const char **ret_reason)
{
    const ProviderTraits *traits = provider_traits(rules->config->type);
    _cleanup_free_ char *other = NULL;
    int r = traits->keys_issuer ? provider_expand(traits->keys_issuer, rules->config, &other) : 0;

    if (r == -ENOMEM)
        return r;
    const char *const issuers[] = {rules->config->issuer, other, NULL};
    r = jwt_verify(jwt, jwks, traits->keys_name_issuer ? issuers : NULL, rules->tenant);
    if (r == JWT_E_UNKNOWN_KEY) {
        *ret_reason = "id token: signed by a key the provider does not publish";
        return ID_TOKEN_E_UNKNOWN_KEY;
    }
    if (r != 0) {
        *ret_reason = "id token: signature is wrong";
        return ID_TOKEN_E_REFUSED;
    }
    return 0;
}

int id_token_validate(const char *token, const Jwks *jwks, const IdTokenRules *rules,
                      Identity **ret_identity, const char **ret_reason)
{
    _cleanup_(jwt_freep) Jwt *jwt = NULL;
    int r = jwt_parse(token, strlen(token), &jwt, ret_reason);

    if (r < 0)
        return r == -ENOMEM ? r : ID_TOKEN_E_REFUSED;
    r = verify(jwt, jwks, rules, ret_reason);
    if (r != 0)
        return r;
    const char *reason = id_token_check_claims(jwt->payload, rules);
    if (reason) {
        *ret_reason = reason;
        return ID_TOKEN_E_REFUSED;
    }
    *ret_reason = "id token: the id claim is missing, too long or has control characters";
    r = identity_from_claims(jwt->payload, rules->config, rules->tenant, ret_identity);
    return r > 0 ? ID_TOKEN_E_REFUSED : r;
}
