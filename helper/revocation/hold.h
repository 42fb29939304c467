/*
 * Holds back token evidence that speaks against many accounts at once (design §5).
 *
 * More likely than four people leaving within a minute is a provider that lost its sessions. An
 * explicit code that names the account's state never comes by here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HOLD_ACCOUNTS    3u
#define HOLD_WINDOW_USEC (60u * UINT64_C(1000000))

typedef struct Hold {
    struct HoldEntry {
        uint32_t uid;
        uint64_t usec;           /* 0 = unused */
    } recent[HOLD_ACCOUNTS + 1]; /* the latest accounts, each once */
} Hold;

/* Notes evidence against an account at `now_usec` (CLOCK_BOOTTIME). True when it is the evidence
 * against more than HOLD_ACCOUNTS accounts within the window, so that this one is held. */
bool hold_note(Hold *hold, uint32_t uid, uint64_t now_usec);
