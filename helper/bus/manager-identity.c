/*
 * ExportIdentity and ImportIdentity of the Manager interface. The file's bytes are read here, where
 * nothing has privilege; rcpchctl only carries them.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/limits.h"
#include "helper/accounts/identity-import.h"
#include "helper/bus/bus-caller.h"

static void log_identity(Manager *manager, const char *action, size_t count, const char *what)
{
    Record record = {.event = RECORD_CONFIGURATION};
    char reason[64];

    snprintf(reason, sizeof(reason), "%zu %s", count, what);
    record_set(&record, RECORD_ACTOR, "uid 0 by bus");
    record_set(&record, RECORD_ACTION, action);
    record_set(&record, RECORD_REASON, reason);
    manager_log(manager, &record);
}

/* --- export ----------------------------------------------------------------------------------- */

int manager_bus_export_identity(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(identity_file_freep) IdentityFile *file = NULL;
    _cleanup_free_ char *text = NULL;
    Manager *manager = userdata;
    int r = bus_caller_require_root(message, error);

    if (r >= 0)
        r = identity_export(manager->accounts, manager->config, &file);
    if (r >= 0)
        r = identity_file_write(file, &text);
    if (r == -E2BIG)
        return sd_bus_error_setf(error, BUS_ERROR("Unavailable"),
                                 "There are more than %u numbers, or more than %u bytes of them.",
                                 IDENTITY_ROWS_MAX, IDENTITY_FILE_MAX);
    return r < 0 ? r : sd_bus_reply_method_return(message, "s", text);
}

/* --- import ----------------------------------------------------------------------------------- */

/* Whatever else waits comes first. */
#define PART_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 100)
#define TOLD_ROWS     200u

/* One at a time: what the next one may do depends on this one. */
struct IdentityOrder {
    Manager *manager;
    sd_bus_message *message, *reply; /* the latter once all is done: being written */
    IdentityReader *reader; /* of the message's bytes, until `import` has what is in them */
    IdentityImport *import;
    sd_event_source *part;
    size_t told; /* rows */
    bool is_dry, is_done;
    char reason[IDENTITY_REASON_SIZE]; /* why the file cannot be used */
};

IdentityOrder *identity_order_free(IdentityOrder *order)
{
    if (!order)
        return NULL;
    sd_event_source_disable_unref(order->part);
    identity_import_free(order->import);
    identity_reader_free(order->reader);
    sd_bus_message_unref(order->reply);
    sd_bus_message_unref(order->message);
    free(order);
    return NULL;
}

static int append_row(sd_bus_message *reply, const IdentityRow *row, const IdentityFinding *finding)
{
    const char *id = row->id ? row->id : row->role ? row->role : "";

    return sd_bus_message_append(
        reply, "a{sv}", 8, "action", "s", identity_action_to_word(finding->action), "kind", "s",
        identity_kind_to_word(row->kind), "issuer", "s", row->issuer, "id", "s", id, "name", "s",
        row->name ? row->name : "", "number", "u", row->number, "before", "u", finding->before,
        "why", "s", finding->why);
}

static int begin_reply(IdentityOrder *order)
{
    const Config *config = order->manager->config;
    const IdentityImport *import = order->import;
    const IdentityFile *file = import->file;
    size_t same = file->row_count - import->changed - import->refused;
    int is_same_range = file->base == config->uid_base && file->count == config->uid_count;
    int r = sd_bus_message_new_method_return(order->message, &order->reply);

    if (r >= 0)
        r = sd_bus_message_append(order->reply, "a{sv}", 4, "changed", "u",
                                  (uint32_t)import->changed, "refused", "u",
                                  (uint32_t)import->refused, "same", "u", (uint32_t)same,
                                  "same_range", "b", is_same_range);
    return r < 0 ? r : sd_bus_message_open_container(order->reply, 'a', "a{sv}");
}

/* What is so already is only counted. 1: there is more. */
static int tell_part(IdentityOrder *order)
{
    const IdentityImport *import = order->import;
    size_t left = import->file->row_count - order->told;
    size_t end = order->told + (left < TOLD_ROWS ? left : TOLD_ROWS);
    int r = 0;

    for (; r >= 0 && order->told < end; order->told++)
        if (import->findings[order->told].action != IDENTITY_SAME)
            r = append_row(order->reply, &import->file->rows[order->told],
                           &import->findings[order->told]);
    if (r < 0 || order->told < import->file->row_count)
        return r < 0 ? r : 1;
    r = sd_bus_message_close_container(order->reply);
    if (r >= 0)
        r = sd_bus_send(NULL, order->reply, NULL);
    return r < 0 ? r : 0;
}

static int on_imported(IdentityOrder *order)
{
    const IdentityImport *import = order->import;

    order->is_done = true;
    if (import->refused > 0 && !order->is_dry)
        log_identity(order->manager, "identity-import-refused", import->refused, "numbers refused");
    else if (import->changed > 0 && !order->is_dry)
        log_identity(order->manager, "identity-import", import->changed, "numbers carried here");
    return begin_reply(order);
}

static void on_failed(const IdentityOrder *order, int error)
{
    if (order->is_done)
        (void)sd_bus_reply_method_errorf(order->message, BUS_ERROR("Unavailable"),
                                         "The import is done, but cannot be told (%s).",
                                         strerror(-error));
    else if (*order->reason)
        (void)sd_bus_reply_method_errorf(order->message, BUS_ERROR("InvalidArgument"),
                                         "The file cannot be used: %s. Nothing was changed.",
                                         order->reason);
    else
        (void)sd_bus_reply_method_errorf(order->message, BUS_ERROR("Unavailable"),
                                         "The numbers cannot be stored (%s). Nothing was changed.",
                                         strerror(-error));
}

static int read_part(IdentityOrder *order)
{
    IdentityFile *file = NULL;
    int r = identity_reader_step(order->reader, &file, order->reason);

    if (r != 0)
        return r;
    r = identity_import_new(order->manager->accounts, file, order->is_dry, &order->import);
    return r < 0 ? r : 1;
}

/* 1: there is more. */
static int advance(IdentityOrder *order)
{
    if (order->is_done)
        return tell_part(order);
    if (!order->import)
        return read_part(order);
    int r = identity_import_step(order->import, order->manager->config);
    if (r != 0)
        return r;
    r = on_imported(order);
    return r < 0 ? r : 1;
}

static int on_part(sd_event_source *source, void *userdata)
{
    IdentityOrder *order = userdata;
    int r = advance(order);

    if (r > 0)
        return 0;
    if (r < 0)
        on_failed(order, r);
    order->manager->identity_order = identity_order_free(order);
    return 0;
}

static int order_new(Manager *manager, sd_bus_message *message, IdentityOrder **ret_order)
{
    _cleanup_(identity_order_freep) IdentityOrder *order = calloc(1, sizeof(*order));
    const void *data = NULL;
    size_t size = 0;
    int is_dry = 0;

    if (!order)
        return -ENOMEM;
    order->manager = manager;
    order->message = sd_bus_message_ref(message);
    int r = sd_bus_message_read_array(message, 'y', &data, &size);
    if (r >= 0)
        r = sd_bus_message_read(message, "b", &is_dry);
    if (r >= 0)
        r = identity_reader_new(data ? data : "", size, &order->reader);
    if (r >= 0)
        r = sd_event_add_defer(manager->event, &order->part, on_part, order);
    if (r >= 0)
        r = sd_event_source_set_priority(order->part, PART_PRIORITY);
    if (r >= 0)
        r = sd_event_source_set_enabled(order->part, SD_EVENT_ON);
    if (r < 0)
        return r;
    order->is_dry = is_dry != 0;
    *ret_order = TAKE_PTR(order);
    return 1;
}

int manager_bus_import_identity(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Manager *manager = userdata;
    int r = bus_caller_require_root(message, error);

    if (r >= 0 && manager->identity_order)
        return sd_bus_error_set(error, BUS_ERROR("TooMany"),
                                "Another import is under way, and nothing of this one was done. "
                                "Try again in some seconds.");
    return r < 0 ? r : order_new(manager, message, &manager->identity_order);
}
