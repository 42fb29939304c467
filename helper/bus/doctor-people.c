/*
 * People, for `doctor`. See doctor-people.h.
 */
#include "helper/bus/doctor-people.h"

#include <string.h>

#include "helper/base/text-list.h"
#include "helper/directory/directories.h"
#include "helper/manager.h"
#include "helper/provider/provider-mend.h"

static void tell_names(const Manager *manager, const char *provider, ProviderTestReport *report)
{
    static const char check[] = "directory names";
    DirectoryStatus status = {0};
    char who[DIRECTORY_REFUSED_TEXT_MAX];

    if (!directories_status(manager->directories, provider, &status) ||
        status.health->synced_usec == 0)
        return;
    if (directory_refused_describe(status.odd_names, who, sizeof(who)))
        provider_test_report_add(report, check, PROVIDER_TEST_WARNING, status.mend_name,
                                 "members without an account here: %zu. %s",
                                 status.odd_names->count_before, who);
    else
        provider_test_report_add(report, check, PROVIDER_TEST_OK, "",
                                 "every member's can be an account's");
}

/* --- roles ------------------------------------------------------------------------------------ */

typedef struct RoleCount {
    size_t signed_in, with_role;
} RoleCount;

static RoleCount count_role(const Manager *manager, const char *provider, const char *role)
{
    RoleCount count = {0};
    size_t iterator = 0;
    const Account *account;

    while ((account = accounts_next(manager->accounts, &iterator))) {
        if (account->state != ACCOUNT_ACTIVE || account->signed_in.wall_usec == 0 ||
            strcmp(account->provider, provider) != 0)
            continue;
        count.signed_in++;
        count.with_role += text_list_contains(account->roles, role);
    }
    return count;
}

static bool has_role_of(const GroupConfig *group, const char *provider)
{
    return group->role && (!group->provider || strcmp(group->provider, provider) == 0);
}

/* Nobody's token has told of it: nobody has it, or tokens do not say. */
static void tell_roles(const Manager *manager, const ProviderConfig *provider,
                       ProviderTestReport *report)
{
    static const char check[] = "roles";
    const Config *config = manager->config;
    unsigned known = 0, unknown = 0;

    for (size_t i = 0; i < config->group_count; i++) {
        const GroupConfig *group = &config->groups[i];
        if (!has_role_of(group, provider->name))
            continue;
        const RoleCount count = count_role(manager, provider->name, group->role);
        known += count.with_role > 0 || count.signed_in == 0;
        unknown += count.with_role == 0 && count.signed_in > 0;
        if (count.with_role == 0 && count.signed_in > 0)
            provider_test_report_add(report, check, PROVIDER_TEST_WARNING,
                                     provider_mend(provider->type, "no role"),
                                     "[group %s]: of %zu who signed in no token has told of "
                                     "Role=%s", group->name, count.signed_in, group->role);
    }
    if (known > 0 && unknown == 0)
        provider_test_report_add(report, check, PROVIDER_TEST_OK, "",
                                 "tokens have told of each Role=, or nobody has signed in yet");
}

void doctor_people(const Manager *manager, const char *provider, ProviderTestReport *report)
{
    const ProviderConfig *config = config_provider(manager->config, provider);

    tell_names(manager, provider, report);
    if (config)
        tell_roles(manager, config, report);
}
