/*
 * ID token validation. See id-token.h.
 *
 * Each check is a function that gives NULL or the reason of refusal; they stand in one table, in
 * the order in which the log should name the first that fails.
 */
#include "helper/token/id-token.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/token/identity.h"
#include "helper/base/json-strict.h"
#include "helper/token/jwt.h"
#include "helper/provider/provider-type.h"
#include "helper/token/token-claims.h"

typedef const char *(*ClaimCheck)(const json_t *payload, const IdTokenRules *rules);

/* Other tokens of the provider, and its security events, may carry the same signature. */
static const char *check_purpose(const json_t *payload, const IdTokenRules *rules)
{
    const char *expected = provider_traits(rules->config->type)->id_token_kind;
    const json_t *typ = json_object_get(payload, "typ");

    if (json_object_get(payload, "events"))
        return "id token: it is a security event";
    if (expected && typ && !token_claim_is(payload, "typ", expected))
        return "id token: its typ claim says it is another token";
    return NULL;
}

static const char *check_issuer(const json_t *payload, const IdTokenRules *rules)
{
    return token_claim_is(payload, "iss", rules->config->issuer) ? NULL : "id token: iss mismatch";
}

static TokenRules shared_rules(const IdTokenRules *rules)
{
    return (TokenRules){rules->config, rules->tenant, rules->now_sec};
}

static const char *check_tenant(const json_t *payload, const IdTokenRules *rules)
{
    const TokenRules shared = shared_rules(rules);

    return token_is_of_tenant(payload, &shared) ? NULL : "id token: tid mismatch";
}

static const char *check_policy(const json_t *payload, const IdTokenRules *rules)
{
    return token_is_of_policy(payload, rules->config) ? NULL : "id token: of another policy";
}

static const char *check_audience(const json_t *payload, const IdTokenRules *rules)
{
    const json_t *aud = json_object_get(payload, "aud"), *azp = json_object_get(payload, "azp");
    const char *client = rules->config->client_id;

    if (!token_audience_has(payload, client))
        return "id token: aud mismatch";
    if (json_is_array(aud) && json_array_size(aud) > 1 && !azp)
        return "id token: several audiences without azp";
    return azp && !token_claim_is(payload, "azp", client) ? "id token: azp mismatch" : NULL;
}

static const char *check_times(const json_t *payload, const IdTokenRules *rules)
{
    static const char *const reasons[_TOKEN_TIMES_COUNT] = {
        [TOKEN_TIMES_NO_EXP] = "id token: exp is missing or no time",
        [TOKEN_TIMES_NO_IAT] = "id token: iat is missing or no time",
        [TOKEN_TIMES_FUTURE] = "id token: issued in the future; check the clock of this host",
        [TOKEN_TIMES_BAD_NBF] = "id token: nbf is no time",
        [TOKEN_TIMES_EARLY] = "id token: not valid yet; check the clock of this host",
        [TOKEN_TIMES_EXPIRED] = "id token: expired; check the clock of this host",
    };
    const TokenRules shared = shared_rules(rules);

    return reasons[token_times(payload, &shared)];
}

static const char *check_nonce(const json_t *payload, const IdTokenRules *rules)
{
    if (rules->nonce && !token_claim_is(payload, "nonce", rules->nonce))
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

int id_token_validate(const char *token, const Jwks *jwks, const IdTokenRules *rules,
                      Identity **ret_identity, const char **ret_reason)
{
    _cleanup_(jwt_freep) Jwt *jwt = NULL;
    int r = jwt_parse(token, strlen(token), &jwt, ret_reason);

    if (r < 0)
        return r == -ENOMEM ? r : TOKEN_E_REFUSED;
    const TokenRules shared = shared_rules(rules);
    r = token_verify(jwt, jwks, &shared);
    *ret_reason = r == TOKEN_E_UNKNOWN_KEY
                      ? "id token: signed by a key the provider does not publish"
                      : "id token: signature is wrong";
    if (r != 0)
        return r;
    const char *reason = id_token_check_claims(jwt->payload, rules);
    if (reason) {
        *ret_reason = reason;
        return TOKEN_E_REFUSED;
    }
    *ret_reason = "id token: the id claim is missing, too long or has control characters";
    r = identity_from_claims(jwt->payload, rules->config, rules->tenant, ret_identity);
    return r > 0 ? TOKEN_E_REFUSED : r;
}
