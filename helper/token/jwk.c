/*
 * What all kinds of JWK share: which keys are refused before their numbers are looked at.
 */
#include "helper/token/jwk.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/base64url.h"
#include "helper/token/jwk-kind.h"
#include "helper/base/json-strict.h"

typedef int (*KindParser)(const json_t *object, KeyKind *ret_kind, EVP_PKEY **ret_key,
                          const char **ret_reason);

static const struct {
    const char *kty;
    KindParser parse;
} kinds[] = {
    {"RSA", jwk_rsa_parse},
    {"EC", jwk_ec_parse},
    {"OKP", jwk_okp_parse},
};

/* RFC 7518 §6.2.2, §6.3.2, §6.4.1: a published key that holds one of these is public no more. */
static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

int jwk_member(const json_t *object, const char *name, size_t max, uint8_t **ret_data,
               size_t *ret_size)
{
    const char *text = json_text(object, name, BASE64URL_DECODED_MAX(max) * 2);

    if (!text)
        return JWK_E_UNUSABLE;
    int r = base64url_decode_alloc(text, strlen(text), ret_data, ret_size);
    if (r < 0)
        return r == -ENOMEM ? r : JWK_E_UNUSABLE;
    if (*ret_size > 0 && *ret_size <= max)
        return 0;
    free(*ret_data);
    *ret_data = NULL;
    return JWK_E_UNUSABLE;
}

EVP_PKEY *jwk_key_from_params(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = params ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
    EVP_PKEY *key = NULL;

    if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static bool has_private_member(const json_t *object)
{
    for (size_t i = 0; i < ELEMENTSOF(private_members); i++)
        if (json_object_get(object, private_members[i]))
            return true;
    return false;
}

/* RFC 7517 §4.2: absent, or "sig". */
static bool use_is_signature(const json_t *object)
{
    const json_t *use = json_object_get(object, "use");

    return !use || (json_is_string(use) && strcmp(json_string_value(use), "sig") == 0);
}

/* RFC 7517 §4.3: absent, or a list that holds "verify". */
static bool operations_allow_verify(const json_t *object)
{
    const json_t *operations = json_object_get(object, "key_ops");
    bool found = false;

    if (!operations)
        return true;
    if (!json_is_array(operations))
        return false;
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const json_t *operation = json_array_get(operations, i);
        if (!json_is_string(operation))
            return false;
        found = found || strcmp(json_string_value(operation), "verify") == 0;
    }
    return found;
}

static const char *refusal(const json_t *object)
{
    if (!json_is_object(object))
        return "key is no object";
    if (has_private_member(object))
        return "key holds a private member";
    if (!use_is_signature(object))
        return "key is not for signatures";
    return operations_allow_verify(object) ? NULL : "key_ops without verify";
}

/* "alg" of the key: absent, or one of ours that fits its kind. */
static int parse_algorithm(const json_t *object, Jwk *key, const char **ret_reason)
{
    const json_t *alg = json_object_get(object, "alg");

    if (!alg)
        return 0;
    key->algorithm = json_is_string(alg) ? signature_algorithm(json_string_value(alg)) : NULL;
    if (key->algorithm && signature_algorithm_takes(key->algorithm, key->kind))
        return 0;
    *ret_reason = "alg of the key is not allowed or does not fit its kind";
    return JWK_E_UNUSABLE;
}

static int parse_label(const json_t *object, const char *name, char **ret_text)
{
    const json_t *value = json_object_get(object, name);

    if (!value)
        return 0;
    if (!json_is_string(value))
        return JWK_E_UNUSABLE;
    *ret_text = strdup(json_string_value(value));
    return *ret_text ? 0 : -ENOMEM;
}

static int parse_kind(const json_t *object, Jwk *key, const char **ret_reason)
{
    const char *kty = json_text(object, "kty", 64);

    for (size_t i = 0; kty && i < ELEMENTSOF(kinds); i++) {
        if (strcmp(kinds[i].kty, kty) != 0)
            continue;
        int r = kinds[i].parse(object, &key->kind, &key->key, ret_reason);
        ERR_clear_error();
        return r;
    }
    *ret_reason = "kty is unknown";
    return JWK_E_UNUSABLE;
}

int jwk_parse(const json_t *object, Jwk **ret_key, const char **ret_reason)
{
    const char *reason = refusal(object);

    if (reason) {
        *ret_reason = reason;
        return JWK_E_UNUSABLE;
    }
    _cleanup_(jwk_freep) Jwk *key = calloc(1, sizeof(*key));
    if (!key)
        return -ENOMEM;
    int r = parse_kind(object, key, ret_reason);
    if (r == 0)
        r = parse_algorithm(object, key, ret_reason);
    if (r != 0)
        return r;
    *ret_reason = "kid or issuer of the key is no string";
    r = parse_label(object, "kid", &key->kid);
    if (r == 0)
        r = parse_label(object, "issuer", &key->issuer);
    if (r != 0)
        return r;
    *ret_key = TAKE_PTR(key);
    return 0;
}

Jwk *jwk_free(Jwk *key)
{
    if (!key)
        return NULL;
    EVP_PKEY_free(key->key);
    free(key->kid);
    free(key->issuer);
    free(key);
    return NULL;
}
