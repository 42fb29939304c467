/*
 * The bus. See bus.h.
 */
#include "rcpchctl/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/utf8.h"
#include "rcpchctl/cell.h"

#define CALL_TIMEOUT_USEC (30u * 1000000u) /* RevokeUser may take 10 s */
#define DEPTH_MAX         8

static const char unreachable_advice[] = "The helper does not answer. See: systemctl status "
                                         "rcpch-helper; journalctl -u rcpch-helper -n 20\n";
static const char root_advice[] = "rcpchctl: This is for root only. Try: sudo rcpchctl …\n";

typedef struct ErrorRow {
    const char *name;
    ExitCode code;
    const char *advice;
} ErrorRow;

static const ErrorRow error_rows[] = {
    {"uk.ac.rcpch.Error.NotFound", EXIT_NOT_FOUND, NULL},
    {SD_BUS_ERROR_SERVICE_UNKNOWN, EXIT_UNREACHABLE, unreachable_advice},
    {SD_BUS_ERROR_NAME_HAS_NO_OWNER, EXIT_UNREACHABLE, unreachable_advice},
    {SD_BUS_ERROR_NO_REPLY, EXIT_UNREACHABLE, unreachable_advice},
    {SD_BUS_ERROR_TIMEOUT, EXIT_UNREACHABLE, unreachable_advice},
    {SD_BUS_ERROR_DISCONNECTED, EXIT_UNREACHABLE, unreachable_advice},
    {"org.freedesktop.DBus.Error.TimedOut", EXIT_UNREACHABLE, unreachable_advice},
    {"org.freedesktop.DBus.Error.LimitsExceeded", EXIT_UNREACHABLE,
     "The message bus is full. Try again in a moment.\n"},
    {SD_BUS_ERROR_UNKNOWN_OBJECT, EXIT_UNREACHABLE, unreachable_advice},
    {SD_BUS_ERROR_ACCESS_DENIED, EXIT_NOT_PERMITTED, root_advice},
};

static const ErrorRow *error_row(const sd_bus_error *error)
{
    for (size_t i = 0; error->name && i < ELEMENTSOF(error_rows); i++)
        if (strcmp(error_rows[i].name, error->name) == 0)
            return &error_rows[i];
    return NULL;
}

ExitCode bus_error_to_exit(const sd_bus_error *error)
{
    static const char spawn[] = "org.freedesktop.DBus.Error.Spawn.";
    static const char systemd[] = "org.freedesktop.systemd1.";
    const ErrorRow *row = error_row(error);

    if (row)
        return row->code;
    if (error->name && (strncmp(error->name, spawn, sizeof(spawn) - 1) == 0 ||
                        strncmp(error->name, systemd, sizeof(systemd) - 1) == 0))
        return EXIT_UNREACHABLE;
    switch (sd_bus_error_get_errno(error)) {
    case ENOENT:
    case ESRCH:
        return EXIT_NOT_FOUND;
    case EPERM:
    case EACCES:
        return EXIT_NOT_PERMITTED;
    case ETIMEDOUT:
    case ECONNRESET:
    case ENOTCONN:
        return EXIT_UNREACHABLE;
    default:
        return EXIT_REFUSED;
    }
}

static ExitCode say_error(const sd_bus_error *error)
{
    const ErrorRow *row = error_row(error);
    ExitCode code = bus_error_to_exit(error);
    const char *text = error->message && error->message[0] ? error->message : error->name;
    _cleanup_free_ char *escaped = text ? cell_escape(text, strlen(text)) : NULL;

    /* The bus's own refusal is about rules and senders, and says nothing to a person. */
    if (code != EXIT_NOT_PERMITTED || geteuid() == 0)
        (void)fprintf(stderr, "rcpchctl: %s\n", escaped ? escaped : "the call failed");
    if (row && row->advice)
        (void)fputs(row->advice, stderr);
    else if (code == EXIT_UNREACHABLE)
        (void)fputs(unreachable_advice, stderr);
    else if (code == EXIT_NOT_PERMITTED)
        (void)fputs(root_advice, stderr);
    return code;
}

/* Never the address of the environment: this is run as root on behalf of others. */
ExitCode bus_open(Bus *bus)
{
    int r = sd_bus_new(&bus->connection);

    if (r >= 0)
        r = sd_bus_set_address(bus->connection, RCPCH_SYSTEM_BUS);
    if (r >= 0)
        r = sd_bus_set_bus_client(bus->connection, 1);
    if (r >= 0)
        r = sd_bus_start(bus->connection);
    if (r >= 0)
        return EXIT_DONE;
    if (!bus->is_quiet)
        (void)fprintf(stderr, "rcpchctl: the system message bus cannot be reached: %s\n"
                              "See: systemctl status dbus\n", strerror(-r));
    return EXIT_UNREACHABLE;
}

void bus_close(Bus *bus)
{
    bus->connection = sd_bus_flush_close_unref(bus->connection);
}

int bus_prepare(Bus *bus, const char *method, sd_bus_message **ret_message)
{
    return sd_bus_message_new_method_call(bus->connection, ret_message, RCPCH_BUS_NAME,
                                          RCPCH_BUS_PATH, RCPCH_BUS_MANAGER, method);
}

/* --- values ------------------------------------------------------------------------------- */

static int read_value(sd_bus_message *message, unsigned depth, json_t **ret_value);

static int give(json_t *value, json_t **ret_value)
{
    if (!value)
        return -ENOMEM;
    *ret_value = value;
    return 0;
}

static int read_text(sd_bus_message *message, char type, json_t **ret_value)
{
    const char *text = NULL;
    int r = sd_bus_message_read_basic(message, type, &text);

    return r < 0 ? r : give(json_string(text), ret_value);
}

static int read_number(sd_bus_message *message, char type, json_t **ret_value)
{
    union {
        uint8_t y;
        uint16_t q;
        int16_t n;
        uint32_t u;
        int32_t i;
        uint64_t t;
        int64_t x;
        int b;
    } value = {.t = 0};
    int r = sd_bus_message_read_basic(message, type, &value);

    if (r < 0)
        return r;
    switch (type) {
    case 'b':
        return give(json_boolean(value.b), ret_value);
    case 'y':
        return give(json_integer(value.y), ret_value);
    case 'q':
        return give(json_integer(value.q), ret_value);
    case 'n':
        return give(json_integer(value.n), ret_value);
    case 'u':
        return give(json_integer(value.u), ret_value);
    case 'i':
        return give(json_integer(value.i), ret_value);
    case 't':
        return give(json_integer(value.t > INT64_MAX ? INT64_MAX : (json_int_t)value.t), ret_value);
    default:
        return give(json_integer(value.x), ret_value);
    }
}

static int read_descriptor(sd_bus_message *message, json_t **ret_value)
{
    int borrowed = -1;
    int r = sd_bus_message_read_basic(message, 'h', &borrowed);
    int copy = r < 0 ? -1 : fcntl(borrowed, F_DUPFD_CLOEXEC, 3);

    return r < 0 ? r : copy < 0 ? -errno : give(json_integer(copy), ret_value);
}

static int read_variant(sd_bus_message *message, const char *contents, unsigned depth,
                        json_t **ret_value)
{
    int r = sd_bus_message_enter_container(message, 'v', contents);

    if (r >= 0)
        r = read_value(message, depth, ret_value);
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_members(sd_bus_message *message, unsigned depth, json_t *object)
{
    int r = 0;

    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        _cleanup_json_ json_t *value = NULL;
        const char *key = NULL;
        r = sd_bus_message_read_basic(message, 's', &key);
        if (r >= 0)
            r = read_value(message, depth, &value);
        if (r >= 0 && json_object_set_new(object, key, TAKE_PTR(value)) < 0)
            r = -ENOMEM;
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
        if (r < 0)
            return r;
    }
    return r;
}

static int read_items(sd_bus_message *message, unsigned depth, json_t *array)
{
    int r = 0;

    while ((r = sd_bus_message_at_end(message, 0)) == 0) {
        _cleanup_json_ json_t *value = NULL;
        r = read_value(message, depth, &value);
        if (r >= 0 && json_array_append_new(array, TAKE_PTR(value)) < 0)
            r = -ENOMEM;
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}

static int read_array(sd_bus_message *message, const char *contents, unsigned depth,
                      json_t **ret_value)
{
    bool dictionary = strcmp(contents, "{sv}") == 0;
    _cleanup_json_ json_t *value = dictionary ? json_object() : json_array();
    int r = sd_bus_message_enter_container(message, 'a', contents);

    if (!value)
        return -ENOMEM;
    if (r >= 0)
        r = dictionary ? read_members(message, depth, value) : read_items(message, depth, value);
    if (r >= 0)
        r = sd_bus_message_exit_container(message);
    if (r < 0)
        return r;
    *ret_value = TAKE_PTR(value);
    return 0;
}

static int read_value(sd_bus_message *message, unsigned depth, json_t **ret_value)
{
    const char *contents = NULL;
    char type = 0;
    int r = sd_bus_message_peek_type(message, &type, &contents);

    if (r <= 0 || depth == 0)
        return r < 0 ? r : -EBADMSG;
    if (type == 's' || type == 'o' || type == 'g')
        return read_text(message, type, ret_value);
    if (strchr("bynqiuxt", type))
        return read_number(message, type, ret_value);
    if (type == 'h')
        return read_descriptor(message, ret_value);
    if (type == 'v')
        return read_variant(message, contents, depth - 1, ret_value);
    if (type == 'a')
        return read_array(message, contents, depth - 1, ret_value);
    return -EBADMSG;
}

/* --- calls -------------------------------------------------------------------------------- */

ExitCode bus_call(Bus *bus, sd_bus_message *message, json_t **ret_answer)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    _cleanup_json_ json_t *answer = json_array();
    ExitCode code = EXIT_DONE;

    int r = sd_bus_call(bus->connection, message, CALL_TIMEOUT_USEC, &error, &reply);
    if (r < 0)
        code = bus->is_quiet ? bus_error_to_exit(&error) : say_error(&error);
    else if (!answer || read_items(reply, DEPTH_MAX, answer) < 0) {
        (void)fputs("rcpchctl: the helper's answer cannot be read: is it of another version?\n"
                    "Compare: rcpchctl --version; rcpchctl status\n", stderr);
        code = EXIT_REFUSED;
    }
    sd_bus_message_unref(message);
    sd_bus_message_unref(reply);
    sd_bus_error_free(&error);
    if (code == EXIT_DONE)
        *ret_answer = TAKE_PTR(answer);
    return code;
}

ExitCode bus_call_simple(const char *method, const char *text, json_t **ret_answer)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    sd_bus_message *message = NULL;
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    int r = bus_prepare(&bus, method, &message);
    if (r >= 0 && text)
        r = sd_bus_message_append(message, "s", text);
    if (r < 0) {
        sd_bus_message_unref(message);
        (void)fprintf(stderr, "rcpchctl: the call cannot be made: %s\n", strerror(-r));
        return r == -EINVAL ? EXIT_USAGE : EXIT_REFUSED;
    }
    return bus_call(&bus, message, ret_answer);
}
