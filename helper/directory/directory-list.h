/*
 * A list under way: the pages of one [group], and of the groups inside it where the directory does
 * not resolve them. Pure: pages in, verdict out.
 *
 * Pages are counted from the front (SCIM's startIndex), so who leaves the front while it is read
 * pushes somebody past the reader: a list whose length changed in between is not believed, and none
 * whose page does not begin, as it should, with the last entry of the page before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "helper/directory/directory-page.h"

/* A positive result: the list changed while it was read; nothing is wrong with it. */
#define DIRECTORY_LIST_E_CHANGED 1

typedef struct DirectoryList {
    unsigned pages;
    bool has_total;
    size_t total, promised, seen; /* of the present group */
    char *last; /* id of the last entry of the page before; NULL: there is none */
    char **inner; /* the groups of this list, each once; those before `at` have been asked for */
    size_t at;
} DirectoryList;

/* Begins a list anew. `group_id` may be NULL. Returns 0, -ENOMEM. */
int directory_list_begin(DirectoryList *list, const char *group_id);

/* Takes a page into account. Returns 0, DIRECTORY_LIST_E_CHANGED, -EBADMSG with a static
 * *ret_reason, -ENOMEM. */
int directory_list_take(DirectoryList *list, const DirectoryPage *page, const char **ret_reason);

/* The next group to ask for, once the last page of one is read; NULL: the list is whole. */
const char *directory_list_next(DirectoryList *list);

void directory_list_clear(DirectoryList *list);
