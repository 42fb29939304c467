/*
 * UTF-8 by RFC 3629, section 4. The ranges of the second byte rule out long forms and
 * surrogates, so no later check can be forgotten.
 */
#include "common/utf8.h"

#include <errno.h>

#include "common/cleanup.h"

typedef struct Utf8Lead {
    uint8_t first, last;         /* lead byte */
    uint8_t next_min, next_max;  /* second byte */
    uint8_t length;
    uint8_t mask;                /* bits of the lead byte that belong to the character */
} Utf8Lead;

static const Utf8Lead utf8_leads[] = {
    {0x00, 0x7f, 0x00, 0x00, 1, 0x7f}, {0xc2, 0xdf, 0x80, 0xbf, 2, 0x1f},
    {0xe0, 0xe0, 0xa0, 0xbf, 3, 0x0f}, {0xe1, 0xec, 0x80, 0xbf, 3, 0x0f},
    {0xed, 0xed, 0x80, 0x9f, 3, 0x0f}, {0xee, 0xef, 0x80, 0xbf, 3, 0x0f},
    {0xf0, 0xf0, 0x90, 0xbf, 4, 0x07}, {0xf1, 0xf3, 0x80, 0xbf, 4, 0x07},
    {0xf4, 0xf4, 0x80, 0x8f, 4, 0x07},
};

typedef struct CodeRange {
    uint32_t first, last;
} CodeRange;

static const CodeRange harmful_codes[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200e, 0x200f},
    {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfdd0, 0xfdef}, {0xfff9, 0xfffb},
};

static const Utf8Lead *utf8_lead(uint8_t byte)
{
    for (size_t i = 0; i < ELEMENTSOF(utf8_leads); i++)
        if (byte >= utf8_leads[i].first && byte <= utf8_leads[i].last)
            return &utf8_leads[i];
    return NULL;
}

int utf8_next(const char *text, size_t size, uint32_t *ret_code)
{
    const uint8_t *bytes = (const uint8_t *)text;

    if (size == 0)
        return -EBADMSG;
    const Utf8Lead *lead = utf8_lead(bytes[0]);
    if (!lead || lead->length > size)
        return -EBADMSG;
    uint32_t code = bytes[0] & lead->mask;
    for (size_t i = 1; i < lead->length; i++) {
        uint8_t min = i == 1 ? lead->next_min : 0x80, max = i == 1 ? lead->next_max : 0xbf;
        if (bytes[i] < min || bytes[i] > max)
            return -EBADMSG;
        code = (code << 6) | (bytes[i] & 0x3fu);
    }
    *ret_code = code;
    return lead->length;
}

bool utf8_is_harmless(uint32_t code)
{
    if ((code & 0xfffe) == 0xfffe)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(harmful_codes); i++)
        if (code >= harmful_codes[i].first && code <= harmful_codes[i].last)
            return false;
    return true;
}

bool utf8_text_is_harmless(const char *text, size_t size)
{
    while (size > 0) {
        uint32_t code = 0;
        int length = utf8_next(text, size, &code);
        if (length < 0 || !utf8_is_harmless(code))
            return false;
        text += length;
        size -= (size_t)length;
    }
    return true;
}
