/*
 * Form bodies. See form.h.
 */
#include "helper/base/form.h"

#include <stdbool.h>
#include <string.h>

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int form_add_encoded(Buffer *form, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    int r = 0;

    for (; *text && r == 0; text++) {
        unsigned char byte = (unsigned char)*text;
        const char escape[3] = {'%', hex[byte >> 4], hex[byte & 15]};
        r = is_unreserved(*text) ? buffer_add(form, text, 1) : buffer_add(form, escape, 3);
    }
    return r;
}

int form_add(Buffer *form, const char *name, const char *value)
{
    int r = 0;

    if (!value)
        return 0;
    if (form->size > 0)
        r = buffer_add_text(form, "&");
    if (r == 0)
        r = form_add_encoded(form, name);
    if (r == 0)
        r = buffer_add_text(form, "=");
    return r == 0 ? form_add_encoded(form, value) : r;
}
