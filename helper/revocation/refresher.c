/*
 * Redeems refresh tokens: by the clock for accounts with open sessions, and on demand. Who waits at
 * a login is answered by the directory, where there is one: it is asked for the person by id.
 *
 * One job per account, so that one request serves everybody who asks meanwhile. Jobs start from
 * one place, pump(), oldest first and bounded per provider: a provider that answers slowly makes
 * its own accounts wait and nobody else's. What a reply means for tokens and groups is in
 * refresh-result.c; what it means for the verdict is revocation's.
 */
#include "helper/revocation/refresher.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "helper/directory/directories.h"
#include "helper/manager.h"
#include "helper/revocation/refresh-job.h"
#include "helper/revocation/revocation.h"

#define POLLS_AT_ONCE        48u /* per provider; the rest is for those who wait at a login */
#define CHECKS_AT_ONCE       64u
#define RETRY_AFTER_TURNS    4u /* of RefreshCheckSec; a provider cannot switch the checks off */
#define START_SPREAD_USEC    (2 * USEC_PER_SEC)
#define REPEAT_USEC          USEC_PER_SEC
#define DEFAULT_TIMEOUT_USEC (10 * USEC_PER_SEC)

/* How many requests are under way at a provider. */
typedef struct Flight {
    const Provider *provider;
    unsigned count;
    struct Flight *next;
} Flight;

uint64_t refresher_boot_usec(const Refresher *refresher)
{
    uint64_t now = 0;

    if (sd_event_now(refresher->manager->event, CLOCK_BOOTTIME, &now) < 0)
        return 0;
    return now;
}

static void arm(sd_event_source *source, uint64_t at_usec)
{
    if (sd_event_source_set_time(source, at_usec) >= 0)
        (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void refresher_pump(Refresher *refresher)
{
    arm(refresher->pump, 0);
}

/* A share of `range` that differs from account to account and from time to time. */
static uint64_t spread_usec(RefreshJob *job, uint64_t range)
{
    uint32_t mixed = (job->account->uid + ++job->turns * 40503u) * 2654435761u;

    return range / 1024 * (mixed >> 22);
}

/* RefreshCheckSec (less after an offline sign-in), or up to an eighth less, so that accounts drift
 * apart. Never more: the time to the cut is promised. */
uint64_t refresh_job_interval_usec(RefreshJob *job)
{
    uint64_t interval = refresh_offline_interval_usec(
        job, job->refresher->manager->config->refresh_check_usec);

    return interval - spread_usec(job, interval / 8);
}

/* --- how much is under way -------------------------------------------------------------------- */

static Flight *flight_of(Refresher *refresher, const Provider *provider)
{
    Flight *flight;

    for (flight = refresher->flights; flight; flight = flight->next)
        if (flight->provider == provider)
            return flight;
    flight = calloc(1, sizeof(*flight));
    if (!flight)
        return NULL;
    flight->provider = provider;
    flight->next = refresher->flights;
    refresher->flights = flight;
    return flight;
}

/* Gone at zero: a provider that a reload replaced must leave nothing behind, because the next one
 * may come to lie at the same address. */
static void flight_over(Refresher *refresher, const Provider *provider)
{
    Flight **link = &refresher->flights;

    while (*link && (*link)->provider != provider)
        link = &(*link)->next;
    if (!*link || --(*link)->count > 0)
        return;
    Flight *flight = *link;
    *link = flight->next;
    free(flight);
}

static void flights_free(Refresher *refresher)
{
    while (refresher->flights) {
        Flight *next = refresher->flights->next;

        free(refresher->flights);
        refresher->flights = next;
    }
}

static bool has_room(const RefreshJob *job)
{
    const Provider *provider = manager_provider(job->refresher->manager, job->account);

    for (const Flight *flight = job->refresher->flights; flight; flight = flight->next)
        if (flight->provider == provider)
            return flight->count < (job->is_wanted ? CHECKS_AT_ONCE : POLLS_AT_ONCE);
    return true;
}

/* --- jobs ------------------------------------------------------------------------------------- */

static RefreshJob *job_free(RefreshJob *job)
{
    if (!job)
        return NULL;
    provider_op_cancel(job->op);
    (void)directory_check_cancel(job->check);
    refresh_look_forget(job->look);
    while (job->waits)
        refresher_wait_cancel(job->waits);
    secret_free(job->unstored_token);
    free(job);
    return NULL;
}

bool refresh_job_is_busy(const RefreshJob *job)
{
    return job->op || job->check;
}

RefreshJob *refresh_job(Refresher *refresher, Account *account)
{
    RefreshJob *job = account->refresh_job;

    if (job)
        return job;
    job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->refresher = refresher;
    job->account = account;
    job->next = refresher->jobs;
    refresher->jobs = job;
    account->refresh_job = job;
    return job;
}

/* --- one redemption --------------------------------------------------------------------------- */

static void job_schedule(RefreshJob *job, uint64_t now)
{
    uint64_t next = job->started_usec + refresh_job_interval_usec(job);

    if (job->due_usec == 0)
        return;
    if (next < job->not_before_usec)
        next = job->not_before_usec;
    job->due_usec = next > now ? next : now + USEC_PER_SEC;
}

static void job_over(RefreshJob *job, const Evidence *evidence, bool is_in_force)
{
    Refresher *refresher = job->refresher;
    uint64_t now = refresher_boot_usec(refresher), wait = evidence->retry_after_usec;
    uint64_t limit = RETRY_AFTER_TURNS * refresher->manager->config->refresh_check_usec;

    refresh_offline_answered(job, evidence);
    wait = wait < limit ? wait : limit;
    job->not_before_usec = evidence->meaning == EVIDENCE_LATER && wait > 0 ? now + wait : 0;
    job_schedule(job, now);
    refresh_job_conclude(job, evidence, is_in_force);
    refresher_pump(refresher);
}

/* What came says nothing of the account as it is now: who waits is served by another question. */
static void job_again(RefreshJob *job)
{
    job->is_wanted = job->waits != NULL;
    job_schedule(job, refresher_boot_usec(job->refresher));
    refresher_pump(job->refresher);
}

static void on_refreshed(Provider *provider, TokenResult *result, void *userdata)
{
    RefreshJob *job = userdata;
    Evidence evidence;

    job->op = NULL;
    flight_over(job->refresher, provider);
    refresh_result_take(job->refresher->manager, job, result, &evidence);
    if (job->is_overtaken && !evidence.is_explicit) {
        /* The answer is about a token that a newer sign-in has replaced: it says nothing of the
         * present one. */
        job->is_overtaken = false;
        job_again(job);
        return;
    }
    job->is_overtaken = false;
    job_over(job, &evidence, false);
}

static void on_directory(const Evidence *evidence, bool is_said, void *userdata)
{
    RefreshJob *job = userdata;

    job->check = NULL;
    flight_over(job->refresher, job->asked);
    if (evidence)
        job_over(job, evidence, is_said);
    else
        job_again(job);
}

static uint64_t timeout_usec(const Manager *manager, const Account *account)
{
    const ProviderConfig *provider = config_provider(manager->config, account->provider);

    return provider && provider->http_timeout_usec > 0 ? provider->http_timeout_usec
                                                       : DEFAULT_TIMEOUT_USEC;
}

/* As job_redeem(), by the directory. */
static const char *job_ask_directory(RefreshJob *job)
{
    Manager *manager = job->refresher->manager;
    const Provider *provider = manager_provider(manager, job->account);
    Flight *flight = flight_of(job->refresher, provider);

    if (!flight)
        return "out of memory";
    flight->count++;
    job->asked = provider;
    const char *why = directories_check(manager->directories, job->account, on_directory, job,
                                        &job->check);
    if (why)
        flight_over(job->refresher, provider);
    return why;
}

/* Sends the request. A text says why it could not be sent. */
static const char *job_redeem(RefreshJob *job)
{
    Manager *manager = job->refresher->manager;
    Account *account = job->account;
    Provider *provider = manager_provider(manager, account);
    _cleanup_secret_ Secret *token = NULL;
    Flight *flight;

    if (!provider)
        return "provider is not configured";
    if (refresh_token_take(manager, job, &token) < 0)
        return "refresh token not readable";
    if (!token)
        return "no refresh token kept";
    flight = flight_of(job->refresher, provider);
    if (!flight)
        return "out of memory";
    flight->count++;
    if (provider_refresh(provider, token, account->id, timeout_usec(manager, account), on_refreshed,
                         job, &job->op) >= 0)
        return NULL;
    flight_over(job->refresher, provider);
    return "request not sent";
}

/* By the clock tokens are redeemed: the directory speaks by itself, and when it is silent they are
 * what is left. */
static void job_start(RefreshJob *job)
{
    const Directories *directories = job->refresher->manager->directories;
    bool by_directory = (job->is_wanted && directories_know(directories, job->account)) ||
                        directories_know_client(directories, job->account);
    Evidence evidence;

    job->started_usec = refresher_boot_usec(job->refresher);
    job->is_wanted = job->is_running = false;
    const char *why = by_directory ? job_ask_directory(job) : job_redeem(job);
    if (!why)
        return;
    refresh_neutral(&evidence, EVIDENCE_NEUTRAL, why);
    job_over(job, &evidence, false);
}

static void job_start_or_look(RefreshJob *job)
{
    if (job->is_wanted || job->account->session_count > 0 || job->is_running)
        job_start(job);
    else
        refresh_job_look(job);
}

/* --- which job is next ------------------------------------------------------------------------ */

/* Sessions, or things that may go on running behind the last of them. */
static bool is_polled(const RefreshJob *job)
{
    const Account *account = job->account;

    return job->due_usec > 0 && account->state == ACCOUNT_ACTIVE &&
           account->verdict != VERDICT_DISABLED;
}

/* Those who wait at a login first, then the oldest due. */
static bool goes_before(const RefreshJob *a, const RefreshJob *b)
{
    if (a->is_wanted != b->is_wanted)
        return a->is_wanted;
    return a->due_usec < b->due_usec;
}

static bool is_due(const RefreshJob *job, uint64_t now)
{
    return is_polled(job) && !job->look && job->due_usec <= now;
}

static RefreshJob *next_job(Refresher *refresher, uint64_t now)
{
    RefreshJob *best = NULL;

    for (RefreshJob *job = refresher->jobs; job; job = job->next) {
        if (refresh_job_is_busy(job) || !(job->is_wanted || is_due(job, now)))
            continue;
        if ((!best || goes_before(job, best)) && has_room(job))
            best = job;
    }
    return best;
}

/* The provider has told us to stay away, or has just said something that another question at once
 * would not better: whoever repeats `sudo` must not use up the request budget of all. */
static bool is_told_to_wait(const RefreshJob *job, uint64_t now)
{
    return job->not_before_usec > now ||
           (job->is_wanted && job->last.meaning != EVIDENCE_CONFIRMED && job->answered_usec > 0 &&
            now - job->answered_usec < REPEAT_USEC);
}

/* Where a directory has vouched for the account, a redemption would tell nothing new; when it falls
 * silent, confirmations grow old and redemptions take over. */
static bool is_vouched_for(RefreshJob *job, uint64_t now)
{
    const Account *account = job->account;
    uint64_t interval = job->refresher->manager->config->refresh_check_usec;
    Stamp present = stamp_now();
    uint64_t age = stamp_age_usec(&account->confirmed, &present);

    if (job->is_wanted || account->verdict != VERDICT_ACTIVE || age >= interval ||
        !directories_has(job->refresher->manager->directories, account))
        return false;
    job->due_usec = now + interval - age;
    return true;
}

static void arm_for_next(Refresher *refresher, uint64_t now)
{
    uint64_t earliest = UINT64_MAX;

    for (const RefreshJob *job = refresher->jobs; job; job = job->next)
        if (!refresh_job_is_busy(job) && !job->look && is_polled(job) && job->due_usec > now &&
            job->due_usec < earliest)
            earliest = job->due_usec;
    if (earliest < UINT64_MAX)
        arm(refresher->pump, earliest);
}

static int on_pump(sd_event_source *source, uint64_t usec, void *userdata)
{
    Refresher *refresher = userdata;
    uint64_t now = refresher_boot_usec(refresher);
    RefreshJob *job;

    while ((job = next_job(refresher, now))) {
        if (is_vouched_for(job, now))
            continue;
        if (!is_told_to_wait(job, now))
            job_start_or_look(job);
        else if (job->is_wanted)
            refresh_job_repeat(job);
        else
            job->due_usec = job->not_before_usec;
    }
    arm_for_next(refresher, now);
    return 0;
}

/* --- who is polled ---------------------------------------------------------------------------- */

static uint64_t first_due_usec(RefreshJob *job, uint64_t now)
{
    uint64_t interval = refresh_job_interval_usec(job);
    Stamp present = stamp_now();
    uint64_t age = stamp_age_usec(&job->account->confirmed, &present);

    if (age < interval)
        return now + interval - age;
    return now + spread_usec(job, interval < START_SPREAD_USEC ? interval : START_SPREAD_USEC);
}

void refresher_account_changed(Refresher *refresher, Account *account)
{
    RefreshJob *job = refresh_job(refresher, account);
    uint64_t now = refresher_boot_usec(refresher);

    if (!job)
        return;
    if (account->session_count > 0) {
        uint64_t due = first_due_usec(job, now);

        job->due_usec = job->due_usec > 0 && job->due_usec < due ? job->due_usec : due;
    }
    refresher_pump(refresher);
}

/* --- life ------------------------------------------------------------------------------------- */

int refresher_new(Manager *manager, Refresher **ret_refresher)
{
    _cleanup_(refresher_freep) Refresher *refresher = calloc(1, sizeof(*refresher));
    int r;

    if (!refresher)
        return -ENOMEM;
    refresher->manager = manager;
    r = sd_event_add_time(manager->event, &refresher->pump, CLOCK_BOOTTIME, 0, USEC_PER_MSEC,
                          on_pump, refresher);
    if (r < 0)
        return r;
    r = refresh_survey(refresher);
    if (r < 0)
        return r;
    *ret_refresher = TAKE_PTR(refresher);
    return 0;
}

Refresher *refresher_free(Refresher *refresher)
{
    if (!refresher)
        return NULL;
    sd_event_source_disable_unref(refresher->pump);
    while (refresher->jobs) {
        RefreshJob *next = refresher->jobs->next;

        refresher->jobs->account->refresh_job = NULL;
        job_free(refresher->jobs);
        refresher->jobs = next;
    }
    flights_free(refresher);
    free(refresher);
    return NULL;
}
