/*
 * Elliptic-curve keys on P-256, P-384 and P-521 (RFC 7518 §6.2.1): coordinates of exact length,
 * a point that is on its curve.
 */
#include "helper/token/jwk-kind.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/token/jwk.h"
#include "helper/base/json-strict.h"

#define COORDINATE_MAX 66u

typedef struct Curve {
    const char *crv;
    const char *group; /* OpenSSL's name */
    KeyKind kind;
    size_t size; /* bytes of a coordinate */
} Curve;

static const Curve curves[] = {
    {"P-256", "prime256v1", KEY_EC_P256, 32},
    {"P-384", "secp384r1", KEY_EC_P384, 48},
    {"P-521", "secp521r1", KEY_EC_P521, 66},
};

static const Curve *find_curve(const json_t *object)
{
    const char *crv = json_text(object, "crv", 64);

    for (size_t i = 0; crv && i < ELEMENTSOF(curves); i++)
        if (strcmp(curves[i].crv, crv) == 0)
            return &curves[i];
    return NULL;
}

static int read_coordinate(const json_t *object, const char *name, size_t expected, uint8_t *out)
{
    _cleanup_free_ uint8_t *bytes = NULL;
    size_t size = 0;
    int r = jwk_member(object, name, COORDINATE_MAX, &bytes, &size);

    if (r != 0)
        return r;
    if (size != expected)
        return JWK_E_UNUSABLE;
    memcpy(out, bytes, size);
    return 0;
}

/* EVP_PKEY_fromdata() and the check both refuse a point that is not on the curve. */
static EVP_PKEY *make_key(const Curve *curve, const uint8_t *point, size_t size)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (builder &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) ==
            1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, size) == 1)
        key = jwk_key_from_params("EC", builder);
    OSSL_PARAM_BLD_free(builder);

    EVP_PKEY_CTX *check = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    if (!check || EVP_PKEY_public_check(check) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(check);
    return key;
}

int jwk_ec_parse(const json_t *object, KeyKind *ret_kind, EVP_PKEY **ret_key,
                 const char **ret_reason)
{
    const Curve *curve = find_curve(object);
    uint8_t point[1 + 2 * COORDINATE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};

    *ret_reason = "EC curve is not supported";
    if (!curve)
        return JWK_E_UNUSABLE;
    *ret_reason = "EC coordinates are missing or of the wrong length";
    int r = read_coordinate(object, "x", curve->size, point + 1);
    if (r == 0)
        r = read_coordinate(object, "y", curve->size, point + 1 + curve->size);
    if (r != 0)
        return r;
    EVP_PKEY *key = make_key(curve, point, 1 + 2 * curve->size);
    if (!key) {
        *ret_reason = "EC point is not on its curve";
        return JWK_E_UNUSABLE;
    }
    *ret_kind = curve->kind;
    *ret_key = key;
    return 0;
}
