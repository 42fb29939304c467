/*
 * How often somebody may ask for what costs: each time makes a line of the log, or a request to the
 * provider. A ring of the last times, of all who ask.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASK_LIMIT_RING 256u

typedef struct AskLimit {
    struct {
        uint32_t uid;
        uint64_t usec; /* CLOCK_BOOTTIME; 0: unused */
    } asked[ASK_LIMIT_RING];
    size_t next;
} AskLimit;

/* Counts that `uid` asks at `now_usec` (CLOCK_BOOTTIME). False: `max` times within a minute were
 * enough. What is refused does not count, so nobody pushes others out of the ring. */
bool ask_limit_take(AskLimit *limit, uint32_t uid, unsigned max, uint64_t now_usec);
