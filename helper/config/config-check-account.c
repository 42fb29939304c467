/*
 * Checks of [identity], [group] and [user]: numbers that belong to others, names, ties to local
 * accounts.
 */
#include "helper/config/config-check-private.h"

#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/provider/provider-type.h"

/* --- numbers --------------------------------------------------------------------------------- */

typedef struct Range {
    uint32_t first, last;
    const char *owner;
} Range;

/* systemd's UIDS-GIDS.md and shadow's login.defs. */
static const Range taken_ranges[] = {
    {0, 59999, "local users and the distribution"},
    {60000, 61183, "homed, dynamic users of the distribution"},
    {61184, 65519, "systemd's dynamic users"},
    {65520, 65535, "nobody and reserved numbers"},
    {524288, 1879048191, "containers and subordinate ids"},
    {2147352576, 2147418111, "foreign user ids"},
    {2147483648, UINT32_MAX, "reserved numbers"},
};

static const Range *range_taken(uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < ELEMENTSOF(taken_ranges); i++) {
        if (first <= taken_ranges[i].last && last >= taken_ranges[i].first)
            return &taken_ranges[i];
    }
    return NULL;
}

void config_check_identity(const Config *config, ConfigReport *report)
{
    uint64_t last = (uint64_t)config->uid_base + config->uid_count - 1;
    const Range *taken = range_taken(config->uid_base, last);
    const char *percent = strchr(config->home_template, '%');

    if (taken)
        config_report_error(report, "identity", NULL, "UidBase",
                            "%u and UidCount=%u reach into %u-%u, which belong to %s",
                            config->uid_base, config->uid_count, taken->first, taken->last,
                            taken->owner);
    if (!percent || percent[1] != 'u' || strchr(percent + 1, '%'))
        config_report_error(report, "identity", NULL, "HomeTemplate",
                            "must hold %%u once, for the account's name");
    else if (!path_is_valid(config->home_template))
        config_report_error(report, "identity", NULL, "HomeTemplate",
                            "is not an absolute path without '..', '//' and ':'");
    if (strlen(config->shell) > SHELL_MAX)
        config_report_error(report, "identity", NULL, "Shell", "is longer than %u bytes",
                            SHELL_MAX);
}

/* --- groups and users ------------------------------------------------------------------------ */

const char *const config_privileged_groups[] = {"docker", "lxd",  "disk", "shadow",
                                                "sudo",   "wheel", "root", "kmem",
                                                "incus-admin", "libvirt", NULL};

static bool is_privileged_group(const char *name)
{
    for (size_t i = 0; config_privileged_groups[i]; i++) {
        if (strcmp(name, config_privileged_groups[i]) == 0)
            return true;
    }
    return false;
}

static void check_local_group(const GroupConfig *group, ConfigReport *report)
{
    if (!group->local_group)
        return;
    if (!name_is_valid_short(group->local_group))
        config_report_error(report, "group", group->name, "LocalGroup", "is not a group's name");
    if (is_privileged_group(group->local_group) && !group->allow_privileged)
        config_report_error(report, "group", group->name, "LocalGroup",
                            "%s is as good as root; AllowPrivilegedLocalGroup=yes says you mean it",
                            group->local_group);
}

static void check_group_provider(const Config *config, const GroupConfig *group,
                                 ConfigReport *report)
{
    if (group->provider && !config_provider(config, group->provider))
        config_report_error(report, "group", group->name, "Provider",
                            "%s is no [provider] section", group->provider);
    if (!group->provider && config->provider_count > 1)
        config_report_error(report, "group", group->name, "Provider",
                            "is needed when there is more than one provider");
}

static const char *provider_of(const Config *config, const GroupConfig *group)
{
    if (group->provider)
        return group->provider;
    return config->provider_count == 1 ? config->providers[0].name : "";
}

/* A name grants nothing, and in Entra ID nothing else looks like an id. */
static void check_group_id(const Config *config, const GroupConfig *group, ConfigReport *report)
{
    const ProviderConfig *provider = config_provider(config, provider_of(config, group));

    if (provider && provider_traits(provider->type)->has_tenant && *group->id &&
        !config_is_guid(group->id))
        config_report_warning(report, "group", group->name, "Id",
                              "%.100s is no Object ID of Entra ID: by its name a group grants "
                              "nothing, and has no members here", group->id);
}

/* Same directory group, or same pinned number, as an earlier section. */
static void check_group_twins(const Config *config, const GroupConfig *group, ConfigReport *report)
{
    const char *provider = provider_of(config, group);

    for (const GroupConfig *other = config->groups; other < group; other++) {
        bool same_provider = strcmp(provider, provider_of(config, other)) == 0;
        if (group->id && *group->id && other->id && strcmp(group->id, other->id) == 0 &&
            same_provider)
            config_report_error(report, "group", group->name, "Id", "is also that of [group %s]",
                                other->name);
        if (group->role && other->role && strcmp(group->role, other->role) == 0 && same_provider)
            config_report_error(report, "group", group->name, "Role", "is also that of [group %s]",
                                other->name);
        if (group->gid != 0 && group->gid == other->gid)
            config_report_error(report, "group", group->name, "Gid", "is also that of [group %s]",
                                other->name);
    }
}

/* Fleets pin numbers that people and groups had before, also among those that useradd gives. */
static void check_pin(const char *section, const char *name, const char *key, uint32_t number,
                      ConfigReport *report)
{
    const Range *taken = range_taken(number, number);

    if (number == 0 || !taken)
        return;
    if (number < 1000 || taken->first > 0)
        config_report_error(report, section, name, key, "%u belongs to %s", number, taken->owner);
    else
        config_report_warning(report, section, name, key,
                              "%u may be given to a local user by useradd", number);
}

void config_check_group(const Config *config, const GroupConfig *group, ConfigReport *report)
{
    if (!name_is_valid_short(group->name))
        config_report_error(report, "group", group->name, NULL, "'%.100s' is not a group's name",
                            group->name);
    if (!group->id)
        config_report_error(report, "group", group->name, "Id", "is missing");
    else if (strlen(group->id) > CLAIM_MAX)
        config_report_error(report, "group", group->name, "Id", "is too long");
    else
        check_group_id(config, group, report);
    if (group->role && strlen(group->role) > CLAIM_MAX)
        config_report_error(report, "group", group->name, "Role", "is too long");
    check_pin("group", group->name, "Gid", group->gid, report);
    check_group_provider(config, group, report);
    check_local_group(group, report);
    check_group_twins(config, group, report);
}

static void check_pinned_uid(const Config *config, const UserConfig *user, ConfigReport *report)
{
    check_pin("user", user->name, "Uid", user->uid, report);
    for (size_t i = 0; user->uid != 0 && i < config->group_count; i++) {
        if (config->groups[i].gid == user->uid)
            config_report_error(report, "user", user->name, "Uid",
                                "%u is also the Gid= of [group %s]", user->uid,
                                config->groups[i].name);
    }
}

static void check_tie(const Config *config, const UserConfig *user, ConfigReport *report)
{
    if (!user->directory && user->kill_services)
        config_report_warning(report, "user", user->name, "KillServices",
                              "is for local accounts that Directory= ties: of others all is ended");
    if (!user->directory)
        return;
    if (!name_is_valid_full(user->directory))
        config_report_error(report, "user", user->name, "Directory",
                            "is not a name such as alice@rcpch.ac.uk");
    else if (!user->is_service && !config_provider_for_domain(config, user->directory))
        config_report_warning(report, "user", user->name, "Directory",
                              "no [provider] section has this name's domain in Domains=");
    if (strcmp(user->name, "root") == 0)
        config_report_error(report, "user", user->name, "Directory", "root is never tied");
    if (user->uid != 0 || user->home || user->shell)
        config_report_error(report, "user", user->name, "Directory",
                            "ties a local account, which keeps its uid, home and shell");
}

void config_check_user(const Config *config, const UserConfig *user, ConfigReport *report)
{
    if (!name_is_valid(user->name))
        config_report_error(report, "user", user->name, NULL, "'%.100s' is not an account's name",
                            user->name);
    if (user->shell && strlen(user->shell) > SHELL_MAX)
        config_report_error(report, "user", user->name, "Shell", "is longer than %u bytes",
                            SHELL_MAX);
    check_tie(config, user, report);
    check_pinned_uid(config, user, report);
    for (const UserConfig *other = config->users; other < user; other++) {
        if (user->uid != 0 && other->uid == user->uid)
            config_report_error(report, "user", user->name, "Uid", "is also that of [user %s]",
                                other->name);
    }
}
