/*
 * What the databases of libnss_rcpch have in common. See module.h.
 */
#include "nss_rcpch/module.h"

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
