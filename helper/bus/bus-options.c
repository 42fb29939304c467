/*
 * The options of a call. See bus-options.h.
 */
#include "helper/bus/bus-options.h"

int bus_options_read(sd_bus_message *message, BusReadOption read_option, void *options,
                     sd_bus_error *ret_error)
{
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        r = read_option(message, options, ret_error);
        if (r < 0)
            return r;
        r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}
