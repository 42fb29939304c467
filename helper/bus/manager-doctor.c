/*
 * TestProvider of the Manager interface: what needs the network is tested here, without privilege,
 * and not by root's rcpchctl.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/bus/bus-caller.h"
#include "helper/bus/doctor-people.h"
#include "helper/provider/provider-test.h"

/* rcpchctl waits 30 s for an answer. */
#define TEST_USEC (20 * USEC_PER_SEC)

static int append_text(sd_bus_message *reply, const char *key, const char *text)
{
    return sd_bus_message_append(reply, "{sv}", key, "s", text);
}

static int append_row(sd_bus_message *reply, const ProviderTestRow *row)
{
    int r = sd_bus_message_open_container(reply, 'a', "{sv}");

    if (r >= 0)
        r = append_text(reply, "check", row->check);
    if (r >= 0)
        r = append_text(reply, "result", provider_test_result_to_word(row->result));
    if (r >= 0)
        r = append_text(reply, "text", row->text);
    if (r >= 0)
        r = append_text(reply, "mend", row->mend);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* A test under way. What this host knows itself was looked up before it began: at its end the
 * configuration may be another one. */
typedef struct DoctorCall {
    sd_bus_message *message;
    ProviderTestReport people;
} DoctorCall;

static DoctorCall *doctor_call_free(DoctorCall *call)
{
    if (call)
        sd_bus_message_unref(call->message);
    free(call);
    return NULL;
}
DEFINE_CLEANUP(DoctorCall *, doctor_call_free)

static int append_rows(sd_bus_message *reply, const ProviderTestReport *report)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < report->count; i++)
        r = append_row(reply, &report->rows[i]);
    return r;
}

static int answer(const DoctorCall *call, const ProviderTestReport *report)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(call->message, &reply);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
    if (r >= 0)
        r = append_rows(reply, report);
    if (r >= 0)
        r = append_rows(reply, &call->people);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void on_tested(const ProviderTestReport *report, void *userdata)
{
    _cleanup_(doctor_call_freep) DoctorCall *call = userdata;

    int r = answer(call, report);
    if (r < 0)
        (void)sd_bus_reply_method_errno(call->message, r, NULL);
}

static Provider *find_provider(const Manager *manager, const char *name)
{
    for (size_t i = 0; i < manager->config->provider_count; i++)
        if (strcmp(manager->config->providers[i].name, name) == 0)
            return manager->providers[i];
    return NULL;
}

int manager_bus_test_provider(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const char *name = NULL;
    int r = bus_caller_require_root(message, error);

    if (r >= 0)
        r = sd_bus_message_read(message, "s", &name);
    if (r >= 0)
        r = manager_bus_check_text("provider's name", name, error);
    if (r < 0)
        return r;
    const Manager *manager = userdata;
    Provider *provider = find_provider(manager, name);
    if (!provider)
        return sd_bus_error_setf(error, BUS_ERROR("NotFound"),
                                 "There is no [provider %.255s] here. See: rcpchctl provider list",
                                 name);
    _cleanup_(doctor_call_freep) DoctorCall *call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->message = sd_bus_message_ref(message);
    doctor_people(manager, name, &call->people);
    r = provider_test_start(provider, manager->config, TEST_USEC, on_tested, call);
    if (r == -EBUSY)
        return sd_bus_error_setf(error, BUS_ERROR("TooMany"),
                                 "%u tests of this provider are under way.", PROVIDER_TESTS_MAX);
    if (r < 0)
        return r;
    (void)TAKE_PTR(call); /* on_tested() has it */
    return 1;
}
