/*
 * What persons say of an account: it signed in; an administrator ends it, or lets it in again.
 *
 * Unlike evidence, each of these is acknowledged to somebody, so it is stored before it counts:
 * a sign-in that is not stored is refused, a reinstatement that is not stored has not happened.
 * `revoke` alone acts first, because a full disk must not delay a cut.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/manager.h"
#include "helper/revocation/revocation-case.h"

/* What waits in the case belongs to a verdict that no longer stands. */
static void case_supersede(RevocationCase *one)
{
    if (!one)
        return;
    revocation_case_stop(one);
    one->unstored = false;
    one->applied = RUNNING_STAY;
    (void)sd_event_source_set_enabled(one->settle_timer, SD_EVENT_OFF);
    (void)sd_event_source_set_enabled(one->follow_up_timer, SD_EVENT_OFF);
}

bool revocation_is_ending(const Account *account)
{
    const RevocationCase *one = account->revocation_case;

    return one && one->ending && !one->is_rescan;
}

int revocation_set_stored(Revocation *revocation, Account *account, Verdict verdict,
                          const char *evidence, const Stamp *now)
{
    RevocationCase *one = account->revocation_case;
    Verdict old = account->verdict;
    int r;

    if (one && one->unlogged)
        revocation_log_verdict(revocation, account, one->old);
    if (one)
        one->unlogged = false;
    r = account_set_verdict(revocation->manager->accounts, account, verdict, false, evidence, now);
    if (r < 0)
        return r;
    case_supersede(one);
    revocation_log_verdict(revocation, account, old);
    return 0;
}

static bool is_younger(const Stamp *a, const Stamp *b, const Stamp *now)
{
    return stamp_age_usec(a, now) < stamp_age_usec(b, now);
}

static int sign_in_at(Revocation *revocation, Account *account, const Stamp *when, const Stamp *now,
                      const char *evidence)
{
    Accounts *accounts = revocation->manager->accounts;
    int r = 0;

    if (account->state != ACCOUNT_ACTIVE || account->verdict == VERDICT_DISABLED)
        return -EACCES;
    if (revocation_is_ending(account))
        return -EBUSY;
    if (is_younger(when, &account->signed_in, now))
        r = account_set_signed_in(accounts, account, when);
    if (r >= 0 && is_younger(when, &account->confirmed, now))
        r = account_set_confirmed(accounts, account, when);
    if (r < 0 || account->verdict == VERDICT_ACTIVE)
        return r;
    return revocation_set_stored(revocation, account, VERDICT_ACTIVE, evidence, now);
}

int revocation_signed_in(Revocation *revocation, Account *account)
{
    Stamp now = stamp_now();

    account->token_turn++;
    return sign_in_at(revocation, account, &now, &now, "sign-in");
}

/* The wall clock alone: it is the provider's. */
bool revocation_is_after(const Account *account, const Stamp *issued)
{
    return account->cut_usec >= issued->wall_usec ||
           (account->verdict == VERDICT_AGED && account->expires_usec == 0 &&
            account->verdict_since.wall_usec >= issued->wall_usec);
}

int revocation_token_presented(Revocation *revocation, Account *account, const Stamp *issued)
{
    Stamp now = stamp_now();

    if (revocation_is_after(account, issued))
        return -ESTALE;
    /* What is held against them is younger than this: it stays held. */
    if (revocation_is_held(account) && account->verdict_since.wall_usec >= issued->wall_usec)
        return 0;
    return sign_in_at(revocation, account, issued, &now, "bearer token");
}

int revocation_reinstate(Revocation *revocation, Account *account)
{
    Manager *manager = revocation->manager;
    const Stamp never = {0};
    Stamp now = stamp_now();
    int r;

    if (account->state != ACCOUNT_ACTIVE || account->verdict != VERDICT_DISABLED)
        return -EALREADY;
    if (revocation_is_ending(account))
        return -EBUSY;
    /* Without token and confirmation nothing but a new sign-in makes the account ACTIVE. */
    account->token_turn++;
    r = store_token_put(manager->store, account, NULL);
    if (r >= 0)
        r = account_set_confirmed(manager->accounts, account, &never);
    if (r < 0)
        return r;
    return revocation_set_stored(revocation, account, VERDICT_UNCONFIRMED,
                                 "administrator reinstated", &now);
}

int revocation_forget(Revocation *revocation, Account *account, Verdict before, uint32_t left)
{
    Manager *manager = revocation->manager;
    Stamp now = stamp_now();
    int r = 0;

    if (before != VERDICT_DISABLED && left == 0)
        r = revocation_set_stored(revocation, account, VERDICT_UNCONFIRMED, "forgotten", &now);
    return r < 0 ? r : account_forget(manager->accounts, account);
}

void revocation_revoke_tied(Revocation *revocation, const Account *account, const char *reason)
{
    Manager *manager = revocation->manager;
    char text[RECORD_FIELD_MAX];

    if (account_is_tied(account, manager->config))
        return;
    snprintf(text, sizeof(text), "administrator, with %.48s%s%.300s", account->name,
             *reason ? ": " : "", reason);
    for (Account *other = accounts_next_of_person(manager->accounts, account, NULL); other;
         other = accounts_next_of_person(manager->accounts, account, other))
        if (other->state == ACCOUNT_ACTIVE && other->verdict != VERDICT_DISABLED)
            revocation_move(revocation, other, VERDICT_DISABLED, true, text);
}

int revocation_revoke(Revocation *revocation, Account *account, const char *reason,
                      RevocationEndHandler handler, void *userdata)
{
    RevocationCase *one = NULL;
    char text[RECORD_FIELD_MAX];

    snprintf(text, sizeof(text), "administrator%s%s", *reason ? ": " : "", reason);
    revocation_move(revocation, account, VERDICT_DISABLED, true, text);
    one = account->revocation_case;
    if (!one)
        return -ENOMEM;
    return handler ? revocation_case_wait(one, handler, userdata) : 0;
}

bool revocation_is_stored(const Revocation *revocation, const Account *account)
{
    return !account->revocation_case || !account->revocation_case->unstored;
}
