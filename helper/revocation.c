/*
 * Owns the verdict of every account: moves it on evidence, and acts the moment it moves.
 *
 * The order is design §5's: memory; tell; 100 ms; end; then storage and log. What comes behind
 * the cut is never allowed to delay it: storage waits for the enforcer's first answer, and for a
 * second at most. What comes before it is never allowed to fail: memory alone decides until
 * storage holds. The rounds that repeat the cut while a verdict stands are in standing.c.
 */
#include "helper/revocation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "helper/ending.h"
#include "helper/login.h"
#include "helper/manager.h"
#include "helper/revocation-case.h"

#define HELD_PREFIX       "held: "
#define SETTLE_LIMIT_USEC USEC_PER_SEC        /* storage waits no longer than this for the cut */
#define RETRY_LIMIT_USEC  (30 * USEC_PER_SEC) /* between two attempts to store */
#define FOLLOW_UP_USEC    USEC_PER_SEC        /* one more look for what was just being started */
#define REVOKE_WAIT_USEC  (10 * USEC_PER_SEC)
#define ALARM_QUIET_USEC  (600 * USEC_PER_SEC)

typedef struct EndWaiter {
    RevocationCase *owner;
    sd_event_source *deadline;
    RevocationEndHandler handler;
    void *userdata;
    struct EndWaiter *next;
} EndWaiter;

uint64_t revocation_boot_usec(const Revocation *revocation)
{
    uint64_t now = 0;

    if (sd_event_now(revocation->manager->event, CLOCK_BOOTTIME, &now) < 0)
        return 0;
    return now;
}

/* --- cases ----------------------------------------------------------------------------------- */

static int on_settle(sd_event_source *source, uint64_t usec, void *userdata);
static int on_follow_up(sd_event_source *source, uint64_t usec, void *userdata);

int revocation_timer(Revocation *revocation, sd_event_time_handler_t handler, void *userdata,
                     sd_event_source **ret_source)
{
    _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;
    int r = sd_event_add_time(revocation->manager->event, &source, CLOCK_BOOTTIME, 0, USEC_PER_MSEC,
                              handler, userdata);

    if (r >= 0)
        r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
    if (r >= 0)
        *ret_source = TAKE_PTR(source);
    return r;
}

void revocation_timer_arm(sd_event_source *source, uint64_t usec)
{
    if (sd_event_source_set_time_relative(source, usec) >= 0)
        (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static EndWaiter *waiter_free(EndWaiter *waiter)
{
    if (waiter) {
        sd_event_source_disable_unref(waiter->deadline);
        free(waiter);
    }
    return NULL;
}

static RevocationCase *case_free(RevocationCase *one)
{
    if (!one)
        return NULL;
    ending_cancel(one->ending);
    sd_event_source_disable_unref(one->settle_timer);
    sd_event_source_disable_unref(one->follow_up_timer);
    while (one->waiters) {
        EndWaiter *next = one->waiters->next;

        waiter_free(one->waiters);
        one->waiters = next;
    }
    free(one);
    return NULL;
}
DEFINE_CLEANUP(RevocationCase *, case_free)

RevocationCase *revocation_case(Revocation *revocation, Account *account)
{
    _cleanup_(case_freep) RevocationCase *one = NULL;

    if (account->revocation_case)
        return account->revocation_case;
    one = calloc(1, sizeof(*one));
    if (!one)
        return NULL;
    one->revocation = revocation;
    one->account = account;
    if (revocation_timer(revocation, on_settle, one, &one->settle_timer) < 0 ||
        revocation_timer(revocation, on_follow_up, one, &one->follow_up_timer) < 0)
        return NULL;
    one->next = revocation->cases;
    revocation->cases = one;
    account->revocation_case = one;
    return TAKE_PTR(one);
}

/* --- log ------------------------------------------------------------------------------------- */

static void record_account(Record *record, const Account *account, char uid[static 16])
{
    snprintf(uid, 16, "%" PRIu32, account->uid);
    record_set(record, RECORD_USER, account->name);
    record_set(record, RECORD_IDENTITY, account->id);
    record_set(record, RECORD_PROVIDER, account->provider);
    record_set(record, RECORD_UID, uid);
}

static void log_verdict(Revocation *revocation, const Account *account, Verdict old)
{
    Record record = {.event = RECORD_VERDICT};
    char uid[16];

    record_account(&record, account, uid);
    record_set(&record, RECORD_VERDICT_OLD, verdict_to_word(old));
    record_set(&record, RECORD_VERDICT_NEW, verdict_to_word(account->verdict));
    record_set(&record, RECORD_EVIDENCE, account->evidence);
    manager_log(revocation->manager, &record);
}

static void log_ended(Revocation *revocation, const Account *account, const EndingResult *result)
{
    Record record = {.event = RECORD_ENDED};
    char uid[16], count[16], left[16], elapsed[24];

    record_account(&record, account, uid);
    snprintf(count, sizeof(count), "%" PRIu32, result->ended);
    snprintf(left, sizeof(left), "%" PRIu32, result->left);
    snprintf(elapsed, sizeof(elapsed), "%" PRIu64, result->elapsed_ms);
    record_set(&record, RECORD_VERDICT_NEW, verdict_to_word(account->verdict));
    record_set(&record, RECORD_EVIDENCE, account->evidence);
    record_set(&record, RECORD_COUNT, count);
    record_set(&record, RECORD_LEFT, left);
    record_set(&record, RECORD_ELAPSED_MS, elapsed);
    record_set(&record, RECORD_SURVIVORS, result->survivors);
    if (result->error < 0)
        record_set(&record, RECORD_REASON, strerror(-result->error));
    manager_log(revocation->manager, &record);
}

/* --- storage and log, behind the cut ---------------------------------------------------------- */

static void waiter_answer(EndWaiter *waiter)
{
    RevocationCase *one = waiter->owner;
    EndWaiter **link = &one->waiters;
    EndingResult result = one->last;

    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    if (one->ending)
        ending_progress(one->ending, &result);
    waiter->handler(result.ended, result.left, result.elapsed_ms, result.survivors,
                    waiter->userdata);
    waiter_free(waiter);
}

static void case_answer(RevocationCase *one)
{
    if (one->ending || one->unstored)
        return;
    while (one->waiters)
        waiter_answer(one->waiters);
}

static int case_store(RevocationCase *one)
{
    Account *account = one->account;
    _cleanup_free_ char *evidence = strdup(account->evidence);
    Stamp since = account->verdict_since;

    if (!evidence)
        return -ENOMEM;
    return account_set_verdict(one->revocation->manager->accounts, account, account->verdict,
                               account->by_administrator, evidence, &since);
}

static void case_settle(RevocationCase *one)
{
    Manager *manager = one->revocation->manager;
    unsigned shift = one->store_failures < 6 ? one->store_failures : 6;
    uint64_t delay = (USEC_PER_SEC / 2) << shift;
    int r;

    if (one->unstored) {
        r = case_store(one);
        one->unstored = r < 0;
        if (r < 0) {
            if (one->store_failures++ == 0)
                manager_alarm(manager,
                              "The verdict of %s cannot be stored (%s). It holds in memory and is "
                              "tried again.",
                              one->account->name, strerror(-r));
            revocation_timer_arm(one->settle_timer,
                                 delay < RETRY_LIMIT_USEC ? delay : RETRY_LIMIT_USEC);
        }
    }
    if (one->unlogged) {
        one->unlogged = false;
        log_verdict(one->revocation, one->account, one->old);
    }
    case_answer(one);
}

static int on_settle(sd_event_source *source, uint64_t usec, void *userdata)
{
    case_settle(userdata);
    return 0;
}

/* --- ending ---------------------------------------------------------------------------------- */

static void on_acted(int result, void *userdata)
{
    RevocationCase *one = userdata;

    if (result < 0)
        manager_alarm(one->revocation->manager,
                      "The enforcer did not end what %s runs (%s); it is asked again.",
                      one->account->name, strerror(-result));
    case_settle(one);
}

static void on_done(const EndingResult *result, void *userdata)
{
    RevocationCase *one = userdata;
    bool was_rescan = one->is_rescan, is_news = result->ended > 0 || result->left != one->last.left;
    bool is_cut =
        one->account->verdict == VERDICT_DISABLED || one->account->verdict == VERDICT_REVOKED;

    one->ending = NULL;
    one->last = *result;
    if (is_news || (is_cut && !was_rescan))
        log_ended(one->revocation, one->account, result);
    if (result->error < 0 && !was_rescan)
        manager_alarm(one->revocation->manager, "The enforcer refuses to end what %s runs (%s).",
                      one->account->name, strerror(-result->error));
    if (!was_rescan)
        revocation_timer_arm(one->follow_up_timer, FOLLOW_UP_USEC);
    case_settle(one);
    if (was_rescan)
        standing_rescan_over(one->revocation);
}

static void case_stop(RevocationCase *one)
{
    EndingResult result;

    if (!one->ending)
        return;
    ending_progress(one->ending, &result);
    one->ending = ending_cancel(one->ending);
    if (result.ended > 0)
        log_ended(one->revocation, one->account, &result);
    if (one->is_rescan)
        one->revocation->rescans--;
}

int revocation_case_end(RevocationCase *one, Running running, const char *text, bool is_rescan)
{
    static const EndingHandlers handlers = {.on_acted = on_acted, .on_done = on_done};
    Manager *manager = one->revocation->manager;
    EndingOrder order = {
        .uid = one->account->uid,
        .text = text,
        .term_first = running == RUNNING_TERM,
        .known_usec = is_rescan ? revocation_boot_usec(one->revocation) : one->known_usec,
    };
    int r;

    if (one->ending)
        return -EALREADY;
    r = ending_start(manager->event, manager->enforcer, &order, &handlers, one, &one->ending);
    if (r < 0) {
        manager_alarm(manager, "What %s runs cannot be ended (%s); it is tried again.",
                      one->account->name, strerror(-r));
        revocation_timer_arm(one->follow_up_timer, FOLLOW_UP_USEC);
        return r;
    }
    one->is_rescan = is_rescan;
    if (is_rescan)
        one->revocation->rescans++;
    return 0;
}

void revocation_case_apply(RevocationCase *one, const Stamp *now)
{
    Manager *manager = one->revocation->manager;
    Running running = verdict_running(one->account, manager->config, now);
    char buffer[ENFORCER_TELL_MAX];
    const char *text = verdict_text(one->account, manager->config, running, buffer, sizeof(buffer));

    if (running <= one->applied)
        return;
    if (running == RUNNING_WARN)
        (void)enforcer_tell(manager->enforcer, one->account->uid, text, NULL, NULL);
    else if (revocation_case_end(one, running, text, false) < 0)
        return;
    one->applied = running;
}

static int on_follow_up(sd_event_source *source, uint64_t usec, void *userdata)
{
    RevocationCase *one = userdata;
    Stamp now = stamp_now();

    if (verdict_running(one->account, one->revocation->manager->config, &now) < RUNNING_TERM ||
        one->ending)
        return 0;
    if (one->applied < RUNNING_TERM)
        revocation_case_apply(one, &now);
    else
        (void)revocation_case_end(one, RUNNING_KILL, NULL, true);
    return 0;
}

/* --- moving ---------------------------------------------------------------------------------- */

static void set_verdict_in_memory(Account *account, Verdict verdict, bool by_administrator,
                                  const char *evidence, const Stamp *now)
{
    char *copy = strdup(evidence);

    account->verdict = verdict;
    account->by_administrator = by_administrator;
    account->verdict_since = *now;
    if (copy) {
        free(account->evidence);
        account->evidence = copy;
    }
}

static void tell_the_others(Revocation *revocation, Account *account)
{
    Outcome outcome = account->verdict == VERDICT_DISABLED ? OUTCOME_DISABLED : OUTCOME_REVOKED;

    if (account->verdict != VERDICT_DISABLED && account->verdict != VERDICT_REVOKED)
        return;
    if (revocation->manager->logins)
        logins_account_changed(revocation->manager->logins, account, outcome);
    manager_bus_account_revoked(revocation->manager, account);
}

static void move(Revocation *revocation, Account *account, Verdict verdict, bool by_administrator,
                 const char *evidence)
{
    RevocationCase *one = revocation_case(revocation, account);
    Verdict old = account->verdict;
    Stamp now = stamp_now();

    if (one && one->unlogged)
        log_verdict(revocation, account, one->old);
    set_verdict_in_memory(account, verdict, by_administrator, evidence, &now);
    if (!one) {
        /* No memory for the case: the verdict holds, and the next round ends what runs. */
        manager_alarm(revocation->manager, "Out of memory while %s became %s.", account->name,
                      verdict_to_word(verdict));
        tell_the_others(revocation, account);
        return;
    }
    case_stop(one);
    one->old = old;
    one->known_usec = revocation_boot_usec(revocation);
    one->applied = RUNNING_STAY;
    one->last = (EndingResult){0};
    one->unstored = one->unlogged = true;
    one->store_failures = 0;
    revocation_case_apply(one, &now);
    tell_the_others(revocation, account);
    if (one->ending)
        revocation_timer_arm(one->settle_timer, SETTLE_LIMIT_USEC);
    else
        case_settle(one);
}

/* --- evidence -------------------------------------------------------------------------------- */

static void note_confirmed(Revocation *revocation, Account *account)
{
    Stamp now = stamp_now();

    /* A full disk must not make a confirmed person unconfirmed. Memory may be younger than storage
     * here: after a restart the older stamp counts, which only means asking again. */
    if (account_set_confirmed(revocation->manager->accounts, account, &now) < 0)
        account->confirmed = now;
}

static void note_our_fault(Revocation *revocation, const Account *account, const Evidence *evidence)
{
    uint64_t now = revocation_boot_usec(revocation);

    if (revocation->fault_alarm_usec != 0 && now - revocation->fault_alarm_usec < ALARM_QUIET_USEC)
        return;
    revocation->fault_alarm_usec = now;
    manager_alarm(
        revocation->manager,
        "Provider %s refuses this host's registration: %s. Nobody is cut; check ClientId= and the "
        "secret.",
        account->provider, evidence->code);
}

static bool is_held(const Account *account)
{
    return account->verdict == VERDICT_UNCONFIRMED &&
           strncmp(account->evidence, HELD_PREFIX, strlen(HELD_PREFIX)) == 0;
}

/* Must this evidence be held back? Once held, an account stays so until something better is known.
 */
static bool must_hold(Revocation *revocation, const Account *account, Verdict next,
                      const Evidence *evidence)
{
    bool many;

    if (evidence->is_explicit || !verdict_cuts(next, revocation->manager->config))
        return false;
    many = hold_note(&revocation->hold, account->uid, revocation_boot_usec(revocation));
    return many || is_held(account);
}

static void hold_back(Revocation *revocation, Account *account, Verdict next, const char *text)
{
    uint64_t now = revocation_boot_usec(revocation);
    char held[sizeof(HELD_PREFIX) + 160];

    if (is_held(account))
        return;
    snprintf(held, sizeof(held), HELD_PREFIX "%s", text);
    if (now - revocation->hold_alarm_usec > HOLD_WINDOW_USEC || revocation->hold_alarm_usec == 0) {
        revocation->hold_alarm_usec = now;
        manager_alarm(
            revocation->manager,
            "More than %u accounts were to become %s within a minute; %s and later ones are "
            "held as unconfirmed (%s).",
            HOLD_ACCOUNTS, verdict_to_word(next), account->name, text);
    }
    if (account->verdict == VERDICT_ACTIVE || account->verdict == VERDICT_UNCONFIRMED)
        move(revocation, account, VERDICT_UNCONFIRMED, false, held);
}

void revocation_evidence(Revocation *revocation, Account *account, const char *source,
                         const Evidence *evidence)
{
    Verdict next = verdict_after(account->verdict, evidence->meaning);
    char text[160];

    if (account->state != ACCOUNT_ACTIVE)
        return;
    snprintf(text, sizeof(text), "%s %s", source, evidence->code);
    if (evidence->meaning == EVIDENCE_OUR_FAULT)
        note_our_fault(revocation, account, evidence);
    if (evidence->meaning == EVIDENCE_CONFIRMED && next == VERDICT_ACTIVE)
        note_confirmed(revocation, account);
    if (next == account->verdict)
        return;
    if (must_hold(revocation, account, next, evidence))
        hold_back(revocation, account, next, text);
    else
        move(revocation, account, next, false, text);
}

/* --- sign-in and administrator -----------------------------------------------------------------
 */

/* What waits in the case belongs to a verdict that no longer stands. */
static void case_supersede(RevocationCase *one)
{
    if (!one)
        return;
    case_stop(one);
    one->unstored = false;
    one->applied = RUNNING_STAY;
    (void)sd_event_source_set_enabled(one->settle_timer, SD_EVENT_OFF);
    (void)sd_event_source_set_enabled(one->follow_up_timer, SD_EVENT_OFF);
}

static bool is_being_ended(const Account *account)
{
    const RevocationCase *one = account->revocation_case;

    return one && one->ending && !one->is_rescan;
}

static int set_verdict_stored(Revocation *revocation, Account *account, Verdict verdict,
                              const char *evidence, const Stamp *now)
{
    RevocationCase *one = account->revocation_case;
    Verdict old = account->verdict;
    int r;

    if (one && one->unlogged)
        log_verdict(revocation, account, one->old);
    if (one)
        one->unlogged = false;
    r = account_set_verdict(revocation->manager->accounts, account, verdict, false, evidence, now);
    if (r < 0)
        return r;
    case_supersede(one);
    log_verdict(revocation, account, old);
    return 0;
}

int revocation_signed_in(Revocation *revocation, Account *account)
{
    Accounts *accounts = revocation->manager->accounts;
    Stamp now = stamp_now();
    int r;

    if (account->state != ACCOUNT_ACTIVE || account->verdict == VERDICT_DISABLED)
        return -EACCES;
    if (is_being_ended(account))
        return -EBUSY;
    r = account_set_signed_in(accounts, account, &now);
    if (r >= 0)
        r = account_set_confirmed(accounts, account, &now);
    if (r < 0 || account->verdict == VERDICT_ACTIVE)
        return r;
    return set_verdict_stored(revocation, account, VERDICT_ACTIVE, "sign-in", &now);
}

int revocation_reinstate(Revocation *revocation, Account *account)
{
    Manager *manager = revocation->manager;
    const Stamp never = {0};
    Stamp now = stamp_now();
    int r;

    if (account->state != ACCOUNT_ACTIVE || account->verdict != VERDICT_DISABLED)
        return -EALREADY;
    if (is_being_ended(account))
        return -EBUSY;
    /* Without token and confirmation nothing but a new sign-in makes the account ACTIVE. */
    r = store_token_put(manager->store, account, NULL);
    if (r >= 0)
        r = account_set_confirmed(manager->accounts, account, &never);
    if (r < 0)
        return r;
    return set_verdict_stored(revocation, account, VERDICT_UNCONFIRMED, "administrator reinstated",
                              &now);
}

static int on_revoke_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    waiter_answer(userdata);
    return 0;
}

static int case_wait(RevocationCase *one, RevocationEndHandler handler, void *userdata)
{
    EndWaiter *waiter = calloc(1, sizeof(*waiter));
    int r;

    if (!waiter)
        return -ENOMEM;
    r = revocation_timer(one->revocation, on_revoke_deadline, waiter, &waiter->deadline);
    if (r < 0) {
        waiter_free(waiter);
        return r;
    }
    *waiter = (EndWaiter){one, waiter->deadline, handler, userdata, one->waiters};
    one->waiters = waiter;
    revocation_timer_arm(waiter->deadline, REVOKE_WAIT_USEC);
    return 0;
}

int revocation_revoke(Revocation *revocation, Account *account, const char *reason,
                      RevocationEndHandler handler, void *userdata)
{
    RevocationCase *one = NULL;
    char text[RECORD_FIELD_MAX];

    snprintf(text, sizeof(text), "administrator%s%s", *reason ? ": " : "", reason);
    move(revocation, account, VERDICT_DISABLED, true, text);
    one = account->revocation_case;
    if (!one)
        return -ENOMEM;
    return handler ? case_wait(one, handler, userdata) : 0;
}

bool revocation_is_stored(const Revocation *revocation, const Account *account)
{
    return !account->revocation_case || !account->revocation_case->unstored;
}

/* --- life ------------------------------------------------------------------------------------ */

int revocation_new(Manager *manager, Revocation **ret_revocation)
{
    _cleanup_(revocation_freep) Revocation *revocation = calloc(1, sizeof(*revocation));
    int r;

    if (!revocation)
        return -ENOMEM;
    revocation->manager = manager;
    r = standing_attach(revocation);
    if (r < 0)
        return r;
    *ret_revocation = TAKE_PTR(revocation);
    return 0;
}

Revocation *revocation_free(Revocation *revocation)
{
    if (!revocation)
        return NULL;
    sd_event_source_disable_unref(revocation->tick);
    sd_event_source_disable_unref(revocation->round);
    while (revocation->cases) {
        RevocationCase *next = revocation->cases->next;

        revocation->cases->account->revocation_case = NULL;
        case_free(revocation->cases);
        revocation->cases = next;
    }
    free(revocation);
    return NULL;
}
