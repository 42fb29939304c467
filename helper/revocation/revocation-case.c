/*
 * One account's case: what the standing verdict has led to, and what is still owed to it.
 *
 * Ends what runs; then, behind the cut, stores and logs, retried until they hold. Storage waits
 * for the enforcer's first answer and for a second at most.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "helper/manager.h"
#include "helper/revocation/revocation-case.h"
#include "helper/store/store-offline.h"

#define RETRY_LIMIT_USEC (30 * USEC_PER_SEC) /* between two attempts to store */
#define FOLLOW_UP_USEC   USEC_PER_SEC        /* one more look for what was just being started */

uint64_t revocation_boot_usec(const Revocation *revocation)
{
    uint64_t now = 0;

    if (sd_event_now(revocation->manager->event, CLOCK_BOOTTIME, &now) < 0)
        return 0;
    return now;
}

/* --- cases ------------------------------------------------------------------------------------ */

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

RevocationCase *revocation_case_free(RevocationCase *one)
{
    if (!one)
        return NULL;
    ending_cancel(one->ending);
    sd_event_source_disable_unref(one->settle_timer);
    sd_event_source_disable_unref(one->follow_up_timer);
    revocation_case_drop_waiters(one);
    free(one);
    return NULL;
}

RevocationCase *revocation_case(Revocation *revocation, Account *account)
{
    _cleanup_(revocation_case_freep) RevocationCase *one = NULL;

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

/* --- log -------------------------------------------------------------------------------------- */

static void record_account(Record *record, const Account *account, char uid[static 16])
{
    snprintf(uid, 16, "%" PRIu32, account->uid);
    record_set(record, RECORD_USER, account->name);
    record_set(record, RECORD_IDENTITY, account->id);
    record_set(record, RECORD_PROVIDER, account->provider);
    record_set(record, RECORD_UID, uid);
}

void revocation_log_verdict(Revocation *revocation, const Account *account, Verdict old)
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
    EndingTexts texts;
    char uid[16];

    record_account(&record, account, uid);
    record_set(&record, RECORD_VERDICT_NEW, verdict_to_word(account->verdict));
    record_set(&record, RECORD_EVIDENCE, account->evidence);
    ending_fill_record(result, &record, &texts);
    manager_log(revocation->manager, &record);
}

/* --- storage and log, behind the cut ---------------------------------------------------------- */

/* Whose access ended signs in offline with what they set up anew. */
static int forget_offline(Store *store, const Account *account)
{
    bool ended = account->verdict == VERDICT_DISABLED || account->verdict == VERDICT_REVOKED;

    return ended ? store_offline_delete(store, account) : 0;
}

static int case_store(RevocationCase *one)
{
    Account *account = one->account;
    _cleanup_free_ char *evidence = strdup(account->evidence);
    Stamp since = account->verdict_since;

    if (!evidence)
        return -ENOMEM;
    int r = account_set_verdict(one->revocation->manager->accounts, account, account->verdict,
                                account->by_administrator, evidence, &since);
    return r < 0 ? r : forget_offline(one->revocation->manager->store, account);
}

void revocation_case_settle(RevocationCase *one)
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
        } else {
            manager_alarm_over(manager, "The verdict of %s cannot be stored ", one->account->name);
        }
    }
    if (one->unlogged) {
        one->unlogged = false;
        revocation_log_verdict(one->revocation, one->account, one->old);
    }
    revocation_case_answer(one);
}

static int on_settle(sd_event_source *source, uint64_t usec, void *userdata)
{
    revocation_case_settle(userdata);
    return 0;
}

/* --- ending ----------------------------------------------------------------------------------- */

static void on_acted(int result, void *userdata)
{
    RevocationCase *one = userdata;

    if (result < 0)
        manager_alarm(one->revocation->manager,
                      "The enforcer did not end what %s runs (%s); it is asked again.",
                      one->account->name, strerror(-result));
    revocation_case_settle(one);
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
    if (result->error == 0)
        manager_alarm_over(one->revocation->manager, "The enforcer did not end what %s runs ",
                           one->account->name);
    if (!was_rescan)
        revocation_timer_arm(one->follow_up_timer, FOLLOW_UP_USEC);
    revocation_case_settle(one);
    if (was_rescan)
        standing_rescan_over(one->revocation);
}

void revocation_case_stop(RevocationCase *one)
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
