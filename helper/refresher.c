/*
 * Redeems refresh tokens: by the clock for accounts with open sessions, and on demand.
 *
 * One job per account, so that one request serves everybody who asks meanwhile. Jobs start from
 * one place, pump(), oldest first and bounded per provider: a provider that answers slowly makes
 * its own accounts wait and nobody else's. What a reply means for tokens and groups is in
 * refresh-result.c; what it means for the verdict is revocation's.
 */
#include "helper/refresher.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "helper/manager.h"
#include "helper/refresh-job.h"
#include "helper/revocation.h"

#define POLLS_AT_ONCE        48u /* per provider; the rest is for those who wait at a login */
#define CHECKS_AT_ONCE       64u
#define RETRY_AFTER_TURNS    4u /* of RefreshCheckSec; a provider cannot switch the checks off */
#define SURVEY_STEP_USEC     (50 * USEC_PER_MSEC)
#define START_SPREAD_USEC    (2 * USEC_PER_SEC)
#define REPEAT_USEC          USEC_PER_SEC
#define DEFAULT_TIMEOUT_USEC (10 * USEC_PER_SEC)

/* A question to the enforcer. It cannot be taken back, so it outlives its job if it must. */
typedef struct RefreshLook {
    RefreshJob *job; /* NULL: it is gone */
} RefreshLook;

struct RefreshWait {
    RefreshJob *job;
    sd_event_source *timer;
    RefresherHandler handler;
    void *userdata;
    struct RefreshWait *next;
};

/* How many requests are under way at a provider. */
typedef struct Flight {
    const Provider *provider;
    unsigned count;
    struct Flight *next;
} Flight;

struct Refresher {
    Manager *manager;
    RefreshJob *jobs;
    Flight *flights;
    sd_event_source *pump;
};

static uint64_t boot_usec(const Refresher *refresher)
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

/* A share of `range` that differs from account to account and from time to time. */
static uint64_t spread_usec(RefreshJob *job, uint64_t range)
{
    uint32_t mixed = (job->account->uid + ++job->turns * 40503u) * 2654435761u;

    return range / 1024 * (mixed >> 22);
}

/* RefreshCheckSec, or up to an eighth less, so that accounts drift apart. Never more: the time to
 * the cut is promised. */
static uint64_t interval_usec(RefreshJob *job)
{
    uint64_t interval = job->refresher->manager->config->refresh_check_usec;

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

/* --- jobs and waits --------------------------------------------------------------------------- */

static RefreshJob *job_free(RefreshJob *job)
{
    if (!job)
        return NULL;
    provider_op_cancel(job->op);
    if (job->look)
        job->look->job = NULL;
    while (job->waits)
        refresher_wait_cancel(job->waits);
    secret_free(job->unstored_token);
    free(job);
    return NULL;
}

static RefreshJob *job_of(Refresher *refresher, Account *account)
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

/* The verdict first, then everybody who asked; a handler may ask again, which starts a new list. */
static void job_conclude(RefreshJob *job, const Evidence *evidence)
{
    const char *source = job->waits ? "check" : "refresh";
    RefreshWait *last = job->waits;

    job->is_wanted = false;
    job->last = *evidence;
    job->answered_usec = boot_usec(job->refresher);
    revocation_evidence(job->refresher->manager->revocation, job->account, source, evidence);
    while (last && last->next)
        last = last->next;
    while (job->waits) {
        RefreshWait *first = job->waits;
        bool was_last = first == last;

        wait_answer(first, evidence);
        if (was_last)
            break;
    }
}

static void neutral(Evidence *evidence, EvidenceMeaning meaning, const char *code)
{
    *evidence = (Evidence){.meaning = meaning};
    snprintf(evidence->code, sizeof(evidence->code), "%s", code);
}

static int on_wait_over(sd_event_source *source, uint64_t usec, void *userdata)
{
    RefreshWait *wait = userdata;
    Manager *manager = wait->job->refresher->manager;
    Evidence evidence;

    neutral(&evidence, EVIDENCE_LATER, "no answer in time");
    revocation_evidence(manager->revocation, wait->job->account, "check", &evidence);
    wait_answer(wait, &evidence);
    return 0;
}

/* --- one redemption --------------------------------------------------------------------------- */

static void job_schedule(RefreshJob *job, uint64_t now)
{
    uint64_t next = job->started_usec + interval_usec(job);

    if (job->due_usec == 0)
        return;
    if (next < job->not_before_usec)
        next = job->not_before_usec;
    job->due_usec = next > now ? next : now + USEC_PER_SEC;
}

static void job_over(RefreshJob *job, const Evidence *evidence)
{
    Refresher *refresher = job->refresher;
    uint64_t now = boot_usec(refresher), wait = evidence->retry_after_usec;
    uint64_t limit = RETRY_AFTER_TURNS * refresher->manager->config->refresh_check_usec;

    wait = wait < limit ? wait : limit;
    job->not_before_usec = evidence->meaning == EVIDENCE_LATER && wait > 0 ? now + wait : 0;
    job_schedule(job, now);
    job_conclude(job, evidence);
    arm(refresher->pump, 0);
}

static void on_refreshed(Provider *provider, TokenResult *result, void *userdata)
{
    RefreshJob *job = userdata;
    Flight *flight = flight_of(job->refresher, provider);
    Evidence evidence;

    job->op = NULL;
    if (flight && flight->count > 0)
        flight->count--;
    refresh_result_take(job->refresher->manager, job, result, &evidence);
    if (job->is_overtaken && !evidence.is_explicit) {
        /* The answer is about a token that a newer sign-in has replaced: it says nothing of the
         * present one. */
        job->is_overtaken = false;
        job->is_wanted = job->waits != NULL;
        job_schedule(job, boot_usec(job->refresher));
        arm(job->refresher->pump, 0);
        return;
    }
    job->is_overtaken = false;
    job_over(job, &evidence);
}

static uint64_t timeout_usec(const Manager *manager, const Account *account)
{
    const ProviderConfig *provider = config_provider(manager->config, account->provider);

    return provider && provider->http_timeout_usec > 0 ? provider->http_timeout_usec
                                                       : DEFAULT_TIMEOUT_USEC;
}

/* Sends the request. A text says why it could not be sent. */
static const char *job_send(RefreshJob *job)
{
    Manager *manager = job->refresher->manager;
    Account *account = job->account;
    Provider *provider = manager_provider(manager, account);
    _cleanup_secret_ Secret *token = NULL;
    Flight *flight;

    if (!provider)
        return "provider is not configured";
    flight = flight_of(job->refresher, provider);
    if (!flight)
        return "out of memory";
    if (refresh_token_take(manager, job, &token) < 0)
        return "refresh token not readable";
    if (!token)
        return "no refresh token kept";
    if (provider_refresh(provider, token, account->id, timeout_usec(manager, account), on_refreshed,
                         job, &job->op) < 0)
        return "request not sent";
    flight->count++;
    return NULL;
}

static void job_start(RefreshJob *job)
{
    const char *why;
    Evidence evidence;

    job->started_usec = boot_usec(job->refresher);
    job->is_wanted = job->is_running = false;
    why = job_send(job);
    if (!why)
        return;
    neutral(&evidence, EVIDENCE_NEUTRAL, why);
    job_over(job, &evidence);
}

/* --- what runs behind closed sessions ----------------------------------------------------------
 */

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
        job->due_usec = boot_usec(job->refresher) + interval_usec(job);
    arm(job->refresher->pump, 0);
}

/* A program left behind by nohup ends with the account as well, so its account is polled on. */
static void job_look(RefreshJob *job)
{
    RefreshLook *look = calloc(1, sizeof(*look));

    job->due_usec = boot_usec(job->refresher) + interval_usec(job);
    if (!look)
        return;
    look->job = job;
    if (enforcer_end(job->refresher->manager->enforcer, job->account->uid, ENFORCER_LOOK, on_looked,
                     look) < 0) {
        free(look);
        return;
    }
    job->look = look;
    job->due_usec = boot_usec(job->refresher);
}

static void job_start_or_look(RefreshJob *job)
{
    if (job->is_wanted || job->account->session_count > 0 || job->is_running)
        job_start(job);
    else
        job_look(job);
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

static RefreshJob *next_job(Refresher *refresher, uint64_t now)
{
    RefreshJob *best = NULL;

    for (RefreshJob *job = refresher->jobs; job; job = job->next) {
        if (job->op || job->look || !(job->is_wanted || (is_polled(job) && job->due_usec <= now)))
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

static void arm_for_next(Refresher *refresher, uint64_t now)
{
    uint64_t earliest = UINT64_MAX;

    for (const RefreshJob *job = refresher->jobs; job; job = job->next)
        if (!job->op && !job->look && is_polled(job) && job->due_usec > now &&
            job->due_usec < earliest)
            earliest = job->due_usec;
    if (earliest < UINT64_MAX)
        arm(refresher->pump, earliest);
}

/* What is known is told again. It proves no more than before. */
static void job_repeat(RefreshJob *job)
{
    uint64_t answered = job->answered_usec;
    Evidence evidence;

    neutral(&evidence, EVIDENCE_LATER, job->last.code);
    job_conclude(job, &evidence);
    job->answered_usec = answered;
}

static int on_pump(sd_event_source *source, uint64_t usec, void *userdata)
{
    Refresher *refresher = userdata;
    uint64_t now = boot_usec(refresher);
    RefreshJob *job;

    while ((job = next_job(refresher, now))) {
        if (!is_told_to_wait(job, now))
            job_start_or_look(job);
        else if (job->is_wanted)
            job_repeat(job);
        else
            job->due_usec = job->not_before_usec;
    }
    arm_for_next(refresher, now);
    return 0;
}

/* --- what others ask ---------------------------------------------------------------------------
 */

int refresher_check(Refresher *refresher, Account *account, uint64_t timeout,
                    RefresherHandler handler, void *userdata, RefreshWait **ret_wait)
{
    RefreshJob *job = job_of(refresher, account);
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
    if (!job->op) {
        job->is_wanted = true;
        arm(refresher->pump, 0);
    }
    if (ret_wait)
        *ret_wait = wait;
    return 0;
}

static uint64_t first_due_usec(RefreshJob *job, uint64_t now)
{
    uint64_t interval = interval_usec(job);
    Stamp present = stamp_now();
    uint64_t age = stamp_age_usec(&job->account->confirmed, &present);

    if (age < interval)
        return now + interval - age;
    return now + spread_usec(job, interval < START_SPREAD_USEC ? interval : START_SPREAD_USEC);
}

void refresher_account_changed(Refresher *refresher, Account *account)
{
    RefreshJob *job = job_of(refresher, account);
    uint64_t now = boot_usec(refresher);

    if (!job)
        return;
    if (account->session_count > 0) {
        uint64_t due = first_due_usec(job, now);

        job->due_usec = job->due_usec > 0 && job->due_usec < due ? job->due_usec : due;
    }
    arm(refresher->pump, 0);
}

/* At start: has anybody left something running whose session is over? Asked one after another. */
static int survey(Refresher *refresher)
{
    uint64_t due = boot_usec(refresher) + START_SPREAD_USEC;
    size_t iterator = 0;
    Account *account;

    while ((account = accounts_next(refresher->manager->accounts, &iterator))) {
        RefreshJob *job;

        if (account->state != ACCOUNT_ACTIVE || !stamp_is_set(&account->confirmed))
            continue;
        job = job_of(refresher, account);
        if (!job)
            return -ENOMEM;
        job->due_usec = due;
        due += SURVEY_STEP_USEC;
    }
    return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

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
    r = survey(refresher);
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
