/*
 * RSA keys: modulus and exponent (RFC 7518 §6.3.1), of sizes that are neither weak nor a way to
 * burn processor time.
 */
#include "helper/token/jwk-kind.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>

#include "common/cleanup.h"
#include "helper/token/jwk.h"

#define RSA_BITS_MIN          2048
#define RSA_BITS_MAX          16384
#define RSA_EXPONENT_BITS_MAX 64 /* OpenSSL verifies no wider one with a modulus above 3072 bits   \
                                  */

static int read_number(const json_t *object, const char *name, size_t max, BIGNUM **ret_number)
{
    _cleanup_free_ uint8_t *bytes = NULL;
    size_t size = 0;
    int r = jwk_member(object, name, max, &bytes, &size);

    if (r != 0)
        return r;
    *ret_number = BN_bin2bn(bytes, (int)size, NULL);
    return *ret_number ? 0 : -ENOMEM;
}

static const char *weakness(const BIGNUM *n, const BIGNUM *e)
{
    if (BN_num_bits(n) < RSA_BITS_MIN)
        return "RSA modulus is too small";
    if (BN_num_bits(n) > RSA_BITS_MAX)
        return "RSA modulus is too large";
    if (!BN_is_odd(n))
        return "RSA modulus is even";
    if (!BN_is_odd(e) || BN_is_one(e))
        return "RSA exponent is even or 1";
    return BN_num_bits(e) > RSA_EXPONENT_BITS_MAX ? "RSA exponent is too large" : NULL;
}

static EVP_PKEY *make_key(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        key = jwk_key_from_params("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

int jwk_rsa_parse(const json_t *object, KeyKind *ret_kind, EVP_PKEY **ret_key,
                  const char **ret_reason)
{
    BIGNUM *n = NULL, *e = NULL;
    EVP_PKEY *key = NULL;

    *ret_reason = "RSA n or e is missing or not base64url";
    int r = read_number(object, "n", RSA_BITS_MAX / 8 + 1, &n);
    if (r == 0)
        r = read_number(object, "e", RSA_BITS_MAX / 8 + 1, &e);
    const char *why = r == 0 ? weakness(n, e) : NULL;
    if (r == 0 && !why) {
        key = make_key(n, e);
        why = key ? NULL : "RSA key is refused by OpenSSL";
    }
    BN_free(n);
    BN_free(e);
    if (r != 0)
        return r;
    if (why) {
        *ret_reason = why;
        return JWK_E_UNUSABLE;
    }
    *ret_kind = KEY_RSA;
    *ret_key = key;
    return 0;
}
