/*
 * What a directory's word does to a verdict. See revocation_directory().
 *
 * A directory speaks of everybody every few seconds. So a confirmation that changes nothing is
 * only remembered, and stored now and then: a restart then asks a little earlier than it must.
 */
#include <errno.h>
#include <string.h>

#include "helper/manager.h"
#include "helper/revocation/revocation-case.h"

#define SOURCE "directory"

/* A provider's directory may lag behind its tokens: what was disabled just now by a token's answer
 * is not lifted by what the directory still says. */
#define LAG_USEC (120 * USEC_PER_SEC)

/* Evidence that the directory's flag contradicts. Who was cut for something else (no longer
 * assigned to the application, blocked for risk) is not let in by it. */
static const struct {
    const char *word;
    uint64_t age_usec; /* it must have stood so long */
} liftable[] = {
    {SOURCE " disabled", 0},
    {SOURCE " removed", 0},
    {SOURCE " not found", 0},
    {" 50057", LAG_USEC},
};

static bool may_lift(const Account *account)
{
    Stamp now = stamp_now();
    uint64_t age = stamp_age_usec(&account->verdict_since, &now);

    if (account->verdict != VERDICT_DISABLED || account->by_administrator ||
        revocation_is_ending(account))
        return false;
    for (size_t i = 0; i < ELEMENTSOF(liftable); i++)
        if (strstr(account->evidence, liftable[i].word) && age >= liftable[i].age_usec)
            return true;
    return false;
}

/* Stored first. What was signed in before the cut opens nothing any more. */
static void lift(Revocation *revocation, Account *account)
{
    Accounts *accounts = revocation->manager->accounts;
    const Stamp never = {0};
    Stamp now = stamp_now();
    account->token_turn++;
    int r = account_set_signed_in(accounts, account, &never);

    if (r >= 0)
        r = account_set_confirmed(accounts, account, &now);
    if (r >= 0)
        r = revocation_set_stored(revocation, account, VERDICT_ACTIVE, SOURCE " enabled", &now);
    if (r < 0)
        manager_alarm(revocation->manager, "That %s is enabled again cannot be stored (%s)",
                      account->name, strerror(-r));
}

static void confirm(Revocation *revocation, Account *account)
{
    Stamp now = stamp_now();

    if (verdict_after(account->verdict, EVIDENCE_CONFIRMED) != VERDICT_ACTIVE)
        return;
    account->confirmed = now;
    if (account->verdict != VERDICT_ACTIVE)
        revocation_move(revocation, account, VERDICT_ACTIVE, false, SOURCE " enabled");
}

void revocation_directory(Revocation *revocation, Account *account, const Evidence *evidence)
{
    if (account->state != ACCOUNT_ACTIVE)
        return;
    if (evidence->meaning != EVIDENCE_CONFIRMED)
        revocation_evidence(revocation, account, SOURCE, evidence);
    else if (may_lift(account))
        lift(revocation, account);
    else
        confirm(revocation, account);
}
