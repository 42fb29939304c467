/*
 * Asking too often. See ask-limit.h.
 */
#include "helper/base/ask-limit.h"

#define MINUTE_USEC UINT64_C(60000000)

bool ask_limit_take(AskLimit *limit, uint32_t uid, unsigned max, uint64_t now_usec)
{
    unsigned count = 0;

    for (size_t i = 0; i < ASK_LIMIT_RING; i++)
        count += limit->asked[i].usec > 0 && limit->asked[i].uid == uid &&
                 now_usec - limit->asked[i].usec < MINUTE_USEC;
    if (count >= max)
        return false;
    limit->asked[limit->next].uid = uid;
    limit->asked[limit->next].usec = now_usec;
    limit->next = (limit->next + 1) % ASK_LIMIT_RING;
    return true;
}
