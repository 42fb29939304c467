/*
 * One public key of a provider (RFC 7517, RFC 7518 §6, RFC 8037 §2).
 *
 * A key is taken only when nothing about it is doubtful: it is for signatures, holds no private
 * member, and its numbers are a sound key of a supported kind.
 */
#pragma once

#include <jansson.h>
#include <openssl/evp.h>
#include "common/cleanup.h"
#include "helper/token/signature.h"

typedef struct Jwk {
    char *kid;    /* NULL if absent; any bytes, for comparison only */
    char *issuer; /* Entra's "issuer" member, NULL if absent */
    KeyKind kind;
    const SignatureAlgorithm *algorithm; /* the key's own "alg", NULL if absent */
    EVP_PKEY *key;
} Jwk;

/* A positive result of jwk_parse(): this key is not for us; the rest of its set may be. */
#define JWK_E_UNUSABLE 1

/* Returns 0, JWK_E_UNUSABLE with a static *ret_reason, or -ENOMEM. Outputs other than these stay
 * untouched. */
int jwk_parse(const json_t *object, Jwk **ret_key, const char **ret_reason);

Jwk *jwk_free(Jwk *key);
DEFINE_CLEANUP(Jwk *, jwk_free)
