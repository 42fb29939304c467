/*
 * Who may sign in while the provider cannot be reached: reach × verdict × age × what is prepared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/base/text-list.h"
#include "helper/login/outage.h"

#define MINUTE (60 * USEC_PER_SEC)
#define NEVER  UINT64_MAX

typedef struct Row {
    const char *what;
    EvidenceReach reach;
    Verdict verdict;
    uint64_t age_usec, grace_usec;
    bool is_enrolled, has_secret, is_held, is_unbound, is_forgotten, is_foreign;
    Outcome outcome;
} Row;

#define GOOD .reach = REACH_NONE, .verdict = VERDICT_UNCONFIRMED, .age_usec = 10 * MINUTE,         \
             .grace_usec = 60 * MINUTE, .is_enrolled = true, .has_secret = true

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const Row rows[] = {
    {"in time", GOOD, .outcome = OUTCOME_ALLOW},
    {"5xx", GOOD, .reach = REACH_FAILED, .outcome = OUTCOME_ALLOW},
    {"active", GOOD, .verdict = VERDICT_ACTIVE, .outcome = OUTCOME_ALLOW},
    {"at the last moment", GOOD, .age_usec = 60 * MINUTE, .outcome = OUTCOME_ALLOW},
    {"reached", GOOD, .reach = REACH_ANSWERED, .outcome = OUTCOME_UNAVAILABLE},
    {"too late", GOOD, .age_usec = 60 * MINUTE + 1, .outcome = OUTCOME_TOO_STALE},
    {"too late, and active", GOOD, .verdict = VERDICT_ACTIVE, .age_usec = 61 * MINUTE,
     .outcome = OUTCOME_TOO_STALE},
    {"never confirmed", GOOD, .age_usec = NEVER, .outcome = OUTCOME_TOO_STALE},
    {"switched off", GOOD, .grace_usec = 0, .age_usec = 0, .outcome = OUTCOME_UNAVAILABLE},
    {"expired", GOOD, .verdict = VERDICT_AGED, .outcome = OUTCOME_SIGN_IN_TOO_OLD},
    {"revoked", GOOD, .verdict = VERDICT_REVOKED, .outcome = OUTCOME_REVOKED},
    {"disabled", GOOD, .verdict = VERDICT_DISABLED, .outcome = OUTCOME_DISABLED},
    {"forgotten", GOOD, .is_forgotten = true, .outcome = OUTCOME_DISABLED},
    {"held", GOOD, .is_held = true, .outcome = OUTCOME_TOO_STALE},
    {"unbound", GOOD, .is_unbound = true, .outcome = OUTCOME_TOO_STALE},
    {"not of this host", GOOD, .is_foreign = true, .outcome = OUTCOME_NOT_IN_GROUP},
    {"no second factor", GOOD, .is_enrolled = false, .outcome = OUTCOME_WRONG_SECRET},
    {"a second factor alone", GOOD, .has_secret = false, .outcome = OUTCOME_WRONG_SECRET},
};
#pragma GCC diagnostic pop

static Stamp earlier(const Stamp *now, uint64_t usec)
{
    Stamp stamp = *now;

    if (usec == NEVER)
        return (Stamp){0};
    stamp.wall_usec -= usec;
    stamp.boot_usec -= usec;
    return stamp;
}

static void judge(const Row *row)
{
    const char *allowed[] = {"alice", NULL};
    ProviderConfig provider = {.name = (char *)"p"};
    Config config = {.offline_grace_usec = row->grace_usec, .providers = &provider,
                     .provider_count = 1,
                     .allow_users = row->is_foreign ? NULL : (char **)allowed};
    Stamp now = stamp_now();
    /* As if the host had been up for long. */
    now.boot_usec += 100 * 60 * MINUTE;
    Account account = {.name = (char *)"alice", .directory_name = (char *)"alice@rcpch.ac.uk",
                       .provider = (char *)"p", .id = row->is_unbound ? NULL : (char *)"1",
                       .groups = text_list_new(), .roles = text_list_new(),
                       .state = row->is_forgotten ? ACCOUNT_FORGOTTEN : ACCOUNT_ACTIVE,
                       .verdict = row->verdict, .confirmed = earlier(&now, row->age_usec)};
    const OutageFacts facts = {.reach = row->reach, .account = &account, .config = &config,
                               .is_enrolled = row->is_enrolled, .has_secret = row->has_secret,
                               .is_held = row->is_held, .now = now};
    const char *reason = "unset";

    Outcome outcome = outage_judge(&facts, &reason);
    if (outcome != row->outcome)
        print_error("%s: %s, not %s\n", row->what, outcome_to_word(outcome),
                    outcome_to_word(row->outcome));
    assert_int_equal(outcome, row->outcome);
    assert_true((reason == NULL) == (outcome == OUTCOME_ALLOW));
    text_list_free(account.groups);
    text_list_free(account.roles);
}

static void test_table(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        judge(&rows[i]);
}

/* A clock that was set back proves nothing. */
static void test_confirmed_in_the_future(void **state)
{
    judge(&(Row){"from the future", GOOD, .outcome = OUTCOME_ALLOW});
    Row row = {"from the future", GOOD, .outcome = OUTCOME_TOO_STALE};
    row.age_usec = (uint64_t)-(int64_t)MINUTE;
    judge(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_confirmed_in_the_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
