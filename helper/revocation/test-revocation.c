/*
 * Tests of revocation: what happens, in which order, when a verdict moves; and what the enforcer,
 * the disk and the clock may do to it meanwhile.
 */
#include "helper/accounts/test-world.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "helper/revocation/revocation-case.h"

static const char disabled_code[] = "invalid_grant 50057";

static void disable(World *world, Account *account)
{
    Evidence evidence = evidence_of(EVIDENCE_DISABLED, true, disabled_code);

    revocation_evidence(world->manager.revocation, account, "refresh", &evidence);
}

static void learn(World *world, Account *account, EvidenceMeaning meaning, const char *code)
{
    Evidence evidence = evidence_of(meaning, false, code);

    revocation_evidence(world->manager.revocation, account, "refresh", &evidence);
}

static const FakeCall *ended_of(World *world, const char *user)
{
    char text[80];

    snprintf(text, sizeof(text), "user=%s ", user);
    return fake_record(world->fake, RECORD_ENDED, text, NULL);
}

static const char *text_of(const FakeCall *call)
{
    return call ? call->text : "(none)";
}

static int setup(void **state)
{
    *state = world_new();
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* --- the order -------------------------------------------------------------------------------- */

static void test_disabled_is_told_then_killed_then_logged(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-alice");
    const FakeCall *tell, *kill, *verdict;

    disable(world, account);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_string_equal(account->evidence, "refresh invalid_grant 50057");
    assert_true(WORLD_UNTIL(world, 3000, ended_of(world, "rt-alice")));
    tell = fake_find(world->fake, ENFORCER_TELL, account->uid, 0);
    kill = fake_find(world->fake, ENFORCER_END, account->uid, 0);
    verdict =
        fake_record(world->fake, RECORD_VERDICT, "verdict_old=active", "verdict_new=disabled");
    assert_non_null(tell);
    assert_non_null(strstr(text_of(tell), "disabled"));
    assert_non_null(kill);
    assert_int_equal(kill->how, ENFORCER_KILL);
    assert_in_range(kill->usec - tell->usec, 100000, 3000000);
    assert_non_null(verdict);
    assert_non_null(strstr(text_of(verdict), disabled_code));
    assert_true(verdict->usec >= kill->usec);
}

/* elapsed_ms= of the record of an end. */
static unsigned long elapsed_ms(const FakeCall *ended)
{
    const char *elapsed = strstr(text_of(ended), "elapsed_ms=");

    assert_non_null(elapsed);
    return strtoul(elapsed + strlen("elapsed_ms="), NULL, 10);
}

static void test_the_log_says_how_long_it_took(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-bob");
    const FakeCall *ended;

    fake_account(world->fake, account->uid)->kills_needed = 3;
    disable(world, account);
    assert_true(WORLD_UNTIL(world, 3000, ended_of(world, "rt-bob")));
    ended = ended_of(world, "rt-bob");
    assert_non_null(strstr(text_of(ended), "count=3 "));
    assert_non_null(strstr(text_of(ended), "left=0 "));
    assert_in_range(elapsed_ms(ended), 100, 5000);
    assert_non_null(fake_find(world->fake, ENFORCER_END, account->uid, 3));
}

/* From the verdict to the signal, in microseconds; the best of some, because the machine may be
 * busy. */
static uint64_t quickest_cut(World *world, const char *prefix)
{
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < 5; i++) {
        char name[24];
        Account *account;
        uint64_t began;

        snprintf(name, sizeof(name), "%s%u", prefix, i);
        account = world_account(world, name);
        began = fake_now_usec();
        disable(world, account);
        assert_true(
            WORLD_UNTIL(world, 5000, fake_find(world->fake, ENFORCER_END, account->uid, 0)));
        uint64_t took = fake_find(world->fake, ENFORCER_END, account->uid, 0)->usec - began;
        best = took < best ? took : best;
    }
    return best;
}

static void test_nobody_at_a_terminal_costs_no_time(void **state)
{
    World *world = *state;

    world->fake->terminals = 0;
    assert_true(quickest_cut(world, "rt-carol") < 90000);
}

static void test_a_failing_tell_delays_nothing(void **state)
{
    World *world = *state;

    world->fake->refuses_tell = -EIO;
    assert_true(quickest_cut(world, "rt-dave") < 90000);
}

/* --- REVOKED ---------------------------------------------------------------------------------- */

static void test_revoked_is_asked_to_leave_first(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-erin");

    fake_account(world->fake, account->uid)->ignores_term = true;
    learn(world, account, EVIDENCE_REVOKED, "invalid_grant 50173");
    assert_int_equal(account->verdict, VERDICT_REVOKED);
    assert_true(WORLD_UNTIL(world, 5000, ended_of(world, "rt-erin")));
    assert_int_equal(fake_find(world->fake, ENFORCER_END, account->uid, 0)->how, ENFORCER_TERM);
    for (unsigned i = 1;; i++) {
        const FakeCall *call = fake_find(world->fake, ENFORCER_END, account->uid, i);

        assert_non_null(call);
        if (call->how != ENFORCER_KILL)
            continue;
        assert_in_range(call->usec - fake_find(world->fake, ENFORCER_END, account->uid, 0)->usec,
                        1900000, 6000000);
        break;
    }
    assert_non_null(strstr(text_of(ended_of(world, "rt-erin")), "left=0 "));
}

static void test_revoked_a_last_kill_meets_who_outran_the_walk(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-frank");

    learn(world, account, EVIDENCE_REVOKED, "invalid_grant 50173");
    assert_true(WORLD_UNTIL(world, 3000, ended_of(world, "rt-frank")));
    assert_int_equal(fake_find(world->fake, ENFORCER_END, account->uid, 0)->how, ENFORCER_TERM);
    /* Who was outrun by a fork is met by a last SIGKILL, which is asked for once. */
    assert_int_equal(fake_find(world->fake, ENFORCER_END, account->uid, 1)->how, ENFORCER_KILL);
    assert_null(fake_find(world->fake, ENFORCER_END, account->uid, 2));
}

static void test_revoked_keep_lets_things_run(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-grace");

    world->manager.config->on_revoked = ON_REVOKED_KEEP;
    revocation_resume(world->manager.revocation);
    learn(world, account, EVIDENCE_REVOKED, "invalid_grant 50173");
    assert_true(WORLD_UNTIL(
        world, 1000, fake_record(world->fake, RECORD_VERDICT, "rt-grace", "verdict_new=revoked")));
    world_run(world, 400);
    assert_null(fake_find(world->fake, ENFORCER_END, account->uid, 0));
    assert_int_equal(fake_account(world->fake, account->uid)->processes, 3);
}

static void test_revoked_grace_warns_and_then_ends(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-heidi");
    const FakeCall *warning, *verdict, *term;
    uint64_t before;

    world->manager.config->on_revoked = ON_REVOKED_GRACE;
    world->manager.config->on_revoked_grace_usec = 600 * USEC_PER_MSEC;
    revocation_resume(world->manager.revocation);
    before = fake_now_usec();
    learn(world, account, EVIDENCE_REVOKED, "invalid_grant 50173");
    assert_true(WORLD_UNTIL(world, 4000, ended_of(world, "rt-heidi")));
    warning = fake_find(world->fake, ENFORCER_TELL, account->uid, 0);
    term = fake_find(world->fake, ENFORCER_END, account->uid, 0);
    verdict = fake_record(world->fake, RECORD_VERDICT, "rt-heidi", "verdict_new=revoked");
    assert_non_null(strstr(text_of(warning), "Save your work"));
    assert_int_equal(term->how, ENFORCER_TERM);
    assert_true(warning < verdict && verdict < term); /* told at once */
    assert_true(term->usec - before >= 600000);
    assert_non_null(fake_find(world->fake, ENFORCER_TELL, account->uid, 1));
}

/* --- UNCONFIRMED and AGED --------------------------------------------------------------------- */

static void test_unconfirmed_stays_is_warned_and_ends(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-ivan");
    const FakeCall *warning, *term;

    world->manager.config->max_unconfirmed_usec = 2 * USEC_PER_SEC;
    revocation_resume(world->manager.revocation);
    learn(world, account, EVIDENCE_LATER, "http 503");
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    assert_true(WORLD_UNTIL(world, 6000, ended_of(world, "rt-ivan")));
    warning = fake_find(world->fake, ENFORCER_TELL, account->uid, 0);
    term = fake_find(world->fake, ENFORCER_END, account->uid, 0);
    assert_non_null(strstr(text_of(warning), "could not be confirmed"));
    assert_int_equal(term->how, ENFORCER_TERM);
    assert_true(term->usec - warning->usec >= 700000);
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
}

/* What was known when the person became unconfirmed was not that they had to go. */
static void test_elapsed_of_unconfirmed_counts_from_its_limit(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-iris");

    world->manager.config->max_unconfirmed_usec = 3 * USEC_PER_SEC;
    revocation_resume(world->manager.revocation);
    learn(world, account, EVIDENCE_LATER, "http 503");
    assert_true(WORLD_UNTIL(world, 9000, ended_of(world, "rt-iris")));
    assert_in_range(elapsed_ms(ended_of(world, "rt-iris")), 100, 2900);
}

static void test_confirmed_again_nobody_is_ended(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-judy");

    world->manager.config->max_unconfirmed_usec = 3 * USEC_PER_SEC;
    revocation_resume(world->manager.revocation);
    learn(world, account, EVIDENCE_LATER, "network: timed out");
    assert_true(
        WORLD_UNTIL(world, 2000, fake_find(world->fake, ENFORCER_TELL, account->uid, 0)));
    learn(world, account, EVIDENCE_CONFIRMED, "ok");
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    world_run(world, 2000); /* longer than was left */
    assert_null(fake_find(world->fake, ENFORCER_END, account->uid, 0));
}

static void test_aged_stays_unless_told_to_end(void **state)
{
    World *world = *state;
    Account *stays = world_account(world, "rt-kim"), *goes = world_account(world, "rt-leo");

    learn(world, stays, EVIDENCE_AGED, "invalid_grant 700082");
    assert_int_equal(stays->verdict, VERDICT_AGED);
    world->manager.config->end_on_expiry = true;
    learn(world, goes, EVIDENCE_AGED, "invalid_grant 700082");
    assert_true(WORLD_UNTIL(world, 3000, ended_of(world, "rt-leo")));
    assert_null(fake_find(world->fake, ENFORCER_END, stays->uid, 0));
}

/* --- the enforcer ----------------------------------------------------------------------------- */

static void test_an_enforcer_that_is_away_is_asked_until_it_answers(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-mia");

    world_run(world, 50);
    fake_down(world->fake);
    disable(world, account);
    world_run(world, 700);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_int_equal(world->manager.alarm_count, 1);
    assert_int_equal(fake_up(world->fake), 0);
    assert_true(WORLD_UNTIL(world, 6000, ended_of(world, "rt-mia")));
    assert_int_equal(world->manager.alarm_count, 0); /* that is over */
    assert_int_equal(fake_account(world->fake, account->uid)->processes, 0);
    assert_true(
        WORLD_UNTIL(world, 3000, fake_record(world->fake, RECORD_VERDICT, "rt-mia", "disabled")));
}

static void test_an_enforcer_that_dies_in_the_middle_is_asked_again(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-noah");

    world->fake->is_silent = true;
    disable(world, account);
    assert_true(WORLD_UNTIL(world, 3000, fake_find(world->fake, ENFORCER_END, account->uid, 0)));
    fake_down(world->fake);
    fake_account(world->fake, account->uid)->processes = 2; /* the kill never happened */
    world->fake->is_silent = false;
    assert_int_equal(fake_up(world->fake), 0);
    assert_true(WORLD_UNTIL(world, 6000, ended_of(world, "rt-noah")));
    assert_int_equal(fake_account(world->fake, account->uid)->processes, 0);
}

static void test_an_enforcer_that_refuses_is_alarmed_not_pestered(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-olga");

    world->fake->refuses_end = -EPERM;
    disable(world, account);
    assert_true(WORLD_UNTIL(world, 3000,
                            fake_record(world->fake, RECORD_ALARM, "refuses to end", "rt-olga")));
    world_run(world, 500);
    assert_null(fake_find(world->fake, ENFORCER_END, account->uid, 1));
}

static void test_survivors_are_named_and_looked_for_again(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-paul");

    fake_account(world->fake, account->uid)->kills_needed =
        15; /* more than one ending has rounds */
    disable(world, account);
    assert_true(WORLD_UNTIL(world, 12000, ended_of(world, "rt-paul")));
    assert_non_null(strstr(text_of(ended_of(world, "rt-paul")), "left=3 "));
    assert_non_null(strstr(text_of(ended_of(world, "rt-paul")), "survivors=4242:stubborn"));
    assert_true(
        WORLD_UNTIL(world, 4000, fake_record(world->fake, RECORD_ENDED, "rt-paul", "left=0 ")));
}

/* --- storage ---------------------------------------------------------------------------------- */

static void test_a_crash_before_storing_leaves_the_cut_and_after_it_the_verdict(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-quinn");
    uint32_t uid = account->uid;

    disable(world, account);
    assert_true(WORLD_UNTIL(world, 3000, ended_of(world, "rt-quinn")));
    world_crash(world);
    world_open_state(world);
    world_build(world);
    account = accounts_find(world->manager.accounts, "rt-quinn");
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_string_equal(account->evidence, "refresh invalid_grant 50057");
    fake_account(world->fake, uid)->processes = 4;
    revocation_resume(world->manager.revocation);
    assert_true(WORLD_UNTIL(world, 3000, fake_account(world->fake, uid)->processes == 0));
    assert_true(
        WORLD_UNTIL(world, 3000, fake_record(world->fake, RECORD_ENDED, "rt-quinn", "count=4 ")));
}

static void test_what_appears_later_is_found_at_the_next_round(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-rosa");

    world->manager.config->refresh_check_usec = 300 * USEC_PER_MSEC;
    revocation_resume(world->manager.revocation);
    disable(world, account);
    assert_true(WORLD_UNTIL(world, 3000, ended_of(world, "rt-rosa")));
    world_run(world, 1500);
    fake_account(world->fake, account->uid)->processes = 7; /* cron */
    assert_true(
        WORLD_UNTIL(world, 3000, fake_record(world->fake, RECORD_ENDED, "rt-rosa", "count=7 ")));
}

/* --- many at once ----------------------------------------------------------------------------- */

static void test_the_fourth_refused_token_within_a_minute_is_held(void **state)
{
    World *world = *state;
    Account *accounts[6];

    for (unsigned i = 0; i < ELEMENTSOF(accounts); i++) {
        char name[16];

        snprintf(name, sizeof(name), "rt-many%u", i);
        accounts[i] = world_account(world, name);
        learn(world, accounts[i], EVIDENCE_REVOKED, "invalid_grant");
    }
    for (unsigned i = 0; i < ELEMENTSOF(accounts); i++)
        assert_int_equal(accounts[i]->verdict, i < 3 ? VERDICT_REVOKED : VERDICT_UNCONFIRMED);
    assert_true(WORLD_UNTIL(world, 3000, fake_record(world->fake, RECORD_ALARM, "held", NULL)));
    assert_null(fake_find(world->fake, ENFORCER_END, accounts[4]->uid, 0));

    /* Repetition does not wear the hold out; an explicit code is never held; an answer lifts it. */
    learn(world, accounts[3], EVIDENCE_REVOKED, "invalid_grant");
    assert_int_equal(accounts[3]->verdict, VERDICT_UNCONFIRMED);
    disable(world, accounts[4]);
    assert_int_equal(accounts[4]->verdict, VERDICT_DISABLED);
    learn(world, accounts[5], EVIDENCE_CONFIRMED, "ok");
    assert_int_equal(accounts[5]->verdict, VERDICT_ACTIVE);
}

#define CROWD 300

static bool all_gone(World *world, Account **accounts)
{
    for (unsigned i = 0; i < CROWD; i++)
        if (fake_account(world->fake, accounts[i]->uid)->processes > 0)
            return false;
    return true;
}

static bool all_stored(World *world, Account **accounts)
{
    for (unsigned i = 0; i < CROWD; i++)
        if (!revocation_is_stored(world->manager.revocation, accounts[i]))
            return false;
    return true;
}

static void test_three_hundred_explicit_codes_at_once_cut_everybody(void **state)
{
    World *world = *state;
    Account *accounts[CROWD];

    for (unsigned i = 0; i < CROWD; i++) {
        char name[24];

        snprintf(name, sizeof(name), "rt-crowd%u", i);
        accounts[i] = world_account(world, name);
    }
    for (unsigned i = 0; i < CROWD; i++)
        disable(world, accounts[i]);
    assert_true(WORLD_UNTIL(world, 5000, all_gone(world, accounts)));
    assert_true(WORLD_UNTIL(world, 5000, all_stored(world, accounts)));
}

static void test_our_own_fault_is_alarmed_and_cuts_nobody(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-sam");

    learn(world, account, EVIDENCE_OUR_FAULT, "invalid_client 7000215");
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    assert_true(WORLD_UNTIL(world, 3000, fake_record(world->fake, RECORD_ALARM, "7000215", NULL)));
    assert_null(fake_find(world->fake, ENFORCER_END, account->uid, 0));
}

/* --- persons ---------------------------------------------------------------------------------- */

static void test_only_a_reinstatement_lifts_disabled(void **state)
{
    World *world = *state;
    Revocation *revocation = world->manager.revocation;
    Account *account = world_account(world, "rt-tina");
    Stamp now;

    disable(world, account);
    assert_int_equal(revocation_signed_in(revocation, account), -EACCES);
    learn(world, account, EVIDENCE_CONFIRMED, "ok");
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_int_equal(revocation_reinstate(revocation, account), -EBUSY);
    assert_true(WORLD_UNTIL(world, 3000, ended_of(world, "rt-tina")));
    assert_int_equal(revocation_reinstate(revocation, account), 0);
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    now = stamp_now();
    assert_int_equal(verdict_admits(account, world->manager.config, false, false, &now),
                     OUTCOME_REVOKED);
    assert_int_equal(verdict_admits(account, world->manager.config, true, false, &now),
                     OUTCOME_ALLOW);
    assert_int_equal(revocation_signed_in(revocation, account), 0);
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    assert_int_equal(revocation_reinstate(revocation, account), -EALREADY);
}

static void test_a_sign_in_lifts_revoked_once_it_is_ended(void **state)
{
    World *world = *state;
    Revocation *revocation = world->manager.revocation;
    Account *account = world_account(world, "rt-uma");

    learn(world, account, EVIDENCE_REVOKED, "invalid_grant 50173");
    assert_int_equal(revocation_signed_in(revocation, account), -EBUSY);
    assert_int_equal(account->verdict, VERDICT_REVOKED);
    assert_true(WORLD_UNTIL(world, 3000, ended_of(world, "rt-uma")));
    assert_int_equal(revocation_signed_in(revocation, account), 0);
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    assert_true(WORLD_UNTIL(
        world, 3000, fake_record(world->fake, RECORD_VERDICT, "verdict_old=revoked", "sign-in")));
    fake_account(world->fake, account->uid)->processes = 2;
    world_run(world, 1500);
    assert_int_equal(fake_account(world->fake, account->uid)->processes, 2);
}

typedef struct Answer {
    bool came;
    uint32_t ended, left;
    uint64_t elapsed_ms;
    char survivors[100];
} Answer;

static void on_answer(uint32_t ended, uint32_t left, uint64_t elapsed_ms, const char *survivors,
                      void *userdata)
{
    Answer *answer = userdata;

    assert_false(answer->came);
    *answer = (Answer){.came = true, .ended = ended, .left = left, .elapsed_ms = elapsed_ms};
    snprintf(answer->survivors, sizeof(answer->survivors), "%s", survivors);
}

static void test_revoke_answers_when_nothing_is_left_and_it_is_stored(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-vera");
    Answer answer = {0};

    assert_int_equal(revocation_revoke(world->manager.revocation, account, "left the college",
                                       on_answer, &answer),
                     0);
    assert_false(answer.came);
    assert_true(account->by_administrator);
    assert_true(WORLD_UNTIL(world, 3000, answer.came));
    assert_int_equal(answer.ended, 3);
    assert_int_equal(answer.left, 0);
    assert_true(revocation_is_stored(world->manager.revocation, account));
    assert_true(WORLD_UNTIL(world, 3000,
                            fake_record(world->fake, RECORD_VERDICT, "left the college", NULL)));
}

static void test_revoke_twice_is_answered_twice(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-will");
    Answer first = {0}, second = {0};

    assert_int_equal(revocation_revoke(world->manager.revocation, account, "", on_answer, &first),
                     0);
    assert_int_equal(revocation_revoke(world->manager.revocation, account, "", on_answer, &second),
                     0);
    assert_true(WORLD_UNTIL(world, 3000, first.came && second.came));
    assert_int_equal(account->verdict, VERDICT_DISABLED);
}

static void test_revoke_without_an_enforcer_answers_in_the_end(void **state)
{
    World *world = *state;
    Account *account = world_account(world, "rt-xena");
    Answer answer = {0};
    uint64_t began;

    world_run(world, 50);
    fake_down(world->fake);
    began = fake_now_usec();
    world->manager.revocation->wait_usec = USEC_PER_SEC;
    assert_int_equal(revocation_revoke(world->manager.revocation, account, "", on_answer, &answer),
                     0);
    assert_true(WORLD_UNTIL(world, 3000, answer.came));
    assert_in_range(fake_now_usec() - began, 990000, 6000000);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_int_equal(answer.left, REVOCATION_LEFT_UNKNOWN); /* not counted is not "nothing" */
}

/* --- several accounts of one person ----------------------------------------------------------- */

/* "daemon" is a local account on every host. */
static Account *tie_local_account(World *world, const Account *owner)
{
    Manager *manager = &world->manager;
    Config *config = manager->config;
    const AccountOptions options = {.id = owner->id};
    Account *account = NULL;
    const char *why = NULL;

    config->users = calloc(1, sizeof(*config->users));
    assert_non_null(config->users);
    config->users[0].name = strdup("daemon");
    config->users[0].directory = strdup(owner->directory_name);
    config->user_count = 1;
    assert_int_equal(accounts_add(manager->accounts, config, &world->provider, "daemon", &options,
                                  &account, &why),
                     0);
    assert_int_equal(revocation_signed_in(manager->revocation, account), 0);
    return account;
}

static void test_a_persons_tied_account_falls_with_them(void **state)
{
    World *world = *state;
    Account *owner = world_account(world, "rt-yves"), *tied = tie_local_account(world, owner);
    Account *other = world_account(world, "rt-other");

    learn(world, tied, EVIDENCE_AGED, "invalid_grant"); /* one token's age is not the person's */
    assert_int_equal(owner->verdict, VERDICT_ACTIVE);
    disable(world, owner);
    assert_int_equal(tied->verdict, VERDICT_DISABLED);
    assert_int_equal(other->verdict, VERDICT_ACTIVE);
    assert_true(WORLD_UNTIL(world, 3000, fake_find(world->fake, ENFORCER_END, tied->uid, 0)));
    assert_true(WORLD_UNTIL(world, 3000,
                            fake_record(world->fake, RECORD_VERDICT, "with rt-yves", NULL)));
    assert_null(fake_find(world->fake, ENFORCER_END, other->uid, 0));
}

static void test_what_the_tied_account_learns_is_known_of_the_person(void **state)
{
    World *world = *state;
    Account *owner = world_account(world, "rt-zoe"), *tied = tie_local_account(world, owner);

    learn(world, tied, EVIDENCE_REVOKED, "invalid_grant");
    assert_int_equal(owner->verdict, VERDICT_REVOKED);
    assert_int_equal(tied->verdict, VERDICT_REVOKED);
}

static void test_an_administrators_revoke_reaches_down_only(void **state)
{
    World *world = *state;
    Revocation *revocation = world->manager.revocation;
    Account *owner = world_account(world, "rt-abel"), *tied = tie_local_account(world, owner);

    assert_int_equal(revocation_revoke(revocation, tied, "", NULL, NULL), 0);
    revocation_revoke_tied(revocation, tied, "");
    assert_int_equal(owner->verdict, VERDICT_ACTIVE);
    assert_true(WORLD_UNTIL(world, 3000, tied->verdict == VERDICT_UNCONFIRMED ||
                                             revocation_reinstate(revocation, tied) == 0));
    assert_int_equal(revocation_revoke(revocation, owner, "left", NULL, NULL), 0);
    revocation_revoke_tied(revocation, owner, "left");
    assert_int_equal(tied->verdict, VERDICT_DISABLED);
    assert_true(tied->by_administrator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_disabled_is_told_then_killed_then_logged),
        TEST(test_the_log_says_how_long_it_took),
        TEST(test_nobody_at_a_terminal_costs_no_time),
        TEST(test_a_failing_tell_delays_nothing),
        TEST(test_revoked_is_asked_to_leave_first),
        TEST(test_revoked_a_last_kill_meets_who_outran_the_walk),
        TEST(test_revoked_keep_lets_things_run),
        TEST(test_revoked_grace_warns_and_then_ends),
        TEST(test_unconfirmed_stays_is_warned_and_ends),
        TEST(test_elapsed_of_unconfirmed_counts_from_its_limit),
        TEST(test_confirmed_again_nobody_is_ended),
        TEST(test_aged_stays_unless_told_to_end),
        TEST(test_an_enforcer_that_is_away_is_asked_until_it_answers),
        TEST(test_an_enforcer_that_dies_in_the_middle_is_asked_again),
        TEST(test_an_enforcer_that_refuses_is_alarmed_not_pestered),
        TEST(test_survivors_are_named_and_looked_for_again),
        TEST(test_a_crash_before_storing_leaves_the_cut_and_after_it_the_verdict),
        TEST(test_what_appears_later_is_found_at_the_next_round),
        TEST(test_the_fourth_refused_token_within_a_minute_is_held),
        TEST(test_three_hundred_explicit_codes_at_once_cut_everybody),
        TEST(test_our_own_fault_is_alarmed_and_cuts_nobody),
        TEST(test_only_a_reinstatement_lifts_disabled),
        TEST(test_a_sign_in_lifts_revoked_once_it_is_ended),
        TEST(test_revoke_answers_when_nothing_is_left_and_it_is_stored),
        TEST(test_revoke_twice_is_answered_twice),
        TEST(test_revoke_without_an_enforcer_answers_in_the_end),
        TEST(test_a_persons_tied_account_falls_with_them),
        TEST(test_what_the_tied_account_learns_is_known_of_the_person),
        TEST(test_an_administrators_revoke_reaches_down_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
