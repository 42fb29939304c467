/*
 * Signature verification by OpenSSL's EVP. See signature.h.
 */
#include "helper/token/signature.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <string.h>

#include "common/cleanup.h"

typedef enum Scheme { SCHEME_PKCS1 = 1, SCHEME_PSS, SCHEME_ECDSA, SCHEME_EDDSA } Scheme;

struct SignatureAlgorithm {
    const char *name;
    Scheme scheme;
    KeyKind kind;
    const char *digest; /* NULL: the scheme brings its own */
    int curve;          /* ECDSA: OpenSSL's number */
    size_t half;        /* ECDSA: bytes of r, and of s */
};

static const SignatureAlgorithm algorithms[] = {
    {"RS256", SCHEME_PKCS1, KEY_RSA, "SHA256", 0, 0},
    {"RS384", SCHEME_PKCS1, KEY_RSA, "SHA384", 0, 0},
    {"RS512", SCHEME_PKCS1, KEY_RSA, "SHA512", 0, 0},
    {"PS256", SCHEME_PSS, KEY_RSA, "SHA256", 0, 0},
    {"PS384", SCHEME_PSS, KEY_RSA, "SHA384", 0, 0},
    {"PS512", SCHEME_PSS, KEY_RSA, "SHA512", 0, 0},
    {"ES256", SCHEME_ECDSA, KEY_EC_P256, "SHA256", NID_X9_62_prime256v1, 32},
    {"ES384", SCHEME_ECDSA, KEY_EC_P384, "SHA384", NID_secp384r1, 48},
    {"ES512", SCHEME_ECDSA, KEY_EC_P521, "SHA512", NID_secp521r1, 66},
    {"EdDSA", SCHEME_EDDSA, KEY_ED25519, NULL, 0, 0},
};

const SignatureAlgorithm *signature_algorithm(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(algorithms); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

bool signature_algorithm_takes(const SignatureAlgorithm *algorithm, KeyKind kind)
{
    return algorithm->kind == kind;
}

/* Takes a number of the curve's order n: 1 … n-1. */
static BIGNUM *scalar_from_bytes(const uint8_t *bytes, size_t size, const BIGNUM *order)
{
    BIGNUM *number = BN_bin2bn(bytes, (int)size, NULL);

    if (number && !BN_is_zero(number) && BN_cmp(number, order) < 0)
        return number;
    BN_free(number);
    return NULL;
}

static ECDSA_SIG *ecdsa_from_raw(const SignatureAlgorithm *algorithm, const uint8_t *raw)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(algorithm->curve);
    const BIGNUM *order = group ? EC_GROUP_get0_order(group) : NULL;
    BIGNUM *r = order ? scalar_from_bytes(raw, algorithm->half, order) : NULL;
    BIGNUM *s = order ? scalar_from_bytes(raw + algorithm->half, algorithm->half, order) : NULL;
    ECDSA_SIG *signature = r && s ? ECDSA_SIG_new() : NULL;

    EC_GROUP_free(group);
    if (signature && ECDSA_SIG_set0(signature, r, s) == 1)
        return signature;
    ECDSA_SIG_free(signature);
    BN_free(r);
    BN_free(s);
    return NULL;
}

static bool verify_digest(const SignatureAlgorithm *algorithm, EVP_PKEY *key, const void *data,
                          size_t size, const uint8_t *signature, size_t signature_size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL; /* owned by context */
    bool good = context && EVP_DigestVerifyInit_ex(context, &options, algorithm->digest, NULL, NULL,
                                                   key, NULL) == 1;

    if (good && algorithm->scheme == SCHEME_PKCS1)
        good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PADDING) == 1;
    if (good && algorithm->scheme == SCHEME_PSS)
        good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md_name(options, algorithm->digest, NULL) == 1;
    good = good && EVP_DigestVerify(context, signature, signature_size, data, size) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool verify_ecdsa(const SignatureAlgorithm *algorithm, EVP_PKEY *key, const void *data,
                         size_t size, const uint8_t *raw, size_t raw_size)
{
    if (raw_size != 2 * algorithm->half)
        return false;
    ECDSA_SIG *signature = ecdsa_from_raw(algorithm, raw);
    unsigned char *der = NULL;
    int der_size = signature ? i2d_ECDSA_SIG(signature, &der) : -1;
    bool good = der_size > 0 && verify_digest(algorithm, key, data, size, der, (size_t)der_size);

    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    return good;
}

static bool verify_with_key(const SignatureAlgorithm *algorithm, EVP_PKEY *key, const void *data,
                            size_t size, const uint8_t *signature, size_t signature_size)
{
    switch (algorithm->scheme) {
    case SCHEME_PKCS1:
    case SCHEME_PSS:
        return signature_size == (size_t)EVP_PKEY_get_size(key) &&
               verify_digest(algorithm, key, data, size, signature, signature_size);
    case SCHEME_ECDSA:
        return verify_ecdsa(algorithm, key, data, size, signature, signature_size);
    case SCHEME_EDDSA:
        return signature_size == 64 &&
               verify_digest(algorithm, key, data, size, signature, signature_size);
    }
    return false;
}

bool signature_is_valid(const SignatureAlgorithm *algorithm, KeyKind kind, EVP_PKEY *key,
                        const void *data, size_t size, const uint8_t *signature,
                        size_t signature_size)
{
    if (!signature_algorithm_takes(algorithm, kind))
        return false;
    bool good = verify_with_key(algorithm, key, data, size, signature, signature_size);
    ERR_clear_error(); /* a refusal leaves entries that a later TLS call would take for its own */
    return good;
}
