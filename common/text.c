/*
 * UTF-8 and control characters. See text.h.
 */
#include "common/text.h"

#include <string.h>

typedef struct Lead {
    unsigned char first, last;         /* lead bytes of this row */
    unsigned char second_min, second_max; /* narrower for E0, ED, F0, F4: no overlong, no surrogate */
    unsigned char length;
} Lead;

/* RFC 3629 §4, the multi-byte rows of the syntax. */
static const Lead leads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

static const Lead *lead_of(unsigned char byte)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

size_t text_character(const char *bytes, size_t size)
{
    const unsigned char *b = (const unsigned char *)bytes;

    if (size == 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    const Lead *lead = lead_of(b[0]);
    if (!lead || size < lead->length || b[1] < lead->second_min || b[1] > lead->second_max)
        return 0;
    for (size_t i = 2; i < lead->length; i++)
        if ((b[i] & 0xC0) != 0x80)
            return 0;
    return lead->length;
}

/* The length of a character that may be shown, else 0. LF is for the caller to judge. */
static size_t printable(const char *bytes, size_t size)
{
    size_t length = text_character(bytes, size);
    unsigned char first = (unsigned char)bytes[0];

    if (length == 1 && ((first < 0x20 && first != '\n') || first == 0x7F))
        return 0;
    if (length == 2 && first == 0xC2 && (unsigned char)bytes[1] < 0xA0) /* C1 */
        return 0;
    return length;
}

bool text_is_clean(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = printable(text + at, size - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

char *text_clean(const char *text, bool keep_lf, char *out, size_t out_size)
{
    size_t size = text ? strlen(text) : 0, at = 0, written = 0;

    if (out_size == 0)
        return out;
    while (at < size) {
        size_t length = printable(text + at, size - at);
        bool replace = length == 0 || (text[at] == '\n' && !keep_lf);
        if (length == 0)
            length = 1;
        if (written + length >= out_size)
            break;
        memcpy(out + written, replace ? "?" : text + at, length);
        written += length;
        at += length;
    }
    out[written] = '\0';
    return out;
}
