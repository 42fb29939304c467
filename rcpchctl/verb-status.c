/*
 * `status`, `check-config`, `reload`.
 */
#include "rcpchctl/verb.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rcpchctl/cell.h"
#include "rcpchctl/table.h"

static const Column status_columns[] = {
    {"Helper", "version", COLUMN_TEXT, false},
    {"Running since", "started", COLUMN_TIME, false},
    {"Configuration", "configuration", COLUMN_TEXT, false},
    {"Enforcer reached", "enforcer", COLUMN_TEXT, false},
    {"Snapshot", "generation", COLUMN_TEXT, false},
    {"Accounts", "accounts", COLUMN_TEXT, false},
    {"Sessions", "sessions", COLUMN_TEXT, false},
    {"Sign-ins under way", "logins", COLUMN_TEXT, false},
    {"Records to be logged", "log_waiting", COLUMN_TEXT, false},
};

static const Column provider_columns[] = {
    {"PROVIDER", "name", COLUMN_TEXT, false},
    {"STATE", "state", COLUMN_TEXT, false},
    {"LAST SUCCESS", "last_success", COLUMN_TIME, false},
    {"KEYS", "jwks_keys", COLUMN_TEXT, true},
    {"FETCHED", "jwks_fetched", COLUMN_TIME, false},
    {"LAST ERROR", "last_error", COLUMN_TEXT, false},
    {"ISSUER", "issuer", COLUMN_TEXT, false},
};

static const Column directory_columns[] = {
    {"DIRECTORY OF", "name", COLUMN_TEXT, false},
    {"KIND", "directory", COLUMN_TEXT, false},
    {"STATE", "directory_state", COLUMN_TEXT, false},
    {"LAST READ", "directory_synced", COLUMN_AGE, false},
    {"PEOPLE", "directory_people", COLUMN_TEXT, true},
    {"HELD", "directory_held", COLUMN_TEXT, false},
    {"FAILS SINCE", "directory_error_since", COLUMN_TIME, false},
    {"LAST ERROR", "directory_error", COLUMN_TEXT, false},
};

ExitCode print_json(const json_t *value)
{
    if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_ENCODE_ANY) < 0 ||
        fputc('\n', stdout) == EOF)
        return EXIT_REFUSED;
    return EXIT_DONE;
}

static void print_lines(FILE *stream, const char *heading, const json_t *lines)
{
    const json_t *line = NULL;
    size_t i = 0;

    json_array_foreach(lines, i, line) {
        const char *text = json_string_value(line);
        _cleanup_free_ char *escaped = text ? cell_escape(text, strlen(text)) : NULL;
        (void)fprintf(stream, "%s%s\n", heading, escaped ? escaped : "");
    }
}

static bool has_directory(const json_t *provider)
{
    const char *kind = json_string_value(json_object_get(provider, "directory"));

    return kind && *kind;
}

/* One word for people; the helper's own are behind it. */
static const char *directory_state(const json_t *provider)
{
    const char *held = json_string_value(json_object_get(provider, "directory_held"));

    if (json_is_true(json_object_get(provider, "directory_stale")))
        return "stale";
    if (held && *held)
        return "held";
    if (json_integer_value(json_object_get(provider, "directory_error_since")) > 0)
        return "failing";
    return json_integer_value(json_object_get(provider, "directory_synced")) > 0 ? "ok"
                                                                                 : "starting";
}

static int print_directories(const json_t *providers, bool utc)
{
    _cleanup_json_ json_t *rows = json_array();
    size_t i = 0;
    json_t *provider = NULL;

    json_array_foreach(providers, i, provider) {
        _cleanup_json_ json_t *row = json_copy(provider);
        if (!has_directory(provider))
            continue;
        if (!row ||
            json_object_set_new(row, "directory_state", json_string(directory_state(row))) < 0 ||
            json_array_append(rows, row) < 0)
            return -ENOMEM;
    }
    if (json_array_size(rows) == 0)
        return 0;
    (void)fputc('\n', stdout);
    return table_print(stdout, directory_columns, ELEMENTSOF(directory_columns), rows, utc);
}

static bool providers_are_well(const json_t *providers)
{
    const json_t *provider = NULL;
    size_t i = 0;

    json_array_foreach(providers, i, provider) {
        const char *state = json_string_value(json_object_get(provider, "state"));
        if (!state || (strcmp(state, "ok") != 0 && strcmp(state, "not asked yet") != 0))
            return false;
        if (json_is_true(json_object_get(provider, "directory_stale")))
            return false;
    }
    return true;
}

/* Nothing for the administrator to do? A provider that nobody has asked yet is fine. */
static bool all_is_well(const json_t *status)
{
    const char *configuration = json_string_value(json_object_get(status, "configuration"));

    return configuration && strcmp(configuration, "ok") == 0 &&
           json_is_true(json_object_get(status, "enforcer")) &&
           json_array_size(json_object_get(status, "alarms")) == 0 &&
           providers_are_well(json_object_get(status, "providers"));
}

static ExitCode print_status(const json_t *status, bool utc)
{
    const json_t *alarms = json_object_get(status, "alarms");
    const json_t *providers = json_object_get(status, "providers");

    if (table_print_object(stdout, status_columns, ELEMENTSOF(status_columns), status, utc) < 0)
        return EXIT_REFUSED;
    (void)fputc('\n', stdout);
    if (json_array_size(providers) == 0)
        (void)fputs("No provider is configured: no directory account can sign in.\n", stdout);
    else if (table_print(stdout, provider_columns, ELEMENTSOF(provider_columns), providers,
                         utc) < 0 ||
             print_directories(providers, utc) < 0)
        return EXIT_REFUSED;
    if (json_array_size(alarms) > 0)
        (void)fputc('\n', stdout);
    print_lines(stdout, "Alarm: ", alarms);
    if (!json_is_true(json_object_get(status, "enforcer")))
        (void)fputs("\nNobody new is admitted. See: systemctl status rcpch-enforcer\n", stdout);
    return EXIT_DONE;
}

ExitCode verb_status(const Invocation *invocation)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple("GetStatus", NULL, &answer);

    if (code != EXIT_DONE)
        return code;
    const json_t *status = json_array_get(answer, 0);
    if (option_given(invocation->options, OPTION_JSON))
        code = print_json(status);
    else
        code = print_status(status, option_given(invocation->options, OPTION_UTC));
    return code != EXIT_DONE || all_is_well(status) ? code : EXIT_REFUSED;
}

static ExitCode run_helper(char *const *words)
{
    char *const environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8", NULL};
    pid_t child = 0;
    int status = 0;
    int r = posix_spawn(&child, words[0], NULL, NULL, words, environment);

    if (r != 0) {
        (void)fprintf(stderr, "rcpchctl: %s cannot be run: %s\nIs rcpch-helper installed?\n",
                      words[0], strerror(r));
        return EXIT_REFUSED;
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_REFUSED;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* The program that will read it is the one to judge it. */
ExitCode verb_check_config(const Invocation *invocation)
{
    char *const words[] = {(char *)RCPCH_HELPER_PROGRAM, (char *)"--check-config", NULL};
    ExitCode code = run_helper(words);

    if (code == EXIT_DONE)
        (void)puts("The configuration can be used.");
    else if (geteuid() != 0) {
        (void)fputs("rcpchctl: This is for root only. Try: sudo rcpchctl check-config\n", stderr);
        code = EXIT_NOT_PERMITTED;
    }
    return code;
}

ExitCode verb_reload(const Invocation *invocation)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    _cleanup_json_ json_t *answer = NULL;
    sd_bus_message *message = NULL;
    int enforce = option_given(invocation->options, OPTION_ENFORCE);
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    int r = bus_prepare(&bus, "Reload", &message);
    if (r >= 0)
        r = sd_bus_message_append(message, "b", enforce);
    if (r < 0) {
        sd_bus_message_unref(message);
        return EXIT_REFUSED;
    }
    code = bus_call(&bus, message, &answer);
    if (code != EXIT_DONE)
        return code;
    bool ok = json_is_true(json_array_get(answer, 0));
    if (option_given(invocation->options, OPTION_JSON))
        code = print_json(answer);
    else
        print_lines(ok ? stdout : stderr, "", json_array_get(answer, 1));
    if (!ok)
        (void)fputs("The old configuration stays in force.\n", stderr);
    else if (!option_given(invocation->options, OPTION_JSON))
        (void)puts("The configuration is in force.");
    return ok ? code : EXIT_REFUSED;
}
