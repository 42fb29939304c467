/*
 * For the tests of keys and tokens: makes keys with OpenSSL, writes them as JWKs and signs tokens.
 * Everything here may be told to do it wrongly.
 */
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static inline char *jose_base64url(const void *data, size_t size)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *in = data;
    char *out = calloc(1, size * 4 / 3 + 4);
    size_t n = 0;

    assert_non_null(out);
    for (size_t i = 0; i < size; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < size ? (uint32_t)in[i + 1] << 8 : 0) |
                     (i + 2 < size ? in[i + 2] : 0u);
        for (size_t k = 0; k < 4 && i + k <= size; k++)
            out[n++] = alphabet[v >> (18 - 6 * k) & 63];
    }
    return out;
}

static inline char *jose_base64url_text(const char *text)
{
    return jose_base64url(text, strlen(text));
}

static inline EVP_PKEY *jose_new_rsa(unsigned bits)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);

    assert_non_null(key);
    return key;
}

static inline EVP_PKEY *jose_new_ec(const char *group)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", group);

    assert_non_null(key);
    return key;
}

static inline EVP_PKEY *jose_new_ed25519(void)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    assert_non_null(key);
    return key;
}

/* A number of the key, base64url, left-padded with zeros to `size` (0: as short as it is). */
static inline char *jose_number(EVP_PKEY *key, const char *name, size_t size)
{
    BIGNUM *number = NULL;
    uint8_t bytes[4096];

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    size = size > 0 ? size : (size_t)BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, bytes, (int)size), (int)size);
    BN_free(number);
    return jose_base64url(bytes, size);
}

/* The public key as a JWK; `extra` is put in front of the closing brace: ",\"kid\":\"a\"". */
static inline char *jose_jwk_rsa(EVP_PKEY *key, const char *extra)
{
    char *n = jose_number(key, OSSL_PKEY_PARAM_RSA_N, 0),
         *e = jose_number(key, OSSL_PKEY_PARAM_RSA_E, 0);
    char *jwk = NULL;

    assert_true(asprintf(&jwk, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}", n, e, extra) > 0);
    free(n);
    free(e);
    return jwk;
}

static inline char *jose_jwk_ec(EVP_PKEY *key, const char *crv, size_t size, const char *extra)
{
    char *x = jose_number(key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    char *y = jose_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    char *jwk = NULL;

    assert_true(asprintf(&jwk, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"%s}", crv,
                         x, y, extra) > 0);
    free(x);
    free(y);
    return jwk;
}

static inline char *jose_jwk_ed25519(EVP_PKEY *key, const char *extra)
{
    uint8_t bytes[32];
    size_t size = sizeof(bytes);
    char *jwk = NULL;

    assert_int_equal(EVP_PKEY_get_raw_public_key(key, bytes, &size), 1);
    char *x = jose_base64url(bytes, size);
    assert_true(asprintf(&jwk, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"%s}", x, extra) >
                0);
    free(x);
    return jwk;
}

typedef struct JoseHow {
    const char *digest; /* NULL for EdDSA */
    bool pss;
    int salt;    /* PSS; 0 is RSA_PSS_SALTLEN_DIGEST */
    size_t half; /* ECDSA: bytes of r and of s; 0 leaves DER */
} JoseHow;

/* ECDSA: from DER to r || s. */
static inline size_t jose_raw(uint8_t *signature, size_t size, size_t half)
{
    const unsigned char *at = signature;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)size);

    assert_non_null(sig);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, (int)half), (int)half);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + half, (int)half), (int)half);
    ECDSA_SIG_free(sig);
    return 2 * half;
}

static inline size_t jose_sign(EVP_PKEY *key, const JoseHow *how, const char *text,
                               uint8_t *signature, size_t max)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    size_t size = max;

    assert_int_equal(EVP_DigestSignInit_ex(context, &options, how->digest, NULL, NULL, key, NULL),
                     1);
    if (how->pss) {
        assert_true(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(
                        options, how->salt ? how->salt : RSA_PSS_SALTLEN_DIGEST) > 0);
    }
    assert_int_equal(EVP_DigestSign(context, signature, &size, (const uint8_t *)text, strlen(text)),
                     1);
    EVP_MD_CTX_free(context);
    return how->half > 0 ? jose_raw(signature, size, how->half) : size;
}

/* header.payload.signature, with the two segments given in base64url already. */
static inline char *jose_token_of(EVP_PKEY *key, const JoseHow *how, const char *header,
                                  const char *payload)
{
    char *input = NULL, *token = NULL;
    uint8_t signature[4096];

    assert_true(asprintf(&input, "%s.%s", header, payload) > 0);
    size_t size = jose_sign(key, how, input, signature, sizeof(signature));
    char *encoded = jose_base64url(signature, size);
    assert_true(asprintf(&token, "%s.%s", input, encoded) > 0);
    free(encoded);
    free(input);
    return token;
}

/* The token of a header and a payload given as JSON. */
static inline char *jose_token(EVP_PKEY *key, const JoseHow *how, const char *header,
                               const char *payload)
{
    char *h = jose_base64url_text(header), *p = jose_base64url_text(payload);
    char *token = jose_token_of(key, how, h, p);

    free(h);
    free(p);
    return token;
}
