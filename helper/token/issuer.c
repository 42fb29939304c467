/*
 * Tenant issuers. See issuer.h.
 */
#include "helper/token/issuer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const char tenant_hole[] = "{tenantid}";

bool issuer_matches(const char *text, const char *issuer, const char *tenant)
{
    const char *hole;

    while (tenant && (hole = strstr(text, tenant_hole))) {
        size_t before = (size_t)(hole - text), width = strlen(tenant);
        if (strncmp(text, issuer, before) != 0 || strncmp(issuer + before, tenant, width) != 0)
            return false;
        text = hole + sizeof(tenant_hole) - 1;
        issuer += before + width;
    }
    return strcmp(text, issuer) == 0;
}

int issuer_tenant(const char *issuer, char **ret_tenant)
{
    const char *path = issuer + issuer_origin_size(issuer);

    if (strncmp(path, "/tfp/", 5) == 0)
        path += 4;
    size_t size = *path == '/' ? strcspn(path + 1, "/?#") : 0;
    if (size == 0 || path == issuer)
        return -EINVAL;
    *ret_tenant = strndup(path + 1, size);
    return *ret_tenant ? 0 : -ENOMEM;
}

/* Where the host begins and how long it is, without the port. */
static const char *find_host(const char *issuer, size_t *ret_size)
{
    const char *host = strstr(issuer, "://");

    *ret_size = host ? strcspn(host + 3, ":/?#") : 0;
    return host ? host + 3 : issuer;
}

size_t issuer_origin_size(const char *issuer)
{
    size_t size;
    const char *host = find_host(issuer, &size);

    return size == 0 ? 0 : (size_t)(host - issuer) + strcspn(host, "/?#");
}

bool issuer_has_host(const char *issuer, const char *host)
{
    size_t size;
    const char *start = find_host(issuer, &size);

    return size == strlen(host) && strncasecmp(start, host, size) == 0;
}

bool issuer_is_below_host(const char *issuer, const char *host)
{
    size_t size, width = strlen(host);
    const char *start = find_host(issuer, &size);

    return size > width + 1 && start[size - width - 1] == '.' &&
           strncasecmp(start + size - width, host, width) == 0;
}
