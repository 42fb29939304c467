/*
 * Signed tokens in compact form (RFC 7515 §7.1, RFC 7519 §7.2, RFC 8725).
 *
 * Three strict segments, a header from which only alg, kid and typ are used, a payload that is one
 * strict JSON object. Keys come from the provider's set alone; jwk, jku, x5u and x5c are ignored.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include "helper/token/jwks.h"

typedef struct Jwt {
    const SignatureAlgorithm *algorithm;
    char *kid; /* NULL if absent */
    json_t *header;
    json_t *payload;
    const char *input; /* borrowed from the token: what was signed */
    size_t input_size;
    uint8_t *signature;
    size_t signature_size;
} Jwt;

/* Positive results of jwt_verify(). */
#define JWT_E_UNKNOWN_KEY                                                                          \
    1 /* no key of that kid, or without a kid none that fits: newer keys may help */
#define JWT_E_BAD_SIGNATURE 2

/* Reads a token; nothing in it may be trusted before jwt_verify(). `token` must outlive *ret_jwt.
 * Returns 0, -EBADMSG with a static *ret_reason, -ENOMEM. */
int jwt_parse(const char *token, size_t size, Jwt **ret_jwt, const char **ret_reason);

/* The same of an access token, whose typ may be at+jwt (RFC 9068 §2.1). */
int jwt_parse_access(const char *token, size_t size, Jwt **ret_jwt, const char **ret_reason);

/* Is this text meant to be a signed token: three segments of base64url's letters, the first of
 * which begins as a JSON object does? Nobody types such a password. */
bool jwt_looks_like(const char *text, size_t size);

/* Looks for a key that made the signature. `issuers`, up to NULL: keys with an issuer member must
 * name one of these ("{tenantid}" in it standing for `tenant`); NULL: that member is not looked at.
 * Returns 0 or a JWT_E_*. */
int jwt_verify(const Jwt *jwt, const Jwks *jwks, const char *const *issuers, const char *tenant);

Jwt *jwt_free(Jwt *jwt);
DEFINE_CLEANUP(Jwt *, jwt_free)
