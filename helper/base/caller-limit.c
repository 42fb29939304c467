/*
 * The limit of a user's calls. See caller-limit.h.
 */
#include "helper/base/caller-limit.h"

#include <stddef.h>

#include "common/cleanup.h"

static size_t find(const CallerLimit *limit, uint32_t uid, uint64_t now_usec)
{
    size_t free_row = CALLERS_MAX;

    for (size_t i = 0; i < CALLERS_MAX; i++) {
        if (limit->rows[i].due_usec <= now_usec)
            free_row = i;
        else if (limit->rows[i].uid == uid)
            return i;
    }
    return free_row;
}

bool caller_limit_take(CallerLimit *limit, const CallerRate *rate, uint32_t uid, uint64_t now_usec)
{
    size_t i = find(limit, uid, now_usec);

    if (i == CALLERS_MAX)
        return false;
    uint64_t due = limit->rows[i].due_usec > now_usec ? limit->rows[i].due_usec : now_usec;
    if (due - now_usec > (rate->burst - 1) * rate->interval_usec)
        return false;
    limit->rows[i].uid = uid;
    limit->rows[i].due_usec = due + rate->interval_usec;
    return true;
}
