/*
 * Puts the helper together, in the order of design §1 "Start and recovery", and takes it apart.
 */
#include "helper/manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include "common/paths.h"
#include "helper/alarms.h"
#include "helper/login/authenticator.h"
#include "helper/bus/bus-connection.h"
#include "helper/directory/directories.h"
#include "helper/session/elevations.h"
#include "helper/enforcer/log-queue.h"
#include "helper/login/login.h"
#include "helper/manager-config.h"
#include "helper/revocation/refresher.h"
#include "helper/retired.h"
#include "helper/revocation/revocation.h"
#include "helper/session/sessions.h"
#include "helper/totp/enrolment.h"
#include "helper/totp/hasher.h"
#include "helper/login/presented.h"
#include "helper/login/sign-in.h"

#define ALARM_TEXT_MAX         512
#define FIRST_PUBLICATION_USEC (2 * USEC_PER_SEC)
#define LAST_RECORDS_USEC      (2 * USEC_PER_SEC)

/* --- what others ask of the manager ----------------------------------------------------------- */

Provider *manager_provider(Manager *manager, const Account *account)
{
    const Config *config = manager->config;

    for (size_t i = 0; i < config->provider_count; i++)
        if (strcmp(config->providers[i].name, account->provider) == 0)
            return manager->providers[i];
    return NULL;
}

static void on_complaint(const char *what, int error, void *userdata)
{
    sd_journal_print(LOG_ERR, "%s: %s", what, strerror(-error));
}

void manager_log(Manager *manager, const Record *record)
{
    const RecordValue *user = &record->fields[RECORD_USER];

    int r = log_queue_append(manager->log, record);
    if (r < 0)
        sd_journal_print(LOG_ERR, "A record (%s, user %.*s) could not be queued: %s",
                         record_event_to_word(record->event), (int)user->size,
                         user->size > 0 ? user->text : "", strerror(-r));
}

void manager_log_account(Manager *manager, const Account *account, const char *actor,
                         const char *action, const char *reason)
{
    Record record = {.event = RECORD_ACCOUNT};
    char uid[16];

    snprintf(uid, sizeof(uid), "%" PRIu32, account->uid);
    record_set(&record, RECORD_USER, account->name);
    record_set(&record, RECORD_UID, uid);
    record_set(&record, RECORD_IDENTITY, account->id);
    record_set(&record, RECORD_PROVIDER, account->provider);
    record_set(&record, RECORD_ACTOR, actor);
    record_set(&record, RECORD_ACTION, action);
    record_set(&record, RECORD_REASON, reason);
    manager_log(manager, &record);
}

void manager_alarm(Manager *manager, const char *format, ...)
{
    Record record = {.event = RECORD_ALARM};
    char text[ALARM_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!alarms_add(manager, text, stamp_now().boot_usec))
        return;
    sd_journal_print(LOG_ALERT, "%s", text);
    record_set(&record, RECORD_REASON, text);
    manager_log(manager, &record);
}

void manager_alarm_over(Manager *manager, const char *format, ...)
{
    char start[ALARM_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(start, sizeof(start), format, arguments);
    va_end(arguments);
    alarms_drop(manager, start);
}

static void on_publisher_alarm(const char *text, bool is_over, void *userdata)
{
    if (is_over)
        manager_alarm_over(userdata, "%s", text);
    else
        manager_alarm(userdata, "%s", text);
}

void manager_session_signal(Manager *manager, const char *signal, const char *session,
                            const char *user)
{
    if (manager->bus)
        (void)sd_bus_emit_signal(manager->bus, RCPCH_BUS_PATH, RCPCH_BUS_MANAGER, signal, "ss",
                                 session, user);
}

/* --- construction ----------------------------------------------------------------------------- */

static int open_state(Manager *manager)
{
    _cleanup_secret_ Secret *key = NULL;

    int r = store_load_key(manager->paths->state_key, &key);
    if (r < 0)
        return r;
    r = store_open(manager->paths->state_db, key, &manager->store);
    if (r < 0)
        return r;
    return accounts_new(manager->store, &manager->accounts);
}

/* What whoever reads the journal has to do. */
static const char *state_fault(int r)
{
    static const struct {
        int error;
        const char *text;
    } rows[] = {
        {-EPROTO, "a newer version of rcpch-helper wrote it: install that version again"},
        {-EUCLEAN, "it, or state.key beside it, is damaged: put both back from a backup"},
        {-EPERM, "others may read its key: chmod 0600 /var/lib/rcpch/state.key"},
        {-EBUSY, "another process has it open: systemctl status rcpch-helper"},
        {-ENOSPC, "the disk is full: df /var/lib/rcpch"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (rows[i].error == r)
            return rows[i].text;
    return strerror(-r);
}

static int build_outside(Manager *manager)
{
    int r =
        enforcer_client_new(manager->event, manager->paths->enforcer_socket, &manager->enforcer);
    if (r < 0)
        return r;
    r = log_queue_new(manager->event, manager->enforcer, on_complaint, manager, &manager->log);
    if (r < 0)
        return r;
    return http_new(manager->event, &manager->http);
}

static int build_inside(Manager *manager)
{
    int r = publisher_new(manager->event, manager->store, manager->accounts, manager->enforcer,
                          manager->config, on_publisher_alarm, manager, &manager->publisher);
    if (r >= 0)
        r = revocation_new(manager, &manager->revocation);
    if (r >= 0)
        r = refresher_new(manager, &manager->refresher);
    if (r >= 0)
        r = logins_new(manager, &manager->logins);
    if (r >= 0)
        r = sign_ins_new(&manager->sign_ins);
    if (r >= 0)
        r = presented_new(&manager->presented);
    if (r >= 0)
        r = sessions_new(manager, &manager->sessions);
    if (r >= 0)
        r = hasher_new(manager->event, &manager->hasher);
    if (r >= 0)
        r = enrolments_new(manager, &manager->enrolments);
    if (r >= 0)
        r = elevations_new(manager, &manager->elevations);
    if (r >= 0)
        r = authenticator_new(manager, &manager->authenticator);
    return r;
}

int manager_new(sd_event *event, const ManagerPaths *paths, Manager **ret_manager)
{
    _cleanup_(manager_freep) Manager *manager = calloc(1, sizeof(*manager));

    if (!manager)
        return -ENOMEM;
    manager->event = sd_event_ref(event);
    manager->paths = paths;
    manager->started_usec = stamp_now().wall_usec;
    int r = open_state(manager);
    if (r < 0) {
        sd_journal_print(LOG_ERR, "Cannot open the state database: %s", state_fault(r));
        return r;
    }
    r = build_outside(manager);
    if (r < 0)
        return r;
    r = manager_load_config(manager);
    if (r < 0)
        return r;
    r = build_inside(manager);
    if (r < 0)
        return r;
    manager_add_service_accounts(manager);
    manager_tell_pins(manager, NULL);
    *ret_manager = TAKE_PTR(manager);
    return 0;
}

/* Who holds operations goes before what carries them out. */
Manager *manager_free(Manager *manager)
{
    if (!manager)
        return NULL;
    identity_order_free(manager->identity_order);
    authenticator_free(manager->authenticator);
    bus_connection_free(manager->connection);
    logins_free(manager->logins);
    manager_bus_verify_free(manager);
    elevations_free(manager->elevations);
    enrolments_free(manager->enrolments);
    hasher_free(manager->hasher);
    sessions_free(manager->sessions);
    sign_ins_free(manager->sign_ins);
    presented_free(manager->presented);
    directories_free(manager->directories);
    refresher_free(manager->refresher);
    revocation_free(manager->revocation);
    publisher_free(manager->publisher);
    if (manager->config)
        providers_free(manager->providers, manager->config->provider_count);
    retired_clear(manager);
    http_free(manager->http);
    log_queue_free(manager->log);
    enforcer_client_free(manager->enforcer);
    accounts_free(manager->accounts);
    store_free(manager->store);
    config_free(manager->config);
    config_messages_clear(&manager->config_error);
    alarms_clear(manager);
    sd_event_source_disable_unref(manager->start_timer);
    sd_event_source_disable_unref(manager->stop_timer);
    sd_event_source_disable_unref(manager->stop_post);
    sd_event_unref(manager->event);
    free(manager);
    return NULL;
}

/* --- start ------------------------------------------------------------------------------------ */

/* The last step: whoever finds the name finds everything behind it in place. */
static void take_name(Manager *manager)
{
    manager->start_timer = sd_event_source_disable_unref(manager->start_timer);
    if (manager->connection)
        return;
    int r = bus_connection_new(manager, manager->paths->bus_address, &manager->connection);
    if (r < 0) {
        sd_journal_print(LOG_ERR, "Cannot prepare the bus connection: %s", strerror(-r));
        (void)sd_event_exit(manager->event, EXIT_FAILURE);
        return;
    }
    (void)sd_notify(0, "READY=1\nSTATUS=Running");
}

static void on_first_published(int result, void *userdata)
{
    Manager *manager = userdata;

    if (result < 0)
        manager_alarm(manager, "the snapshot could not be published at start: %s",
                      strerror(-result));
    take_name(manager);
}

static int on_start_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    take_name(userdata);
    return 0;
}

/* With a broken configuration the last snapshot stays as it is: composing one without [group]
 * and [identity] would change numbers and memberships under the people who are signed in. */
static bool should_publish(const Manager *manager)
{
    return manager->config_error.count == 0 || access(manager->paths->snapshot, F_OK) < 0;
}

int manager_start(Manager *manager)
{
    Record record = {.event = RECORD_STARTED};

    record_set(&record, RECORD_ACTOR, "helper");
    manager_log(manager, &record);
    int r = sessions_recover(manager->sessions);
    if (r < 0)
        return r;
    r = sd_event_add_time_relative(manager->event, &manager->start_timer, CLOCK_BOOTTIME,
                                   FIRST_PUBLICATION_USEC, 0, on_start_timer, manager);
    if (r < 0)
        return r;
    bool publish = should_publish(manager);
    if (publish) {
        r = publisher_request(manager->publisher, on_first_published, manager);
        if (r < 0)
            return r;
    }
    revocation_resume(manager->revocation);
    r = directories_new(manager, false, &manager->directories);
    if (r < 0)
        return r;
    elevations_review(manager->elevations);
    if (!publish)
        take_name(manager);
    return 0;
}

/* --- stop --------------------------------------------------------------------------------------
 */

static int on_stop_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Manager *manager = userdata;

    sd_journal_print(LOG_ERR, "%zu records did not reach the access log.",
                     log_queue_count(manager->log));
    return sd_event_exit(manager->event, EXIT_SUCCESS);
}

static int on_stop_post(sd_event_source *source, void *userdata)
{
    Manager *manager = userdata;

    return log_queue_count(manager->log) > 0 ? 0 : sd_event_exit(manager->event, EXIT_SUCCESS);
}

static int wait_for_records(Manager *manager)
{
    if (log_queue_count(manager->log) == 0)
        return sd_event_exit(manager->event, EXIT_SUCCESS);
    int r = sd_event_add_time_relative(manager->event, &manager->stop_timer, CLOCK_BOOTTIME,
                                       LAST_RECORDS_USEC, 0, on_stop_timer, manager);
    if (r < 0)
        return r;
    return sd_event_add_post(manager->event, &manager->stop_post, on_stop_post, manager);
}

/* Nobody new first, then those who wait are told, then what is known of all of it is kept. */
void manager_stop(Manager *manager)
{
    if (manager->stop_timer)
        return;
    (void)sd_notify(0, "STOPPING=1");
    manager->authenticator = authenticator_free(manager->authenticator);
    sessions_stop(manager->sessions);
    manager->identity_order = identity_order_free(manager->identity_order);
    manager->connection = bus_connection_free(manager->connection);
    logins_end_all(manager->logins, OUTCOME_UNAVAILABLE, "the helper is being stopped");
    if (wait_for_records(manager) < 0)
        (void)sd_event_exit(manager->event, EXIT_SUCCESS);
}
