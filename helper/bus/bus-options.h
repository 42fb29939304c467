/*
 * The options of a call, a{sv}: each is read by whoever knows it.
 */
#pragma once

#include <systemd/sd-bus.h>

/* Reads the name of one option and its value; -EINVAL or another error refuses the call. */
typedef int (*BusReadOption)(sd_bus_message *message, void *options, sd_bus_error *ret_error);

/* Reads all options that stand next in the message. Returns 0 or a negative errno. */
int bus_options_read(sd_bus_message *message, BusReadOption read_option, void *options,
                     sd_bus_error *ret_error);
