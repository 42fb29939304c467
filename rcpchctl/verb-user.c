/*
 * `user …`, `group list`, `session list`, `refresh`.
 */
#include "rcpchctl/verb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/outcome.h"
#include "rcpchctl/cell.h"
#include "rcpchctl/table.h"

static const Column user_columns[] = {
    {"USER", "name", COLUMN_TEXT, false},
    {"VERDICT", "verdict", COLUMN_TEXT, false},
    {"SINCE", "verdict_since", COLUMN_TIME, false},
    {"CONFIRMED", "confirmed", COLUMN_TIME, false},
    {"SIGNED IN", "signed_in", COLUMN_TIME, false},
    {"SESSIONS", "sessions", COLUMN_TEXT, true},
    {"UID", "uid", COLUMN_TEXT, true},
    {"STATE", "state", COLUMN_TEXT, false},
    {"DIRECTORY", "directory_name", COLUMN_TEXT, false},
};

static const Column user_details[] = {
    {"User", "name", COLUMN_TEXT, false},
    {"Full name", "full_name", COLUMN_TEXT, false},
    {"Phone", "phone", COLUMN_TEXT, false},
    {"Directory", "directory_name", COLUMN_TEXT, false},
    {"Provider", "provider", COLUMN_TEXT, false},
    {"Id", "id", COLUMN_TEXT, false},
    {"Uid", "uid", COLUMN_TEXT, false},
    {"Gid", "gid", COLUMN_TEXT, false},
    {"Home", "home", COLUMN_TEXT, false},
    {"Shell", "shell", COLUMN_TEXT, false},
    {"Groups", "groups", COLUMN_TEXT, false},
    {"Roles", "roles", COLUMN_TEXT, false},
    {"Claims", "claims", COLUMN_TEXT, false},
    {"Verdict", "verdict", COLUMN_TEXT, false},
    {"Since", "verdict_since", COLUMN_TIME, false},
    {"Evidence", "evidence", COLUMN_TEXT, false},
    {"Confirmed", "confirmed", COLUMN_TIME, false},
    {"Signed in", "signed_in", COLUMN_TIME, false},
    {"Sessions", "sessions", COLUMN_TEXT, false},
    {"Refresh token", "token", COLUMN_TEXT, false},
    {"State", "state", COLUMN_TEXT, false},
};

static const Column group_columns[] = {
    {"GROUP", "name", COLUMN_TEXT, false},
    {"GID", "gid", COLUMN_TEXT, true},
    {"LOCAL GROUP", "local", COLUMN_TEXT, false},
    {"ID", "id", COLUMN_TEXT, false},
    {"ROLE", "role", COLUMN_TEXT, false},
    {"MEMBERS", "members", COLUMN_TEXT, false},
};

static const Column session_columns[] = {
    {"SESSION", "id", COLUMN_TEXT, false},
    {"USER", "user", COLUMN_TEXT, false},
    {"SERVICE", "service", COLUMN_TEXT, false},
    {"FROM", "rhost", COLUMN_TEXT, false},
    {"TTY", "tty", COLUMN_TEXT, false},
    {"LEADER", "leader", COLUMN_TEXT, true},
    {"OPENED", "opened", COLUMN_TIME, false},
    {"METHOD", "method", COLUMN_TEXT, false},
    {"SIGNED IN", "signed_in", COLUMN_AGE, false},
    {"STATE", "state", COLUMN_TEXT, false},
    {"BY", "ruser", COLUMN_TEXT, false},
};

static bool wants_json(const Invocation *invocation)
{
    return option_given(invocation->options, OPTION_JSON);
}

static bool wants_utc(const Invocation *invocation)
{
    return option_given(invocation->options, OPTION_UTC);
}

/* A method without arguments whose answer is a list. */
static ExitCode list(const Invocation *invocation, const char *method, const Column *columns,
                     size_t count)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple(method, NULL, &answer);

    if (code != EXIT_DONE)
        return code;
    const json_t *rows = json_array_get(answer, 0);
    if (wants_json(invocation))
        return print_json(rows);
    int r = table_print(stdout, columns, count, rows, wants_utc(invocation));
    return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}

ExitCode verb_user_list(const Invocation *invocation)
{
    return list(invocation, "ListUsers", user_columns, ELEMENTSOF(user_columns));
}

ExitCode verb_group_list(const Invocation *invocation)
{
    return list(invocation, "ListGroups", group_columns, ELEMENTSOF(group_columns));
}

ExitCode verb_session_list(const Invocation *invocation)
{
    return list(invocation, "ListSessions", session_columns, ELEMENTSOF(session_columns));
}

static ExitCode print_user(const Invocation *invocation, const json_t *user)
{
    if (wants_json(invocation))
        return print_json(user);
    int r = table_print_object(stdout, user_details, ELEMENTSOF(user_details), user,
                               wants_utc(invocation));
    return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}

ExitCode verb_user_show(const Invocation *invocation)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple("GetUser", invocation->argument, &answer);

    return code == EXIT_DONE ? print_user(invocation, json_array_get(answer, 0)) : code;
}

/* The options of AddUser as a{sv}: only those that were given. */
static int append_options(sd_bus_message *message, const Options *options)
{
    static const struct {
        OptionId id;
        const char *key;
    } keys[] = {
        {OPTION_ID, "id"},           {OPTION_PROVIDER, "provider"}, {OPTION_SHELL, "shell"},
        {OPTION_HOME, "home"},       {OPTION_FULL_NAME, "full_name"}, {OPTION_PHONE, "phone"},
    };
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(keys); i++)
        if (option_given(options, keys[i].id))
            r = sd_bus_message_append(message, "{sv}", keys[i].key, "s",
                                      options->values[keys[i].id]);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

ExitCode verb_say_bad_text(int r)
{
    (void)fprintf(stderr, "rcpchctl: the call cannot be made: %s\n",
                  r == -EINVAL ? "a text is not valid UTF-8" : strerror(-r));
    return r == -EINVAL ? EXIT_USAGE : EXIT_REFUSED;
}

ExitCode verb_user_add(const Invocation *invocation)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    _cleanup_json_ json_t *answer = NULL;
    sd_bus_message *message = NULL;
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    int r = bus_prepare(&bus, "AddUser", &message);
    if (r >= 0)
        r = sd_bus_message_append(message, "s", invocation->argument);
    if (r >= 0)
        r = append_options(message, invocation->options);
    if (r < 0) {
        sd_bus_message_unref(message);
        return verb_say_bad_text(r);
    }
    code = bus_call(&bus, message, &answer);
    return code == EXIT_DONE ? print_user(invocation, json_array_get(answer, 0)) : code;
}

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static ExitCode say_ended(const Invocation *invocation, const json_t *result)
{
    static const Column survivors = {"", "survivors", COLUMN_TEXT, false};
    json_int_t left = number_of(result, "left");
    ExitCode code = EXIT_DONE;

    if (wants_json(invocation)) {
        code = print_json(result);
    } else {
        _cleanup_free_ char *names = table_cell(&survivors, result, false);
        (void)printf("%" JSON_INTEGER_FORMAT " processes ended in %" JSON_INTEGER_FORMAT " ms.\n",
                     number_of(result, "ended"), number_of(result, "elapsed_ms"));
        if (names && strcmp(names, "-") != 0)
            (void)printf("%s: %s\n", left > 0 ? "Still running" : "Left alone", names);
    }
    return code != EXIT_DONE ? code : left > 0 ? EXIT_LEFT : EXIT_DONE;
}

ExitCode verb_user_revoke(const Invocation *invocation)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    _cleanup_json_ json_t *answer = NULL;
    const char *reason = invocation->options->values[OPTION_REASON];
    sd_bus_message *message = NULL;
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    int r = bus_prepare(&bus, "RevokeUser", &message);
    if (r >= 0)
        r = sd_bus_message_append(message, "ss", invocation->argument, reason ? reason : "");
    if (r < 0) {
        sd_bus_message_unref(message);
        return verb_say_bad_text(r);
    }
    code = bus_call(&bus, message, &answer);
    return code == EXIT_DONE ? say_ended(invocation, json_array_get(answer, 0)) : code;
}

/* A method that takes the account and answers nothing. */
static ExitCode act(const Invocation *invocation, const char *method, const char *done)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple(method, invocation->argument, &answer);

    if (code != EXIT_DONE)
        return code;
    if (wants_json(invocation)) {
        _cleanup_json_ json_t *result = json_pack("{s:s}", "user", invocation->argument);
        return result ? print_json(result) : EXIT_REFUSED;
    }
    (void)printf("%s %s\n", invocation->argument, done);
    return EXIT_DONE;
}

ExitCode verb_user_reinstate(const Invocation *invocation)
{
    return act(invocation, "ReinstateUser", "is reinstated and must sign in again.");
}

ExitCode verb_user_unlock(const Invocation *invocation)
{
    return act(invocation, "UnlockUser", "may try passwords and codes again.");
}

ExitCode verb_user_forget(const Invocation *invocation)
{
    return act(invocation, "ForgetUser", "is forgotten. The number stays taken.");
}

ExitCode verb_refresh(const Invocation *invocation)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple("RefreshUser", invocation->argument, &answer);

    if (code != EXIT_DONE)
        return code;
    Outcome outcome = outcome_from_number((uint32_t)json_integer_value(json_array_get(answer, 0)));
    const char *message = json_string_value(json_array_get(answer, 1));
    if (wants_json(invocation)) {
        _cleanup_json_ json_t *result = json_pack("{s:s, s:s}", "outcome", outcome_to_word(outcome),
                                                  "message", message ? message : "");
        code = result ? print_json(result) : EXIT_REFUSED;
    } else {
        _cleanup_free_ char *text = cell_escape(message, message ? strlen(message) : 0);
        (void)printf("%s: %s\n", outcome_to_word(outcome), text ? text : "");
    }
    return code != EXIT_DONE || outcome == OUTCOME_ALLOW ? code : EXIT_REFUSED;
}
