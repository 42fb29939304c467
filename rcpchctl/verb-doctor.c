/*
 * `doctor`: every check there is, and what to do about what was found.
 */
#include "rcpchctl/verb.h"

#include <stdio.h>
#include <unistd.h>

#include "rcpchctl/doctor.h"

ExitCode verb_show_findings(const Findings *findings, const Invocation *invocation)
{
    ExitCode code = EXIT_DONE;

    if (option_given(invocation->options, OPTION_JSON))
        code = print_json(findings->rows);
    else
        findings_print(stdout, findings);
    if (code == EXIT_DONE && (findings->failed || findings->counts[FINDING_ERROR] > 0))
        code = EXIT_REFUSED;
    return code;
}

ExitCode verb_doctor(const Invocation *invocation)
{
    static const Host this_host = {.root = ""};
    _cleanup_(findings_clear) Findings findings = {.rows = NULL};
    _cleanup_json_ json_t *status = NULL;

    if (geteuid() != 0) {
        (void)fputs("rcpchctl: This is for root only. Try: sudo rcpchctl doctor\n", stderr);
        return EXIT_NOT_PERMITTED;
    }
    for (size_t i = 0; i < host_check_count; i++)
        host_checks[i].run(&this_host, host_checks[i].name, &findings);
    status = doctor_helper(&findings);
    if (status)
        doctor_providers(status, &findings);
    return verb_show_findings(&findings, invocation);
}
