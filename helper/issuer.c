/*
 * Tenant issuers. See issuer.h.
 */
#include "helper/issuer.h"

#include <errno.h>
#include <string.h>

static const char tenant_hole[] = "{tenantid}";

bool issuer_matches(const char *text, const char *issuer, const char *tenant)
{
    const char *hole = tenant ? strstr(text, tenant_hole) : NULL;

    if (!hole)
        return strcmp(text, issuer) == 0;
    size_t before = (size_t)(hole - text), width = strlen(tenant);
    return strncmp(text, issuer, before) == 0 && strncmp(issuer + before, tenant, width) == 0 &&
           strcmp(hole + sizeof(tenant_hole) - 1, issuer + before + width) == 0;
}

int issuer_tenant(const char *issuer, char **ret_tenant)
{
    const char *host = strstr(issuer, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    size_t size = path ? strcspn(path + 1, "/?#") : 0;

    if (size == 0)
        return -EINVAL;
    *ret_tenant = strndup(path + 1, size);
    return *ret_tenant ? 0 : -ENOMEM;
}
