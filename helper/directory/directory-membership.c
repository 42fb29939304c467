/*
 * What the lists of a round do to one account's groups: through elevations.h.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <stdlib.h>

#include "helper/base/text-list.h"
#include "helper/session/elevations.h"

static bool keeps_group(const Directory *directory, const RollPerson *person, const char *id)
{
    const DirectoryGroup *group = directory_groups_find(&directory->groups, id);

    return !group || (!group->is_listed && !person->is_whole) ||
           roll_person_is_in(person, group->section);
}

/* Who is disabled may be on no list any more, and then only the question by id tells. */
static void note_lost(Directory *directory, Account *account)
{
    Account **lost = reallocarray(directory->lost, directory->lost_count + 1, sizeof(*lost));

    if (!lost)
        return;
    directory->lost = lost;
    lost[directory->lost_count++] = account;
}

/* What the account's groups become: those of other origin or of which nothing whole is known stay.
 */
int directory_new_groups(const Directory *directory, const Account *account,
                         const RollPerson *person, char ***ret_groups)
{
    const Config *config = directory->config;
    _cleanup_text_list_ char **groups = text_list_new();
    int r = groups ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && account->groups[i]; i++)
        if (keeps_group(directory, person, account->groups[i]))
            r = text_list_add(&groups, account->groups[i]);
    for (size_t i = 0; r >= 0 && i < person->count; i++) {
        unsigned section = person->entries[i].group;
        const char *id = section == ROLL_WHOLE ? NULL : config->groups[section].id;
        if (id && !text_list_contains(groups, id))
            r = text_list_add(&groups, id);
    }
    if (r >= 0)
        *ret_groups = TAKE_PTR(groups);
    return r;
}

bool directory_owns_any(const Directory *directory, char *const *groups)
{
    while (*groups && !directory_groups_find(&directory->groups, *groups))
        groups++;
    return *groups != NULL;
}

bool directory_leaves_groups(const Directory *directory, const RollPerson *person)
{
    return person->count == 0 && !directory->tells_lists;
}

static void log_groups(const Directory *directory, const Account *account, size_t before,
                       bool was_allowed)
{
    Manager *manager = directory->manager;
    char reason[96];

    snprintf(reason, sizeof(reason), "directory groups: %zu, before %zu",
             text_list_count(account->groups), before);
    manager_log_account(manager, account, "directory", "groups-changed", reason);
    if (was_allowed && !account_is_allowed(account, manager->config))
        manager_log_account(manager, account, "directory", "no-longer-allowed",
                            "new access is refused by [access]");
}

void directory_set_groups(Directory *directory, Account *account, const RollPerson *person)
{
    Manager *manager = directory->manager;
    size_t before = text_list_count(account->groups);
    _cleanup_text_list_ char **groups = NULL;
    int r = directory_new_groups(directory, account, person, &groups);

    if (r >= 0 && text_list_equal(account->groups, groups))
        return;
    bool was_allowed = account_is_allowed(account, manager->config);
    bool was_doubtful = account->is_doubtful;
    if (r >= 0)
        r = elevations_set_groups(manager, account, groups);
    account->is_doubtful = was_doubtful;
    if (r < 0) {
        manager_alarm(manager, "The groups of %s could not be stored", account->name);
        return;
    }
    directory->is_changed = true;
    if (was_allowed && !account_is_allowed(account, manager->config))
        note_lost(directory, account);
    log_groups(directory, account, before, was_allowed);
}

bool directory_has_member(const Directory *directory, const Account *account)
{
    return directory_owns_any(directory, account->groups);
}
