/*
 * Ed25519 keys (RFC 8037 §2, RFC 8032 §5.1). OpenSSL takes any 32 bytes; a point of small order or
 * a second spelling of a point would let one signature pass for many messages, so both are
 * refused here.
 */
#include "helper/token/jwk-kind.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/token/jwk.h"
#include "helper/base/json-strict.h"

#define ED25519_SIZE 32u

/* The y coordinates of the eight points whose order divides 8; x's sign bit (the top one) is masked
 * off first. */
static const uint8_t small_order[][ED25519_SIZE] = {
    {0x00},
    {0x01},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* y < 2^255 - 19, little-endian. */
static bool is_canonical(const uint8_t *y)
{
    if (y[31] != 0x7f || y[0] < 0xed)
        return true;
    for (size_t i = 1; i < 31; i++)
        if (y[i] != 0xff)
            return true;
    return false;
}

static const char *weakness(const uint8_t *key)
{
    uint8_t y[ED25519_SIZE];

    memcpy(y, key, sizeof(y));
    y[31] &= 0x7f;
    if (!is_canonical(y))
        return "Ed25519 key is not in canonical form";
    for (size_t i = 0; i < ELEMENTSOF(small_order); i++)
        if (memcmp(y, small_order[i], sizeof(y)) == 0)
            return "Ed25519 key is a point of small order";
    return NULL;
}

int jwk_okp_parse(const json_t *object, KeyKind *ret_kind, EVP_PKEY **ret_key,
                  const char **ret_reason)
{
    _cleanup_free_ uint8_t *bytes = NULL;
    size_t size = 0;
    const char *crv = json_text(object, "crv", 64);

    *ret_reason = "OKP curve is not Ed25519";
    if (!crv || strcmp(crv, "Ed25519") != 0)
        return JWK_E_UNUSABLE;
    *ret_reason = "Ed25519 key is missing or of the wrong length";
    int r = jwk_member(object, "x", ED25519_SIZE, &bytes, &size);
    if (r != 0)
        return r;
    if (size != ED25519_SIZE)
        return JWK_E_UNUSABLE;
    const char *why = weakness(bytes);
    EVP_PKEY *key = why ? NULL : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, size);
    if (!key) {
        *ret_reason = why ? why : "Ed25519 key is refused by OpenSSL";
        return JWK_E_UNUSABLE;
    }
    *ret_kind = KEY_ED25519;
    *ret_key = key;
    return 0;
}
