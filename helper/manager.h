/*
 * What the helper owns. The only object that knows all others; made in main.c, passed down as a borrowed pointer.
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include "helper/account.h"
#include "helper/config.h"
#include "helper/enforcer-client.h"
#include "helper/http.h"
#include "helper/provider.h"
#include "helper/publisher.h"
#include "helper/store.h"

typedef struct Logins Logins;
typedef struct Sessions Sessions;
typedef struct Revocation Revocation;
typedef struct Refresher Refresher;

typedef struct Manager {
    sd_event *event;
    sd_bus *bus;
    Config *config;
    ConfigMessages config_error; /* of the last refused reload */
    Store *store;
    Accounts *accounts;
    EnforcerClient *enforcer;
    Publisher *publisher;
    Http *http;
    Provider **providers;   /* parallel to config->providers */
    Revocation *revocation;
    Refresher *refresher;
    Logins *logins;
    Sessions *sessions;
    uint64_t started_usec;
    char **alarms;          /* the newest, for `status`; bounded */
    size_t alarm_count;
} Manager;

/* The provider of an account, or NULL when its section is gone. */
Provider *manager_provider(Manager *manager, const Account *account);

/* Appends to the access log (outcome, user … by record_set()); failures are retried by the client and said in the journal. */
void manager_log(Manager *manager, const Record *record);

/* Says it in the access log, in the journal and in `status`. */
_printf_(2, 3) void manager_alarm(Manager *manager, const char *format, ...);

/* manager-bus.c and authenticator-bus.c: add the vtables to manager->bus. */
int manager_bus_attach(Manager *manager);
int authenticator_bus_attach(Manager *manager);
/* Reads the configuration again and takes it over; `messages` as config_read(). */
int manager_reload(Manager *manager, bool enforce, ConfigMessages *messages);
