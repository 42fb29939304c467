/*
 * Base64url without padding, as JOSE uses it (RFC 4648 §5, RFC 7515 §2), read strictly.
 *
 * One text has one meaning: padding, '+', '/', white space, a length of 1 modulo 4 and unused bits
 * that are set are refused, so that no two spellings of a token or key pass as the same bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes that `size` characters decode to, rounded up: enough for every text of that size. */
#define BASE64URL_DECODED_MAX(size) ((size) / 4 * 3 + 3)

/* Decodes `size` characters (no NUL expected) into `out`. Nothing means anything on error.
 * Returns 0, -EBADMSG for text that is not strict base64url, -ENOBUFS when `out_max` is too small.
 */
int base64url_decode(const char *text, size_t size, uint8_t *out, size_t out_max, size_t *ret_size);

/* Decodes into new memory (at least one byte, so that an empty text gives a pointer too); the
 * caller frees it. Returns as base64url_decode(), or -ENOMEM. */
int base64url_decode_alloc(const char *text, size_t size, uint8_t **ret_data, size_t *ret_size);

/* Characters that `size` bytes encode to, and the NUL. */
#define BASE64URL_ENCODED_SIZE(size) (((size) * 4 + 2) / 3 + 1)

/* Encodes into `out`, which has BASE64URL_ENCODED_SIZE(size) bytes; NUL-terminated. */
void base64url_encode(const uint8_t *data, size_t size, char *out);
