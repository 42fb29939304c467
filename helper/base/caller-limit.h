/*
 * How often a user of this host may ask for something that costs: so many at once, and one more
 * for each interval that passes. The clock is a parameter. A table of a fixed size; when as many
 * users as it holds have asked a moment ago, nobody else may.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/limits.h"

typedef struct CallerRate {
    unsigned burst;         /* at once */
    uint64_t interval_usec; /* until one more may ask */
} CallerRate;

/* One table for each rate. */
typedef struct CallerLimit {
    struct {
        uint32_t uid;
        uint64_t due_usec; /* when all that was asked would have been paid for; 0: free */
    } rows[CALLERS_MAX];
} CallerLimit;

/* False when this one is too many; it is not counted then. `now_usec` is CLOCK_BOOTTIME. */
bool caller_limit_take(CallerLimit *limit, const CallerRate *rate, uint32_t uid,
                       uint64_t now_usec);
