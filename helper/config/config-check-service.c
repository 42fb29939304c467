/*
 * Checks of [service]: what it asks of a sign-in, of groups, and of where people come from.
 */
#include "helper/config/config-check-private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/base/hostile-text.h"
#include "helper/base/networks.h"
#include "helper/config/config-keys.h"
#include "helper/base/text-list.h"
#include "helper/session/admission.h"
#include "helper/token/strength.h"

/* Nobody but sshd tells how somebody came in. */
static void check_sshd_keys(const ServiceConfig *service, ConfigReport *report)
{
    bool sshd = strcmp(service->name, "sshd") == 0;

    if (!sshd && service->keys != KEYS_WITH_SIGN_IN)
        config_report_error(report, "service", service->name, "Keys", "is for [service sshd] only");
    if (!sshd && service->require_prior != REQUIRE_PRIOR_NO)
        config_report_error(report, "service", service->name, "RequirePrior",
                            "is for [service sshd] only");
    if (service->keys == KEYS_ALLOW && service->max_auth_age_usec > 0)
        config_report_warning(report, "service", service->name, "Keys",
                              "allows keys without a sign-in, but MaxAuthAge= refuses them "
                              "when the last one is older");
}

static void check_end_elevated(const ServiceConfig *service, ConfigReport *report)
{
    if (service->end_elevated && !service_elevates(service->name))
        config_report_error(report, "service", service->name, "EndElevated",
                            "is for [service sudo] and [service su]");
    else if (service->end_elevated && !service->require_groups[0])
        config_report_error(report, "service", service->name, "EndElevated",
                            "needs RequireGroups=: without one nobody is ever out of it");
}

/* In these a job begins, and nobody signs in. */
static bool asks_nobody(const char *service)
{
    static const char *const services[] = {"cron", "crond", "atd", "systemd-user"};

    for (size_t i = 0; i < ELEMENTSOF(services); i++)
        if (strcmp(service, services[i]) == 0)
            return true;
    return false;
}

static void check_classes(const ServiceConfig *service, ConfigReport *report)
{
    size_t size = 0;

    for (size_t i = 0; service->require_acr[i]; i++) {
        size += strlen(service->require_acr[i]) + 1;
        if (!hostile_text_is_graphic(service->require_acr[i], STRENGTH_WORD_MAX))
            config_report_error(report, "service", service->name, "RequireAcr",
                                "'%.100s' is no value of acr", service->require_acr[i]);
    }
    if (size > STRENGTH_REQUEST_MAX)
        config_report_error(report, "service", service->name, "RequireAcr",
                            "is longer than %u bytes", STRENGTH_REQUEST_MAX);
    for (size_t i = 0; service->require_auth_context[i]; i++)
        if (!strength_is_context(service->require_auth_context[i]))
            config_report_error(report, "service", service->name, "RequireAuthContext",
                                "'%.100s' is none of c1 to c99",
                                service->require_auth_context[i]);
}

/* Who cannot have what is asked of a sign-in is told so now rather than at the door. */
static void check_strength(const Config *config, const ServiceConfig *service,
                           ConfigReport *report)
{
    check_classes(service, report);
    if (!strength_is_required(service))
        return;
    const char *key = service->require_acr[0] ? "RequireAcr" : "RequireAuthContext";
    if (asks_nobody(service->name))
        config_report_warning(report, "service", service->name, key,
                              "lets nobody in: no sign-in is made for %s", service->name);
    for (size_t i = 0; i < config->provider_count; i++)
        if (!strength_wanted(service, config->providers[i].type))
            config_report_warning(report, "service", service->name, key,
                                  "lets nobody of [provider %s] in: its type needs %s=",
                                  config->providers[i].name,
                                  service->require_acr[0] ? "RequireAuthContext" : "RequireAcr");
}

/* Some provider's, or that of the clients, which sign in by it whatever Methods= of a provider
 * says. */
static bool is_anybodys(const Config *config, Method method)
{
    bool found = method == METHOD_BEARER && config->service_account_count > 0;

    for (size_t i = 0; i < config->provider_count; i++)
        for (size_t j = 0; j < config->providers[i].method_count; j++)
            found = found || config->providers[i].methods[j] == method;
    return found;
}

/* A section takes ways of signing in away and adds none. */
static void check_methods(const Config *config, const ServiceConfig *service, ConfigReport *report)
{
    Method left[_METHOD_COUNT];

    for (size_t i = 0; i < service->method_count; i++)
        if (!is_anybodys(config, service->methods[i]))
            config_report_error(report, "service", service->name, "Methods",
                                "'%s' is in Methods= of no [provider] section, which decides what "
                                "there is to choose from",
                                config_method_to_word(service->methods[i]));
    for (size_t i = 0; service->method_count > 0 && i < config->provider_count; i++)
        if (config_methods(&config->providers[i], service, left) == 0)
            config_report_warning(report, "service", service->name, "Methods",
                                  "lets nobody of [provider %s] sign in: its own Methods= names "
                                  "none of these",
                                  config->providers[i].name);
}

static void check_networks(const ServiceConfig *service, ConfigReport *report)
{
    if (service_elevates(service->name) && service->allow_from[0] &&
        !text_list_contains(service->allow_from, "local"))
        config_report_warning(report, "service", service->name, "AllowFrom",
                              "has no 'local': %s comes from no remote host, so nobody may use it",
                              service->name);
    for (size_t i = 0; service->allow_from[i]; i++) {
        const char *fault = network_fault(service->allow_from[i]);
        if (fault)
            config_report_error(report, "service", service->name, "AllowFrom", "'%.100s' %s",
                                service->allow_from[i], fault);
    }
}

/* Programs that root runs, or that root's right is had by: nobody else speaks for them. */
static bool is_roots(const char *service)
{
    static const char *const services[] = {"sshd", "login", "remote"};

    for (size_t i = 0; i < ELEMENTSOF(services); i++)
        if (strcmp(service, services[i]) == 0)
            return true;
    return service_elevates(service) || asks_nobody(service);
}

bool config_is_uid(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 10 && text[digits] == '\0' && (*text != '0' || digits == 1) &&
           strtoull(text, NULL, 10) < UINT32_MAX;
}

static void check_callers(const ServiceConfig *service, ConfigReport *report)
{
    if (service->caller_uid[0] && is_roots(service->name))
        config_report_error(report, "service", service->name, "CallerUid",
                            "is for programs that call PAM as their own user; root calls it for "
                            "%s", service->name);
    for (size_t i = 0; service->caller_uid[i]; i++) {
        const char *caller = service->caller_uid[i];
        if (strcmp(caller, "root") == 0 || strcmp(caller, "0") == 0)
            config_report_error(report, "service", service->name, "CallerUid",
                                "root may ask for every service");
        else if (!config_is_uid(caller) && !name_is_valid_short(caller))
            config_report_error(report, "service", service->name, "CallerUid",
                                "'%.100s' is no local account's name and no number", caller);
    }
}

void config_check_service(const Config *config, const ServiceConfig *service,
                          ConfigReport *report)
{
    bool alias = strcmp(service->name, "sudo-i") == 0 || strcmp(service->name, "su-l") == 0;

    if (!config_is_plain_word(service->name, 64))
        config_report_error(report, "service", service->name, NULL, "is not a PAM service's name");
    if (alias)
        config_report_error(report, "service", service->name, NULL,
                            "is covered by [service %s]",
                            strcmp(service->name, "su-l") == 0 ? "su" : "sudo");
    if (service->provider && !config_provider_or_issuer(config, service->provider))
        config_report_error(report, "service", service->name, "Provider",
                            "%.200s is no [provider] section and no Issuer= of one",
                            service->provider);
    config_check_group_names(config, service->require_groups, "service", service->name,
                             "RequireGroups", report);
    check_sshd_keys(service, report);
    check_end_elevated(service, report);
    check_strength(config, service, report);
    check_networks(service, report);
    check_methods(config, service, report);
    check_callers(service, report);
}
