/*
 * Inside the refresher: what refresher.c (when to ask), refresh-wait.c (who asks), refresh-look.c
 * (does anything run?), refresh-offline.c (who signed in during an outage) and refresh-result.c
 * (what an answer means for tokens and groups) share. Nobody else includes this.
 */
#pragma once

#include "helper/directory/directory-check.h"
#include "helper/manager.h"
#include "helper/revocation/refresher.h"

typedef struct RefreshLook RefreshLook;

typedef struct RefreshJob {
    Refresher *refresher;
    Account *account;
    struct RefreshJob *next;
    ProviderOp *op;        /* the redemption, */
    DirectoryCheck *check; /* or the question to the directory; both NULL: nothing under way */
    const Provider *asked; /* whose flight it is; never followed */
    RefreshWait *waits;
    bool is_wanted;           /* somebody waits, and nothing is under way yet */
    uint64_t due_usec;        /* next by the clock, CLOCK_BOOTTIME; 0 = not polled */
    uint64_t not_before_usec; /* the provider asked to be left alone until then */
    uint64_t started_usec;
    uint64_t answered_usec; /* when `last` came; 0 = never */
    RefreshLook *look;      /* is anything of the account running? being asked */
    bool is_running;        /* the look before this poll found something */
    uint32_t turns;
    Evidence last;

    /* Of the redemption under way. */
    uint32_t token_turn; /* the account's when it began */
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

struct Refresher {
    Manager *manager;
    RefreshJob *jobs;
    struct Flight *flights; /* how much is under way, by provider */
    sd_event_source *pump;
};

uint64_t refresher_boot_usec(const Refresher *refresher);

/* Looks soon, from the loop, which jobs can begin. */
void refresher_pump(Refresher *refresher);

/* The account's job, made when it has none; NULL when out of memory. */
RefreshJob *refresh_job(Refresher *refresher, Account *account);
bool refresh_job_is_busy(const RefreshJob *job);
uint64_t refresh_job_interval_usec(RefreshJob *job);

/* refresh-wait.c: the answer is here, for the verdict and for all who wait. `is_in_force`: the
 * verdict knows it already, the directory has said it. */
void refresh_job_conclude(RefreshJob *job, const Evidence *evidence, bool is_in_force);
/* Tells those who wait what was told last; it proves no more than before. */
void refresh_job_repeat(RefreshJob *job);
/* What this host says itself: nobody was asked, or did not answer in time. */
void refresh_neutral(Evidence *evidence, EvidenceMeaning meaning, const char *code);

/* refresh-look.c: asks the enforcer; the job is due again when something runs. */
void refresh_job_look(RefreshJob *job);
void refresh_look_forget(RefreshLook *look);
/* refresh-offline.c: has its person signed in while the provider could not be reached, and nobody
 * vouched for them since? Then its interval is a short one, and the first answer about one of them
 * (before it is concluded) brings the others forward. */
bool refresh_job_is_offline(const RefreshJob *job);
uint64_t refresh_offline_interval_usec(const RefreshJob *job, uint64_t interval_usec);
void refresh_offline_answered(RefreshJob *job, const Evidence *evidence);
/* At start: has anybody left something running whose session is over? */
int refresh_survey(Refresher *refresher);
