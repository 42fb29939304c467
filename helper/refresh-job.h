/*
 * Inside the refresher: what refresher.c (when to ask) and refresh-result.c (what an answer
 * means for tokens and groups) share. Nobody else includes this.
 */
#pragma once

#include "helper/manager.h"
#include "helper/refresher.h"

typedef struct RefreshJob {
    Refresher *refresher;
    Account *account;
    struct RefreshJob *next;
    ProviderOp *op; /* NULL: nothing under way */
    RefreshWait *waits;
    bool is_wanted;           /* somebody waits, and nothing is under way yet */
    uint64_t due_usec;        /* next by the clock, CLOCK_BOOTTIME; 0 = not polled */
    uint64_t not_before_usec; /* the provider asked to be left alone until then */
    uint64_t started_usec;
    uint64_t answered_usec;   /* when `last` came; 0 = never */
    struct RefreshLook *look; /* is anything of the account running? being asked */
    bool is_running;          /* the look before this poll found something */
    uint32_t turns;
    Evidence last;

    /* Of the redemption under way. */
    Stamp signed_in;    /* the account's last sign-in when it began */
    bool was_redeeming; /* an earlier reply was lost: the token may have been rotated */
    bool lost_reply;    /* the same, known to memory where storage failed */
    bool is_overtaken;  /* somebody signed in meanwhile: the answer speaks of an older token */

    /* Storage failed: memory holds these for the account's present sign-in. */
    Secret *unstored_token;
} RefreshJob;

/* The token to be sent, marked as being redeemed; NULL with 0 when none is kept. */
int refresh_token_take(Manager *manager, RefreshJob *job, Secret **ret_token);

/* Takes over what a reply brought, the new token before anything else, and says what it proves. */
void refresh_result_take(Manager *manager, RefreshJob *job, TokenResult *result,
                         Evidence *ret_evidence);
