/*
 * Time as a parameter. Decisions take a Stamp and never ask the system themselves.
 *
 * An age is taken on CLOCK_BOOTTIME when both stamps are of one boot, and on the wall clock; the
 * larger counts, and a negative one means stale (design §5): a clock set back never makes old
 * evidence young.
 */
#pragma once

#include <stdint.h>
#include <stdbool.h>

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)
#define AGE_STALE     UINT64_MAX

typedef struct Stamp {
    uint64_t wall_usec; /* CLOCK_REALTIME, microseconds since the epoch; 0 = never */
    uint64_t boot_usec; /* CLOCK_BOOTTIME, microseconds */
    uint8_t boot_id[16];
} Stamp;

/* The present. Reads /proc/sys/kernel/random/boot_id once per process. */
Stamp stamp_now(void);

/* What `now` was so long ago. Before this boot the wall clock alone tells. */
Stamp stamp_ago(const Stamp *now, uint64_t usec);

bool stamp_is_set(const Stamp *stamp);

/* Age of `then` at `now` in microseconds; AGE_STALE when never, or when a clock says the future. */
uint64_t stamp_age_usec(const Stamp *then, const Stamp *now);
