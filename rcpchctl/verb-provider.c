/*
 * `provider list`, `provider test`.
 */
#include "rcpchctl/verb.h"

#include <stdio.h>

#include "rcpchctl/doctor.h"
#include "rcpchctl/table.h"

static const Column columns[] = {
    {"PROVIDER", "name", COLUMN_TEXT, false},
    {"TYPE", "type", COLUMN_TEXT, false},
    {"METHODS", "methods", COLUMN_TEXT, false},
    {"DOMAINS", "domains", COLUMN_TEXT, false},
    {"LAST ANSWER", "last_success", COLUMN_AGE, false},
    {"LAST FAILURE", "last_failure", COLUMN_AGE, false},
    {"KEYS", "jwks_keys", COLUMN_TEXT, true},
    {"FETCHED", "jwks_fetched", COLUMN_AGE, false},
    {"ISSUER", "issuer", COLUMN_TEXT, false},
};

ExitCode verb_provider_list(const Invocation *invocation)
{
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple("GetStatus", NULL, &answer);

    if (code != EXIT_DONE)
        return code;
    const json_t *providers = json_object_get(json_array_get(answer, 0), "providers");
    if (option_given(invocation->options, OPTION_JSON))
        return print_json(providers);
    return table_print(stdout, columns, ELEMENTSOF(columns), providers, false) < 0 ? EXIT_REFUSED
                                                                                   : EXIT_DONE;
}

ExitCode verb_provider_test(const Invocation *invocation)
{
    _cleanup_(findings_clear) Findings findings = {.rows = NULL};
    _cleanup_json_ json_t *answer = NULL;
    ExitCode code = bus_call_simple("TestProvider", invocation->argument, &answer);

    if (code != EXIT_DONE)
        return code;
    doctor_add_provider(NULL, json_array_get(answer, 0), &findings);
    return verb_show_findings(&findings, invocation);
}
