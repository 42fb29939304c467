/*
 * TestProvider of the Manager interface: what needs the network is tested here, without privilege,
 * and not by root's rcpchctl.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <string.h>

#include "helper/bus/bus-caller.h"
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

static int answer(sd_bus_message *message, const ProviderTestReport *report)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(message, &reply);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
    for (size_t i = 0; r >= 0 && i < report->count; i++)
        r = append_row(reply, &report->rows[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void on_tested(const ProviderTestReport *report, void *userdata)
{
    _cleanup_(bus_message_freep) sd_bus_message *message = userdata;

    int r = answer(message, report);
    if (r < 0)
        (void)sd_bus_reply_method_errno(message, r, NULL);
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
    r = provider_test_start(provider, manager->config, TEST_USEC, on_tested, message);
    if (r == -EBUSY)
        return sd_bus_error_setf(error, BUS_ERROR("TooMany"),
                                 "%u tests of this provider are under way.", PROVIDER_TESTS_MAX);
    if (r < 0)
        return r;
    (void)sd_bus_message_ref(message); /* on_tested() has it */
    return 1;
}
