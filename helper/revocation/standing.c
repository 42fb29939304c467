/*
 * What has to happen while a verdict stands, without new evidence (design §5).
 *
 * Two timers. The tick notices time that has passed: warn before MaxUnconfirmed, end after it,
 * end after OnRevoked's grace. The round asks the enforcer again, every RefreshCheckSec, about
 * every account that may not run anything, a few at a time: a cron job, an `at` job or a process
 * that hid once is found then. The first round, at the helper's start, resumes what a crash cut
 * short.
 */
#include "helper/revocation/revocation-case.h"

#include <errno.h>

#include "helper/directory/directories.h"
#include "helper/manager.h"

#define RESCANS_AT_ONCE    4u
#define TICK_SHORTEST_USEC (100 * USEC_PER_MSEC)
#define TICK_LONGEST_USEC  (5 * USEC_PER_SEC)

static uint64_t tick_usec(const Config *config)
{
    uint64_t shortest = TICK_LONGEST_USEC * 20;

    if (config->max_unconfirmed_usec > 0 && config->max_unconfirmed_usec < shortest)
        shortest = config->max_unconfirmed_usec;
    if (config->on_revoked == ON_REVOKED_GRACE && config->on_revoked_grace_usec < shortest)
        shortest = config->on_revoked_grace_usec;
    return shortest / 20 > TICK_SHORTEST_USEC ? shortest / 20 : TICK_SHORTEST_USEC;
}

/* Acts when the standing verdict asks for more than before; what is known is known from now on. */
static void ripen(Revocation *revocation, Account *account, const Stamp *now)
{
    Running running = verdict_running(account, revocation->manager->config, now);
    RevocationCase *one = running == RUNNING_STAY ? NULL : revocation_case(revocation, account);

    if (!one || one->ending || running <= one->applied)
        return;
    one->known_usec = revocation_boot_usec(revocation);
    revocation_case_apply(one, now);
}

/* Who signed in with an access token, and for whom nobody else speaks: neither a directory nor a
 * refresh token. The time itself is the evidence; nobody can have made it up. */
static void expire(Revocation *revocation, Account *account, const Stamp *now)
{
    static const Evidence expired = {
        .meaning = EVIDENCE_AGED, .is_explicit = true, .code = "expired"};
    Manager *manager = revocation->manager;
    _cleanup_secret_ Secret *token = NULL;

    if (account->expires_usec == 0 || account->expires_usec > now->wall_usec ||
        (account->verdict != VERDICT_ACTIVE && account->verdict != VERDICT_UNCONFIRMED) ||
        directories_has(manager->directories, account))
        return;
    int r = store_token_get(manager->store, account, &token);
    if (r == 0 && token)
        (void)account_set_expiry(manager->accounts, account, 0);
    else if (r == 0 || r == -EBADMSG)
        revocation_evidence(revocation, account, "access token", &expired);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
    Revocation *revocation = userdata;
    Manager *manager = revocation->manager;
    Stamp now = stamp_now();
    Account *account;
    size_t iterator = 0;

    revocation_timer_arm(revocation->tick, tick_usec(manager->config));
    while ((account = accounts_next(manager->accounts, &iterator))) {
        expire(revocation, account, &now);
        /* DISABLED acts when it moves and in every round; only the others ripen with time. */
        if (account->verdict != VERDICT_DISABLED)
            ripen(revocation, account, &now);
    }
    return 0;
}

/* The first time (the helper was started while the verdict stood) the people are told why. */
static void rescan(Revocation *revocation, Account *account, Running running)
{
    const Config *config = revocation->manager->config;
    RevocationCase *one = revocation_case(revocation, account);
    char buffer[ENFORCER_TELL_MAX];
    bool is_first;

    if (!one || one->ending)
        return;
    is_first = one->applied < RUNNING_TERM;
    one->applied = running;
    (void)revocation_case_end(
        one, is_first ? running : RUNNING_KILL,
        is_first ? verdict_text(account, config, running, buffer, sizeof(buffer)) : NULL, true);
}

/* The number of a tied account that was forgotten and untied is the host's own again, and the
 * enforcer has no right over it. */
static bool is_no_longer_ours(const Account *account, const Config *config)
{
    const UserConfig *user = config_user(config, account->name);
    bool in_range =
        account->uid >= config->uid_base && account->uid - config->uid_base < config->uid_count;
    bool is_named = user && (user->directory || user->uid == account->uid);

    return account->state != ACCOUNT_ACTIVE && !in_range && !is_named;
}

static void pump(Revocation *revocation)
{
    Manager *manager = revocation->manager;
    Stamp now = stamp_now();

    while (!revocation->round_over && revocation->rescans < RESCANS_AT_ONCE) {
        Account *account = accounts_next(manager->accounts, &revocation->cursor);
        Running running = account ? verdict_running(account, manager->config, &now) : RUNNING_STAY;

        if (!account)
            revocation->round_over = true;
        else if (running >= RUNNING_TERM && !is_no_longer_ours(account, manager->config))
            rescan(revocation, account, running);
    }
}

void standing_rescan_over(Revocation *revocation)
{
    revocation->rescans--;
    pump(revocation);
}

static int on_round(sd_event_source *source, uint64_t usec, void *userdata)
{
    Revocation *revocation = userdata;

    revocation_timer_arm(revocation->round, revocation->manager->config->refresh_check_usec);
    if (revocation->round_over) {
        revocation->round_over = false;
        revocation->cursor = 0;
    }
    pump(revocation);
    return 0;
}

int standing_attach(Revocation *revocation)
{
    int r = revocation_timer(revocation, on_tick, revocation, &revocation->tick);

    if (r < 0)
        return r;
    revocation->round_over = true;
    return revocation_timer(revocation, on_round, revocation, &revocation->round);
}

void revocation_resume(Revocation *revocation)
{
    revocation_timer_arm(revocation->tick, 0);
    revocation_timer_arm(revocation->round, 0);
}
