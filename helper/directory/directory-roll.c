/*
 * The roll. See directory-roll.h.
 */
#include "helper/directory/directory-roll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

static int reserve(DirectoryRoll *roll, size_t more)
{
    size_t capacity = roll->capacity ? roll->capacity : 64;

    if (more > DIRECTORY_ROLL_MAX - roll->count)
        return -E2BIG;
    while (capacity < roll->count + more)
        capacity *= 2;
    if (capacity == roll->capacity)
        return 0;
    RollEntry *entries = reallocarray(roll->entries, capacity, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    roll->entries = entries;
    roll->capacity = capacity;
    return 0;
}

int directory_roll_add(DirectoryRoll *roll, DirectoryPage *page, unsigned group)
{
    int r = reserve(roll, page->count);

    if (r < 0)
        return r;
    for (size_t i = 0; i < page->count; i++) {
        roll->entries[roll->count++] = (RollEntry){.person = page->people[i], .group = group};
        page->people[i] = (DirectoryPerson){0};
    }
    page->count = 0;
    return 0;
}

static char *copy_of(const char *text, bool *is_short)
{
    char *copy = text ? strdup(text) : NULL;

    *is_short |= text && !copy;
    return copy;
}

int directory_roll_add_person(DirectoryRoll *roll, const DirectoryPerson *person, unsigned group)
{
    bool is_short = false;
    DirectoryPerson copy = {.state = person->state, .uid = person->uid};
    int r = reserve(roll, 1);

    if (r < 0)
        return r;
    copy.id = copy_of(person->id, &is_short);
    copy.name = copy_of(person->name, &is_short);
    copy.odd_name = copy_of(person->odd_name, &is_short);
    copy.full_name = copy_of(person->full_name, &is_short);
    copy.email = copy_of(person->email, &is_short);
    copy.phone = copy_of(person->phone, &is_short);
    if (is_short) {
        directory_person_clear(&copy);
        return -ENOMEM;
    }
    roll->entries[roll->count++] = (RollEntry){.person = copy, .group = group};
    return 0;
}

bool directory_roll_remove(DirectoryRoll *roll, const char *id)
{
    size_t kept = 0, count = roll->count;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(roll->entries[i].person.id, id) == 0)
            directory_person_clear(&roll->entries[i].person);
        else
            roll->entries[kept++] = roll->entries[i];
    }
    roll->count = kept;
    return kept != count;
}

static int compare_entries(const void *a, const void *b)
{
    const RollEntry *x = a, *y = b;
    int order = strcmp(x->person.id, y->person.id);

    return order != 0 ? order : x->group < y->group ? -1 : x->group > y->group;
}

void directory_roll_close(DirectoryRoll *roll)
{
    if (roll->count > 0)
        qsort(roll->entries, roll->count, sizeof(*roll->entries), compare_entries);
}

void directory_roll_clear(DirectoryRoll *roll)
{
    for (size_t i = 0; i < roll->count; i++)
        directory_person_clear(&roll->entries[i].person);
    free(roll->entries);
    *roll = (DirectoryRoll){0};
}

/* UNSAID, ENABLED, DOUBTED, DISABLED, REMOVED: the enumeration is in the order of gravity. */
static DirectoryState worse(DirectoryState a, DirectoryState b)
{
    return a > b ? a : b;
}

bool directory_roll_next(const DirectoryRoll *roll, size_t *iterator, RollPerson *ret_person)
{
    size_t first = *iterator;

    if (first >= roll->count)
        return false;
    *ret_person = (RollPerson){.entries = &roll->entries[first]};
    while (*iterator < roll->count && strcmp(roll->entries[*iterator].person.id,
                                             roll->entries[first].person.id) == 0) {
        const RollEntry *entry = &roll->entries[(*iterator)++];
        ret_person->state = worse(ret_person->state, entry->person.state);
        ret_person->is_whole |= entry->group == ROLL_WHOLE;
    }
    ret_person->count = *iterator - first;
    return true;
}

bool directory_roll_find(const DirectoryRoll *roll, const char *id, RollPerson *ret_person)
{
    size_t low = 0, high = roll->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(roll->entries[middle].person.id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < roll->count && strcmp(roll->entries[low].person.id, id) == 0 &&
           directory_roll_next(roll, &low, ret_person);
}

bool roll_person_is_in(const RollPerson *person, unsigned group)
{
    for (size_t i = 0; i < person->count; i++)
        if (person->entries[i].group == group)
            return true;
    return false;
}
