/*
 * The meaning of a round. See directory-sync.h.
 */
#include "helper/directory/directory-sync.h"

#include <stdio.h>

#include "common/cleanup.h"

#define ABSENT_LEAST 5u

static const struct {
    EvidenceMeaning meaning;
    const char *code; /* NULL: proves nothing */
} states[_DIRECTORY_STATE_COUNT] = {
    [DIRECTORY_UNSAID] = {EVIDENCE_NEUTRAL, NULL},
    [DIRECTORY_ENABLED] = {EVIDENCE_CONFIRMED, "enabled"},
    [DIRECTORY_DOUBTED] = {EVIDENCE_NEUTRAL, NULL},
    [DIRECTORY_DISABLED] = {EVIDENCE_DISABLED, "disabled"},
    [DIRECTORY_REMOVED] = {EVIDENCE_DISABLED, "removed"},
};

bool directory_sync_evidence(DirectoryState state, Evidence *ret_evidence)
{
    unsigned index = (unsigned)state;

    if (index >= ELEMENTSOF(states) || !states[index].code)
        return false;
    *ret_evidence = (Evidence){.meaning = states[index].meaning, .is_explicit = true};
    snprintf(ret_evidence->code, sizeof(ret_evidence->code), "%s", states[index].code);
    return true;
}

size_t directory_sync_limit(size_t of)
{
    return of / 5 > ABSENT_LEAST ? of / 5 : ABSENT_LEAST;
}

bool directory_sync_must_hold(const SyncCount *count)
{
    bool everybody = count->members >= 2 && count->emptied == count->members;

    return everybody || count->losing > directory_sync_limit(count->members);
}

bool directory_sync_believes_missing(size_t asked, size_t missing, bool knows_somebody)
{
    return knows_somebody && missing <= directory_sync_limit(asked);
}
