/*
 * `identity export`, `identity import`: numbers of people and groups from host to host. The file is
 * only carried here; the helper, which has no privilege, reads what is in it.
 */
#include "rcpchctl/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/read-all.h"
#include "rcpchctl/table.h"

static const Column columns[] = {
    {"ACTION", "action", COLUMN_TEXT, false}, {"KIND", "kind", COLUMN_TEXT, false},
    {"NUMBER", "number", COLUMN_TEXT, true},  {"NAME", "name", COLUMN_TEXT, false},
    {"ID", "id", COLUMN_TEXT, false},         {"WHY NOT", "why", COLUMN_TEXT, false},
};

ExitCode verb_identity_export(const Invocation *invocation)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple("ExportIdentity", NULL, &answer);

    if (code != EXIT_DONE)
        return code;
    const char *text = json_string_value(json_array_get(answer, 0));
    return text && fputs(text, stdout) >= 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* --- import ----------------------------------------------------------------------------------- */

static int open_file(const char *path)
{
    bool is_input = strcmp(path, "-") == 0;

    return is_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* One byte more than is allowed is read, so that the helper says that it is too large. */
static ExitCode read_file(const char *path, char **ret_data, size_t *ret_size)
{
    _cleanup_free_ char *data = malloc(IDENTITY_FILE_MAX + 1);
    _cleanup_close_ int fd = data ? open_file(path) : -1;
    ssize_t size = !data ? -ENOMEM : fd < 0 ? -errno : read_all(fd, data, IDENTITY_FILE_MAX + 1);

    if (size < 0) {
        (void)fprintf(stderr, "rcpchctl: %s cannot be read: %s\n", path, strerror((int)-size));
        return EXIT_REFUSED;
    }
    *ret_data = TAKE_PTR(data);
    *ret_size = (size_t)size;
    return EXIT_DONE;
}

static ExitCode call_import(const char *data, size_t size, bool is_dry, json_t **ret_answer)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    sd_bus_message *message = NULL;
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    int r = bus_prepare(&bus, "ImportIdentity", &message);
    if (r >= 0)
        r = sd_bus_message_append_array(message, 'y', data, size);
    if (r >= 0)
        r = sd_bus_message_append(message, "b", (int)is_dry);
    if (r < 0) {
        sd_bus_message_unref(message);
        return verb_say_bad_text(r);
    }
    return bus_call(&bus, message, ret_answer);
}

static unsigned count_of(const json_t *result, const char *key)
{
    return (unsigned)json_integer_value(json_object_get(result, key));
}

static void say_result(const json_t *result, bool is_dry)
{
    unsigned refused = count_of(result, "refused"), changed = count_of(result, "changed");

    if (!json_is_true(json_object_get(result, "same_range")))
        (void)puts("The file is of a host with another UidBase= or UidCount=: who is not in it "
                   "gets other numbers there than here.");
    (void)printf("%u are so already.\n", count_of(result, "same"));
    if (refused > 0)
        (void)printf("%u refused, so nothing %s. Take their rows out of the file. For people who "
                     "are to have the same number on all hosts all the same, pin one by [user] "
                     "Uid= on each: man rcpchctl, NUMBERS FOR OTHER HOSTS.\n",
                     refused, is_dry ? "would be changed" : "was changed");
    else
        (void)printf("%u %s.\n", changed, is_dry ? "would be taken over" : "taken over");
}

static ExitCode print_import(const json_t *answer, bool is_dry)
{
    const json_t *rows = json_array_get(answer, 1);

    if (json_array_size(rows) > 0 &&
        table_print(stdout, columns, ELEMENTSOF(columns), rows, false) < 0)
        return EXIT_REFUSED;
    say_result(json_array_get(answer, 0), is_dry);
    return EXIT_DONE;
}

static ExitCode print_import_json(const json_t *answer)
{
    _cleanup_json_ json_t *all = json_deep_copy(json_array_get(answer, 0));

    if (!all || json_object_set(all, "rows", json_array_get(answer, 1)) < 0)
        return EXIT_REFUSED;
    return print_json(all);
}

ExitCode verb_identity_import(const Invocation *invocation)
{
    bool is_dry = option_given(invocation->options, OPTION_DRY_RUN);
    _cleanup_json_ json_t *answer = NULL;
    _cleanup_free_ char *data = NULL;
    size_t size = 0;
    ExitCode code = read_file(invocation->argument, &data, &size);

    if (code == EXIT_DONE)
        code = call_import(data, size, is_dry, &answer);
    if (code != EXIT_DONE)
        return code;
    code = option_given(invocation->options, OPTION_JSON) ? print_import_json(answer)
                                                          : print_import(answer, is_dry);
    return code != EXIT_DONE || count_of(json_array_get(answer, 0), "refused") == 0 ? code
                                                                                    : EXIT_REFUSED;
}
