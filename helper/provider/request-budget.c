/*
 * The request budget. See request-budget.h.
 */
#include "helper/provider/request-budget.h"

#define REQUEST_COST UINT64_C(60000000)

void request_budget_start(RequestBudget *budget, unsigned per_minute, uint64_t now_usec)
{
    *budget = (RequestBudget){
        .per_minute = per_minute,
        .credit = per_minute * REQUEST_COST,
        .updated_usec = now_usec,
    };
}

static void refill(RequestBudget *budget, uint64_t now_usec)
{
    uint64_t full = budget->per_minute * REQUEST_COST;
    uint64_t elapsed = now_usec > budget->updated_usec ? now_usec - budget->updated_usec : 0;

    budget->updated_usec = now_usec;
    if (elapsed >= REQUEST_COST || full - budget->credit <= elapsed * budget->per_minute)
        budget->credit = full; /* a minute fills it from empty */
    else
        budget->credit += elapsed * budget->per_minute;
}

/* What must be in the bucket for a request of that class. A login leaves one half, but a budget of
 * a single request a minute has no half to leave. */
static uint64_t threshold(const RequestBudget *budget, RequestClass class)
{
    uint64_t full = budget->per_minute * REQUEST_COST;
    uint64_t needed = class == REQUEST_LOGIN ? full / 2 + REQUEST_COST : REQUEST_COST;

    return needed < full ? needed : full;
}

uint64_t request_budget_take(RequestBudget *budget, RequestClass class, uint64_t now_usec)
{
    if (budget->per_minute == 0)
        return 0;
    refill(budget, now_usec);
    uint64_t needed = threshold(budget, class);
    if (budget->credit < needed)
        return (needed - budget->credit + budget->per_minute - 1) / budget->per_minute;
    budget->credit -= REQUEST_COST;
    return 0;
}
