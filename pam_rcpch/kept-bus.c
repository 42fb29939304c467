/*
 * A bus connection kept between two phases. See kept-bus.h.
 */
#include "pam_rcpch/kept-bus.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"

#define DATA_NAME   "rcpch-bus"
#define WAITING_MAX 64u /* messages that came meanwhile; anybody may send us signals */

typedef struct KeptBus {
    pid_t owner;
    sd_bus *bus;
} KeptBus;

/* In a child sd_bus_close() does nothing, and the parent's connection lives on. */
static void kept_bus_free(pam_handle_t *pamh, void *data, int status)
{
    KeptBus *kept = data;

    if (!kept)
        return;
    sd_bus_close_unref(kept->bus);
    free(kept);
}

void kept_bus_put(pam_handle_t *pamh, sd_bus *bus)
{
    KeptBus *kept = bus ? malloc(sizeof(*kept)) : NULL;

    if (!kept) {
        sd_bus_close_unref(bus);
        return;
    }
    *kept = (KeptBus){getpid(), bus};
    if (pam_set_data(pamh, DATA_NAME, kept, kept_bus_free) != PAM_SUCCESS)
        kept_bus_free(pamh, kept, 0);
}

/* Reads away what came meanwhile, and finds out whether the bus is still there. */
static bool has_lasted(sd_bus *bus)
{
    int r = 1;

    for (unsigned i = 0; r > 0 && i < WAITING_MAX; i++)
        r = sd_bus_process(bus, NULL);
    return r == 0 && sd_bus_is_ready(bus) > 0;
}

sd_bus *kept_bus_take(pam_handle_t *pamh)
{
    const void *data = NULL;

    if (pam_get_data(pamh, DATA_NAME, &data) != PAM_SUCCESS || !data)
        return NULL;
    KeptBus *kept = (KeptBus *)data;
    sd_bus *bus = NULL;
    if (kept->owner == getpid() && has_lasted(kept->bus))
        bus = TAKE_PTR(kept->bus);
    (void)pam_set_data(pamh, DATA_NAME, NULL, NULL); /* frees what is left of it */
    return bus;
}
