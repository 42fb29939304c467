/*
 * JSON as a provider may send it: one object, read strictly (RFC 8259, RFC 7493).
 *
 * Refused: anything but an object on top, duplicate names (however they are escaped), nesting
 * beyond JSON_DEPTH_MAX, trailing bytes, a byte order mark, invalid UTF-8, U+0000 in names or
 * strings, NaN and infinities, and integers beyond ±2^53, which other readers round.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_INTEGER_MAX (INT64_C(1) << 53)

/* Reads `size` bytes. The caller owns *ret_json. Returns 0, -EMSGSIZE for more than `max` bytes,
 * -EBADMSG for what is refused; *ret_json is then untouched. */
int json_read_strict(const char *data, size_t size, size_t max, json_t **ret_json);

/* The same, for an array on top. */
int json_read_strict_list(const char *data, size_t size, size_t max, json_t **ret_json);

/* The string member `name`, borrowed; NULL when it is absent, no string, empty or beyond `max`
 * bytes. */
const char *json_text(const json_t *object, const char *name, size_t max);
