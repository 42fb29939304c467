/*
 * Connecting to the bus. See bus-connection.h.
 */
#include "helper/bus/bus-connection.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "common/paths.h"

#define RETRY_USEC (1 * USEC_PER_SEC)
/* Of our own few calls to the bus itself (who is this caller?): a bus that hangs must not hold up
 * polling and ends for long. */
#define CALL_TIMEOUT_USEC (2 * USEC_PER_SEC)

struct BusConnection {
    Manager *manager;
    char *address;
    sd_event_source *retry;
    bool complained;
};

static void disconnect(BusConnection *connection)
{
    Manager *manager = connection->manager;

    if (!manager->bus)
        return;
    (void)sd_bus_detach_event(manager->bus);
    manager->bus = sd_bus_close_unref(manager->bus);
}

static void retry_later(BusConnection *connection)
{
    (void)sd_event_source_set_time_relative(connection->retry, RETRY_USEC);
    (void)sd_event_source_set_enabled(connection->retry, SD_EVENT_ONESHOT);
}

/* The bus object is in use by its caller here, so it is dropped by the timer. */
static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    sd_journal_print(LOG_WARNING, "The message bus has gone; trying again.");
    retry_later(userdata);
    return 0;
}

/* The address is given, never taken from the environment (design §2). */
static int open_bus(const char *address, sd_bus **ret_bus)
{
    sd_bus *bus = NULL;

    int r = sd_bus_new(&bus);
    if (r < 0)
        return r;
    r = sd_bus_set_address(bus, address);
    if (r >= 0)
        r = sd_bus_set_bus_client(bus, true);
    if (r >= 0)
        r = sd_bus_negotiate_fds(bus, true);
    if (r >= 0)
        r = sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_USEC);
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r < 0) {
        sd_bus_close_unref(bus);
        return r;
    }
    *ret_bus = bus;
    return 0;
}

/* Both interfaces stand before the name is taken: who finds the name finds the methods. */
static int attach(BusConnection *connection)
{
    Manager *manager = connection->manager;

    int r = sd_bus_match_signal_async(manager->bus, NULL, "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", on_disconnected, NULL, connection);
    if (r < 0)
        return r;
    r = authenticator_bus_attach(manager);
    if (r < 0)
        return r;
    r = manager_bus_attach(manager);
    if (r < 0)
        return r;
    r = sd_bus_attach_event(manager->bus, manager->event, SD_EVENT_PRIORITY_NORMAL);
    if (r < 0)
        return r;
    return sd_bus_request_name(manager->bus, RCPCH_BUS_NAME, 0);
}

static int connect_bus(BusConnection *connection)
{
    disconnect(connection);
    int r = open_bus(connection->address, &connection->manager->bus);
    if (r < 0)
        return r;
    r = attach(connection);
    if (r < 0)
        disconnect(connection);
    return r;
}

static void connect_or_retry(BusConnection *connection)
{
    int r = connect_bus(connection);

    if (r >= 0) {
        connection->complained = false;
        return;
    }
    if (!connection->complained)
        sd_journal_print(LOG_ERR, "Cannot take the name %s on the message bus: %s; trying again.",
                         RCPCH_BUS_NAME, strerror(-r));
    connection->complained = true;
    retry_later(connection);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    connect_or_retry(userdata);
    return 0;
}

int bus_connection_new(Manager *manager, const char *address, BusConnection **ret_connection)
{
    _cleanup_(bus_connection_freep) BusConnection *connection = calloc(1, sizeof(*connection));

    if (!connection)
        return -ENOMEM;
    connection->manager = manager;
    connection->address = strdup(address);
    if (!connection->address)
        return -ENOMEM;
    int r = sd_event_add_time(manager->event, &connection->retry, CLOCK_BOOTTIME, UINT64_MAX, 0,
                              on_retry, connection);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(connection->retry, SD_EVENT_OFF);
    if (r < 0)
        return r;
    connect_or_retry(connection);
    *ret_connection = TAKE_PTR(connection);
    return 0;
}

BusConnection *bus_connection_free(BusConnection *connection)
{
    if (!connection)
        return NULL;
    disconnect(connection);
    sd_event_source_disable_unref(connection->retry);
    free(connection->address);
    free(connection);
    return NULL;
}
