/*
 * What a round's answers do to the accounts of this host, in slices: each account, then each person
 * who was listed. A round that would take a group from too many at once is held.
 */
#include "helper/directory/directory-internal.h"

#include <string.h>

#include "helper/base/text-list.h"
#include "helper/directory/directory-match.h"
#include "helper/token/claims.h"

#define SLICE_USEC    (10 * USEC_PER_MSEC)
#define HELD_USEC_MAX (60 * USEC_PER_SEC) /* until what was held is listed again */
#define HELD_ROUNDS   6u

#define ALARM_HELD    "Directory of %s would take a group from many at once"
#define ALARM_REFUSED "Directory of %s cannot add"
#define ALARM_NUMBER  "Directory of %s gives another number to"

/* --- the hold on mass absence ---------------------------------------------------------------- */

/* Whose new groups cannot be told counts as losing all of them: rather held than believed. */
static void count_account(const Directory *directory, const Account *account, SyncCount *count)
{
    RollPerson person = {0};
    _cleanup_text_list_ char **groups = NULL;

    if (!directory_has_member(directory, account))
        return;
    (void)directory_roll_find(&directory->roll, directory_person_id(account), &person);
    if (directory_leaves_groups(directory, &person)) {
        count->members++;
        return;
    }
    bool is_told = directory_new_groups(directory, account, &person, &groups) >= 0;
    size_t lost = !is_told;
    for (size_t i = 0; is_told && account->groups[i]; i++)
        lost += !text_list_contains(groups, account->groups[i]);
    count->members++;
    count->losing += lost > 0;
    count->emptied += lost > 0 && (!is_told || !directory_owns_any(directory, groups));
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

/* --- begin and end --------------------------------------------------------------------------- */

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
    directory_add_kept(directory);
    directory_roll_close(&directory->roll);
    directory_refused_begin(&directory->refused);
    directory_refused_begin(&directory->odd_names);
    directory_refused_begin(&directory->renumbered);
    directory_roll_clear(&directory->kept_next);
    directory->is_complete = has_all_lists(directory);
    directory->knows_groups = knows_groups(directory);
    if (directory->is_complete)
        directory->unmatched_count = 0;
    directory->slice = 0;
    directory->slices_accounts = true;
    directory->is_held = false;
    directory->tells_lists = directory_groups_listed_any(&directory->groups);
    directory->tells_groups = directory->roll.count > 0 || directory->tells_lists;
    if (!directory->tells_groups)
        return;
    const SyncCount count = count_all(directory);
    directory->is_held = directory_sync_must_hold(&count) && !directory->accepts_absence;
    directory->health.losing = directory->is_held ? count.losing : 0;
    directory->health.members = count.members;
    if (directory->is_held)
        hold(directory, &count);
}

static void end_refused(Directory *directory)
{
    const char *provider = directory->settings->name;
    char who[DIRECTORY_REFUSED_TEXT_MAX];

    if (directory_refused_end(&directory->refused))
        manager_alarm_over(directory->manager, ALARM_REFUSED, provider);
    if (directory_refused_describe(&directory->refused, who, sizeof(who)))
        manager_alarm(directory->manager, ALARM_REFUSED " %s", provider, who);
    (void)directory_refused_end(&directory->odd_names);
    if (directory_refused_end(&directory->renumbered))
        manager_alarm_over(directory->manager, ALARM_NUMBER, provider);
    if (directory_refused_describe(&directory->renumbered, who, sizeof(who)))
        manager_alarm(directory->manager, ALARM_NUMBER " %s", provider, who);
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

/* --- slices ---------------------------------------------------------------------------------- */

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

/* Nothing was told of a member of whom changes are told: what was so is so still. */
static void confirm_by_silence(const Directory *directory, Account *account)
{
    const Stamp *began = &directory->began;
    bool is_newer =
        memcmp(account->confirmed.boot_id, began->boot_id, sizeof(began->boot_id)) == 0 &&
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
        directory_bind_tied(directory, account);
        match(directory, account);
    }
    if (!directory_is_ours(directory, account))
        return;
    is_listed = directory_roll_find(&directory->roll, directory_person_id(account), &person);
    if (is_listed) {
        directory->knows_somebody = true;
        directory_set_state(directory, account, person.state);
        directory_set_number(account, person.entries[0].person.uid);
        if (!directory->is_held)
            directory_set_profile(directory, account, &person.entries[0].person);
    }
    compare_number(directory, account);
    if (!is_listed || person.state == DIRECTORY_UNSAID)
        confirm_by_silence(directory, account);
    if (directory->is_held)
        return;
    if (directory->tells_groups && !directory_leaves_groups(directory, &person))
        directory_set_groups(directory, account, &person);
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
    directory_welcome(directory, &person);
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
