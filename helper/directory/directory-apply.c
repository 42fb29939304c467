/*
 * What a directory's answers do to the accounts of this host.
 *
 * People are known by the immutable id alone; of whom this host does not know, and who is in none
 * of its groups, nothing is kept. Verdicts move through revocation.h, groups through elevations.h.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helper/directory/directory-match.h"
#include "helper/provider/provider-type.h"
#include "helper/session/elevations.h"
#include "helper/revocation/revocation.h"
#include "helper/base/text-list.h"
#include "helper/token/claims.h"

#define SLICE_USEC     (10 * USEC_PER_MSEC)
#define HELD_USEC_MAX  (60 * USEC_PER_SEC) /* until what was held is listed again */
#define HELD_ROUNDS    6u

#define ALARM_HELD    "Directory of %s would take a group from many at once"
#define ALARM_REFUSED "Directory of %s cannot add"
#define ALARM_NUMBER  "Directory of %s gives another number to"

/* --- who is who ------------------------------------------------------------------------------- */

/* NULL: this provider's identities have none in front. */
static const char *tenant_of(const Directory *directory)
{
    const ProviderConfig *settings = directory->settings;

    return provider_traits(settings->type)->has_tenant ? settings->tenant : NULL;
}

/* "<tenant>/<object id>" or the id alone, as sign-ins bind it (provider.h). NULL when memory is
 * short. */
static char *identity_of(const Directory *directory, const char *id)
{
    const char *tenant = tenant_of(directory);
    char *identity = NULL;

    if (!tenant)
        return strdup(id);
    return asprintf(&identity, "%s/%s", tenant, id) < 0 ? NULL : identity;
}

const char *directory_person_id(const Account *account)
{
    const char *slash = strrchr(account->id, '/');

    return slash ? slash + 1 : account->id;
}

bool directory_is_ours(const Directory *directory, const Account *account)
{
    const char *tenant = tenant_of(directory);
    size_t size = tenant ? strlen(tenant) : 0;

    return account->state == ACCOUNT_ACTIVE && account->id && account->issuer &&
           strcmp(account->issuer, directory->settings->issuer) == 0 &&
           (!tenant || (strncmp(account->id, tenant, size) == 0 && account->id[size] == '/'));
}

bool directory_is_waiting(const Directory *directory, const Account *account)
{
    return account->state == ACCOUNT_ACTIVE && !account->id &&
           strcmp(account->provider, directory->settings->name) == 0;
}

Account *directory_find(const Directory *directory, const char *id)
{
    _cleanup_free_ char *identity = identity_of(directory, id);

    return identity ? accounts_find_identity(directory->manager->accounts,
                                             directory->settings->issuer, identity)
                    : NULL;
}

static void take_state(Directory *directory, Account *account, DirectoryState state)
{
    Evidence evidence;

    if (directory_sync_evidence(state, &evidence))
        revocation_directory(directory->manager->revocation, account, &evidence);
}

static void take_profile(Directory *directory, Account *account, const DirectoryPerson *person)
{
    Accounts *accounts = directory->manager->accounts;
    const char *before = account->gecos;

    (void)account_set_profile(accounts, account, person->full_name);
    if (text_list_contains(directory->settings->match_by, "phone")) /* else it is the tokens' */
        (void)account_set_phone(accounts, account, person->phone);
    directory->is_changed |= account->gecos != before;
}

/* Remembered, because not every round speaks of everybody. */
static void take_number(Account *account, uint32_t claimed)
{
    if (claimed != CLAIMED_UID_UNSAID)
        account->directory_uid = claimed;
}

/* Who has no account is nobody's business, unless it is a member who could not have one. */
static void take_stranger(Directory *directory, const DirectoryPerson *person)
{
    bool was_refused = directory_roll_remove(&directory->kept, person->id);

    directory->looks.saw_strangers = true;
    if (person->state == DIRECTORY_ENABLED &&
        (was_refused || directory_is_away(directory, person->id)))
        (void)directory_looks_add(directory, person->id, NULL);
}

void directory_take_state(Directory *directory, const DirectoryPerson *person)
{
    Accounts *accounts = directory->manager->accounts;
    Account *first = directory_find(directory, person->id);

    if (!first) {
        take_stranger(directory, person);
        return;
    }
    take_state(directory, first, person->state);
    take_profile(directory, first, person);
    take_number(first, person->uid);
    for (Account *other = accounts_next_of_person(accounts, first, NULL); other;
         other = accounts_next_of_person(accounts, first, other))
        take_state(directory, other, person->state);
}

/* --- groups ----------------------------------------------------------------------------------- */

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

/* What the account's groups become: those of other origin or of which nothing whole is known stay. */
static int new_groups(const Directory *directory, const Account *account, const RollPerson *person,
                      char ***ret_groups)
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

static size_t count_owned(const Directory *directory, char *const *groups)
{
    size_t count = 0;

    for (; *groups; groups++)
        count += directory_groups_find(&directory->groups, *groups) != NULL;
    return count;
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

static void set_groups(Directory *directory, Account *account, const RollPerson *person)
{
    Manager *manager = directory->manager;
    bool was_allowed = account_is_allowed(account, manager->config);
    size_t before = text_list_count(account->groups);
    _cleanup_text_list_ char **groups = NULL;
    int r = new_groups(directory, account, person, &groups);

    if (r >= 0 && text_list_equal(account->groups, groups))
        return;
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

/* --- the hold on mass absence ----------------------------------------------------------------- */

/* Whose new groups cannot be told counts as losing all of them: rather held than believed. */
static void count_account(const Directory *directory, const Account *account, SyncCount *count)
{
    RollPerson person = {0};
    _cleanup_text_list_ char **groups = NULL;
    size_t before = count_owned(directory, account->groups);

    if (before == 0)
        return;
    (void)directory_roll_find(&directory->roll, directory_person_id(account), &person);
    bool is_told = new_groups(directory, account, &person, &groups) >= 0;
    size_t lost = !is_told;
    for (size_t i = 0; is_told && account->groups[i]; i++)
        lost += !text_list_contains(groups, account->groups[i]);
    count->members++;
    count->losing += lost > 0;
    count->emptied += lost > 0 && (!is_told || count_owned(directory, groups) == 0);
}

static SyncCount count_all(const Directory *directory)
{
    SyncCount count = {0};
    size_t iterator = 0;
    const Account *account;

    while ((account = accounts_next(directory->manager->accounts, &iterator)))
        if (directory_is_ours(directory, account))
            count_account(directory, account, &count);
    return count;
}

/* --- newcomers -------------------------------------------------------------------------------- */

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

/* A number that was given stays, whatever is said of it later: files have it. */
static void compare_number(Directory *directory, const Account *account)
{
    uint32_t claimed = account->directory_uid;
    static const char why[] = "UidClaim= says so; what they have here stays";
    char reason[96], number[16] = "no number";

    if (!account_number_differs(account, directory->config, claimed) ||
        !directory_refused_note(&directory->renumbered, account->name, why))
        return;
    if (claimed != CLAIMED_UID_NONE)
        snprintf(number, sizeof(number), "%u", claimed);
    snprintf(reason, sizeof(reason), "UidClaim= gives %s; the %u that it has here stays", number,
             account->uid);
    manager_log_account(directory->manager, account, "directory", "number-differs", reason);
}

static void end_refused(Directory *directory)
{
    const char *provider = directory->settings->name;
    char who[DIRECTORY_REFUSED_TEXT_MAX];

    if (directory_refused_end(&directory->refused))
        manager_alarm_over(directory->manager, ALARM_REFUSED, provider);
    if (directory_refused_describe(&directory->refused, who, sizeof(who)))
        manager_alarm(directory->manager, ALARM_REFUSED " %s", provider, who);
    if (directory_refused_end(&directory->renumbered))
        manager_alarm_over(directory->manager, ALARM_NUMBER, provider);
    if (directory_refused_describe(&directory->renumbered, who, sizeof(who)))
        manager_alarm(directory->manager, ALARM_NUMBER " %s", provider, who);
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

static void add_kept(Directory *directory)
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
    _cleanup_free_ char *identity = identity_of(directory, person->entries[0].person.id);

    if (!identity || account_bind(manager->accounts, manager->config, account,
                                  directory->settings->issuer, identity) < 0) {
        refuse_person(directory, person, account->directory_name,
                      "its account here belongs to somebody else");
        return;
    }
    manager_log_account(manager, account, "directory", "bound", how);
    set_groups(directory, account, person);
    account->is_doubtful = leaves_doubt(directory, person);
    account->directory_told = !account->is_doubtful && directory->knows_groups;
    take_profile(directory, account, &person->entries[0].person);
    take_state(directory, account, person->state);
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
    const Account *first =
        accounts_find_identity(accounts, directory->settings->issuer, identity);

    for (const Account *other = first; other;
         other = accounts_next_of_person(accounts, first, other == first ? NULL : other))
        if (!account_is_tied(other, directory->config))
            return true;
    return false;
}

/* A local account that is tied to somebody who has an account here already. */
static void bind_tied(Directory *directory, Account *account)
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

static void add(Directory *directory, const RollPerson *person, const char *identity)
{
    Manager *manager = directory->manager;
    const DirectoryPerson *first = &person->entries[0].person;
    const Account nobody = {.groups = (char *[]){NULL}};
    _cleanup_text_list_ char **groups = NULL;
    Account *account = NULL;
    const char *why = "out of memory";

    if (new_groups(directory, &nobody, person, &groups) < 0) {
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
    take_profile(directory, account, first);
    account->directory_told = !account->is_doubtful && directory->knows_groups;
    directory->is_changed = true;
    manager_log_account(manager, account, "directory", "added", NULL);
    take_state(directory, account, person->state);
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
        found = person->entries[i].group != ROLL_WHOLE &&
                adds_for(directory, person->entries[i].group);
    return found;
}

/* Only who is said to be enabled, and whose name is of this provider's domains. */
static void welcome(Directory *directory, const RollPerson *person)
{
    const DirectoryPerson *first = &person->entries[0].person;
    _cleanup_free_ char *identity = NULL;

    identity = identity_of(directory, first->id);
    if (!identity || has_own_account(directory, identity))
        return;
    if (person->state != DIRECTORY_ENABLED || !first->name ||
        !config_answers_for(directory->config, directory->settings, first->name)) {
        directory_away_add(directory, first->id);
        return;
    }
    if (!bind_waiting(directory, person) && may_add(directory, person))
        add(directory, person, identity);
}

static void hold(Directory *directory, const SyncCount *count)
{
    uint64_t wait = HELD_ROUNDS * directory->config->directory_poll_usec;

    manager_alarm(directory->manager,
                  ALARM_HELD ": %zu of %zu. Nobody's groups are changed, and nobody is "
                             "added. If it is meant so: rcpchctl reload --enforce",
                  directory->settings->name, count->losing, count->members);
    directory->lists_until_usec =
        directory_boot_usec(directory) + (wait < HELD_USEC_MAX ? wait : HELD_USEC_MAX);
}

static bool knows_groups(const Directory *directory)
{
    for (size_t i = 0; i < directory->groups.count; i++)
        if (!directory->groups.groups[i].is_listed && directory->groups.groups[i].is_wanted)
            return false;
    return true;
}

static bool has_all_lists(const Directory *directory)
{
    for (size_t i = 0; i < directory->groups.count; i++)
        if (!directory->groups.groups[i].is_listed && !directory->groups.groups[i].is_missing)
            return false;
    return true;
}

void directory_apply_begin(Directory *directory)
{
    add_kept(directory);
    directory_roll_close(&directory->roll);
    directory_refused_begin(&directory->refused);
    directory_refused_begin(&directory->renumbered);
    directory_roll_clear(&directory->kept_next);
    directory->is_complete = has_all_lists(directory);
    directory->knows_groups = knows_groups(directory);
    if (directory->is_complete)
        directory->unmatched_count = 0;
    directory->slice = 0;
    directory->slices_accounts = true;
    directory->is_held = false;
    directory->tells_groups =
        directory->roll.count > 0 || directory_groups_listed_any(&directory->groups);
    if (!directory->tells_groups)
        return;
    const SyncCount count = count_all(directory);
    directory->is_held = directory_sync_must_hold(&count) && !directory->accepts_absence;
    directory->health.losing = directory->is_held ? count.losing : 0;
    directory->health.members = count.members;
    if (directory->is_held)
        hold(directory, &count);
}

void directory_apply_end(Directory *directory)
{
    if (directory->is_held)
        return;
    directory_groups_applied(&directory->groups, directory_boot_usec(directory));
    directory_looks_applied(directory);
    directory_roll_clear(&directory->kept);
    directory->kept = directory->kept_next;
    directory->kept_next = (DirectoryRoll){0};
    if (directory->tells_groups && !directory_groups_wants(&directory->groups))
        manager_alarm_over(directory->manager, ALARM_HELD, directory->settings->name);
}

/* Whom the lists tell nothing new about stays unmatched for the same reason. */
static void match(Directory *directory, Account *account)
{
    size_t before = directory->refused.count;

    if (directory->is_complete) {
        directory_match(directory, account);
        if (directory_is_waiting(directory, account))
            account->is_doubtful = false;
        if (directory->refused.count > before && directory->unmatched_count < DIRECTORY_REFUSED_MAX)
            directory->unmatched[directory->unmatched_count++] =
                (Unmatched){account, directory->refused_why};
        return;
    }
    for (size_t i = 0; i < directory->unmatched_count; i++)
        if (directory->unmatched[i].account == account && directory_is_waiting(directory, account))
            directory_refuse(directory, account->directory_name, directory->unmatched[i].why);
}

/* --- slices ----------------------------------------------------------------------------------- */

bool directory_has_member(const Directory *directory, const Account *account)
{
    return count_owned(directory, account->groups) > 0;
}

/* Nothing was told of a member of whom changes are told: what was so is so still. */
static void confirm_by_silence(const Directory *directory, Account *account)
{
    const Stamp *began = &directory->began;
    bool is_newer = memcmp(account->confirmed.boot_id, began->boot_id, sizeof(began->boot_id)) == 0 &&
                    account->confirmed.boot_usec > began->boot_usec;

    if (account->verdict == VERDICT_ACTIVE && directory_tells_changes(directory) &&
        !directory->is_fresh && !is_newer && directory_has_member(directory, account))
        account->confirmed = *began;
}

static void apply_to_account(Directory *directory, Account *account)
{
    RollPerson person = {0};
    bool is_listed;

    if (!directory->is_held) {
        bind_tied(directory, account);
        match(directory, account);
    }
    if (!directory_is_ours(directory, account))
        return;
    is_listed = directory_roll_find(&directory->roll, directory_person_id(account), &person);
    if (is_listed) {
        directory->knows_somebody = true;
        take_state(directory, account, person.state);
        take_number(account, person.entries[0].person.uid);
        if (!directory->is_held)
            take_profile(directory, account, &person.entries[0].person);
    }
    compare_number(directory, account);
    if (!is_listed || person.state == DIRECTORY_UNSAID)
        confirm_by_silence(directory, account);
    if (directory->is_held)
        return;
    if (directory->tells_groups)
        set_groups(directory, account, &person);
    account->directory_told |= directory->knows_groups && !account->is_doubtful;
}

/* One account, or one person of the roll. False at the end. */
static bool apply_one(Directory *directory)
{
    RollPerson person;
    Account *account;

    if (directory->slices_accounts) {
        account = accounts_next(directory->manager->accounts, &directory->slice);
        if (account) {
            apply_to_account(directory, account);
            return true;
        }
        directory->slices_accounts = false;
        directory->slice = 0;
    }
    if (directory->is_held)
        return false;
    if (!directory_roll_next(&directory->roll, &directory->slice, &person)) {
        end_refused(directory);
        return false;
    }
    welcome(directory, &person);
    return true;
}

bool directory_apply_slice(Directory *directory)
{
    uint64_t until = stamp_now().boot_usec + SLICE_USEC;

    while (apply_one(directory))
        if (stamp_now().boot_usec >= until)
            return true;
    return false;
}
