/*
 * Tests of login-policy.c: one table, a row per way in which the person may be the wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/login/login.h"

#define ISSUER "https://login.rcpch.test:8443"
#define ID     "0b1e7a00-0000-4000-8000-00000000a11c"
#define STAFF  "7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001"

static char *staff_only[] = {(char *)"audit-staff", NULL};
static char *in_staff[] = {(char *)STAFF, NULL};
static char *in_none[] = {NULL};
static char *in_staff_by_name[] = {(char *)"audit-staff", (char *)STAFF " ", NULL};

static GroupConfig groups[] = {{.name = (char *)"audit-staff", .id = (char *)STAFF}};
static ProviderConfig provider = {
    .name = (char *)"college", .issuer = (char *)ISSUER, .first_bind = FIRST_BIND_NO,
};
static ProviderConfig provider_first_bind = {
    .name = (char *)"college", .issuer = (char *)ISSUER, .first_bind = FIRST_BIND_USERNAME,
};
static ProviderConfig provider_other_name = {
    .name = (char *)"colleg", .issuer = (char *)ISSUER, .first_bind = FIRST_BIND_USERNAME,
};
static ProviderConfig provider_other_issuer = {
    .name = (char *)"college", .issuer = (char *)ISSUER "/", .first_bind = FIRST_BIND_USERNAME,
};

static Config config = {
    .providers = &provider, .provider_count = 1, .groups = groups, .group_count = 1,
    .allow_groups = staff_only,
};

static Account account_bound(void)
{
    return (Account){
        .name = (char *)"alice", .directory_name = (char *)"alice@rcpch.ac.uk",
        .provider = (char *)"college", .issuer = (char *)ISSUER, .id = (char *)ID,
        .groups = in_none, .verdict = VERDICT_ACTIVE,
    };
}

static Identity identity_alice(void)
{
    return (Identity){
        .issuer = (char *)ISSUER, .id = (char *)ID, .username = (char *)"alice@rcpch.ac.uk",
        .groups = in_staff, .groups_known = true,
    };
}

static Outcome judge(const Identity *identity, const Account *account,
                     const ProviderConfig *of, const Config *with)
{
    Stamp now = {0};

    return login_policy(identity, account, of, with, &now);
}

static void test_the_owner_of_a_bound_account(void **state)
{
    Account account = account_bound();
    Identity identity = identity_alice();

    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_ALLOW);
    /* The user name of a bound account may change, be missing, or be somebody else's. */
    identity.username = NULL;
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_ALLOW);
    identity.username = (char *)"bob@rcpch.ac.uk";
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_ALLOW);
}

static void test_everybody_else_at_a_bound_account(void **state)
{
    static const struct {
        const char *issuer, *id;
    } rows[] = {
        {ISSUER, "0b1e7a00-0000-4000-8000-00000000a11"},   /* a prefix */
        {ISSUER, "0b1e7a00-0000-4000-8000-00000000a11cc"}, /* longer */
        {ISSUER, "0B1E7A00-0000-4000-8000-00000000A11C"},  /* another case */
        {ISSUER, "alice@rcpch.ac.uk"},                     /* the user name is no id */
        {ISSUER, ""},
        {ISSUER, NULL},
        {ISSUER "/", ID},
        {"https://login.rcpch.test:844", ID},
        {"HTTPS://login.rcpch.test:8443", ID},
        {"http://login.rcpch.test:8443", ID},
        {"", ID},
        {NULL, ID},
    };
    Account account = account_bound();

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Identity identity = identity_alice();
        identity.issuer = (char *)(uintptr_t)rows[i].issuer;
        identity.id = (char *)(uintptr_t)rows[i].id;
        assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_WRONG_IDENTITY);
        assert_int_equal(judge(&identity, &account, &provider_first_bind, &config),
                         OUTCOME_WRONG_IDENTITY);
    }
}

/* An account bound under an issuer that the section no longer has is nobody's until rebound. */
static void test_issuer_of_the_section_changed(void **state)
{
    Account account = account_bound();
    Identity identity = identity_alice();

    assert_int_equal(judge(&identity, &account, &provider_other_issuer, &config),
                     OUTCOME_WRONG_IDENTITY);
    assert_int_equal(judge(&identity, &account, &provider_other_name, &config),
                     OUTCOME_WRONG_IDENTITY);
    identity.issuer = provider_other_issuer.issuer;
    assert_int_equal(judge(&identity, &account, &provider_other_issuer, &config),
                     OUTCOME_WRONG_IDENTITY);
}

/* A bound account as well: the sign-in brings the claims anew. */
static void test_required_claims(void **state)
{
    Account account = account_bound();
    Identity identity = identity_alice();

    identity.lacks_claim = true;
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_NOT_IN_GROUP);
}

static void test_first_bind_by_email(void **state)
{
    Account account = account_bound();
    Identity identity = identity_alice();
    ProviderConfig by_email = provider_first_bind;

    by_email.first_bind = FIRST_BIND_EMAIL;
    account.id = account.issuer = NULL;
    assert_int_equal(judge(&identity, &account, &by_email, &config), OUTCOME_WRONG_IDENTITY);
    identity.email = account.directory_name;
    assert_int_equal(judge(&identity, &account, &by_email, &config), OUTCOME_ALLOW);
    identity.username = (char *)"eve@rcpch.ac.uk";
    assert_int_equal(judge(&identity, &account, &by_email, &config), OUTCOME_ALLOW);
    assert_int_equal(judge(&identity, &account, &provider_first_bind, &config),
                     OUTCOME_WRONG_IDENTITY);
}

static void test_unbound(void **state)
{
    Account account = account_bound();
    Identity identity = identity_alice();

    account.id = account.issuer = NULL;
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_NOT_BOUND);
    assert_int_equal(judge(&identity, &account, &provider_first_bind, &config), OUTCOME_ALLOW);
    static const char *const names[] = {"bob@rcpch.ac.uk", "alice", "alice@rcpch.ac.u",
                                        "alice@rcpch.ac.uk.evil.test", "Alice@rcpch.ac.uk", "",
                                        NULL};
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        identity.username = (char *)(uintptr_t)names[i];
        assert_int_equal(judge(&identity, &account, &provider_first_bind, &config),
                         OUTCOME_WRONG_IDENTITY);
    }
}

/* Two missing texts are not the same text. */
static void test_nothing_equals_nothing(void **state)
{
    Account account = account_bound();
    Identity identity = identity_alice();

    account.id = account.issuer = account.directory_name = NULL;
    identity.username = NULL;
    assert_int_equal(judge(&identity, &account, &provider_first_bind, &config),
                     OUTCOME_WRONG_IDENTITY);
}

static void test_states_and_verdicts(void **state)
{
    Identity identity = identity_alice();

    for (int verdict = 0; verdict < _VERDICT_COUNT; verdict++) {
        Account account = account_bound();
        account.verdict = (Verdict)verdict;
        Outcome expected = verdict == VERDICT_DISABLED ? OUTCOME_DISABLED : OUTCOME_ALLOW;
        assert_int_equal(judge(&identity, &account, &provider, &config), expected);
        account.state = ACCOUNT_FORGOTTEN;
        assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_DISABLED);
    }
}

static void test_groups(void **state)
{
    Account account = account_bound();
    Identity identity = identity_alice();
    Config open = config, closed = config;

    open.allow_all = true;
    open.allow_groups = closed.allow_groups = NULL;
    identity.groups = in_none; /* known to be none, whatever was known before */
    account.groups = in_staff;
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_NOT_IN_GROUP);
    assert_int_equal(judge(&identity, &account, &provider, &open), OUTCOME_ALLOW);
    identity.groups_known = false; /* no answer is not "no groups" */
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_ALLOW);
    account.groups = in_none;
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_NOT_IN_GROUP);
    identity.groups_known = true; /* display names and near misses grant nothing */
    identity.groups = in_staff_by_name;
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_NOT_IN_GROUP);
    identity.groups = in_staff;
    assert_int_equal(judge(&identity, &account, &provider, &closed), OUTCOME_NOT_IN_GROUP);
}

/* Who is not the owner learns nothing about the owner's groups. */
static void test_identity_is_judged_before_groups(void **state)
{
    Account account = account_bound();
    Identity identity = identity_alice();

    identity.id = (char *)"somebody-else";
    identity.groups = in_none;
    assert_int_equal(judge(&identity, &account, &provider, &config), OUTCOME_WRONG_IDENTITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_owner_of_a_bound_account),
        cmocka_unit_test(test_everybody_else_at_a_bound_account),
        cmocka_unit_test(test_issuer_of_the_section_changed),
        cmocka_unit_test(test_required_claims),
        cmocka_unit_test(test_first_bind_by_email),
        cmocka_unit_test(test_unbound),
        cmocka_unit_test(test_nothing_equals_nothing),
        cmocka_unit_test(test_states_and_verdicts),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_identity_is_judged_before_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
