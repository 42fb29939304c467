/*
 * The roll of one round: who was listed in which group, and whose groups are known without any
 * list. Filled page by page, then closed and read.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include "helper/directory/directory-page.h"

#define ROLL_WHOLE UINT_MAX /* in place of a group: the person's other entries are all there are */

typedef struct RollEntry {
    DirectoryPerson person;
    unsigned group; /* index of the [group] section, or ROLL_WHOLE */
} RollEntry;

typedef struct DirectoryRoll {
    RollEntry *entries; /* once closed: by id, then by group */
    size_t count, capacity;
} DirectoryRoll;

/* One person's entries of a closed roll. */
typedef struct RollPerson {
    const RollEntry *entries;
    size_t count;
    DirectoryState state; /* the worst that was said; ENABLED is worse than UNSAID */
    bool is_whole;
} RollPerson;

/* Takes all people of the page over. Returns 0, -E2BIG beyond DIRECTORY_ROLL_MAX, -ENOMEM. */
int directory_roll_add(DirectoryRoll *roll, DirectoryPage *page, unsigned group);
/* Adds a copy of one person. The same. */
int directory_roll_add_person(DirectoryRoll *roll, const DirectoryPerson *person, unsigned group);
/* Drops all entries of one person, also of a closed roll. True when there were any. */
bool directory_roll_remove(DirectoryRoll *roll, const char *id);
void directory_roll_close(DirectoryRoll *roll);
void directory_roll_clear(DirectoryRoll *roll);

/* False when nobody of that id is listed. */
bool directory_roll_find(const DirectoryRoll *roll, const char *id, RollPerson *ret_person);

/* Goes through a closed roll, one person at a time; start at 0. False at the end. */
bool directory_roll_next(const DirectoryRoll *roll, size_t *iterator, RollPerson *ret_person);

bool roll_person_is_in(const RollPerson *person, unsigned group);
