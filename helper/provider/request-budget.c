/*
 * The request budget. See request-budget.h.
 */
#include "helper/provider/request-budget.h"

#include <stdbool.h>

#define MINUTE_USEC  UINT64_C(60000000)
#define REQUEST_COST (2 * MINUTE_USEC) /* each half gains per_minute in a microsecond */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Whole requests. A budget of a single one has no half to leave: whoever comes first has it. */
static uint64_t room(const RequestBudget *budget, RequestClass class)
{
    uint64_t logins = budget->per_minute > 1 ? budget->per_minute / 2 : 1;

    return (class == REQUEST_LOGIN ? logins : budget->per_minute - logins) * REQUEST_COST;
}

void request_budget_start(RequestBudget *budget, unsigned per_minute, uint64_t now_usec)
{
    *budget = (RequestBudget){.per_minute = per_minute, .updated_usec = now_usec};
    if (per_minute == 0)
        return;
    for (unsigned class = 0; class < _REQUEST_CLASS_COUNT; class ++)
        budget->credit[class] = room(budget, (RequestClass) class);
}

/* Returns what there was no room for. */
static uint64_t add(RequestBudget *budget, RequestClass class, uint64_t credit)
{
    uint64_t taken = smaller(credit, room(budget, class) - budget->credit[class]);

    budget->credit[class] += taken;
    return credit - taken;
}

static void refill(RequestBudget *budget, uint64_t now_usec)
{
    uint64_t elapsed = now_usec > budget->updated_usec ? now_usec - budget->updated_usec : 0;
    uint64_t each = smaller(elapsed, MINUTE_USEC) * budget->per_minute;

    budget->updated_usec = now_usec;
    uint64_t left = add(budget, REQUEST_REFRESH, each);
    left = add(budget, REQUEST_LOGIN, each + left);
    (void)add(budget, REQUEST_REFRESH, left);
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

/* Until the class alone has enough: at its own pace till the other is full, then at both. */
static uint64_t wait_for(const RequestBudget *budget, RequestClass class)
{
    RequestClass other = class == REQUEST_LOGIN ? REQUEST_REFRESH : REQUEST_LOGIN;
    uint64_t needed = REQUEST_COST - budget->credit[class];
    uint64_t others_room = room(budget, other) - budget->credit[other];

    if (needed <= others_room)
        return divide_up(needed, budget->per_minute);
    return divide_up(needed + others_room, 2 * budget->per_minute);
}

static bool take_of(RequestBudget *budget, RequestClass class)
{
    if (budget->credit[class] < REQUEST_COST)
        return false;
    budget->credit[class] -= REQUEST_COST;
    return true;
}

/* From both together. */
static uint64_t take_of_all(RequestBudget *budget)
{
    uint64_t own = smaller(budget->credit[REQUEST_REFRESH], REQUEST_COST);
    uint64_t others = REQUEST_COST - own;

    if (budget->credit[REQUEST_LOGIN] < others)
        return divide_up(others - budget->credit[REQUEST_LOGIN], 2 * budget->per_minute);
    budget->credit[REQUEST_REFRESH] -= own;
    budget->credit[REQUEST_LOGIN] -= others;
    return 0;
}

uint64_t request_budget_take(RequestBudget *budget, RequestClass class, uint64_t now_usec)
{
    if (budget->per_minute == 0)
        return 0;
    refill(budget, now_usec);
    bool logins_are_idle = now_usec >= budget->logins_until_usec;
    if (class == REQUEST_REFRESH && (logins_are_idle || room(budget, class) == 0))
        return take_of_all(budget);
    if (class == REQUEST_LOGIN)
        budget->logins_until_usec =
            now_usec < UINT64_MAX - MINUTE_USEC ? now_usec + MINUTE_USEC : UINT64_MAX;
    return take_of(budget, class) ? 0 : wait_for(budget, class);
}
