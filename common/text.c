/*
 * Text for terminals, logs and the bus. See text.h.
 */
#include "common/text.h"

#include <string.h>

#include "common/utf8.h"

/* The bytes of the character at `text` when it may be shown, else 0. */
static size_t clean_character(const char *text, size_t size)
{
    uint32_t code = 0;
    int length = utf8_next(text, size, &code);

    return length > 0 && (code == '\n' || utf8_is_harmless(code)) ? (size_t)length : 0;
}

bool text_is_clean(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = clean_character(text + at, size - at);
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
        size_t length = clean_character(text + at, size - at);
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
