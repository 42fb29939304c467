/*
 * Addresses of Okta's Management API. See okta-request.h.
 */
#include "helper/directory/okta-request.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/form.h"
#include "helper/token/issuer.h"

static int build_url(const char *base, const char *before, const char *id, const char *after,
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

int okta_url_of_issuer(const char *issuer, char **ret_url)
{
    *ret_url = strndup(issuer, issuer_origin_size(issuer));
    return *ret_url ? 0 : -ENOMEM;
}

int okta_members_url(const char *base, const char *group_id, char **ret_url)
{
    return build_url(base, "/api/v1/groups/", group_id, "/users?limit=200", ret_url);
}

int okta_person_url(const char *base, const char *id, char **ret_url)
{
    return build_url(base, "/api/v1/users/", id, "", ret_url);
}
