/*
 * The window over the latest accounts that evidence spoke against. See hold.h.
 *
 * Held evidence counts like evidence that moved: while a provider goes on refusing everybody, the
 * window stays full and nobody else is cut, three a minute, by its sliding on.
 */
#include "helper/revocation/hold.h"

#include "common/cleanup.h"

static struct HoldEntry *hold_slot(Hold *hold, uint32_t uid)
{
    struct HoldEntry *oldest = &hold->recent[0];

    for (unsigned i = 0; i < ELEMENTSOF(hold->recent); i++) {
        struct HoldEntry *entry = &hold->recent[i];

        if (entry->usec != 0 && entry->uid == uid)
            return entry;
        if (entry->usec < oldest->usec)
            oldest = entry;
    }
    return oldest;
}

bool hold_note(Hold *hold, uint32_t uid, uint64_t now_usec)
{
    unsigned within = 0;

    *hold_slot(hold, uid) = (struct HoldEntry){.uid = uid, .usec = now_usec};
    for (unsigned i = 0; i < ELEMENTSOF(hold->recent); i++) {
        const struct HoldEntry *entry = &hold->recent[i];

        if (entry->usec != 0 && now_usec - entry->usec <= HOLD_WINDOW_USEC)
            within++;
    }
    return within > HOLD_ACCOUNTS;
}
