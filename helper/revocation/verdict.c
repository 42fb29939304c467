/*
 * The verdict tables of design §5.
 *
 * Kept apart from revocation.c, which acts, so that every cell can be tested without a clock, a
 * provider or a process: verdict × meaning of the evidence, verdict × age for what runs, and
 * verdict × age for who comes in.
 */
#include "helper/revocation/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "helper/revocation/revocation.h"

#define WARNING_USEC (300 * USEC_PER_SEC)

/* Between the account phase, which checks what is older than FreshSec, and the session's start
 * the confirmation grows older. Without this much room a session would be refused by chance. */
#define ADMIT_SLACK_USEC (30 * USEC_PER_SEC)

/* What evidence speaks for by itself; the rest of the meanings prove nothing about the account. */
static const Verdict evidence_speaks_for[_EVIDENCE_MEANING_COUNT] = {
    [EVIDENCE_NEUTRAL] = VERDICT_UNCONFIRMED,
    [EVIDENCE_CONFIRMED] = VERDICT_ACTIVE,
    [EVIDENCE_AGED] = VERDICT_AGED,
    [EVIDENCE_REVOKED] = VERDICT_REVOKED,
    [EVIDENCE_DISABLED] = VERDICT_DISABLED,
    [EVIDENCE_PENDING] = VERDICT_UNCONFIRMED,
    [EVIDENCE_SLOW_DOWN] = VERDICT_UNCONFIRMED,
    [EVIDENCE_DECLINED] = VERDICT_UNCONFIRMED,
    [EVIDENCE_CODE_EXPIRED] = VERDICT_UNCONFIRMED,
    [EVIDENCE_NEEDS_MORE] = VERDICT_AGED,
    [EVIDENCE_POLICY] = VERDICT_UNCONFIRMED,
    [EVIDENCE_WRONG_SECRET] = VERDICT_UNCONFIRMED,
    [EVIDENCE_LOCKED] = VERDICT_UNCONFIRMED,
    [EVIDENCE_OUR_FAULT] = VERDICT_UNCONFIRMED,
    [EVIDENCE_LATER] = VERDICT_UNCONFIRMED,
};

/* Row: the verdict that stands. Column: what the evidence speaks for. Only a step towards less
 * access is taken from AGED on; the way back is a sign-in. */
static const Verdict verdict_table[_VERDICT_COUNT][_VERDICT_COUNT] = {
    [VERDICT_UNCONFIRMED] =
        {
            [VERDICT_UNCONFIRMED] = VERDICT_UNCONFIRMED,
            [VERDICT_ACTIVE] = VERDICT_ACTIVE,
            [VERDICT_AGED] = VERDICT_AGED,
            [VERDICT_REVOKED] = VERDICT_REVOKED,
            [VERDICT_DISABLED] = VERDICT_DISABLED,
        },
    [VERDICT_ACTIVE] =
        {
            [VERDICT_UNCONFIRMED] = VERDICT_UNCONFIRMED,
            [VERDICT_ACTIVE] = VERDICT_ACTIVE,
            [VERDICT_AGED] = VERDICT_AGED,
            [VERDICT_REVOKED] = VERDICT_REVOKED,
            [VERDICT_DISABLED] = VERDICT_DISABLED,
        },
    [VERDICT_AGED] =
        {
            [VERDICT_UNCONFIRMED] = VERDICT_AGED,
            [VERDICT_ACTIVE] = VERDICT_AGED,
            [VERDICT_AGED] = VERDICT_AGED,
            [VERDICT_REVOKED] = VERDICT_REVOKED,
            [VERDICT_DISABLED] = VERDICT_DISABLED,
        },
    [VERDICT_REVOKED] =
        {
            [VERDICT_UNCONFIRMED] = VERDICT_REVOKED,
            [VERDICT_ACTIVE] = VERDICT_REVOKED,
            [VERDICT_AGED] = VERDICT_REVOKED,
            [VERDICT_REVOKED] = VERDICT_REVOKED,
            [VERDICT_DISABLED] = VERDICT_DISABLED,
        },
    [VERDICT_DISABLED] =
        {
            [VERDICT_UNCONFIRMED] = VERDICT_DISABLED,
            [VERDICT_ACTIVE] = VERDICT_DISABLED,
            [VERDICT_AGED] = VERDICT_DISABLED,
            [VERDICT_REVOKED] = VERDICT_DISABLED,
            [VERDICT_DISABLED] = VERDICT_DISABLED,
        },
};

Verdict verdict_after(Verdict verdict, EvidenceMeaning meaning)
{
    unsigned row = (unsigned)verdict, column = (unsigned)meaning;

    if (row >= _VERDICT_COUNT)
        return VERDICT_DISABLED;
    if (column >= _EVIDENCE_MEANING_COUNT)
        column = EVIDENCE_NEUTRAL;
    return verdict_table[row][evidence_speaks_for[column]];
}

/* How long something lasts for what runs: on the boot clock within one boot, else on the wall
 * clock; 0 when neither can tell. */
static uint64_t lasting_usec(const Stamp *since, const Stamp *now)
{
    bool same_boot = memcmp(since->boot_id, now->boot_id, sizeof(now->boot_id)) == 0;
    uint64_t then = same_boot ? since->boot_usec : since->wall_usec;
    uint64_t present = same_boot ? now->boot_usec : now->wall_usec;

    return stamp_is_set(since) && present > then ? present - then : 0;
}

uint64_t verdict_warning_usec(const Config *config)
{
    uint64_t half = config->max_unconfirmed_usec / 2;

    return half < WARNING_USEC ? half : WARNING_USEC;
}

static Running running_unconfirmed(const Account *account, const Config *config, const Stamp *now)
{
    uint64_t age = lasting_usec(&account->confirmed, now);

    if (config->max_unconfirmed_usec == 0)
        return RUNNING_STAY;
    if (age >= config->max_unconfirmed_usec)
        return RUNNING_TERM;
    return age >= config->max_unconfirmed_usec - verdict_warning_usec(config) ? RUNNING_WARN
                                                                              : RUNNING_STAY;
}

static Running running_revoked(const Account *account, const Config *config, const Stamp *now)
{
    switch (config->on_revoked) {
    case ON_REVOKED_KEEP:
        return RUNNING_STAY;
    case ON_REVOKED_GRACE:
        return lasting_usec(&account->verdict_since, now) < config->on_revoked_grace_usec
                   ? RUNNING_WARN
                   : RUNNING_TERM;
    case ON_REVOKED_END:
        break;
    }
    return RUNNING_TERM;
}

/* A provider that says so will go on saying what is worse. After an access token nobody says
 * anything: what runs is unconfirmed, as it would be without the end. */
static Running running_aged(const Account *account, const Config *config, const Stamp *now)
{
    if (config->end_on_expiry)
        return RUNNING_TERM;
    return account->expires_usec > 0 ? running_unconfirmed(account, config, now) : RUNNING_STAY;
}

Running verdict_running(const Account *account, const Config *config, const Stamp *now)
{
    switch (account->verdict) {
    case VERDICT_ACTIVE:
        return RUNNING_STAY;
    case VERDICT_UNCONFIRMED:
        return running_unconfirmed(account, config, now);
    case VERDICT_AGED:
        return running_aged(account, config, now);
    case VERDICT_REVOKED:
        return running_revoked(account, config, now);
    case VERDICT_DISABLED:
    case _VERDICT_COUNT:
        break;
    }
    return RUNNING_KILL;
}

bool verdict_cuts(Verdict verdict, const Config *config)
{
    switch (verdict) {
    case VERDICT_DISABLED:
    case VERDICT_REVOKED:
        return true;
    case VERDICT_AGED:
        return config->end_on_expiry;
    default:
        return false;
    }
}

static Outcome admits_by_age(const Account *account, uint64_t limit_usec, const Stamp *now)
{
    uint64_t age = stamp_age_usec(&account->confirmed, now);

    return age != AGE_STALE && age <= limit_usec ? OUTCOME_ALLOW : OUTCOME_TOO_STALE;
}

Outcome verdict_confirmed(const Account *account, const Config *config, bool elevation,
                          const Stamp *now)
{
    if (!account->id)
        return OUTCOME_NOT_BOUND;
    /* Reinstated accounts have signed in once, but nothing of that counts any more. */
    if (!stamp_is_set(&account->confirmed))
        return stamp_is_set(&account->signed_in) ? OUTCOME_REVOKED : OUTCOME_NOT_BOUND;
    if (account->verdict == VERDICT_ACTIVE &&
        admits_by_age(account, config->fresh_usec + ADMIT_SLACK_USEC, now) == OUTCOME_ALLOW)
        return OUTCOME_ALLOW;
    if (elevation || config->offline_grace_usec == 0)
        return OUTCOME_TOO_STALE;
    return admits_by_age(account, config->offline_grace_usec, now);
}

Outcome verdict_stands(const Account *account)
{
    if (account->state != ACCOUNT_ACTIVE)
        return OUTCOME_DISABLED;

    switch (account->verdict) {
    case VERDICT_AGED:
        return OUTCOME_SIGN_IN_TOO_OLD;
    case VERDICT_REVOKED:
        return OUTCOME_REVOKED;
    case VERDICT_ACTIVE:
    case VERDICT_UNCONFIRMED:
        return OUTCOME_ALLOW;
    case VERDICT_DISABLED:
    case _VERDICT_COUNT:
        break;
    }
    return OUTCOME_DISABLED;
}

Outcome verdict_admits(const Account *account, const Config *config, bool interactive,
                       bool elevation, const Stamp *now)
{
    Outcome outcome = verdict_stands(account);

    /* A sign-in heals everything but DISABLED. */
    if (interactive)
        return outcome == OUTCOME_DISABLED ? OUTCOME_DISABLED : OUTCOME_ALLOW;
    return outcome == OUTCOME_ALLOW ? verdict_confirmed(account, config, elevation, now) : outcome;
}

bool verdict_needs_check(const Account *account, const Config *config, const Stamp *now)
{
    uint64_t age = stamp_age_usec(&account->confirmed, now);

    if (account->state != ACCOUNT_ACTIVE || !account->id || !stamp_is_set(&account->confirmed))
        return false;
    if (account->verdict == VERDICT_UNCONFIRMED)
        return true;
    return account->verdict == VERDICT_ACTIVE && (age == AGE_STALE || age > config->fresh_usec);
}

static const char *span_text(uint64_t usec, char *buffer, size_t size)
{
    uint64_t seconds = usec / USEC_PER_SEC;

    if (seconds >= 120)
        snprintf(buffer, size, "%" PRIu64 " minutes", seconds / 60);
    else
        snprintf(buffer, size, "%" PRIu64 " seconds", seconds);
    return buffer;
}

static void warning_text(const Account *account, const Config *config, char *buffer, size_t size)
{
    char span[32];

    if (account->verdict == VERDICT_REVOKED)
        snprintf(buffer, size,
                 "Your sign-in was revoked by the directory: your sessions on this host end in %s. "
                 "Save your work, then sign in again.",
                 span_text(config->on_revoked_grace_usec, span, sizeof(span)));
    else
        snprintf(
            buffer, size,
            "Your account could not be confirmed with the directory for long: your sessions on "
            "this host end in %s unless it answers. Save your work.",
            span_text(verdict_warning_usec(config), span, sizeof(span)));
}

static const char *ending_text(const Account *account)
{
    switch (account->verdict) {
    case VERDICT_UNCONFIRMED:
        return "Your account could not be confirmed with the directory for too long: your sessions "
               "on this host end "
               "now. Sign in again when the provider answers.";
    case VERDICT_AGED:
        return "Your sign-in has expired: your sessions on this host end now. Sign in again.";
    case VERDICT_REVOKED:
        return "Your sign-in was revoked by the directory: your sessions on this host end now. "
               "Sign in again.";
    default:
        return account->by_administrator ? "Your access to this host was ended by its "
                                           "administrator: everything you run here ends now."
                                         : "Your directory account is disabled: everything you run "
                                           "on this host ends now. "
                                           "Contact your IT service desk.";
    }
}

const char *verdict_text(const Account *account, const Config *config, Running running,
                         char *buffer, size_t size)
{
    if (running == RUNNING_STAY)
        return NULL;
    if (running == RUNNING_WARN)
        warning_text(account, config, buffer, size);
    else
        snprintf(buffer, size, "%s", ending_text(account));
    return buffer;
}
