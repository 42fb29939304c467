/*
 * What ID tokens and access tokens have in common: signature, issuer, tenant, policy, times. Pure;
 * which claims must hold for what is id-token.h's and access-token.h's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "helper/config/config.h"
#include "helper/token/jwt.h"

/* Positive results of validating a token. */
#define TOKEN_E_UNKNOWN_KEY                                                                        \
    1 /* signed by a key that is not in the set: look whether there are newer ones */
#define TOKEN_E_REFUSED 2

typedef struct TokenRules {
    const ProviderConfig *config; /* issuer, clients, claim names, skew, type */
    const char *tenant;           /* Entra: the tid that is expected; NULL otherwise */
    uint64_t now_sec;             /* wall clock, seconds since the epoch */
} TokenRules;

/* The signature, by a key that the provider may use. 0, TOKEN_E_UNKNOWN_KEY, TOKEN_E_REFUSED,
 * -ENOMEM. */
int token_verify(const Jwt *jwt, const Jwks *jwks, const TokenRules *rules);

/* Is the claim exactly this text? */
bool token_claim_is(const json_t *payload, const char *name, const char *expected);

/* Is `aud` this text, or a list of texts with it among them? */
bool token_audience_has(const json_t *payload, const char *audience);

/* tid, where the type has one. */
bool token_is_of_tenant(const json_t *payload, const TokenRules *rules);

/* tfp or acr, where the type has policies. */
bool token_is_of_policy(const json_t *payload, const ProviderConfig *config);

/* A NumericDate (RFC 7519 §2): a number, perhaps with a fraction, from 0 to 2^53 seconds. */
bool token_numeric_date(const json_t *payload, const char *name, uint64_t *ret_sec);

typedef enum TokenTimes {
    TOKEN_TIMES_GOOD = 0,
    TOKEN_TIMES_NO_EXP,
    TOKEN_TIMES_NO_IAT,
    TOKEN_TIMES_FUTURE,
    TOKEN_TIMES_BAD_NBF,
    TOKEN_TIMES_EARLY,
    TOKEN_TIMES_EXPIRED,
    _TOKEN_TIMES_COUNT,
} TokenTimes;

/* exp and iat are needed, nbf holds where it is there; all within ClockSkewSec=. */
TokenTimes token_times(const json_t *payload, const TokenRules *rules);
