/*
 * The signature algorithms we accept (RFC 7518 §3, RFC 8037 §3.1), each bound to one kind of key.
 *
 * The table is the allow-list: none, HS*, RSA1_5 and everything unknown have no row. A name alone
 * never chooses how to verify: the key must be of the row's kind and curve.
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum KeyKind {
    KEY_RSA = 1,
    KEY_EC_P256,
    KEY_EC_P384,
    KEY_EC_P521,
    KEY_ED25519,
} KeyKind;

typedef struct SignatureAlgorithm SignatureAlgorithm;

/* The algorithm of that exact name (case matters, RFC 7515 §4.1.1), or NULL when it is not allowed.
 */
const SignatureAlgorithm *signature_algorithm(const char *name);

bool signature_algorithm_takes(const SignatureAlgorithm *algorithm, KeyKind kind);

/* True only for a good signature by `key`, of kind `kind`, over `data`. ECDSA signatures are r || s
 * of exact length with both in 1…n-1; RSA signatures are exactly as long as the modulus; the PSS
 * salt is as long as the hash. Any failure, of memory too, is false. */
bool signature_is_valid(const SignatureAlgorithm *algorithm, KeyKind kind, EVP_PKEY *key,
                        const void *data, size_t size, const uint8_t *signature,
                        size_t signature_size);
