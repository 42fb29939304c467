/*
 * People who signed in while the provider could not be reached are checked the moment it can be.
 *
 * Their accounts are asked about every few seconds instead of every RefreshCheckSec; however many
 * they are, together they cost the provider no more than one of them would. The first that it
 * answers about brings all others forward. Which sessions these are is read from the sessions
 * themselves, so it holds over restarts.
 */
#include <string.h>

#include "helper/revocation/refresh-job.h"
#include "helper/session/sessions.h"

#define OFFLINE_CHECK_USEC (5 * USEC_PER_SEC)

/* Signed in offline, and nobody has vouched for the account since. */
static bool is_unconfirmed_since(const SessionRow *row, const Account *account)
{
    return strstr(row->method, "offline") && strcmp(row->user, account->name) == 0 &&
           row->signed_in.wall_usec > account->confirmed.wall_usec;
}

bool refresh_job_is_offline(const RefreshJob *job)
{
    Sessions *sessions = job->refresher->manager->sessions;
    const SessionRow *row;
    size_t iterator = 0;

    if (!sessions || job->account->session_count == 0)
        return false;
    while ((row = sessions_next(sessions, &iterator)))
        if (is_unconfirmed_since(row, job->account))
            return true;
    return false;
}

static bool has_same_provider(const RefreshJob *a, const RefreshJob *b)
{
    return strcmp(a->account->provider, b->account->provider) == 0;
}

uint64_t refresh_offline_interval_usec(const RefreshJob *job, uint64_t interval_usec)
{
    uint64_t count = 0;

    if (!refresh_job_is_offline(job))
        return interval_usec;
    for (const RefreshJob *each = job->refresher->jobs; each; each = each->next)
        count += has_same_provider(job, each) && refresh_job_is_offline(each);
    uint64_t usec = count * OFFLINE_CHECK_USEC;
    return usec < interval_usec ? usec : interval_usec;
}

void refresh_offline_answered(RefreshJob *job, const Evidence *evidence)
{
    uint64_t now = refresher_boot_usec(job->refresher);

    if (evidence->reach != REACH_ANSWERED || evidence->meaning == EVIDENCE_LATER ||
        !refresh_job_is_offline(job))
        return;
    for (RefreshJob *each = job->refresher->jobs; each; each = each->next)
        if (each != job && each->due_usec > now && has_same_provider(job, each) &&
            refresh_job_is_offline(each))
            each->due_usec = now;
}
