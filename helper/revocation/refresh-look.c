/*
 * What runs on behind closed sessions.
 *
 * A program left behind by nohup ends with the account as well, so its account is polled on for as
 * long as the enforcer finds something; each poll of an account without sessions begins by asking.
 */
#include <errno.h>
#include <stdlib.h>

#include "helper/revocation/refresh-job.h"

#define SURVEY_STEP_USEC  (50 * USEC_PER_MSEC)
#define SURVEY_FIRST_USEC (2 * USEC_PER_SEC)

/* A question to the enforcer. It cannot be taken back, so it outlives its job if it must. */
struct RefreshLook {
    RefreshJob *job; /* NULL: it is gone */
};

static void on_looked(int result, const EnforcerEndReply *reply, void *userdata)
{
    _cleanup_free_ RefreshLook *look = userdata;
    RefreshJob *job = look->job;

    if (!job)
        return;
    job->look = NULL;
    job->is_running = result >= 0 && (reply->found > 0 || reply->left > 0);
    if (result >= 0 && !job->is_running && job->account->session_count == 0)
        job->due_usec = 0; /* the next session begins it anew */
    else if (result < 0)
        job->due_usec = refresher_boot_usec(job->refresher) + refresh_job_interval_usec(job);
    refresher_pump(job->refresher);
}

void refresh_job_look(RefreshJob *job)
{
    RefreshLook *look = calloc(1, sizeof(*look));

    job->due_usec = refresher_boot_usec(job->refresher) + refresh_job_interval_usec(job);
    if (!look)
        return;
    look->job = job;
    if (enforcer_end(job->refresher->manager->enforcer, job->account->uid, ENFORCER_LOOK, on_looked,
                     look) < 0) {
        free(look);
        return;
    }
    job->look = look;
    job->due_usec = refresher_boot_usec(job->refresher);
}

void refresh_look_forget(RefreshLook *look)
{
    if (look)
        look->job = NULL;
}

int refresh_survey(Refresher *refresher)
{
    uint64_t due = refresher_boot_usec(refresher) + SURVEY_FIRST_USEC;
    size_t iterator = 0;
    Account *account;

    while ((account = accounts_next(refresher->manager->accounts, &iterator))) {
        RefreshJob *job;

        if (account->state != ACCOUNT_ACTIVE || !stamp_is_set(&account->confirmed))
            continue;
        job = refresh_job(refresher, account);
        if (!job)
            return -ENOMEM;
        job->due_usec = due;
        due += SURVEY_STEP_USEC;
    }
    return 0;
}
