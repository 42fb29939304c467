/*
 * Tests of verdict.c and hold.c: every verdict meets every meaning, every verdict and age meets
 * every kind of access, and the clock is set back under them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/revocation/hold.h"
#include "helper/revocation/revocation.h"
#include "helper/revocation/verdict.h"

#define SECONDS(n) ((n)*USEC_PER_SEC)
#define HOURS(n)   SECONDS(UINT64_C(3600) * (n))
#define WALL       UINT64_C(1800000000000000)
#define BOOT       HOURS(100)

static Stamp stamp_before(uint64_t usec)
{
    return (Stamp){.wall_usec = WALL - usec, .boot_usec = BOOT - usec, .boot_id = {1}};
}

static const Stamp now = {.wall_usec = WALL, .boot_usec = BOOT, .boot_id = {1}};

static Config config_default(void)
{
    return (Config){
        .fresh_usec = SECONDS(30),
        .max_unconfirmed_usec = HOURS(8),
        .offline_grace_usec = HOURS(1),
        .refresh_check_usec = SECONDS(60),
    };
}

/* A bound account whose provider vouched for it `age` ago. */
static Account account_of(Verdict verdict, uint64_t age)
{
    static char id[] = "id-1";

    return (Account){
        .id = id,
        .verdict = verdict,
        .confirmed = stamp_before(age),
        .signed_in = stamp_before(age),
        .verdict_since = stamp_before(age),
    };
}

/* --- evidence --------------------------------------------------------------------------------- */

typedef struct EvidenceRow {
    EvidenceMeaning meaning;
    Verdict after[_VERDICT_COUNT]; /* of: unconfirmed, active, aged, revoked, disabled */
} EvidenceRow;

#define U VERDICT_UNCONFIRMED
#define A VERDICT_ACTIVE
#define G VERDICT_AGED
#define R VERDICT_REVOKED
#define D VERDICT_DISABLED

static const EvidenceRow evidence_rows[] = {
    {EVIDENCE_NEUTRAL, {U, U, G, R, D}},      {EVIDENCE_CONFIRMED, {A, A, G, R, D}},
    {EVIDENCE_AGED, {G, G, G, R, D}},         {EVIDENCE_REVOKED, {R, R, R, R, D}},
    {EVIDENCE_DISABLED, {D, D, D, D, D}},     {EVIDENCE_PENDING, {U, U, G, R, D}},
    {EVIDENCE_SLOW_DOWN, {U, U, G, R, D}},    {EVIDENCE_DECLINED, {U, U, G, R, D}},
    {EVIDENCE_CODE_EXPIRED, {U, U, G, R, D}}, {EVIDENCE_NEEDS_MORE, {G, G, G, R, D}},
    {EVIDENCE_POLICY, {U, U, G, R, D}},       {EVIDENCE_WRONG_SECRET, {U, U, G, R, D}},
    {EVIDENCE_LOCKED, {U, U, G, R, D}},       {EVIDENCE_OUR_FAULT, {U, U, G, R, D}},
    {EVIDENCE_LATER, {U, U, G, R, D}},
};

static void test_every_verdict_meets_every_meaning(void **state)
{
    assert_int_equal(ELEMENTSOF(evidence_rows), _EVIDENCE_MEANING_COUNT);
    for (size_t i = 0; i < ELEMENTSOF(evidence_rows); i++)
        for (int verdict = 0; verdict < _VERDICT_COUNT; verdict++)
            assert_int_equal(verdict_after((Verdict)verdict, evidence_rows[i].meaning),
                             evidence_rows[i].after[verdict]);
}

static void test_numbers_out_of_the_tables_give_nothing(void **state)
{
    assert_int_equal(verdict_after(VERDICT_ACTIVE, (EvidenceMeaning)99), VERDICT_UNCONFIRMED);
    assert_int_equal(verdict_after((Verdict)99, EVIDENCE_CONFIRMED), VERDICT_DISABLED);
}

/* --- new access ------------------------------------------------------------------------------- */

typedef struct AdmitRow {
    const char *what;
    Verdict verdict;
    uint64_t age;
    bool interactive, elevation;
    Outcome outcome;
} AdmitRow;

static const AdmitRow admit_rows[] = {
    {"fresh", A, SECONDS(5), false, false, OUTCOME_ALLOW},
    {"fresh, sudo", A, SECONDS(5), false, true, OUTCOME_ALLOW},
    {"grew old between account and session phase", A, SECONDS(45), false, true, OUTCOME_ALLOW},
    {"older than that, sudo", A, SECONDS(61), false, true, OUTCOME_TOO_STALE},
    {"older, plain", A, SECONDS(61), false, false, OUTCOME_ALLOW},
    {"older than the grace", A, HOURS(1) + 1, false, false, OUTCOME_TOO_STALE},
    {"asks to sign in", A, HOURS(9), true, false, OUTCOME_ALLOW},
    {"unconfirmed within the grace", U, HOURS(1), false, false, OUTCOME_ALLOW},
    {"unconfirmed beyond the grace", U, HOURS(1) + 1, false, false, OUTCOME_TOO_STALE},
    {"unconfirmed, sudo", U, SECONDS(1), false, true, OUTCOME_TOO_STALE},
    {"unconfirmed asks to sign in", U, HOURS(9), true, false, OUTCOME_ALLOW},
    {"aged", G, SECONDS(1), false, false, OUTCOME_SIGN_IN_TOO_OLD},
    {"aged, sudo", G, SECONDS(1), false, true, OUTCOME_SIGN_IN_TOO_OLD},
    {"aged asks to sign in", G, SECONDS(1), true, false, OUTCOME_ALLOW},
    {"revoked", R, SECONDS(1), false, false, OUTCOME_REVOKED},
    {"revoked, sudo", R, SECONDS(1), false, true, OUTCOME_REVOKED},
    {"revoked asks to sign in", R, SECONDS(1), true, false, OUTCOME_ALLOW},
    {"disabled", D, SECONDS(1), false, false, OUTCOME_DISABLED},
    {"disabled, sudo", D, SECONDS(1), false, true, OUTCOME_DISABLED},
    {"disabled asks to sign in", D, SECONDS(1), true, false, OUTCOME_DISABLED},
    {"no such verdict", _VERDICT_COUNT, SECONDS(1), true, false, OUTCOME_DISABLED},
};

static void test_who_comes_in(void **state)
{
    Config config = config_default();

    for (size_t i = 0; i < ELEMENTSOF(admit_rows); i++) {
        const AdmitRow *row = &admit_rows[i];
        Account account = account_of(row->verdict, row->age);
        Outcome outcome = verdict_admits(&account, &config, row->interactive, row->elevation, &now);

        if (outcome != row->outcome)
            print_error("row \"%s\"\n", row->what);
        assert_int_equal(outcome, row->outcome);
    }
}

static void test_strict_hosts_admit_only_the_confirmed(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_UNCONFIRMED, SECONDS(1));

    config.offline_grace_usec = 0;
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_TOO_STALE);
    account = account_of(VERDICT_ACTIVE, SECONDS(61));
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_TOO_STALE);
    account = account_of(VERDICT_ACTIVE, SECONDS(30));
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_ALLOW);
}

static void test_unbound_and_never_confirmed_only_sign_in(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_UNCONFIRMED, SECONDS(1));

    account.id = NULL;
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_NOT_BOUND);
    assert_int_equal(verdict_admits(&account, &config, true, false, &now), OUTCOME_ALLOW);
    account.verdict = VERDICT_ACTIVE;
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_NOT_BOUND);

    account = account_of(VERDICT_UNCONFIRMED, SECONDS(1));
    account.confirmed = (Stamp){0};
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_REVOKED);
    account.signed_in = (Stamp){0};
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_NOT_BOUND);
    account.verdict = VERDICT_ACTIVE;
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_NOT_BOUND);
}

static void test_forgotten_accounts_do_not_come_in(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_ACTIVE, SECONDS(1));

    account.state = ACCOUNT_FORGOTTEN;
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_DISABLED);
    assert_int_equal(verdict_admits(&account, &config, true, false, &now), OUTCOME_DISABLED);
    assert_false(verdict_needs_check(&account, &config, &now));
}

static void test_a_clock_set_back_admits_nobody_by_age(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_UNCONFIRMED, SECONDS(10));
    Stamp earlier = now;

    earlier.wall_usec -= SECONDS(600);
    assert_int_equal(verdict_admits(&account, &config, false, false, &earlier), OUTCOME_TOO_STALE);
    account.verdict = VERDICT_ACTIVE;
    assert_int_equal(verdict_admits(&account, &config, false, false, &earlier), OUTCOME_TOO_STALE);
    assert_true(verdict_needs_check(&account, &config, &earlier));
}

static void test_the_larger_age_counts(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_UNCONFIRMED, SECONDS(10));

    account.confirmed.boot_usec = BOOT - HOURS(2);
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_TOO_STALE);
    account.confirmed = stamp_before(SECONDS(10));
    account.confirmed.wall_usec = WALL - HOURS(2);
    assert_int_equal(verdict_admits(&account, &config, false, false, &now), OUTCOME_TOO_STALE);
}

static void test_what_is_checked_first(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_ACTIVE, SECONDS(30));

    assert_false(verdict_needs_check(&account, &config, &now));
    account = account_of(VERDICT_ACTIVE, SECONDS(30) + 1);
    assert_true(verdict_needs_check(&account, &config, &now));
    account = account_of(VERDICT_UNCONFIRMED, SECONDS(1));
    assert_true(verdict_needs_check(&account, &config, &now));
    account.id = NULL;
    assert_false(verdict_needs_check(&account, &config, &now));
    account = account_of(VERDICT_UNCONFIRMED, SECONDS(1));
    account.confirmed = (Stamp){0};
    assert_false(verdict_needs_check(&account, &config, &now));
    for (int verdict = VERDICT_AGED; verdict <= VERDICT_DISABLED; verdict++) {
        account = account_of((Verdict)verdict, HOURS(2));
        assert_false(verdict_needs_check(&account, &config, &now));
    }
}

/* --- what runs -------------------------------------------------------------------------------- */

static void test_unconfirmed_ends_after_a_warning(void **state)
{
    Config config = config_default();
    const struct {
        uint64_t age;
        Running running;
    } rows[] = {
        {0, RUNNING_STAY},
        {HOURS(8) - SECONDS(301), RUNNING_STAY},
        {HOURS(8) - SECONDS(300), RUNNING_WARN},
        {HOURS(8) - 1, RUNNING_WARN},
        {HOURS(8), RUNNING_TERM},
        {HOURS(90), RUNNING_TERM},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Account account = account_of(VERDICT_UNCONFIRMED, rows[i].age);

        assert_int_equal(verdict_running(&account, &config, &now), rows[i].running);
    }
}

static void test_short_limits_are_warned_half_way(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_UNCONFIRMED, SECONDS(5));

    config.max_unconfirmed_usec = SECONDS(10);
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_WARN);
    account = account_of(VERDICT_UNCONFIRMED, SECONDS(4));
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_STAY);
    config.max_unconfirmed_usec = 0;
    account = account_of(VERDICT_UNCONFIRMED, HOURS(90));
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_STAY);
}

static void test_a_clock_set_back_or_forth_ends_nobody(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_UNCONFIRMED, SECONDS(60));
    Stamp odd = now;

    odd.wall_usec -= SECONDS(600);
    assert_int_equal(verdict_running(&account, &config, &odd), RUNNING_STAY);
    odd.wall_usec = WALL + HOURS(24 * 365);
    assert_int_equal(verdict_running(&account, &config, &odd), RUNNING_STAY);
    account.confirmed = (Stamp){0};
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_STAY);
}

static void test_across_boots_the_wall_clock_counts(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_UNCONFIRMED, HOURS(9));

    account.confirmed.boot_id[0] = 2;
    account.confirmed.boot_usec = BOOT;
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_TERM);
    account.confirmed.wall_usec = WALL + 1;
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_STAY);
}

static void test_the_other_verdicts(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_ACTIVE, HOURS(90));

    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_STAY);
    account.verdict = VERDICT_AGED;
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_STAY);
    account.expires_usec = WALL - 1; /* of an access token: nobody vouches for them meanwhile */
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_TERM);
    account.confirmed = account_of(VERDICT_AGED, HOURS(1)).confirmed;
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_STAY);
    account.expires_usec = 0;
    assert_false(verdict_cuts(VERDICT_AGED, &config));
    config.end_on_expiry = true;
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_TERM);
    assert_true(verdict_cuts(VERDICT_AGED, &config));
    account.verdict = VERDICT_DISABLED;
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_KILL);
    account.verdict = _VERDICT_COUNT;
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_KILL);
}

static void test_what_revoked_does(void **state)
{
    Config config = config_default();
    Account account = account_of(VERDICT_REVOKED, SECONDS(60));

    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_TERM);
    config.on_revoked = ON_REVOKED_KEEP;
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_STAY);
    config.on_revoked = ON_REVOKED_GRACE;
    config.on_revoked_grace_usec = SECONDS(61);
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_WARN);
    config.on_revoked_grace_usec = SECONDS(60);
    assert_int_equal(verdict_running(&account, &config, &now), RUNNING_TERM);
}

static void test_the_texts_fit_a_terminal_line(void **state)
{
    Config config = config_default();

    config.on_revoked_grace_usec = SECONDS(900);
    for (int verdict = 0; verdict < _VERDICT_COUNT; verdict++)
        for (int running = RUNNING_WARN; running <= RUNNING_KILL; running++)
            for (int by = 0; by < 2; by++) {
                Account account = account_of((Verdict)verdict, 0);
                char buffer[1024];
                const char *text;

                account.by_administrator = by;
                text = verdict_text(&account, &config, (Running)running, buffer, sizeof(buffer));
                assert_non_null(text);
                assert_in_range(strlen(text), 20, ENFORCER_TELL_MAX);
                assert_null(strpbrk(text, "\n\r\t\033"));
            }
    assert_null(verdict_text(&(Account){0}, &config, RUNNING_STAY, (char[8]){0}, 8));
}

/* --- many at once ----------------------------------------------------------------------------- */

static void test_the_fourth_account_within_a_minute_is_held(void **state)
{
    Hold hold = {0};

    assert_false(hold_note(&hold, 1, SECONDS(1000)));
    assert_false(hold_note(&hold, 2, SECONDS(1010)));
    assert_false(hold_note(&hold, 2, SECONDS(1011)));
    assert_false(hold_note(&hold, 1, SECONDS(1012)));
    assert_false(hold_note(&hold, 3, SECONDS(1020)));
    assert_true(hold_note(&hold, 4, SECONDS(1030)));
    assert_true(hold_note(&hold, 5, SECONDS(1031)));
}

static void test_slow_departures_are_not_held(void **state)
{
    Hold hold = {0};

    for (uint32_t uid = 1; uid < 50; uid++)
        assert_false(hold_note(&hold, uid, SECONDS(1000) + uid * SECONDS(21)));
}

static void test_a_storm_stays_held(void **state)
{
    Hold hold = {0};

    for (unsigned minute = 0; minute < 5; minute++)
        for (uint32_t uid = 1; uid <= 20; uid++) {
            bool held = hold_note(&hold, uid, SECONDS(1000) + minute * SECONDS(60) + uid);

            assert_int_equal(held, minute > 0 || uid > HOLD_ACCOUNTS);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verdict_meets_every_meaning),
        cmocka_unit_test(test_numbers_out_of_the_tables_give_nothing),
        cmocka_unit_test(test_who_comes_in),
        cmocka_unit_test(test_strict_hosts_admit_only_the_confirmed),
        cmocka_unit_test(test_unbound_and_never_confirmed_only_sign_in),
        cmocka_unit_test(test_forgotten_accounts_do_not_come_in),
        cmocka_unit_test(test_a_clock_set_back_admits_nobody_by_age),
        cmocka_unit_test(test_the_larger_age_counts),
        cmocka_unit_test(test_what_is_checked_first),
        cmocka_unit_test(test_unconfirmed_ends_after_a_warning),
        cmocka_unit_test(test_short_limits_are_warned_half_way),
        cmocka_unit_test(test_a_clock_set_back_or_forth_ends_nobody),
        cmocka_unit_test(test_across_boots_the_wall_clock_counts),
        cmocka_unit_test(test_the_other_verdicts),
        cmocka_unit_test(test_what_revoked_does),
        cmocka_unit_test(test_the_texts_fit_a_terminal_line),
        cmocka_unit_test(test_the_fourth_account_within_a_minute_is_held),
        cmocka_unit_test(test_slow_departures_are_not_held),
        cmocka_unit_test(test_a_storm_stays_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
