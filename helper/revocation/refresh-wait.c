/*
 * Those who wait for an answer about an account: one request serves all of them.
 *
 * Each has a deadline of its own. When that passes first, no answer is the answer, and the
 * request goes on: what comes late still counts for the verdict.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/revocation/refresh-job.h"
#include "helper/revocation/revocation.h"

struct RefreshWait {
    RefreshJob *job;
    sd_event_source *timer;
    RefresherHandler handler;
    void *userdata;
    bool is_due; /* the answer is there, and is being told */
    struct RefreshWait *next;
};

RefreshWait *refresher_wait_cancel(RefreshWait *wait)
{
    RefreshWait **link;

    if (!wait)
        return NULL;
    link = &wait->job->waits;
    while (*link && *link != wait)
        link = &(*link)->next;
    if (*link)
        *link = wait->next;
    sd_event_source_disable_unref(wait->timer);
    free(wait);
    return NULL;
}

static void wait_answer(RefreshWait *wait, const Evidence *evidence)
{
    Account *account = wait->job->account;
    RefresherHandler handler = wait->handler;
    void *userdata = wait->userdata;

    refresher_wait_cancel(wait);
    handler(account, evidence, userdata);
}

static RefreshWait *next_due(const RefreshJob *job)
{
    for (RefreshWait *wait = job->waits; wait; wait = wait->next)
        if (wait->is_due)
            return wait;
    return NULL;
}

/* The verdict first, then all who have asked so far. A handler may ask again or cancel others. */
void refresh_job_conclude(RefreshJob *job, const Evidence *evidence, bool is_in_force)
{
    const char *source = job->waits ? "check" : "refresh";
    RefreshWait *wait;

    job->is_wanted = false;
    job->last = *evidence;
    job->answered_usec = refresher_boot_usec(job->refresher);
    if (!is_in_force)
        revocation_evidence(job->refresher->manager->revocation, job->account, source, evidence);
    for (wait = job->waits; wait; wait = wait->next)
        wait->is_due = true;
    while ((wait = next_due(job)))
        wait_answer(wait, evidence);
}

void refresh_neutral(Evidence *evidence, EvidenceMeaning meaning, const char *code)
{
    *evidence = (Evidence){.meaning = meaning, .reach = REACH_NONE};
    snprintf(evidence->code, sizeof(evidence->code), "%s", code);
}

static int on_wait_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    RefreshWait *wait = userdata;
    Manager *manager = wait->job->refresher->manager;
    Evidence evidence;

    refresh_neutral(&evidence, EVIDENCE_LATER, "no answer in time");
    revocation_evidence(manager->revocation, wait->job->account, "check", &evidence);
    wait_answer(wait, &evidence);
    return 0;
}

void refresh_job_repeat(RefreshJob *job)
{
    uint64_t answered = job->answered_usec;
    Evidence evidence;

    refresh_neutral(&evidence, EVIDENCE_LATER, job->last.code);
    evidence.reach = job->last.reach;
    refresh_job_conclude(job, &evidence, false);
    job->answered_usec = answered;
}

int refresher_check(Refresher *refresher, Account *account, uint64_t timeout,
                    RefresherHandler handler, void *userdata, RefreshWait **ret_wait)
{
    RefreshJob *job = refresh_job(refresher, account);
    RefreshWait *wait;
    int r;

    if (!job)
        return -ENOMEM;
    wait = calloc(1, sizeof(*wait));
    if (!wait)
        return -ENOMEM;
    r = sd_event_add_time_relative(refresher->manager->event, &wait->timer, CLOCK_BOOTTIME, timeout,
                                   USEC_PER_MSEC, on_wait_over, wait);
    if (r < 0) {
        free(wait);
        return r;
    }
    wait->job = job;
    wait->handler = handler;
    wait->userdata = userdata;
    wait->next = job->waits;
    job->waits = wait;
    if (!refresh_job_is_busy(job)) {
        job->is_wanted = true;
        refresher_pump(refresher);
    }
    if (ret_wait)
        *ret_wait = wait;
    return 0;
}
