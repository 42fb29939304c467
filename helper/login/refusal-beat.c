/*
 * The beat that refusals are told on. See refusal-beat.h.
 */
#include "helper/login/refusal-beat.h"

/* The end of the beat in which something that took so long came. */
static uint64_t beat_end(uint64_t took_usec)
{
    return (took_usec / REFUSAL_BEAT_USEC + 1) * REFUSAL_BEAT_USEC;
}

static uint64_t time_since(uint64_t then_usec, uint64_t now_usec)
{
    return now_usec > then_usec ? now_usec - then_usec : 0;
}

void refusal_beat_note(RefusalBeat *beat, uint64_t took_usec, uint64_t now_usec)
{
    if (beat_end(took_usec) < beat_end(beat->slowest_usec) &&
        time_since(beat->noted_usec, now_usec) < REFUSAL_REMEMBERED_USEC)
        return;
    *beat = (RefusalBeat){.slowest_usec = took_usec, .noted_usec = now_usec};
}

uint64_t refusal_beat_next(const RefusalBeat *beat, uint64_t answered_usec, uint64_t now_usec)
{
    uint64_t own = beat_end(time_since(answered_usec, now_usec));
    uint64_t usual = beat_end(beat->slowest_usec);

    if (usual > REFUSAL_WAITS_MAX_USEC)
        usual = REFUSAL_WAITS_MAX_USEC;
    return answered_usec + (own > usual ? own : usual);
}
