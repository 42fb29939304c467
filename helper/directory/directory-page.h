/*
 * What one answer of a directory holds: people, and the addresses of what follows.
 *
 * The same for all kinds of directory; how each writes it is the business of its own parser
 * (graph-page.h).
 */
#pragma once

#include <stddef.h>
#include "common/cleanup.h"
#include "helper/provider/evidence-table.h"

typedef enum DirectoryState {
    DIRECTORY_UNSAID = 0, /* the answer does not say: proves nothing */
    DIRECTORY_ENABLED,
    DIRECTORY_DISABLED,
    DIRECTORY_REMOVED,
    _DIRECTORY_STATE_COUNT,
} DirectoryState;

/* What the evidence table reads from an attribute of a person; a value without a row says nothing. */
DirectoryState directory_state(EvidenceSource source, const char *attribute, const char *value);

typedef struct DirectoryPerson {
    char *id;        /* immutable, as the directory writes it, in lower case */
    char *name;      /* alice@rcpch.ac.uk, folded to lower case; NULL: not said, or no name */
    char *full_name; /* harmless text; NULL: not said */
    DirectoryState state;
} DirectoryPerson;

typedef struct DirectoryPage {
    DirectoryPerson *people;
    size_t count;
    char *next; /* where the next page is; NULL: this is the last */
    char *link; /* where later changes are; only on the last page of changes */
} DirectoryPage;

void directory_person_clear(DirectoryPerson *person);
DirectoryPage *directory_page_free(DirectoryPage *page);
DEFINE_CLEANUP(DirectoryPage *, directory_page_free)
