/*
 * `totp enrol`, `totp list`, `totp reset`: second factors.
 */
#include "rcpchctl/verb.h"

#include <stdio.h>

#include "rcpchctl/conversation.h"
#include "rcpchctl/table.h"

static const Column columns[] = {
    {"USER", "user", COLUMN_TEXT, false},        {"ENROLLED", "enrolled", COLUMN_TIME, false},
    {"BY", "by", COLUMN_TEXT, false},            {"ALGORITHM", "algorithm", COLUMN_TEXT, false},
    {"DIGITS", "digits", COLUMN_TEXT, true},     {"RECOVERY CODES", "recovery_codes", COLUMN_TEXT,
     true},
    {"SHARED", "shared", COLUMN_TEXT, false},
    {"OFFLINE", "offline", COLUMN_TEXT, false},
};

ExitCode verb_totp_enrol(const Invocation *invocation)
{
    _cleanup_close_ int channel = -1;
    ExitCode code = conversation_begin("BeginEnrolment", &channel, "s", invocation->argument);

    return code == EXIT_DONE ? conversation_hold(channel) : code;
}

ExitCode verb_totp_list(const Invocation *invocation)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple("ListSecondFactors", NULL, &answer);

    if (code != EXIT_DONE)
        return code;
    const json_t *rows = json_array_get(answer, 0);
    if (option_given(invocation->options, OPTION_JSON))
        return print_json(rows);
    return table_print(stdout, columns, sizeof(columns) / sizeof(columns[0]), rows,
                       option_given(invocation->options, OPTION_UTC)) < 0
               ? EXIT_REFUSED
               : EXIT_DONE;
}

ExitCode verb_totp_reset(const Invocation *invocation)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple("ResetSecondFactor", invocation->argument, &answer);

    if (code == EXIT_DONE && !option_given(invocation->options, OPTION_JSON))
        (void)printf("%s has no second factor any more.\n", invocation->argument);
    return code;
}
