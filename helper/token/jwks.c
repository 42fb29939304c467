/*
 * Sets of keys. See jwks.h.
 */
#include "helper/token/jwks.h"

#include <errno.h>

#include "common/limits.h"
#include "helper/base/json-strict.h"

static int add_keys(Jwks *jwks, const json_t *array, const char **ret_reason)
{
    size_t count = json_array_size(array);

    jwks->keys = calloc(count, sizeof(*jwks->keys));
    if (!jwks->keys)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int r = jwk_parse(json_array_get(array, i), &jwks->keys[jwks->count], ret_reason);
        if (r < 0)
            return r;
        if (r == 0)
            jwks->count++;
        else
            jwks->unusable++;
    }
    return jwks->count > 0 ? 0 : -EBADMSG; /* the last key's reason stands for all */
}

int jwks_parse(const char *data, size_t size, Jwks **ret_jwks, const char **ret_reason)
{
    json_auto_t *document = NULL;
    int r = json_read_strict(data, size, HTTP_BODY_MAX, &document);

    *ret_reason = "key set is not strict JSON";
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    const json_t *array = json_object_get(document, "keys");
    *ret_reason = "key set has no list of keys";
    if (!json_is_array(array))
        return -EBADMSG;
    *ret_reason = "key set is empty or too long";
    if (json_array_size(array) == 0 || json_array_size(array) > JWKS_KEYS_MAX)
        return -EBADMSG;

    _cleanup_(jwks_freep) Jwks *jwks = calloc(1, sizeof(*jwks));
    if (!jwks)
        return -ENOMEM;
    r = add_keys(jwks, array, ret_reason);
    if (r < 0)
        return r;
    *ret_jwks = TAKE_PTR(jwks);
    return 0;
}

Jwks *jwks_free(Jwks *jwks)
{
    if (!jwks)
        return NULL;
    for (size_t i = 0; i < jwks->count; i++)
        jwk_free(jwks->keys[i]);
    free(jwks->keys);
    free(jwks);
    return NULL;
}
