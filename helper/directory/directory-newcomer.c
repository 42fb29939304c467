/*
 * People of the directory who have no account here yet: to whom an account that waits belongs, who
 * gets one, and who cannot, to be tried again.
 */
#include "helper/directory/directory-internal.h"

#include <string.h>
#include <strings.h>

#include "helper/base/text-list.h"
#include "helper/directory/directory-match.h"

/* --- who cannot have one --------------------------------------------------------------------- */

void directory_refuse(Directory *directory, const char *name, const char *why)
{
    Record record = {.event = RECORD_ACCOUNT};

    directory->refused_why = why;
    if (!directory_refused_note(&directory->refused, name, why))
        return;
    record_set(&record, RECORD_USER, name);
    record_set(&record, RECORD_PROVIDER, directory->settings->name);
    record_set(&record, RECORD_ACTOR, "directory");
    record_set(&record, RECORD_ACTION, "add-refused");
    record_set(&record, RECORD_REASON, why);
    manager_log(directory->manager, &record);
}

/* What is wrong may be mended here, of which the directory tells nothing: the person is kept, to be
 * tried again in every round. */
static void refuse_person(Directory *directory, const RollPerson *person, const char *name,
                          const char *why)
{
    directory_refuse(directory, name, why);
    for (size_t i = 0; i < person->count; i++)
        (void)directory_roll_add_person(&directory->kept_next, &person->entries[i].person,
                                        person->entries[i].group);
}

/* As long as nothing newer is known of them. */
static bool is_kept(const Directory *directory, const RollEntry *entry)
{
    const DirectoryGroups *groups = &directory->groups;

    if (directory_find(directory, entry->person.id))
        return false;
    for (size_t i = 0; i < groups->count; i++)
        if (groups->groups[i].section == entry->group)
            return !groups->groups[i].is_listed;
    return false;
}

void directory_add_kept(Directory *directory)
{
    const DirectoryRoll *kept = &directory->kept;
    size_t count = directory->roll.count;

    for (size_t i = 0; i < kept->count; i++) {
        const RollEntry *entry = &kept->entries[i];
        bool is_newer = false;
        for (size_t j = 0; j < count && !is_newer; j++)
            is_newer = directory->roll.entries[j].group == ROLL_WHOLE &&
                       strcmp(directory->roll.entries[j].person.id, entry->person.id) == 0;
        if (!is_newer && is_kept(directory, entry))
            (void)directory_roll_add_person(&directory->roll, &entry->person, entry->group);
    }
}

/* --- accounts that wait ---------------------------------------------------------------------- */

/* Is there a group of which nothing is known about a newcomer, and will not be soon? */
static bool leaves_doubt(const Directory *directory, const RollPerson *person)
{
    const DirectoryGroups *groups = &directory->groups;

    for (size_t i = 0; !person->is_whole && i < groups->count; i++) {
        const DirectoryGroup *group = &groups->groups[i];
        if (!group->is_listed && !group->is_wanted && !group->is_missing)
            return true;
    }
    return false;
}

void directory_bind(Directory *directory, Account *account, const RollPerson *person,
                    const char *how)
{
    Manager *manager = directory->manager;
    _cleanup_free_ char *identity = directory_identity_of(directory, person->entries[0].person.id);

    if (!identity || account_bind(manager->accounts, manager->config, account,
                                  directory->settings->issuer, identity) < 0) {
        refuse_person(directory, person, account->directory_name,
                      "its account here belongs to somebody else");
        return;
    }
    manager_log_account(manager, account, "directory", "bound", how);
    directory_set_groups(directory, account, person);
    account->is_doubtful = leaves_doubt(directory, person);
    account->directory_told = !account->is_doubtful && directory->knows_groups;
    directory_set_profile(directory, account, &person->entries[0].person);
    directory_set_state(directory, account, person->state);
}

static bool is_waiting_for(const Directory *directory, const Account *account, const char *name)
{
    return account->state == ACCOUNT_ACTIVE && !account->id &&
           strcmp(account->directory_name, name) == 0 &&
           strcmp(account->provider, directory->settings->name) == 0;
}

/* Local accounts that are tied to the person do not count. */
static bool has_own_account(const Directory *directory, const char *identity)
{
    Accounts *accounts = directory->manager->accounts;
    const Account *first = accounts_find_identity(accounts, directory->settings->issuer, identity);

    for (const Account *other = first; other;
         other = accounts_next_of_person(accounts, first, other == first ? NULL : other))
        if (!account_is_tied(other, directory->config))
            return true;
    return false;
}

/* A local account that is tied to somebody who has an account here already. */
void directory_bind_tied(Directory *directory, Account *account)
{
    size_t iterator = 0;
    RollPerson person;
    const Account *other;

    if (!account_is_tied(account, directory->config) ||
        !is_waiting_for(directory, account, account->directory_name))
        return;
    while ((other = accounts_next(directory->manager->accounts, &iterator))) {
        if (!directory_is_ours(directory, other) ||
            strcmp(other->directory_name, account->directory_name) != 0 ||
            !directory_roll_find(&directory->roll, directory_person_id(other), &person))
            continue;
        const char *name = person.entries[0].person.name;
        if (name && person.state == DIRECTORY_ENABLED &&
            strcmp(name, account->directory_name) == 0) {
            directory_bind(directory, account, &person, "by its name");
            return;
        }
    }
}

/* An administrator added the name; the directory says whose it is. True when one of these is the
 * person's own account. */
static bool bind_waiting(Directory *directory, const RollPerson *person)
{
    Manager *manager = directory->manager;
    const char *name = person->entries[0].person.name;
    size_t iterator = 0;
    bool found = false;
    Account *account;

    while ((account = accounts_next(manager->accounts, &iterator))) {
        if (!is_waiting_for(directory, account, name))
            continue;
        found |= !account_is_tied(account, directory->config);
        directory_bind(directory, account, person, "by its name");
    }
    return found;
}

/* --- new accounts ---------------------------------------------------------------------------- */

static void add(Directory *directory, const RollPerson *person, const char *identity)
{
    Manager *manager = directory->manager;
    const DirectoryPerson *first = &person->entries[0].person;
    const Account nobody = {.groups = (char *[]){NULL}};
    _cleanup_text_list_ char **groups = NULL;
    Account *account = NULL;
    const char *why = "out of memory";

    if (directory_new_groups(directory, &nobody, person, &groups) < 0) {
        refuse_person(directory, person, first->name, why);
        return;
    }
    const AccountOptions options = {.id = identity, .groups = groups, .uid = first->uid};
    int r = accounts_add(manager->accounts, manager->config, directory->settings, first->name,
                         &options, &account, &why);
    if (r < 0) {
        refuse_person(directory, person, first->name, why);
        return;
    }
    manager_alarm_over(manager, ALARM_NOT_ADDED, first->name); /* an administrator's try */
    account->is_doubtful = leaves_doubt(directory, person);
    directory_set_profile(directory, account, first);
    account->directory_told = !account->is_doubtful && directory->knows_groups;
    directory->is_changed = true;
    manager_log_account(manager, account, "directory", "added", NULL);
    directory_set_state(directory, account, person->state);
}

/* Does the group, or another section of the same id, stand in AutoProvisionGroups=? */
static bool adds_for(const Directory *directory, unsigned section)
{
    const Config *config = directory->config;
    char *const *narrowed = directory->settings->auto_provision_groups;
    bool found = !*narrowed;

    for (size_t i = 0; !found && narrowed[i]; i++) {
        const GroupConfig *group = config_group(config, narrowed[i]);
        found = group && group->id && strcasecmp(group->id, config->groups[section].id) == 0;
    }
    return found;
}

/* AutoProvision= and, where it narrows that, AutoProvisionGroups=. Who is in none of our groups is
 * nobody's business. */
static bool may_add(const Directory *directory, const RollPerson *person)
{
    bool found = false;

    for (size_t i = 0; !found && !directory->settings->adds_nobody && i < person->count; i++)
        found =
            person->entries[i].group != ROLL_WHOLE && adds_for(directory, person->entries[i].group);
    return found;
}

/* Nothing that could be set here would mend it. */
static void refuse_odd_name(Directory *directory, const RollPerson *person)
{
    static const char why[] = "no account can have this name (letters, digits, '.', '_' and '-' "
                              "before the '@'): give them another one at the directory";
    const char *name = person->entries[0].person.odd_name;

    if (!may_add(directory, person))
        return;
    refuse_person(directory, person, name, why);
    (void)directory_refused_note(&directory->odd_names, name, why);
}

static bool was_refused(const Directory *directory, const char *id)
{
    for (size_t i = 0; i < directory->kept.count; i++)
        if (strcmp(directory->kept.entries[i].person.id, id) == 0)
            return true;
    return false;
}

/* Whose account waits is told by all lists alone, and so is that it is nobody's: until they were
 * read, a second one would be made beside it. */
static bool must_be_matched_first(Directory *directory, const DirectoryPerson *person)
{
    return !directory->is_complete && !was_refused(directory, person->id) &&
           directory_match_awaits(directory, person);
}

/* Only who is said to be enabled, and whose name is of this provider's domains. */
void directory_welcome(Directory *directory, const RollPerson *person)
{
    const DirectoryPerson *first = &person->entries[0].person;
    _cleanup_free_ char *identity = NULL;

    identity = directory_identity_of(directory, first->id);
    if (!identity || has_own_account(directory, identity))
        return;
    const char *name = first->name ? first->name : first->odd_name;
    if (person->state != DIRECTORY_ENABLED || !name ||
        !config_answers_for(directory->config, directory->settings, name)) {
        directory_away_add(directory, first->id);
        return;
    }
    if (!first->name) {
        refuse_odd_name(directory, person);
        return;
    }
    if (!bind_waiting(directory, person) && may_add(directory, person) &&
        !must_be_matched_first(directory, first))
        add(directory, person, identity);
}
