/*
 * People who are asked for by id, because nothing else was said of them.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/revocation/revocation.h"
#include "helper/store/store.h"

#define ALARM_MISSING "Directory of %s does not find"

#define KEEP_USEC (300 * USEC_PER_SEC) /* between two times that confirmations are stored */

/* Since it was begun anew, and what happened before is unknown. */
static bool was_heard_of(const Directory *directory, const Account *account, const Stamp *now)
{
    return stamp_age_usec(&account->confirmed, now) <
           directory_boot_usec(directory) - directory->fresh_usec;
}

static bool is_lost(const Directory *directory, const Account *account)
{
    for (size_t i = 0; i < directory->lost_count; i++)
        if (directory->lost[i] == account)
            return true;
    return false;
}

/* Where changes are told, a member who is confirmed stays so until something is. */
static bool must_ask(const Directory *directory, const Account *account, const Stamp *now)
{
    RollPerson person;

    if (!directory_is_ours(directory, account))
        return false;
    if (directory_roll_find(&directory->roll, directory_person_id(account), &person))
        return person.state == DIRECTORY_DOUBTED && account->verdict != VERDICT_DISABLED;
    if (directory->is_fresh && directory_tells_changes(directory))
        return !was_heard_of(directory, account, now);
    if (!directory_tells_changes(directory) && account->verdict != VERDICT_DISABLED &&
        (directory->is_fresh || is_lost(directory, account)))
        return true;
    if (account->session_count == 0 && !account_is_allowed(account, directory->config))
        return false;
    if (!directory_tells_changes(directory))
        return !account->by_administrator;
    if (directory_has_member(directory, account))
        return account->verdict == VERDICT_UNCONFIRMED;
    return account->verdict != VERDICT_DISABLED &&
           stamp_age_usec(&account->confirmed, now) >= directory->config->refresh_check_usec;
}

/* People with sessions first, then who was not heard of for longest. */
static int compare_need(const void *a, const void *b)
{
    const Account *const *x = a, *const *y = b;
    int order = ((*x)->session_count == 0) - ((*y)->session_count == 0);

    if (order != 0)
        return order;
    return ((*x)->confirmed.wall_usec > (*y)->confirmed.wall_usec) -
           ((*x)->confirmed.wall_usec < (*y)->confirmed.wall_usec);
}

int directory_people_choose(Directory *directory)
{
    Accounts *accounts = directory->manager->accounts;
    PeopleToAsk *people = &directory->people;
    Stamp now = stamp_now();
    size_t iterator = 0;
    Account *account;

    directory_people_clear(people);
    people->accounts = calloc(accounts_count(accounts) + 1, sizeof(Account *));
    people->missing = calloc(accounts_count(accounts) + 1, sizeof(Account *));
    if (!people->accounts || !people->missing)
        return -ENOMEM;
    while ((account = accounts_next(accounts, &iterator)))
        if (must_ask(directory, account, &now))
            people->accounts[people->count++] = account;
    qsort(people->accounts, people->count, sizeof(Account *), compare_need);
    if (!directory->is_fresh && people->count > DIRECTORY_ASKED_MAX)
        people->count = DIRECTORY_ASKED_MAX;
    return 0;
}

static void keep_all(const Directory *directory)
{
    Store *store = directory->manager->store;
    int r = store_begin(store);
    size_t iterator = 0;
    const Account *account;

    if (r < 0)
        return;
    while (r >= 0 && (account = accounts_next(directory->manager->accounts, &iterator)))
        if (directory_is_ours(directory, account) && account->verdict == VERDICT_ACTIVE &&
            account->confirmed.boot_usec >= directory->began.boot_usec)
            r = store_account_save_confirmed(store, account);
    (void)store_end(store, r);
}

void directory_people_keep(Directory *directory)
{
    if (directory->kept_usec != 0 && directory->started_usec - directory->kept_usec < KEEP_USEC)
        return;
    directory->kept_usec = directory->started_usec;
    keep_all(directory);
}

/* Where nobody else was heard of in this round, all lists of the next show whether this directory
 * knows anybody of this host. */
static bool wants_proof(Directory *directory)
{
    directory->wanted_proof = !directory->wanted_proof && directory_tells_changes(directory);
    if (directory->wanted_proof)
        directory_groups_want_all(&directory->groups);
    return directory->wanted_proof;
}

void directory_people_missing(Directory *directory)
{
    PeopleToAsk *people = &directory->people;
    Account *account = people->accounts[people->at++];

    /* Who is known to be gone says nothing about how many go now. */
    if (account->verdict != VERDICT_DISABLED)
        people->missing[people->missing_count++] = account;
}

void directory_people_judge(Directory *directory)
{
    const PeopleToAsk *people = &directory->people;
    const Evidence evidence = {
        .meaning = EVIDENCE_DISABLED, .is_explicit = true, .code = "not found"};

    if (people->missing_count > 0 && !directory->knows_somebody && wants_proof(directory))
        return;
    if (people->missing_count > 0 &&
        !directory_sync_believes_missing(people->count, people->missing_count,
                                         directory->knows_somebody)) {
        manager_alarm(directory->manager,
                      ALARM_MISSING " %zu people of this host. Nobody is cut by that.",
                      directory->settings->name, people->missing_count);
        return;
    }
    manager_alarm_over(directory->manager, ALARM_MISSING, directory->settings->name);
    for (size_t i = 0; i < people->missing_count; i++)
        revocation_directory(directory->manager->revocation, people->missing[i], &evidence);
}

void directory_people_clear(PeopleToAsk *people)
{
    free(people->accounts);
    free(people->missing);
    *people = (PeopleToAsk){0};
}
