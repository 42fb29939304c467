/*
 * What the databases of libnss_rcpch have in common. See module.h.
 */
#include "nss_rcpch/module.h"

#include <string.h>

char *nss_put(char **next, const char *text, size_t size)
{
    char *start = *next;

    memcpy(start, text, size);
    start[size] = '\0';
    *next += size + 1;
    return start;
}

enum nss_status nss_miss(int result, int *errnop)
{
    if (result == 0)
        return NSS_STATUS_NOTFOUND;
    *errnop = -result;
    return NSS_STATUS_UNAVAIL;
}

enum nss_status nss_too_small(int *errnop)
{
    *errnop = ERANGE;
    return NSS_STATUS_TRYAGAIN;
}
