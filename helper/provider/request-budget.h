/*
 * How many requests a provider gets from this host: a bucket that fills steadily, one half of which
 * only refreshes may use, so that strangers knocking at the login cannot delay the check whether
 * somebody was disabled (design §5).
 */
#pragma once

#include <stdint.h>

typedef enum RequestClass {
    REQUEST_REFRESH = 0,
    REQUEST_LOGIN = 1,
    _REQUEST_CLASS_COUNT,
} RequestClass;

typedef struct RequestBudget {
    uint64_t per_minute; /* 0: no limit */
    uint64_t credit;     /* one request costs 60,000,000; each microsecond adds per_minute */
    uint64_t updated_usec;
} RequestBudget;

/* Starts full at `now_usec` (a monotonic clock). */
void request_budget_start(RequestBudget *budget, unsigned per_minute, uint64_t now_usec);

/* Takes one request of that class. Returns 0 when taken, else the microseconds until it may be
 * asked again. */
uint64_t request_budget_take(RequestBudget *budget, RequestClass class, uint64_t now_usec);
