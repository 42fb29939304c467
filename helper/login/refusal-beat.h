/*
 * When a refusal is told: on a beat after the last answer, so that its time says nothing of the
 * cause. Pure; all times are CLOCK_BOOTTIME in microseconds.
 *
 * What takes longer than a beat, a slow provider, would tell itself: refusals for which nobody was
 * asked come early. So all of them wait as long as the slowest answer of late took, within a bound:
 * who has many wrong passwords queue for the provider makes nobody else wait for minutes.
 */
#pragma once

#include <stdint.h>

#define REFUSAL_BEAT_USEC       UINT64_C(2000000)
#define REFUSAL_REMEMBERED_USEC (60 * UINT64_C(60000000))
#define REFUSAL_WAITS_MAX_USEC  (5 * REFUSAL_BEAT_USEC) /* for what others took */

/* All zero: nothing was slow yet. */
typedef struct RefusalBeat {
    uint64_t slowest_usec; /* answers of late took so long at most */
    uint64_t noted_usec;   /* when one last did */
} RefusalBeat;

/* An answer was judged so long after it was given. A slower one is forgotten only for a faster one
 * that comes an hour later: a quiet host keeps it. */
void refusal_beat_note(RefusalBeat *beat, uint64_t took_usec, uint64_t now_usec);

/* When the refusal of an answer given at that time, and decided now, is told; later than now. */
uint64_t refusal_beat_next(const RefusalBeat *beat, uint64_t answered_usec, uint64_t now_usec);
