/*
 * How many requests a provider gets from this host: two buckets that fill steadily, one for what
 * checks whether somebody was disabled, one for logins, so that strangers knocking cannot delay the
 * checks (design §5), and a directory with thousands of people to tell delays no login.
 *
 * What one of them has no room for goes to the other. Checks take what logins do not want.
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
    uint64_t credit[_REQUEST_CLASS_COUNT]; /* each microsecond adds per_minute to either */
    uint64_t updated_usec;
    uint64_t logins_until_usec; /* till then their half is left to them */
} RequestBudget;

/* Starts full at `now_usec` (a monotonic clock). */
void request_budget_start(RequestBudget *budget, unsigned per_minute, uint64_t now_usec);

/* Takes one request of that class. Returns 0 when taken, else the microseconds until it may be
 * asked again. */
uint64_t request_budget_take(RequestBudget *budget, RequestClass class, uint64_t now_usec);
