/*
 * Ends everything one account runs, through the enforcer (design §5).
 *
 * tell; 100 ms for the text to reach the terminal; then SIGTERM, 2 s, SIGKILL, or SIGKILL at
 * once; and SIGKILL again until the enforcer counts nothing left. One call of the enforcer works
 * at most 100 ms; the repetition and its delays are kept here.
 */
#pragma once

#include <systemd/sd-event.h>
#include "helper/enforcer/enforcer-client.h"

typedef struct Ending Ending;

typedef struct EndingOrder {
    uint32_t uid;
    const char *text; /* for the terminals; NULL: nobody is told. Copied. */
    bool term_first;  /* SIGTERM and 2 s before SIGKILL */
    bool elevated_only; /* only what runs by another's right (ENFORCER_KILL_ELEVATED) */
    uint64_t
        known_usec; /* CLOCK_BOOTTIME when the evidence was known: elapsed_ms counts from here */
} EndingOrder;

#define ENDING_SURVIVORS_SIZE 512

typedef struct EndingResult {
    int error;      /* 0, or why the enforcer refuses to end this account at all */
    uint32_t ended; /* processes that were there and are not any more */
    uint32_t left;
    uint64_t elapsed_ms;
    char survivors[ENDING_SURVIVORS_SIZE]; /* "pid:command pid:command" */
} EndingResult;

typedef struct EndingHandlers {
    /* The first signal was answered for, or the enforcer did not answer: what has been waiting for
     * the cut (storage, log) need not wait any longer. Called at most once, before on_done. */
    void (*on_acted)(int result, void *userdata);
    /* Nothing is left, or the rounds are over. Called once. The ending is over: the pointer is dead
     * after it. */
    void (*on_done)(const EndingResult *result, void *userdata);
    /* For `elevated_only`, before every call: the leaders of the account's sessions. */
    size_t (*list_spared)(int32_t *pids, size_t max, void *userdata);
} EndingHandlers;

/* Starts at once; handlers are called from the loop, never from in here. Returns 0 or a negative
 * errno. While the enforcer cannot be reached the calls are repeated for as long as the ending
 * lives. */
int ending_start(sd_event *event, EnforcerClient *client, const EndingOrder *order,
                 const EndingHandlers *handlers, void *userdata, Ending **ret_ending);

typedef struct EndingTexts {
    char count[16], left[16], elapsed[24];
} EndingTexts;

/* Count, left, time, survivors and error of a RECORD_ENDED; borrowed until it is encoded. */
void ending_fill_record(const EndingResult *result, Record *record, EndingTexts *texts);

/* How far it has come. */
void ending_progress(const Ending *ending, EndingResult *ret_result);

/* Gives up: no handler is called any more and no further signal is asked for. NULL is fine. Returns
 * NULL. */
Ending *ending_cancel(Ending *ending);
