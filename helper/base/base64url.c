/*
 * Strict base64url. See base64url.h.
 */
#include "helper/base/base64url.h"

#include <errno.h>
#include <stdlib.h>

/* The value of one character, or -1. Plain comparisons: the alphabet of ASCII, in no locale. */
static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

int base64url_decode(const char *text, size_t size, uint8_t *out, size_t out_max, size_t *ret_size)
{
    uint32_t bits = 0;
    unsigned held = 0; /* bits in `bits` not yet written, always below 8 after a step */
    size_t n = 0;

    if (size % 4 == 1)
        return -EBADMSG;
    for (size_t i = 0; i < size; i++) {
        int value = sextet(text[i]);
        if (value < 0)
            return -EBADMSG;
        bits = (bits << 6 | (uint32_t)value) & 0xffffu;
        held += 6;
        if (held < 8)
            continue;
        if (n >= out_max)
            return -ENOBUFS;
        held -= 8;
        out[n++] = (uint8_t)(bits >> held);
    }
    if ((bits & ((1u << held) - 1u)) != 0)
        return -EBADMSG;
    *ret_size = n;
    return 0;
}

int base64url_decode_alloc(const char *text, size_t size, uint8_t **ret_data, size_t *ret_size)
{
    size_t max = BASE64URL_DECODED_MAX(size);
    uint8_t *data = malloc(max);

    if (!data)
        return -ENOMEM;
    int r = base64url_decode(text, size, data, max, ret_size);
    if (r < 0) {
        free(data);
        return r;
    }
    *ret_data = data;
    return 0;
}

void base64url_encode(const uint8_t *data, size_t size, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned held = 0; /* bits in `bits` not yet written, always below 6 after a byte */

    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | data[i]) & 0xffffu;
        for (held += 8; held >= 6; held -= 6)
            *out++ = alphabet[bits >> (held - 6) & 63u];
    }
    if (held > 0)
        *out++ = alphabet[bits << (6 - held) & 63u];
    *out = '\0';
}
