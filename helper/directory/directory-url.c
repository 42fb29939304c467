/*
 * An address of a directory. See directory-url.h.
 */
#include "helper/directory/directory-url.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/form.h"

int directory_url(const char *base, const char *before, const char *id, const char *after,
                  char **ret_url)
{
    _cleanup_buffer_ Buffer url = BUFFER_INIT(HTTP_URL_MAX);
    int r = buffer_add_text(&url, base);

    if (r == 0)
        r = buffer_add_text(&url, before);
    if (r == 0)
        r = form_add_encoded(&url, id);
    if (r == 0)
        r = buffer_add_text(&url, after);
    if (r < 0)
        return r;
    *ret_url = strdup(url.data);
    return *ret_url ? 0 : -ENOMEM;
}
