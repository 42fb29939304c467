/*
 * Addresses of Okta's Management API. See okta-request.h.
 */
#include "helper/directory/okta-request.h"

#include <errno.h>
#include <string.h>

#include "helper/directory/directory-url.h"
#include "helper/token/issuer.h"

int okta_url_of_issuer(const char *issuer, char **ret_url)
{
    *ret_url = strndup(issuer, issuer_origin_size(issuer));
    return *ret_url ? 0 : -ENOMEM;
}

int okta_members_url(const char *base, const char *group_id, char **ret_url)
{
    return directory_url(base, "/api/v1/groups/", group_id, "/users?limit=200", ret_url);
}

int okta_person_url(const char *base, const char *id, char **ret_url)
{
    return directory_url(base, "/api/v1/users/", id, "", ret_url);
}

int okta_client_url(const char *base, const char *client_id, char **ret_url)
{
    return directory_url(base, "/api/v1/apps/", client_id, "", ret_url);
}
