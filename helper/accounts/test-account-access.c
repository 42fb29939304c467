/*
 * Who is allowed, by name, group and role; ties to local accounts, and people with several
 * accounts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "helper/accounts/test-accounts-fixture.h"

/* A role is no id and an id no role; forgetting takes roles and claims along. */
static void check_roles(Fixture *fixture, Account *account)
{
    char device[] = "Device", id[] = "g-staff", claim[] = "a=b";
    char *roles[] = {device, NULL}, *ids[] = {id, NULL}, *claims[] = {claim, NULL};
    char *none[] = {NULL};

    configure(fixture, BASE "[group devices]\nRole=Device\n[group both]\nId=g-both\nRole=g-staff\n"
                            "[group staff]\nId=g-staff\n[group admins]\nId=g-admins\n"
                            "[access]\nAllowGroups=devices\n");
    assert_false(account_in_group(account, fixture->config, "devices"));
    assert_int_equal(account_set_groups(fixture->accounts, account, roles), 0);
    assert_false(account_in_group(account, fixture->config, "devices"));
    assert_int_equal(account_set_roles(fixture->accounts, account, roles), 0);
    assert_true(account_in_group(account, fixture->config, "devices"));
    assert_true(account_is_allowed(account, fixture->config));
    assert_int_equal(account_set_groups(fixture->accounts, account, ids), 0);
    assert_false(account_in_group(account, fixture->config, "both"));
    assert_int_equal(account_set_roles(fixture->accounts, account, ids), 0);
    assert_true(account_in_group(account, fixture->config, "both"));
    assert_int_equal(account_set_claims(fixture->accounts, account, claims), 0);
    assert_string_equal(account->claims[0], "a=b");
    assert_int_equal(account_set_roles(fixture->accounts, account, none), 0);
    assert_false(account_in_group(account, fixture->config, "both"));
}

static void allowed(void **state)
{
    Fixture *fixture = *state;
    static const char groups_text[] = "[group staff]\nId=g-staff\n[group admins]\nId=g-admins\n";
    char text[512], staff[] = "g-staff", name[] = "admins";
    char *staff_only[] = {staff, NULL}, *by_name[] = {name, NULL};
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);

    assert_false(account_is_allowed(account, fixture->config)); /* empty allows nobody */
    configure(fixture, BASE "[access]\nAllowAll=yes\n");
    assert_true(account_is_allowed(account, fixture->config));
    configure(fixture, BASE "[access]\nAllowUsers=alice\n");
    assert_true(account_is_allowed(account, fixture->config));
    configure(fixture, BASE "[access]\nAllowUsers=bob\n");
    assert_false(account_is_allowed(account, fixture->config));

    snprintf(text, sizeof(text), BASE "%s[access]\nAllowGroups=admins\n", groups_text);
    configure(fixture, text);
    assert_int_equal(account_set_groups(fixture->accounts, account, staff_only), 0);
    assert_false(account_is_allowed(account, fixture->config));
    assert_true(account_in_group(account, fixture->config, "staff"));
    assert_false(account_in_group(account, fixture->config, "admins"));
    assert_false(account_in_group(account, fixture->config, "nothing"));
    check_roles(fixture, account);
    /* A directory group that is merely called like ours grants nothing. */
    assert_int_equal(account_set_groups(fixture->accounts, account, by_name), 0);
    assert_false(account_is_allowed(account, fixture->config));
    snprintf(text, sizeof(text), BASE "%s[access]\nAllowGroups=admins staff\n", groups_text);
    configure(fixture, text);
    assert_int_equal(account_set_groups(fixture->accounts, account, staff_only), 0);
    assert_true(account_is_allowed(account, fixture->config));

    configure(fixture, BASE "[access]\nAllowAll=yes\n");
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    assert_false(account_is_allowed(account, fixture->config));
}

/* Another provider's group of the same id is another group. */
static void groups_belong_to_their_provider(void **state)
{
    Fixture *fixture = *state;
    char id[] = "g", *groups[] = {id, NULL};

    configure(fixture, BASE "Domains=rcpch.ac.uk\n[provider q]\nIssuer=https://q.example\n"
                            "ClientId=x\nDomains=q.example\n[group admins]\nId=g\nProvider=q\n"
                            "[access]\nAllowGroups=admins\n");
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    assert_false(account_is_allowed(account, fixture->config));
}

/* Nobody could say any more whether such an account still is what it was. */
static void accounts_of_a_provider_that_is_gone(void **state)
{
    Fixture *fixture = *state;
    char id[] = "g", *groups[] = {id, NULL};
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);

    assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    configure(fixture, "[provider q]\nIssuer=https://q.example\nClientId=x\n[group staff]\nId=g\n"
                       "[access]\nAllowAll=yes\nAllowUsers=alice\nAllowGroups=staff\n");
    assert_false(account_in_group(account, fixture->config, "staff"));
    assert_false(account_is_allowed(account, fixture->config));
}

static void tied_accounts(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[user daemon]\nDirectory=deploy@rcpch.ac.uk\n"
                            "[user bin]\nDirectory=deploy@rcpch.ac.uk\n"
                            "[user no-such-user]\nDirectory=nobody.there@rcpch.ac.uk\n");
    Account *tied = add(fixture, "daemon", NULL);
    assert_string_equal(tied->name, "daemon");
    assert_string_equal(tied->directory_name, "deploy@rcpch.ac.uk");
    assert_int_equal(tied->uid, 1);
    assert_true(account_is_tied(tied, fixture->config));
    assert_not_added(fixture, "no-such-user", NULL, -ENOENT);
    assert_not_added(fixture, "daemon", NULL, -EEXIST);
    /* the directory may have a name that a local account has: the local one keeps it */
    assert_not_added(fixture, "daemon@rcpch.ac.uk", NULL, -EEXIST);
    /* the person's own account is another one */
    Account *own = add(fixture, "deploy@rcpch.ac.uk", NULL);
    assert_string_equal(own->name, "deploy");
    assert_false(account_is_tied(own, fixture->config));
}

static void one_person_with_several_accounts(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions same = {.id = "id-a"};

    configure(fixture, BASE "[user daemon]\nDirectory=alice@rcpch.ac.uk\n"
                            "[user bin]\nDirectory=alice@rcpch.ac.uk\n");
    Account *own = add(fixture, "alice@rcpch.ac.uk", &same), *first = add(fixture, "daemon", &same);
    Account *second = add(fixture, "bin", NULL), *bob = add(fixture, "bob@rcpch.ac.uk", NULL);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, second, ISSUER, "id-a"), 0);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, bob, ISSUER, "id-a"),
                     -EEXIST);
    assert_not_added(fixture, "carol@rcpch.ac.uk", &same, -EEXIST);
    const Account *one = accounts_next_of_person(fixture->accounts, own, NULL);
    const Account *other = accounts_next_of_person(fixture->accounts, own, one);
    assert_true((one == first && other == second) || (one == second && other == first));
    assert_null(accounts_next_of_person(fixture->accounts, own, other));
    assert_null(accounts_next_of_person(fixture->accounts, bob, NULL));
    reload(fixture);
    own = accounts_find(fixture->accounts, "alice");
    assert_non_null(accounts_next_of_person(fixture->accounts, own, NULL));
}

static void a_tie_to_somebody_else_lets_nobody_in(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[user daemon]\nDirectory=alice@rcpch.ac.uk\n"
                            "[access]\nAllowAll=yes\n");
    Account *account = add(fixture, "daemon", &(AccountOptions){.id = "id-a"});
    assert_true(account_is_allowed(account, fixture->config));
    configure(fixture, BASE "[user daemon]\nDirectory=bob@rcpch.ac.uk\n"
                            "[access]\nAllowAll=yes\n");
    assert_false(account_is_allowed(account, fixture->config));
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    account = add(fixture, "daemon", &(AccountOptions){.id = "id-b"});
    assert_string_equal(account->directory_name, "bob@rcpch.ac.uk");
    assert_true(account_is_allowed(account, fixture->config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(allowed),
        TEST(groups_belong_to_their_provider),
        TEST(accounts_of_a_provider_that_is_gone),
        TEST(tied_accounts),
        TEST(one_person_with_several_accounts),
        TEST(a_tie_to_somebody_else_lets_nobody_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
