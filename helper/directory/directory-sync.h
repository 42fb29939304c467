/*
 * What a round of the directory means (design §4, §5): pure functions, tested by table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "helper/directory/directory-page.h"
#include "helper/provider/evidence.h"

/* What the directory's word about a person proves. "disabled" and "removed" name the account's
 * state and are never held; what it does not say proves nothing: false. */
bool directory_sync_evidence(DirectoryState state, Evidence *ret_evidence);

/* How a round would change the accounts of this host. */
typedef struct SyncCount {
    size_t members; /* accounts that are in a group now */
    size_t losing;  /* of these, those that would lose a group */
    size_t emptied; /* of these, those that would lose their last */
} SyncCount;

/* More than max(5, 20 %) at once, or everybody (of two or more): the answer is more likely wrong
 * than true, and nobody's groups are changed by it. */
bool directory_sync_must_hold(const SyncCount *count);

/* How many people of `of` may be gone at once: max(5, 20 %). */
size_t directory_sync_limit(size_t of);

/* Does "not found" about `missing` people of `asked` mean that they are gone? Only where the same
 * directory knows somebody else of this host: else it is more likely another tenant's. */
bool directory_sync_believes_missing(size_t asked, size_t missing, bool knows_somebody);
