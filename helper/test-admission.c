/*
 * Tests of admission.c: verdict, access, RequireGroups= and MaxAuthAge= together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/admission.h"

static char *staff[] = {(char *)"id-staff", NULL};
static char *staff_and_admins[] = {(char *)"id-staff", (char *)"id-admins", NULL};
static char *staff_only[] = {(char *)"audit-staff", NULL};
static char *admins_or_ops[] = {(char *)"audit-admins", (char *)"ops", NULL};

static GroupConfig groups[] = {
    {.name = (char *)"audit-staff", .id = (char *)"id-staff"},
    {.name = (char *)"audit-admins", .id = (char *)"id-admins"},
    {.name = (char *)"ops", .id = (char *)"id-ops"},
};
static ServiceConfig services[] = {
    {.name = (char *)"sudo", .require_groups = admins_or_ops},
    {.name = (char *)"vault", .max_auth_age_usec = 600 * USEC_PER_SEC},
};
static ProviderConfig providers[] = {{.name = (char *)"college"}};
static Config config = {
    .providers = providers, .provider_count = 1, .groups = groups, .group_count = 3,
    .services = services, .service_count = 2, .allow_groups = staff_only, .fresh_usec = 30 * USEC_PER_SEC,
    .offline_grace_usec = 3600 * USEC_PER_SEC,
};

static Stamp at_second(uint64_t second)
{
    return (Stamp){.wall_usec = second * USEC_PER_SEC, .boot_usec = second * USEC_PER_SEC};
}

/* Signed in and confirmed at second 1000. */
static Account account_active(void)
{
    return (Account){
        .name = (char *)"alice", .provider = (char *)"college", .id = (char *)"id-alice",
        .groups = staff, .verdict = VERDICT_ACTIVE, .confirmed = at_second(1000),
        .signed_in = at_second(1000),
    };
}

static Outcome judge(const Account *account, const char *service, uint64_t second)
{
    Stamp now = at_second(second);

    return admission_judge(account, &config, service, &now, NULL);
}

static void test_active_and_allowed(void **state)
{
    Account account = account_active();

    assert_int_equal(judge(&account, "sshd", 1001), OUTCOME_ALLOW);
    account.groups = staff + 1;
    assert_int_equal(judge(&account, "sshd", 1001), OUTCOME_NOT_IN_GROUP);
}

static void test_verdicts_come_first(void **state)
{
    static const struct {
        Verdict verdict;
        Outcome outcome;
    } rows[] = {
        {VERDICT_DISABLED, OUTCOME_DISABLED},
        {VERDICT_REVOKED, OUTCOME_REVOKED},
        {VERDICT_AGED, OUTCOME_SIGN_IN_TOO_OLD},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Account account = account_active();
        account.verdict = rows[i].verdict;
        account.groups = staff + 1; /* in no group either: the verdict is said */
        assert_int_equal(judge(&account, "sshd", 1001), rows[i].outcome);
        assert_int_equal(judge(&account, "sudo", 1001), rows[i].outcome);
    }
}

static void test_required_groups(void **state)
{
    static const char *const elevating[] = {"sudo", "sudo-i"};
    Account account = account_active();
    Stamp now = at_second(1001);
    const char *missing = "untouched";

    for (size_t i = 0; i < ELEMENTSOF(elevating); i++) {
        assert_int_equal(admission_judge(&account, &config, elevating[i], &now, &missing),
                         OUTCOME_NOT_IN_GROUP);
        assert_string_equal(missing, "audit-admins");
    }
    account.groups = staff_and_admins; /* one of the two is enough */
    assert_int_equal(admission_judge(&account, &config, "sudo", &now, &missing), OUTCOME_ALLOW);
    assert_null(missing);
}

/* Within the grace people may go on working, but not become root (design §5). */
static void test_elevation_is_never_offline(void **state)
{
    Account account = account_active();

    account.groups = staff_and_admins;
    account.verdict = VERDICT_UNCONFIRMED;
    assert_int_equal(judge(&account, "sshd", 1500), OUTCOME_ALLOW);
    assert_int_equal(judge(&account, "sudo", 1500), OUTCOME_TOO_STALE);
    assert_int_equal(judge(&account, "su", 1500), OUTCOME_ALLOW); /* has no RequireGroups= here */
    assert_int_equal(judge(&account, "sshd", 9000), OUTCOME_TOO_STALE);
}

static void test_age_of_the_sign_in(void **state)
{
    Account account = account_active();

    account.confirmed = at_second(1700);
    assert_int_equal(judge(&account, "vault", 1600), OUTCOME_TOO_STALE); /* confirmed in the future */
    account.confirmed = at_second(1599);
    assert_int_equal(judge(&account, "vault", 1600), OUTCOME_ALLOW);
    account.confirmed = at_second(1601);
    assert_int_equal(judge(&account, "vault", 1601), OUTCOME_SIGN_IN_TOO_OLD);
    assert_int_equal(judge(&account, "sshd", 1601), OUTCOME_ALLOW);
    account.signed_in = (Stamp){0};
    assert_int_equal(judge(&account, "vault", 1601), OUTCOME_SIGN_IN_TOO_OLD);
}

static void test_which_services_elevate(void **state)
{
    static const char *const yes[] = {"sudo", "sudo-i", "su", "su-l"};
    static const char *const no[] = {"", "sshd", "sud", "sudo ", "Sudo", "login", "su-", "cron"};

    for (size_t i = 0; i < ELEMENTSOF(yes); i++)
        assert_true(service_elevates(yes[i]));
    for (size_t i = 0; i < ELEMENTSOF(no); i++)
        assert_false(service_elevates(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_active_and_allowed),
        cmocka_unit_test(test_verdicts_come_first),
        cmocka_unit_test(test_required_groups),
        cmocka_unit_test(test_elevation_is_never_offline),
        cmocka_unit_test(test_age_of_the_sign_in),
        cmocka_unit_test(test_which_services_elevate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
