/*
 * People whose groups are asked for one by one: few went into or out of a group, so that its list
 * need not be read; or an account was added, bound or given groups by something else than the
 * directory, which knows better.
 */
#include "helper/directory/directory-internal.h"

#include <string.h>

#include "helper/base/text-list.h"

#define WAITING_USEC  (300 * USEC_PER_SEC)  /* between two times that names are asked for */
#define MATCHING_USEC (3600 * USEC_PER_SEC) /* and that all lists are */
#define STRANGERS_USEC_MAX (60 * USEC_PER_SEC)
#define STRANGERS_ROUNDS   6u

bool directory_looks_add(Directory *directory, const char *key, Account *account)
{
    DirectoryLooks *looks = &directory->looks;

    for (size_t i = 0; i < looks->count; i++)
        if (strcmp(looks->looks[i].key, key) == 0) {
            looks->looks[i].account = account ? account : looks->looks[i].account;
            return true;
        }
    if (looks->count == DIRECTORY_LOOKS_MAX)
        return false;
    char *copy = strdup(key);
    if (!copy)
        return false;
    looks->looks[looks->count++] = (DirectoryLook){.key = copy, .account = account};
    return true;
}

void directory_looks_clear(DirectoryLooks *looks)
{
    for (size_t i = 0; i < looks->count; i++)
        free(looks->looks[i].key);
    directory_person_clear(&looks->person);
    *looks = (DirectoryLooks){0};
}

/* Somebody changed who may be one that an account waits for: not at once for each of them. */
static uint64_t strangers_wait(const Directory *directory)
{
    uint64_t wait = STRANGERS_ROUNDS * directory->config->directory_poll_usec;

    return wait < STRANGERS_USEC_MAX ? wait : STRANGERS_USEC_MAX;
}

/* A name may come to be known, and nothing tells when. MatchBy= needs all lists: whether an address
 * is of one person alone, no single one shows. */
void directory_looks_doubt(Directory *directory)
{
    uint64_t *doubted = &directory->looks.doubted_usec;
    bool is_matched = text_list_count(directory->settings->match_by) > 0;
    uint64_t age = directory->started_usec - *doubted;
    bool is_time =
        *doubted == 0 || age >= (is_matched ? MATCHING_USEC : WAITING_USEC) ||
        (directory->looks.saw_strangers && is_matched && age >= strangers_wait(directory));
    size_t iterator = 0;
    Account *account;

    if (is_time) {
        *doubted = directory->started_usec;
        directory->looks.saw_strangers = false;
    }
    while ((account = accounts_next(directory->manager->accounts, &iterator))) {
        if (!directory_is_waiting(directory, account))
            continue;
        account->is_doubtful |= is_time;
        if (account->is_doubtful && is_matched)
            directory_groups_want_all(&directory->groups);
    }
}

static void add_doubtful(Directory *directory)
{
    size_t iterator = 0;
    Account *account;

    while (directory->looks.count < DIRECTORY_LOOKS_MAX &&
           (account = accounts_next(directory->manager->accounts, &iterator))) {
        if (!account->is_doubtful)
            continue;
        if (directory_is_ours(directory, account))
            (void)directory_looks_add(directory, directory_person_id(account), account);
        else if (directory_is_waiting(directory, account))
            (void)directory_looks_add(directory, account->directory_name, account);
    }
}

void directory_looks_reset(DirectoryLooks *looks)
{
    looks->at = 0;
    for (size_t i = 0; i < looks->count; i++)
        looks->looks[i].is_done = false;
}

void directory_looks_begin(Directory *directory)
{
    if (directory_tells_changes(directory))
        add_doubtful(directory);
}

/* Who is known needs no more than the groups. */
bool directory_looks_ask(Directory *directory)
{
    DirectoryLooks *looks = &directory->looks;
    const char *base = directory->settings->directory_url;
    char *url = NULL;
    int r;

    directory_person_clear(&looks->person);
    (void)directory_list_begin(&directory->list, NULL);
    if (looks->at == looks->count)
        return false;
    const char *key = looks->looks[looks->at].key;
    if (directory_find(directory, key)) {
        looks->person.id = strdup(key);
        r = looks->person.id ? directory->kind->person_groups_url(base, key, &url) : -1;
    } else {
        r = directory_ask_more(directory, directory->kind->person_url(base, key, &url), &url);
    }
    directory_ask_for(directory, directory_made(r, url));
    return true;
}

bool directory_looks_at_groups(const Directory *directory)
{
    return directory->looks.person.id != NULL;
}

static void finish(DirectoryLooks *looks)
{
    looks->looks[looks->at++].is_done = true;
}

void directory_looks_miss(Directory *directory)
{
    finish(&directory->looks);
}

/* Whose groups do not matter yet is remembered. */
bool directory_looks_take_person(Directory *directory, DirectoryPage *page)
{
    DirectoryLooks *looks = &directory->looks;
    const char *base = directory->settings->directory_url;
    char *url = NULL;

    if (page->people[0].state != DIRECTORY_ENABLED) {
        directory_away_add(directory, page->people[0].id);
        finish(looks);
        return false;
    }
    looks->person = page->people[0];
    page->people[0] = (DirectoryPerson){0};
    int r = directory->kind->person_groups_url(base, looks->person.id, &url);
    directory_ask_for(directory, directory_made(r, url));
    return true;
}

static int add_to_roll(Directory *directory, char *const *ids)
{
    int r = 0;

    for (; r >= 0 && ids && *ids; ids++) {
        const DirectoryGroup *group = directory_groups_find(&directory->groups, *ids);
        if (group)
            r = directory_roll_add_person(&directory->roll, &directory->looks.person,
                                          group->section);
    }
    return r;
}

bool directory_looks_take_groups(Directory *directory, DirectoryPage *page)
{
    DirectoryLooks *looks = &directory->looks;
    int r = add_to_roll(directory, page->groups);

    if (r >= 0 && page->next) {
        directory_ask_for(directory, TAKE_PTR(page->next));
        return true;
    }
    if (r >= 0)
        r = directory_roll_add_person(&directory->roll, &looks->person, ROLL_WHOLE);
    if (r < 0) {
        directory_give_up(directory, true, "out of memory");
        return true;
    }
    finish(looks);
    return false;
}

bool directory_looks_any_done(const Directory *directory)
{
    for (size_t i = 0; i < directory->looks.count; i++)
        if (directory->looks.looks[i].is_done)
            return true;
    return false;
}

void directory_looks_applied(Directory *directory)
{
    DirectoryLooks *looks = &directory->looks;
    size_t kept = 0;

    for (size_t i = 0; i < looks->count; i++) {
        DirectoryLook *look = &looks->looks[i];
        if (!look->is_done) {
            looks->looks[kept++] = *look;
            continue;
        }
        if (look->account)
            look->account->is_doubtful = false;
        free(look->key);
    }
    looks->count = kept;
}

/* --- members without an account --------------------------------------------------------------- */

bool directory_is_away(const Directory *directory, const char *id)
{
    return directory->away && text_list_contains(directory->away, id);
}

void directory_away_add(Directory *directory, const char *id)
{
    if (!directory_is_away(directory, id) && text_list_count(directory->away) < DIRECTORY_AWAY_MAX)
        (void)text_list_add(&directory->away, id);
}
