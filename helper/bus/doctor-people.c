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

/* --- local accounts that are tied ------------------------------------------------------------- */

typedef struct TieFault {
    const char *says, *mend;
} TieFault;

/* NULL: they can sign in, as far as the tie goes. */
static const TieFault *fault_of_tie(const Manager *manager, const UserConfig *user,
                                    const ProviderConfig *provider)
{
    static const TieFault not_added = {
        "is not added, and nobody gets in by it",
        "rcpchctl user add NAME, as in [user NAME]; or take Directory= out, then: rcpchctl reload"};
    static const TieFault other = {
        "was added for somebody else, who is not let in any more",
        "rcpchctl user forget NAME, as in [user NAME]; then: rcpchctl user add NAME"};
    static const TieFault unbound = {
        "is bound to nobody, and nobody gets in by it",
        "is Directory= the name that they have there? If so, wait for its next round, or: rcpchctl "
        "user forget NAME; rcpchctl user add NAME --id ID"};
    const Account *account = accounts_find(manager->accounts, user->name);

    if (!account || account->state != ACCOUNT_ACTIVE)
        return &not_added;
    if (strcmp(account->directory_name, user->directory) != 0)
        return &other;
    return account->id || provider->first_bind != FIRST_BIND_NO ? NULL : &unbound;
}

/* Which provider's an account will be that is not added yet; who answers for no domain of any is
 * told with the first. */
static const ProviderConfig *provider_of_tie(const Config *config, const UserConfig *user)
{
    const ProviderConfig *provider = config_provider_for_domain(config, user->directory);

    return provider ? provider : &config->providers[0];
}

static void tell_ties(const Manager *manager, const ProviderConfig *provider,
                      ProviderTestReport *report)
{
    static const char check[] = "tied accounts";
    const Config *config = manager->config;
    unsigned well = 0, wrong = 0;

    for (size_t i = 0; i < config->user_count; i++) {
        const UserConfig *user = &config->users[i];
        if (!account_is_to_be_tied(config, user->name) || provider_of_tie(config, user) != provider)
            continue;
        const TieFault *fault = fault_of_tie(manager, user, provider);
        well += !fault;
        wrong += fault != NULL;
        if (fault)
            provider_test_report_add(report, check, PROVIDER_TEST_WARNING, fault->mend,
                                     "[user %s] Directory=%.100s: %s", user->name, user->directory,
                                     fault->says);
    }
    if (well > 0 && wrong == 0)
        provider_test_report_add(report, check, PROVIDER_TEST_OK, "",
                                 "%u of [user] Directory= can be signed in to", well);
}

void doctor_people(const Manager *manager, const char *provider, ProviderTestReport *report)
{
    const ProviderConfig *config = config_provider(manager->config, provider);

    tell_names(manager, provider, report);
    if (!config)
        return;
    tell_roles(manager, config, report);
    tell_ties(manager, config, report);
}
