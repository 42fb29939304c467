/*
 * Cleaning hostile text. See text.h.
 */
#include "helper/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct Range {
    uint32_t first, last;
} Range;

/* Controls, and format characters that change how the text around them looks. */
static const Range unsafe_ranges[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x061c, 0x061c},   {0x180e, 0x180e},
    {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff},   {0xfff9, 0xfffb},
    {0xd800, 0xdfff}, {0xfdd0, 0xfdef}, {0xfffe, 0xffff}, {0xe0000, 0xe007f},
};

/* Decodes one character of a NUL-terminated text. Returns its bytes, or 0 for invalid UTF-8 (the
 * shortest form is demanded; continuation bytes are checked one by one, so the NUL stops it). */
static size_t decode(const char *text, uint32_t *ret_character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    size_t size = s[0] < 0x80       ? 1
                  : s[0] >> 5 == 6  ? 2
                  : s[0] >> 4 == 14 ? 3
                  : s[0] >> 3 == 30 ? 4
                                    : 0;

    if (size <= 1) {
        *ret_character = s[0];
        return size;
    }
    uint32_t c = s[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    *ret_character = c;
    return c < least[size] || c > 0x10ffff ? 0 : size;
}

static bool is_safe(uint32_t character)
{
    for (size_t i = 0; i < sizeof(unsafe_ranges) / sizeof(unsafe_ranges[0]); i++)
        if (character >= unsafe_ranges[i].first && character <= unsafe_ranges[i].last)
            return false;
    return true;
}

bool text_is_clean(const char *text, size_t max)
{
    uint32_t character;

    if (strnlen(text, max + 1) > max)
        return false;
    while (*text) {
        size_t size = decode(text, &character);
        if (size == 0 || !is_safe(character))
            return false;
        text += size;
    }
    return true;
}

int text_clean(const char *text, size_t max, char **ret_text)
{
    size_t length = strlen(text), n = 0;
    uint32_t character;
    char *out = malloc((length < max ? length : max) + 1);

    if (!out)
        return -ENOMEM;
    while (*text) {
        size_t size = decode(text, &character);
        if (size > 0 && is_safe(character)) {
            if (size > max - n)
                break;
            memcpy(out + n, text, size);
            n += size;
        }
        text += size > 0 ? size : 1;
    }
    out[n] = '\0';
    *ret_text = out;
    return 0;
}

void text_to_ascii(const char *text, char *out, size_t size)
{
    size_t n = 0;

    for (; text[n] && n + 1 < size; n++)
        out[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
    if (size > 0)
        out[n] = '\0';
}

bool text_is_graphic(const char *text, size_t max)
{
    size_t n = 0;

    for (; text[n]; n++)
        if (n >= max || text[n] <= 0x20 || text[n] >= 0x7f)
            return false;
    return n > 0;
}
