/*
 * The caller's EUID as the bus knows it. See bus-caller.h.
 */
#include "helper/bus/bus-caller.h"

#include <errno.h>

#include "common/cleanup.h"

static sd_bus_creds *bus_creds_free(sd_bus_creds *creds)
{
    return sd_bus_creds_unref(creds);
}
DEFINE_CLEANUP(sd_bus_creds *, bus_creds_free)

int bus_caller_uid(sd_bus_message *message, uid_t *ret_uid)
{
    _cleanup_(bus_creds_freep) sd_bus_creds *creds = NULL;
    uid_t uid;

    /* Without SD_BUS_CREDS_AUGMENT this asks the bus (GetConnectionCredentials), never /proc. */
    int r = sd_bus_query_sender_creds(message, SD_BUS_CREDS_EUID, &creds);
    if (r < 0)
        return r;
    if ((sd_bus_creds_get_augmented_mask(creds) & SD_BUS_CREDS_EUID) != 0)
        return -EPERM;
    r = sd_bus_creds_get_euid(creds, &uid);
    if (r < 0)
        return r;
    *ret_uid = uid;
    return 0;
}

int bus_caller_require_root(sd_bus_message *message, sd_bus_error *ret_error)
{
    uid_t uid;

    int r = bus_caller_uid(message, &uid);
    if (r < 0 || uid != 0)
        return sd_bus_error_set_const(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                      "Only root may ask for this.");
    return 0;
}
