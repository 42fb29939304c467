/*
 * The claims of an ID token (OpenID Connect Core §3.1.3.7, RFC 7519 §4.1; Entra: tid), checked as a
 * pure function of the token, the keys, the rules and the time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "helper/config/config.h"
#include "helper/token/jwks.h"
#include "helper/token/token-claims.h"
#include "helper/provider/provider.h"

typedef struct IdTokenRules {
    const ProviderConfig *config; /* issuer, client, claim names, skew, type */
    const char *tenant;           /* Entra: the tid that is expected; NULL otherwise */
    const char *nonce;            /* expected nonce, or NULL when none was sent */
    uint64_t now_sec;             /* wall clock, seconds since the epoch */
} IdTokenRules;

/* Validates `token` (NUL-terminated) and reads the person out of it. On any positive result
 * *ret_reason is a static text for the log. Returns 0, TOKEN_E_*, -ENOMEM; *ret_identity is
 * untouched unless 0. */
int id_token_validate(const char *token, const Jwks *jwks, const IdTokenRules *rules,
                      Identity **ret_identity, const char **ret_reason);

/* The claims alone, of a payload whose signature was checked. NULL when all hold, else a static
 * reason. */
const char *id_token_check_claims(const json_t *payload, const IdTokenRules *rules);
