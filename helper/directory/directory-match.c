/*
 * Matching by what people share less often than names. See directory-match.h.
 */
#include "helper/directory/directory-match.h"

#include <string.h>

#include "common/cleanup.h"
#include "helper/base/text-list.h"

typedef struct Criterion {
    const char *word; /* of MatchBy= */
    const char *(*of_account)(const Account *account);
    const char *(*of_person)(const DirectoryPerson *person);
    const char *how, *many_people, *many_accounts;
} Criterion;

static const char *account_email(const Account *account)
{
    return account->directory_name;
}

static const char *account_phone(const Account *account)
{
    return account->phone;
}

static const char *person_email(const DirectoryPerson *person)
{
    return person->email;
}

static const char *person_phone(const DirectoryPerson *person)
{
    return person->phone;
}

/* In the order in which they are tried. */
static const Criterion criteria[] = {
    {"email", account_email, person_email, "by its e-mail address",
     "several people of the directory have its e-mail address",
     "several accounts here have its e-mail address"},
    {"phone", account_phone, person_phone, "by its telephone number",
     "several people of the directory have its telephone number",
     "several accounts here have its telephone number"},
};

/* Then welcome() binds it: the name is what the administrator said. */
static bool has_name_in_roll(const Directory *directory, const Account *account)
{
    RollPerson person;
    size_t iterator = 0;

    while (directory_roll_next(&directory->roll, &iterator, &person)) {
        const char *name = person.entries[0].person.name;
        if (name && strcmp(name, account->directory_name) == 0)
            return true;
    }
    return false;
}

/* How many people have it, whatever their state: two are one too many, also when one of them is
 * disabled or has an account already. *ret_person is the last of them. */
static size_t count_people(const Directory *directory, const Criterion *by, const char *wanted,
                           RollPerson *ret_person)
{
    RollPerson person;
    size_t iterator = 0, count = 0;

    while (directory_roll_next(&directory->roll, &iterator, &person)) {
        const char *found = by->of_person(&person.entries[0].person);
        if (!found || strcmp(found, wanted) != 0)
            continue;
        *ret_person = person;
        count++;
    }
    return count;
}

/* A person's own account and local ones tied to them have one directory name. */
static bool is_shared(const Directory *directory, const Criterion *by, const Account *account)
{
    size_t iterator = 0;
    const Account *other;

    while ((other = accounts_next(directory->manager->accounts, &iterator)))
        if (directory_is_waiting(directory, other) &&
            strcmp(by->of_account(other), by->of_account(account)) == 0 &&
            strcmp(other->directory_name, account->directory_name) != 0)
            return true;
    return false;
}

/* True when the criterion has spoken: what comes behind it is not tried. */
static bool match_by(Directory *directory, const Criterion *by, Account *account)
{
    const char *wanted = by->of_account(account);
    RollPerson person = {0};
    size_t count = *wanted ? count_people(directory, by, wanted, &person) : 0;

    if (count == 0)
        return false;
    if (count > 1)
        directory_refuse(directory, account->directory_name, by->many_people);
    else if (is_shared(directory, by, account))
        directory_refuse(directory, account->directory_name, by->many_accounts);
    else if (person.state == DIRECTORY_ENABLED)
        directory_bind(directory, account, &person, by->how);
    return true;
}

void directory_match(Directory *directory, Account *account)
{
    char *const *allowed = directory->settings->match_by;

    if (text_list_count(allowed) == 0 || !directory_is_waiting(directory, account) ||
        has_name_in_roll(directory, account))
        return;
    for (size_t i = 0; i < ELEMENTSOF(criteria); i++)
        if (text_list_contains(allowed, criteria[i].word) &&
            match_by(directory, &criteria[i], account))
            return;
}

static bool awaits(const Directory *directory, const Account *account,
                   const DirectoryPerson *person)
{
    for (size_t i = 0; i < ELEMENTSOF(criteria); i++) {
        const char *wanted = criteria[i].of_account(account);
        const char *found = criteria[i].of_person(person);
        if (text_list_contains(directory->settings->match_by, criteria[i].word) && found &&
            *wanted && strcmp(found, wanted) == 0)
            return true;
    }
    return false;
}

bool directory_match_awaits(Directory *directory, const DirectoryPerson *person)
{
    size_t iterator = 0;
    bool found = false;
    Account *account;

    if (text_list_count(directory->settings->match_by) == 0)
        return false;
    while ((account = accounts_next(directory->manager->accounts, &iterator)))
        if (directory_is_waiting(directory, account) && awaits(directory, account, person))
            found = account->is_doubtful = true;
    return found;
}
