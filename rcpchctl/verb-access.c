/*
 * `access explain`: would this account get in, and which rule says so?
 */
#include "rcpchctl/verb.h"

#include <stdio.h>
#include <string.h>

#include "rcpchctl/cell.h"
#include "rcpchctl/table.h"

#define SERVICE_DEFAULT "sshd"

static const Column rule_columns[] = {
    {"RULE", "rule", COLUMN_TEXT, false},
    {"SAYS", "says", COLUMN_TEXT, false},
    {"SETTING", "setting", COLUMN_TEXT, false},
    {"WHY", "why", COLUMN_TEXT, false},
};

static const Column session_columns[] = {
    {"FROM THE SESSION", "id", COLUMN_TEXT, false},
    {"SERVICE", "service", COLUMN_TEXT, false},
    {"FROM", "rhost", COLUMN_TEXT, false},
    {"TTY", "tty", COLUMN_TEXT, false},
    {"METHOD", "method", COLUMN_TEXT, false},
    {"SIGNED IN", "signed_in", COLUMN_AGE, false},
    {"SAYS", "outcome", COLUMN_TEXT, false},
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static bool is_ours(const json_t *explanation)
{
    const char *known = text_of(explanation, "known");

    return strcmp(known, "account") == 0 || strcmp(known, "tied") == 0;
}

static bool allows(const json_t *explanation, const char *key)
{
    return strcmp(text_of(explanation, key), "allow") == 0;
}

/* Nobody signed in yet, so nobody knows the groups; a sign-in brings them. */
static bool groups_unknown(const json_t *explanation)
{
    return strcmp(text_of(explanation, "after_sign_in"), "groups-unknown") == 0;
}

static ExitCode exit_code(const json_t *explanation)
{
    if (!is_ours(explanation))
        return EXIT_NOT_FOUND;
    if (allows(explanation, "outcome"))
        return EXIT_DONE;
    return allows(explanation, "after_sign_in") || groups_unknown(explanation) ? EXIT_AFTER_SIGN_IN
                                                                               : EXIT_REFUSED;
}

/* What the outcome is to the eye: yes, no, or that nothing is configured. */
static int add_says(json_t *rules)
{
    json_t *rule;
    size_t index;

    json_array_foreach(rules, index, rule) {
        const char *says = "yes";
        if (!json_is_true(json_object_get(rule, "applies")))
            says = "not set";
        else if (!allows(rule, "outcome"))
            says = text_of(rule, "outcome");
        if (json_object_set_new(rule, "says", json_string(says)) < 0)
            return -1;
    }
    return 0;
}

static void print_not_ours(const json_t *explanation, const char *user)
{
    static const struct {
        const char *known, *text;
    } rows[] = {
        {"local", "is a local account: not judged here, but by the host's own PAM modules."},
        {"not-added", "is tied by [user] Directory=, but not added: nobody gets in by it.\n"
                      "Add it by its own name: rcpchctl user add NAME"},
        {"forgotten", "was forgotten. To let the person in again: rcpchctl user add NAME@DOMAIN"},
        {"unknown", "is no account of this host. See: rcpchctl user list"},
    };
    const char *known = text_of(explanation, "known");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].known, known) == 0)
            (void)printf("%s %s\n", user, rows[i].text);
}

static void print_conclusion(const json_t *explanation, const char *user, const char *service)
{
    const char *after = text_of(explanation, "after_sign_in");
    const char *rule = text_of(explanation, "after_rule");

    if (allows(explanation, "outcome")) {
        (void)printf("%s may use %s now: yes.\n", user, service);
        return;
    }
    (void)printf("%s may use %s now: no (%s, by the rule \"%s\").\n", user, service,
                 text_of(explanation, "outcome"), text_of(explanation, "rule"));
    if (allows(explanation, "after_sign_in"))
        (void)printf("After an interactive sign-in: yes.\n");
    else if (groups_unknown(explanation))
        (void)printf("After an interactive sign-in: yes, if it names a group that is needed.\n");
    else
        (void)printf("After an interactive sign-in: no (%s%s%s%s).\n", after,
                     *rule ? ", by the rule \"" : "", rule, *rule ? "\"" : "");
}

static ExitCode print_explanation(const json_t *explanation, const Invocation *invocation)
{
    bool utc = option_given(invocation->options, OPTION_UTC);
    const char *name = text_of(explanation, "user"), *asked = text_of(explanation, "service");
    _cleanup_free_ char *user = cell_escape(name, strlen(name));
    _cleanup_free_ char *service = cell_escape(asked, strlen(asked));
    json_t *rules = json_object_get(explanation, "rules");
    const json_t *sessions = json_object_get(explanation, "login_sessions");

    if (!user || !service || add_says(rules) < 0)
        return EXIT_REFUSED;
    if (!is_ours(explanation)) {
        print_not_ours(explanation, user);
        return EXIT_DONE;
    }
    print_conclusion(explanation, user, service);
    (void)printf("\n");
    int r = table_print(stdout, rule_columns, ELEMENTSOF(rule_columns), rules, utc);
    if (r >= 0 && json_array_size(sessions) > 0) {
        (void)printf("\n");
        r = table_print(stdout, session_columns, ELEMENTSOF(session_columns), sessions, utc);
    }
    return r < 0 ? EXIT_REFUSED : EXIT_DONE;
}

ExitCode verb_access_explain(const Invocation *invocation)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    _cleanup_json_ json_t *answer = NULL;
    const char *service = invocation->options->values[OPTION_SERVICE];
    const char *from = invocation->options->values[OPTION_FROM];
    sd_bus_message *message = NULL;
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    int r = bus_prepare(&bus, "ExplainAccess", &message);
    if (r >= 0)
        r = sd_bus_message_append(message, "sss", invocation->argument,
                                  service ? service : SERVICE_DEFAULT, from ? from : "");
    if (r < 0) {
        sd_bus_message_unref(message);
        return verb_say_bad_text(r);
    }
    code = bus_call(&bus, message, &answer);
    if (code != EXIT_DONE)
        return code;
    const json_t *explanation = json_array_get(answer, 0);
    code = option_given(invocation->options, OPTION_JSON)
               ? print_json(explanation)
               : print_explanation(explanation, invocation);
    return code != EXIT_DONE ? code : exit_code(explanation);
}
