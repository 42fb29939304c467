/*
 * The connection to the system bus, made again whenever it is lost.
 *
 * The helper goes on without a bus: polling, verdicts and ends do not depend on it, and a bus
 * daemon that restarts must not take the watch over open sessions with it.
 */
#pragma once

#include "helper/manager.h"

/* Connects to `address` now and, when that fails or the bus goes away, again every second. Attaches
 * both interfaces before it takes the name. Sets manager->bus. Returns 0 (also while the bus is
 * away) or a negative errno. */
int bus_connection_new(Manager *manager, const char *address, BusConnection **ret_connection);
BusConnection *bus_connection_free(BusConnection *connection);
DEFINE_CLEANUP(BusConnection *, bus_connection_free)
