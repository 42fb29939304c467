/*
 * What the helper owns. The only object that knows all others; made in main.c, passed down as a
 * borrowed pointer.
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include "helper/accounts/account.h"
#include "helper/base/caller-limit.h"
#include "helper/config/config.h"
#include "helper/enforcer/enforcer-client.h"
#include "helper/provider/http.h"
#include "helper/provider/provider.h"
#include "helper/accounts/publisher.h"
#include "helper/store/store.h"

typedef struct Logins Logins;
typedef struct Sessions Sessions;
typedef struct Elevations Elevations;
typedef struct Revocation Revocation;
typedef struct Refresher Refresher;
typedef struct Directories Directories;
typedef struct Authenticator Authenticator;
typedef struct BusConnection BusConnection;
typedef struct LogQueue LogQueue;
typedef struct Retired Retired;
typedef struct SignIns SignIns;
typedef struct PresentedTokens PresentedTokens;
typedef struct Enrolments Enrolments;
typedef struct Hasher Hasher;
typedef struct IdentityOrder IdentityOrder;

/* Where things are: fixed in the program, given by tests. */
typedef struct ManagerPaths {
    const char *conf_file, *conf_dir, *state_db, *state_key, *cache_dir;
    const char *enforcer_socket, *bus_address;
    const char *snapshot;   /* read only, to see whether there is one */
    bool check_owner;       /* of the configuration */
} ManagerPaths;

typedef struct Manager {
    sd_event *event;
    sd_bus *bus;            /* NULL while the bus cannot be reached */
    BusConnection *connection;
    Authenticator *authenticator;
    Config *config;
    ConfigMessages config_error; /* of the last refused reload */
    Store *store;
    Accounts *accounts;
    EnforcerClient *enforcer;
    LogQueue *log;
    Publisher *publisher;
    Http *http;
    Provider **providers;   /* parallel to config->providers */
    Retired *retired;       /* configurations that running operations may still use */
    Revocation *revocation;
    Refresher *refresher;
    Directories *directories; /* NULL before the start */
    Logins *logins;
    SignIns *sign_ins;
    CallerLimit own_logins, own_checks, service_logins, service_checks; /* not by root */
    PresentedTokens *presented;
    struct VerifyCall *verify_calls; /* that wait (manager-token.c) */
    CallerLimit verify_limit; /* of VerifyToken, for who is not root */
    Sessions *sessions;
    Enrolments *enrolments;
    Hasher *hasher;
    bool lockout_is_broken; /* failures could not be counted (lockout.h) */
    Elevations *elevations;
    IdentityOrder *identity_order; /* the import that is under way, or NULL */
    uint64_t started_usec;
    char **alarms;          /* the newest, for `status`; bounded */
    uint64_t *alarm_usec;   /* when each was said last, CLOCK_BOOTTIME */
    size_t alarm_count;
    const ManagerPaths *paths;
    sd_event_source *start_timer; /* the bus name waits for the first publication, not for ever */
    sd_event_source *stop_timer, *stop_post;
} Manager;

/* Builds everything but the bus; the order is design §1 "Start and recovery". A broken
 * configuration is no error: the helper runs without providers, alarmed, and admits nobody new.
 * `paths` is borrowed for the manager's life. */
int manager_new(sd_event *event, const ManagerPaths *paths, Manager **ret_manager);
Manager *manager_free(Manager *manager);
DEFINE_CLEANUP(Manager *, manager_free)
/* Recovers sessions, publishes, resumes `end`, then takes the bus name. Returns at once; the rest
 * is the loop's. */
int manager_start(Manager *manager);

/* Ends what waits and leaves the loop once the access log has all records, or after 2 s. */
void manager_stop(Manager *manager);

/* The provider of an account, or NULL when its section is gone. */
Provider *manager_provider(Manager *manager, const Account *account);

/* Appends to the access log (outcome, user … by record_set()); failures are retried by the client
 * and said in the journal. */
void manager_log(Manager *manager, const Record *record);

/* Appends what `actor` has done about an account, or knows of it. `reason` may be NULL. */
void manager_log_account(Manager *manager, const Account *account, const char *actor,
                         const char *action, const char *reason);

/* Says it in the access log, in the journal and in `status`. */
_printf_(2, 3) void manager_alarm(Manager *manager, const char *format, ...);
/* How an alarm about a provider begins that refuses our client id or secret. */
#define ALARM_REGISTRATION "Provider %s refuses this host's registration"
/* How one begins about somebody whose account cannot be made. */
#define ALARM_NOT_ADDED "%s cannot be added"
/* How one begins about a number that is pinned, but was given to nobody. */
#define ALARM_PIN "[user %s] Uid= is not in force"
/* What the alarms that begin with this text said is over: `status` shows them no more. */
_printf_(2, 3) void manager_alarm_over(Manager *manager, const char *format, ...);

/* SessionOpened and SessionClosed on the bus, when there is one. */
void manager_session_signal(Manager *manager, const char *signal, const char *session,
                            const char *user);

/* manager-bus.c and authenticator-bus.c: add the vtables to manager->bus. */
int manager_bus_attach(Manager *manager);
void manager_bus_verify_free(Manager *manager); /* nobody's token is judged any more */
int authenticator_bus_attach(Manager *manager);
/* manager-identity.c: an import that is not done never happened, and is not answered. */
IdentityOrder *identity_order_free(IdentityOrder *order);
DEFINE_CLEANUP(IdentityOrder *, identity_order_free)
/* Emits AccountRevoked; nothing while there is no bus. */
void manager_bus_account_revoked(Manager *manager, const Account *account);
/* Reads the configuration again and takes it over; `messages` as config_read(). */
int manager_reload(Manager *manager, bool enforce, ConfigMessages *messages);
