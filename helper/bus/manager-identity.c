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

typedef struct Import {
    IdentityFile *file;
    IdentityFinding *findings;
    size_t refused, changed;
    bool is_dry;
} Import;

static void import_clear(Import *import)
{
    identity_file_free(import->file);
    free(import->findings);
}

static int read_file(sd_bus_message *message, Import *import, sd_bus_error *error)
{
    char reason[IDENTITY_REASON_SIZE];
    const void *data = NULL;
    size_t size = 0;
    int is_dry = 0;
    int r = sd_bus_message_read_array(message, 'y', &data, &size);

    if (r >= 0)
        r = sd_bus_message_read(message, "b", &is_dry);
    if (r < 0)
        return r;
    import->is_dry = is_dry != 0;
    r = identity_file_parse(data ? data : "", size, &import->file, reason);
    if (r == -EBADMSG)
        return sd_bus_error_setf(error, BUS_ERROR("InvalidArgument"),
                                 "The file cannot be used: %s. Nothing was changed.", reason);
    return r;
}

static void count_changes(Import *import)
{
    for (size_t i = 0; i < import->file->row_count; i++)
        import->changed += import->findings[i].action == IDENTITY_ADD ||
                           import->findings[i].action == IDENTITY_CHANGE;
}

static int apply(Manager *manager, const Import *import, sd_bus_error *error)
{
    if (import->is_dry || import->changed == 0)
        return 0;
    int r = identity_import_apply(manager->accounts, import->file, import->findings);
    if (r < 0)
        return sd_bus_error_setf(error, BUS_ERROR("Unavailable"),
                                 "The numbers cannot be stored (%s). Nothing was changed.",
                                 strerror(-r));
    log_identity(manager, "identity-import", import->changed, "numbers carried here");
    return 0;
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

/* What is so already is only counted. */
static int append_rows(sd_bus_message *reply, const Import *import)
{
    int r = sd_bus_message_open_container(reply, 'a', "a{sv}");

    for (size_t i = 0; r >= 0 && i < import->file->row_count; i++)
        if (import->findings[i].action != IDENTITY_SAME)
            r = append_row(reply, &import->file->rows[i], &import->findings[i]);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_import(sd_bus_message *message, Manager *manager, const Import *import)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    const Config *config = manager->config;
    size_t same = import->file->row_count - import->changed - import->refused;
    int is_same_range = import->file->base == config->uid_base &&
                        import->file->count == config->uid_count;
    int r = sd_bus_message_new_method_return(message, &reply);

    if (r >= 0)
        r = sd_bus_message_append(reply, "a{sv}", 4, "changed", "u", (uint32_t)import->changed,
                                  "refused", "u", (uint32_t)import->refused, "same", "u",
                                  (uint32_t)same, "same_range", "b", is_same_range);
    if (r >= 0)
        r = append_rows(reply, import);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int manager_bus_import_identity(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    __attribute__((cleanup(import_clear))) Import import = {0};
    Manager *manager = userdata;
    int r = bus_caller_require_root(message, error);

    if (r >= 0)
        r = read_file(message, &import, error);
    if (r >= 0)
        r = identity_import_judge(manager->accounts, manager->config, import.file,
                                  &import.findings, &import.refused);
    if (r < 0)
        return r;
    count_changes(&import);
    if (import.refused == 0)
        r = apply(manager, &import, error);
    else if (!import.is_dry)
        log_identity(manager, "identity-import-refused", import.refused, "numbers refused");
    return r < 0 ? r : reply_import(message, manager, &import);
}
