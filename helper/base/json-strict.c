/*
 * Strict JSON over jansson. See json-strict.h.
 *
 * jansson itself refuses duplicates, trailing bytes, bad UTF-8 and U+0000 when asked to, but
 * recurses 2,048 levels deep; so depth is counted over the bytes before it sees them.
 */
#include "helper/base/json-strict.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"

/* Brackets outside strings never nest deeper than the maximum. Says nothing about validity. */
static bool depth_is_bounded(const char *data, size_t size)
{
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return false;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

static bool integers_are_exact(const json_t *value);

static bool object_integers_are_exact(const json_t *object)
{
    json_t *mutable = (json_t *)object;

    for (void *i = json_object_iter(mutable); i; i = json_object_iter_next(mutable, i))
        if (!integers_are_exact(json_object_iter_value(i)))
            return false;
    return true;
}

/* Recursion is bounded by JSON_DEPTH_MAX, which was checked over the bytes. */
static bool integers_are_exact(const json_t *value)
{
    if (json_is_integer(value)) {
        json_int_t n = json_integer_value(value);
        return n <= JSON_INTEGER_MAX && n >= -JSON_INTEGER_MAX;
    }
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            if (!integers_are_exact(json_array_get(value, i)))
                return false;
        return true;
    }
    return !json_is_object(value) || object_integers_are_exact(value);
}

static int read_any(const char *data, size_t size, size_t max, json_t **ret_json)
{
    json_error_t error;

    if (size > max)
        return -EMSGSIZE;
    if (!data || !depth_is_bounded(data, size))
        return -EBADMSG;
    json_auto_t *json = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
    if (!integers_are_exact(json))
        return -EBADMSG;
    *ret_json = json;
    json = NULL;
    return 0;
}

static int read_of_type(const char *data, size_t size, size_t max, json_type type,
                        json_t **ret_json)
{
    json_auto_t *json = NULL;
    int r = read_any(data, size, max, &json);

    if (r < 0)
        return r;
    if (json_typeof(json) != type)
        return -EBADMSG;
    *ret_json = json;
    json = NULL;
    return 0;
}

int json_read_strict(const char *data, size_t size, size_t max, json_t **ret_json)
{
    return read_of_type(data, size, max, JSON_OBJECT, ret_json);
}

int json_read_strict_list(const char *data, size_t size, size_t max, json_t **ret_json)
{
    return read_of_type(data, size, max, JSON_ARRAY, ret_json);
}

const char *json_text(const json_t *object, const char *name, size_t max)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) > max)
        return NULL;
    return json_string_value(value);
}
