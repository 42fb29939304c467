/*
 * Cleaning hostile text. See hostile-text.h.
 */
#include "helper/base/hostile-text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

bool hostile_text_is_clean(const char *text, size_t max)
{
    size_t size = strnlen(text, max + 1);

    return size <= max && utf8_text_is_harmless(text, size);
}

int hostile_text_strip(const char *text, size_t max, char **ret_text)
{
    size_t left = strlen(text), n = 0;
    char *out = malloc((left < max ? left : max) + 1);

    if (!out)
        return -ENOMEM;
    while (left > 0) {
        uint32_t code = 0;
        int r = utf8_next(text, left, &code);
        size_t size = r > 0 ? (size_t)r : 1;
        if (r > 0 && utf8_is_harmless(code)) {
            if (size > max - n)
                break;
            memcpy(out + n, text, size);
            n += size;
        }
        text += size;
        left -= size;
    }
    out[n] = '\0';
    *ret_text = out;
    return 0;
}

void hostile_text_to_ascii(const char *text, char *out, size_t size)
{
    size_t n = 0;

    for (; text[n] && n + 1 < size; n++)
        out[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
    if (size > 0)
        out[n] = '\0';
}

bool hostile_text_is_graphic(const char *text, size_t max)
{
    size_t n = 0;

    for (; text[n]; n++)
        if (n >= max || text[n] <= 0x20 || text[n] >= 0x7f)
            return false;
    return n > 0;
}
