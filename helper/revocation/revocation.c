/*
 * Owns the verdict of every account: moves it on evidence, and acts the moment it moves.
 *
 * The order is design §5's: memory; tell; 100 ms; end; then storage and log. What comes behind
 * the cut is never allowed to delay it: storage waits for the enforcer's first answer, and for a
 * second at most. What comes before it is never allowed to fail: memory alone decides until
 * storage holds. The rounds that repeat the cut while a verdict stands are in standing.c.
 */
#include "helper/revocation/revocation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/directory/directories.h"
#include "helper/login/login.h"
#include "helper/login/presented.h"
#include "helper/login/sign-in.h"
#include "helper/manager.h"
#include "helper/session/sessions.h"
#include "helper/store/store-lockout.h"
#include "helper/totp/enrolment.h"
#include "helper/revocation/revocation-case.h"

#define HELD_PREFIX       "held: "
#define SETTLE_LIMIT_USEC USEC_PER_SEC /* storage waits no longer than this for the cut */
#define REVOKE_WAIT_USEC  (10 * USEC_PER_SEC)
#define ALARM_QUIET_USEC  (600 * USEC_PER_SEC)

/* --- moving ----------------------------------------------------------------------------------- */

static void set_verdict_in_memory(Account *account, Verdict verdict, bool by_administrator,
                                  const char *evidence, const Stamp *now)
{
    char *copy = strdup(evidence);

    account->cut_usec = account_cut_usec(account, verdict, now);
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
    if (revocation->manager->presented)
        presented_forget(revocation->manager->presented, account->uid);
    if (revocation->manager->sign_ins)
        sign_ins_forget_user(revocation->manager->sign_ins, account->name);
    if (revocation->manager->sessions)
        sessions_forget_sign_ins(revocation->manager->sessions, account->name);
    enrolments_account_gone(revocation->manager->enrolments, account);
    /* Who signed in from there may be whom it is taken from. Not stored: the lock-out is laxer. */
    (void)store_places_delete(revocation->manager->store, account);
    manager_bus_account_revoked(revocation->manager, account);
}

void revocation_move(Revocation *revocation, Account *account, Verdict verdict,
                     bool by_administrator, const char *evidence)
{
    RevocationCase *one = revocation_case(revocation, account);
    Verdict old = account->verdict;
    Stamp now = stamp_now();

    if (one && one->unlogged)
        revocation_log_verdict(revocation, account, one->old);
    set_verdict_in_memory(account, verdict, by_administrator, evidence, &now);
    if (!one) {
        /* No memory for the case: the verdict holds, and the next round ends what runs. */
        manager_alarm(revocation->manager, "Out of memory while %s became %s.", account->name,
                      verdict_to_word(verdict));
        tell_the_others(revocation, account);
        return;
    }
    revocation_case_stop(one);
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
        revocation_case_settle(one);
}

/* --- evidence --------------------------------------------------------------------------------- */

static void note_confirmed(Revocation *revocation, Account *account)
{
    Stamp now = stamp_now();

    /* A full disk must not make a confirmed person unconfirmed. Memory may be younger than storage
     * here: after a restart the older stamp counts, which only means asking again. */
    if (account_set_confirmed(revocation->manager->accounts, account, &now) < 0)
        account->confirmed = now;
    revocation->fault_alarm_usec = 0;
    manager_alarm_over(revocation->manager, ALARM_REGISTRATION, account->provider);
}

static void note_our_fault(Revocation *revocation, const Account *account, const Evidence *evidence)
{
    uint64_t now = revocation_boot_usec(revocation);

    if (revocation->fault_alarm_usec != 0 && now - revocation->fault_alarm_usec < ALARM_QUIET_USEC)
        return;
    revocation->fault_alarm_usec = now;
    manager_alarm(
        revocation->manager,
        ALARM_REGISTRATION ": %s. Nobody is cut; check ClientId= and the secret.",
        account->provider, evidence->code);
}

bool revocation_is_held(const Account *account)
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
    return many || revocation_is_held(account);
}

static void hold_back(Revocation *revocation, Account *account, Verdict next, const char *text)
{
    uint64_t now = revocation_boot_usec(revocation);
    char held[sizeof(HELD_PREFIX) + 160];

    if (revocation_is_held(account))
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
        revocation_move(revocation, account, VERDICT_UNCONFIRMED, false, held);
}

/* What is known of a person holds for all accounts that are theirs: their own, and local ones that
 * are tied to them. One person is one case for the hold. */
static void share(Revocation *revocation, const Account *account, EvidenceMeaning meaning,
                  const char *text)
{
    Accounts *accounts = revocation->manager->accounts;
    char shared[224];

    snprintf(shared, sizeof(shared), "with %.48s: %s", account->name, text);
    for (Account *other = accounts_next_of_person(accounts, account, NULL); other;
         other = accounts_next_of_person(accounts, account, other)) {
        Verdict next = verdict_after(other->verdict, meaning);
        if (other->state == ACCOUNT_ACTIVE && next != other->verdict)
            revocation_move(revocation, other, next, false, shared);
    }
}

/* "Unknown here" may be our own mistake. Where a directory is asked it knows, and decides. */
static EvidenceMeaning meaning_of(const Revocation *revocation, const Account *account,
                                  const Evidence *evidence)
{
    if (evidence->needs_directory && directories_has(revocation->manager->directories, account))
        return EVIDENCE_NEUTRAL;
    return evidence->meaning;
}

void revocation_evidence(Revocation *revocation, Account *account, const char *source,
                         const Evidence *evidence)
{
    EvidenceMeaning meaning = meaning_of(revocation, account, evidence);
    Verdict next = verdict_after(account->verdict, meaning);
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
    if (must_hold(revocation, account, next, evidence)) {
        hold_back(revocation, account, next, text);
        return;
    }
    revocation_move(revocation, account, next, false, text);
    if (next == VERDICT_DISABLED || next == VERDICT_REVOKED)
        share(revocation, account, meaning, text);
}

/* --- life ------------------------------------------------------------------------------------- */

int revocation_new(Manager *manager, Revocation **ret_revocation)
{
    _cleanup_(revocation_freep) Revocation *revocation = calloc(1, sizeof(*revocation));
    int r;

    if (!revocation)
        return -ENOMEM;
    revocation->manager = manager;
    revocation->wait_usec = REVOKE_WAIT_USEC;
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
        revocation_case_free(revocation->cases);
        revocation->cases = next;
    }
    free(revocation);
    return NULL;
}
