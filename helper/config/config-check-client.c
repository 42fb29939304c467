/*
 * Checks of [service-account]: which client signs in as which local account.
 */
#include "helper/config/config-check-private.h"

#include <string.h>

#include "common/names.h"
#include "helper/base/text-list.h"

static void check_twins(const Config *config, const ServiceAccountConfig *service,
                        ConfigReport *report)
{
    for (const ServiceAccountConfig *other = config->service_accounts; other < service; other++) {
        if (other->local_user && strcmp(other->local_user, service->local_user) == 0)
            config_report_error(report, "service-account", service->name, "LocalUser",
                                "is also that of [service-account %s]", other->name);
        if (other->client_id && service->client_id &&
            strcmp(other->client_id, service->client_id) == 0)
            config_report_error(report, "service-account", service->name, "ClientId",
                                "is also that of [service-account %s]", other->name);
    }
}

static void check_local_user(const Config *config, const ServiceAccountConfig *service,
                             ConfigReport *report)
{
    const UserConfig *user = config_user(config, service->local_user);

    if (!name_is_valid_short(service->local_user))
        config_report_error(report, "service-account", service->name, "LocalUser",
                            "is not a local account's name");
    if (strcmp(service->local_user, "root") == 0)
        config_report_error(report, "service-account", service->name, "LocalUser",
                            "root is nobody's service account");
    else if (user && !user->is_service)
        config_report_error(report, "service-account", service->name, "LocalUser",
                            "is tied to a person by [user %s] Directory=", user->name);
    if (!config->allow_all && !text_list_contains(config->allow_users, service->local_user))
        config_report_warning(report, "service-account", service->name, "LocalUser",
                              "may not sign in: [access] AllowUsers= does not name %s",
                              service->local_user);
    check_twins(config, service, report);
}

void config_check_service_account(const Config *config, const ServiceAccountConfig *service,
                                  ConfigReport *report)
{
    const ProviderConfig *provider = config_service_account_provider(config, service);

    if (!name_is_valid_short(service->name))
        config_report_error(report, "service-account", service->name, NULL,
                            "'%.100s' is not a name such as deploy", service->name);
    if (!service->client_id)
        config_report_error(report, "service-account", service->name, "ClientId", "is missing");
    if (!provider)
        config_report_error(report, "service-account", service->name, "Provider",
                            service->provider ? "is no [provider] section"
                                              : "is needed unless there is one provider");
    else if (!provider->api_audience)
        config_report_error(report, "service-account", service->name, "Provider",
                            "[provider %s] has no ApiAudience=", provider->name);
    else if (service->client_id && provider->client_id &&
             strcmp(service->client_id, provider->client_id) == 0)
        config_report_error(report, "service-account", service->name, "ClientId",
                            "is this host's own, with which people sign in");
    if (!service->local_user)
        config_report_error(report, "service-account", service->name, "LocalUser", "is missing");
    else
        check_local_user(config, service, report);
}
