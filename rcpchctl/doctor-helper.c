/*
 * The two daemons, as the helper sees itself and the enforcer.
 */
#include "rcpchctl/doctor.h"

#include <string.h>

#include "rcpchctl/bus.h"

static const char journal[] = "systemctl status rcpch-helper rcpch-enforcer; "
                              "journalctl -u rcpch-helper -u rcpch-enforcer -n 20";

/* The first value of a method's answer, for the caller to free; NULL when there is none. `text`,
 * the method's argument, may be NULL. */
static json_t *ask(const char *method, const char *text)
{
    _cleanup_(bus_close) Bus bus = {.is_quiet = true};
    _cleanup_json_ json_t *answer = NULL;
    sd_bus_message *message = NULL;

    if (bus_open(&bus) != EXIT_DONE)
        return NULL;
    if (bus_prepare(&bus, method, &message) < 0 ||
        (text && sd_bus_message_append(message, "s", text) < 0)) {
        sd_bus_message_unref(message);
        return NULL;
    }
    if (bus_call(&bus, message, &answer) != EXIT_DONE)
        return NULL;
    return json_incref(json_array_get(answer, 0));
}

static void judge_alarms(const json_t *alarms, Findings *findings)
{
    const json_t *alarm = NULL;
    size_t i = 0;

    json_array_foreach(alarms, i, alarm)
        findings_add(findings, "alarm", FINDING_WARNING, "journalctl -u rcpch-helper -p alert",
                     "%s", json_string_value(alarm));
}

json_t *doctor_helper(Findings *findings)
{
    json_t *status = ask("GetStatus", NULL);

    if (!status) {
        findings_add(findings, "helper", FINDING_ERROR, journal,
                     "does not answer: nobody new is admitted");
        return NULL;
    }
    const char *configuration = json_string_value(json_object_get(status, "configuration"));
    if (!configuration || strcmp(configuration, "ok") != 0)
        findings_add(
            findings, "helper", FINDING_ERROR, "rcpchctl check-config, then: rcpchctl reload",
            "goes on with an older configuration: %s", configuration ? configuration : "-");
    else
        findings_add(findings, "helper", FINDING_OK, NULL, "answers");
    if (json_is_true(json_object_get(status, "enforcer")))
        findings_add(findings, "enforcer", FINDING_OK, NULL, "answers the helper");
    else
        findings_add(findings, "enforcer", FINDING_ERROR, journal,
                     "does not answer the helper: nobody new is admitted, nobody is ended");
    judge_alarms(json_object_get(status, "alarms"), findings);
    return status;
}

static const char *member(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

void doctor_add_provider(const char *provider, const json_t *rows, Findings *findings)
{
    const json_t *row = NULL;
    size_t i = 0;

    json_array_foreach(rows, i, row)
    {
        _cleanup_free_ char *text = NULL;
        if (asprintf(&text, "%s%s%s", provider ? member(row, "check") : "", provider ? ": " : "",
                     member(row, "text")) < 0)
            text = NULL;
        findings_add_row(findings, provider ? provider : member(row, "check"),
                         member(row, "result"), text, member(row, "mend"));
    }
}

void doctor_providers(const json_t *status, Findings *findings)
{
    const json_t *provider = NULL, *providers = json_object_get(status, "providers");
    size_t i = 0;

    if (json_array_size(providers) == 0)
        findings_add(findings, "providers", FINDING_ERROR,
                     "write a [provider NAME] section: man rcpch.conf",
                     "none is configured: no directory account can sign in");
    json_array_foreach(providers, i, provider)
    {
        const char *name = member(provider, "name");
        _cleanup_json_ json_t *rows = ask("TestProvider", name);
        if (rows)
            doctor_add_provider(name, rows, findings);
        else
            findings_add(findings, name, FINDING_ERROR, journal,
                         "the helper did not test this provider");
    }
}
