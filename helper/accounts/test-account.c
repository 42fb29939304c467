/*
 * Accounts: names that are refused, forgetting and coming back, binding once. Every case is checked
 * again after a reload from the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/accounts/test-accounts-fixture.h"
#include "helper/base/text-list.h"

/* --- adding ----------------------------------------------------------------------------------- */

static void a_new_account(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions options = {.full_name = "Alice Exämple"};
    Account *account = add(fixture, "alice@rcpch.ac.uk", &options);

    for (int round = 0; round < 2; round++) {
        assert_string_equal(account->name, "alice");
        assert_string_equal(account->directory_name, "alice@rcpch.ac.uk");
        assert_string_equal(account->provider, "p");
        assert_null(account->id);
        assert_int_equal(account->uid, 1897103060);
        assert_string_equal(account->home, "/home/alice");
        assert_string_equal(account->shell, "/bin/bash");
        assert_string_equal(account->gecos, "Alice Exämple");
        assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
        assert_false(stamp_is_set(&account->confirmed));
        assert_false(stamp_is_set(&account->verdict_since));
        assert_ptr_equal(accounts_find_uid(fixture->accounts, 1897103060), account);
        assert_null(accounts_find(fixture->accounts, "Alice"));
        reload(fixture);
        account = accounts_find(fixture->accounts, "alice");
        assert_non_null(account);
    }
    assert_not_added(fixture, "alice@rcpch.ac.uk", NULL, -EEXIST);
    assert_not_added(fixture, "alice@elsewhere.example", NULL, -EEXIST);
}

static void names_that_are_refused(void **state)
{
    Fixture *fixture = *state;
    static const char *const invalid[] = {
        "", "alice", "@rcpch.ac.uk", "alice@", "a@b@c", "Alice@rcpch.ac.uk", "alice@RCPCH.ac.uk",
        "al:ice@rcpch.ac.uk", "alice\n@rcpch.ac.uk", "../x@rcpch.ac.uk", "a/b@rcpch.ac.uk",
        "-rf@rcpch.ac.uk", "al ice@rcpch.ac.uk", "#1@rcpch.ac.uk", ".@rcpch.ac.uk",
        "..@rcpch.ac.uk", "z\xc3\xb6z@rcpch.ac.uk", "alice@rcpch ac.uk", "alice@../etc",
        "alice$@rcpch.ac.uk", "1alice@rcpch.ac.uk", "%s@rcpch.ac.uk",
        "this-name-is-longer-than-32-bytes@rcpch.ac.uk",
    };
    static const char *const taken[] = {"root@rcpch.ac.uk", "daemon@rcpch.ac.uk",
                                        "adm@rcpch.ac.uk"};
    char long_name[301];

    for (size_t i = 0; i < ELEMENTSOF(invalid); i++)
        assert_not_added(fixture, invalid[i], NULL, -EINVAL);
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    memcpy(long_name + 150, "@b.", 3);
    assert_not_added(fixture, long_name, NULL, -EINVAL);
    for (size_t i = 0; i < ELEMENTSOF(taken); i++)
        assert_not_added(fixture, taken[i], NULL, -EEXIST);
    assert_int_equal(accounts_count(fixture->accounts), 0);
}

static void options_that_are_refused(void **state)
{
    Fixture *fixture = *state;
    static const AccountOptions bad[] = {
        {.id = ""}, {.id = "a b"}, {.id = "a\nb"}, {.id = "\xc3\xa9"},
        {.home = "relative"}, {.home = "/home/../root"}, {.home = "/a:b"}, {.home = "/a\nb"},
        {.shell = "bash"}, {.shell = "/bin/../sh"},
        {.full_name = "a:0:0"}, {.full_name = "a\nroot::0"}, {.full_name = "\xff"},
    };
    char long_shell[SHELL_MAX + 3];

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_not_added(fixture, "alice@rcpch.ac.uk", &bad[i], -EINVAL);
    memset(long_shell, 'x', sizeof(long_shell) - 1);
    long_shell[0] = '/';
    long_shell[sizeof(long_shell) - 1] = '\0';
    const AccountOptions too_long = {.shell = long_shell};
    assert_not_added(fixture, "alice@rcpch.ac.uk", &too_long, -EINVAL);
}

static void full_names_and_templates(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[identity]\nNameFormat=full\nHomeTemplate=/srv/%u/home\n"
                            "Shell=/bin/zsh\n");
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_string_equal(account->name, "alice@rcpch.ac.uk");
    assert_string_equal(account->home, "/srv/alice@rcpch.ac.uk/home");
    assert_string_equal(account->shell, "/bin/zsh");
    assert_int_equal(account->uid, 1897103060);
    assert_non_null(add(fixture, "alice@example.org", NULL));
}

/* --- binding ---------------------------------------------------------------------------------- */

static void binding(void **state)
{
    Fixture *fixture = *state;
    Account *alice = add(fixture, "alice@rcpch.ac.uk", NULL);
    Account *bob = add(fixture, "bob@rcpch.ac.uk", NULL);

    assert_int_equal(account_bind(fixture->accounts, fixture->config, alice, ISSUER, "id-a"), 0);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, alice, ISSUER, "id-a"), 0);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, alice, ISSUER, "id-b"),
                     -EEXIST);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, bob, ISSUER, "id-a"),
                     -EEXIST);
    assert_null(bob->id);
    assert_ptr_equal(accounts_find_identity(fixture->accounts, ISSUER, "id-a"), alice);
    assert_null(accounts_find_identity(fixture->accounts, "https://other.example", "id-a"));
    assert_int_equal(alice->uid, 1897103060); /* the number of first sight */
    reload(fixture);
    alice = accounts_find(fixture->accounts, "alice");
    assert_string_equal(alice->id, "id-a");
    assert_ptr_equal(accounts_find_identity(fixture->accounts, ISSUER, "id-a"), alice);

    const AccountOptions taken = {.id = "id-a"};
    assert_not_added(fixture, "carol@rcpch.ac.uk", &taken, -EEXIST);
}

static void ids_at_first_sight(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions options = {.id = "7C8807A2-0000-4000-8000-000000000001"};

    configure(fixture, "[provider e]\nType=entra\nClientId=x\n"
                       "Issuer=https://login.microsoftonline.com/"
                       "9188040d-6c67-4c5b-b112-36a304b66dad/v2.0\n");
    Account *account = add(fixture, "alice@rcpch.ac.uk", &options);
    /* As the ID token will name them: tenant and object id, lower case. */
    assert_string_equal(account->id, "9188040d-6c67-4c5b-b112-36a304b66dad/"
                                     "7c8807a2-0000-4000-8000-000000000001");
    assert_int_equal(account->uid, number_of(fixture->config->providers[0].issuer, account->id,
                                             UID_BASE_DEFAULT, UID_COUNT_DEFAULT));
}

/* What somebody may have typed. */
static void ids_that_entra_never_gives(void **state)
{
    Fixture *fixture = *state;
    static const struct {
        const char *id;
        bool is_possible;
    } rows[] = {
        {"7c8807a2-0000-4000-8000-000000000001", true},
        {"9188040D-6c67-4c5b-b112-36a304b66dad/7C8807A2-0000-4000-8000-000000000001", true},
        {"", false}, {"foo", false}, {"alice@rcpch.ac.uk", false},
        {"7c8807a2-0000-4000-8000-00000000000", false},
        {"7c8807a2-0000-4000-8000-0000000000011", false},
        {"7c8807a2-0000-4000-8000-00000000000g", false},
        {"/7c8807a2-0000-4000-8000-000000000001", false},
        {"rcpch/7c8807a2-0000-4000-8000-000000000001", false},
        {"9188040d-6c67-4c5b-b112-36a304b66dad/", false},
        {"9188040d-6c67-4c5b-b112-36a304b66dad/foo", false},
        {"9188040d-6c67-4c5b-b112-36a304b66dad/7c8807a2-0000-4000-8000-000000000001/x", false},
        {"9188040d-6c67-4c5b-b112-36a304b66dad0/7c8807a2-0000-4000-8000-000000000001", false},
    };
    static const char *const others[] = {"Type=entra\nIdClaim=sub\n", "Type=keycloak\n", ""};
    char text[256];

    for (size_t i = 0; i <= ELEMENTSOF(others); i++) {
        (void)snprintf(text, sizeof(text), "[provider e]\n%sClientId=x\nIssuer=https://login."
                       "microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0\n",
                       i > 0 ? others[i - 1] : "Type=entra\n");
        configure(fixture, text);
        for (size_t j = 0; j < ELEMENTSOF(rows); j++)
            assert_int_equal(account_id_is_possible(&fixture->config->providers[0], rows[j].id),
                             i > 0 || rows[j].is_possible);
    }
}

/* --- forgetting ------------------------------------------------------------------------------- */

static void forget_and_come_back(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions with_id = {.id = "id-a"}, with_other_id = {.id = "id-b"};
    Account *account = add(fixture, "alice@rcpch.ac.uk", &with_id);
    uint32_t uid = account->uid;
    char group[] = "g-1", *groups[] = {group, NULL};

    assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    assert_int_equal(account_set_profile(fixture->accounts, account, "Alice"), 0);
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    for (int round = 0; round < 2; round++) {
        account = accounts_find(fixture->accounts, "alice");
        assert_int_equal(account->state, ACCOUNT_FORGOTTEN);
        assert_null(account->id);
        assert_string_equal(account->directory_name, "");
        assert_string_equal(account->gecos, "");
        assert_null(account->groups[0]);
        assert_int_equal(account->uid, uid);
        assert_null(accounts_find_identity(fixture->accounts, ISSUER, "id-a"));
        reload(fixture);
    }
    /* Somebody else of that name gets neither name nor number. */
    assert_not_added(fixture, "alice@example.org", NULL, -EEXIST);
    assert_not_added(fixture, "alice@rcpch.ac.uk", &with_other_id, -EEXIST);
    account = add(fixture, "alice@rcpch.ac.uk", &with_id);
    assert_int_equal(account->uid, uid);
    assert_int_equal(account->state, ACCOUNT_ACTIVE);
    assert_int_equal(accounts_count(fixture->accounts), 1);
    assert_ptr_equal(accounts_find_identity(fixture->accounts, ISSUER, "id-a"), account);
    reload(fixture);
    account = accounts_find_identity(fixture->accounts, ISSUER, "id-a");
    assert_non_null(account);
    assert_string_equal(account->directory_name, "alice@rcpch.ac.uk");
}

/* Added again by name only, the account still binds to nobody but its former owner. */
static void come_back_unbound(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions with_id = {.id = "id-a"};

    Account *account = add(fixture, "alice@rcpch.ac.uk", &with_id);
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    account = add(fixture, "alice@rcpch.ac.uk", NULL);
    reload(fixture);
    account = accounts_find(fixture->accounts, "alice");
    assert_int_equal(account_bind(fixture->accounts, fixture->config, account, ISSUER, "id-b"),
                     -EEXIST);
    assert_null(account->id);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, account, ISSUER, "id-a"), 0);
}

static void adding_again_is_not_reinstating(void **state)
{
    Fixture *fixture = *state;
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    Stamp now = stamp_now();

    assert_int_equal(account_set_verdict(fixture->accounts, account, VERDICT_DISABLED, true,
                                         "administrator", &now), 0);
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    account = add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_true(account->by_administrator);
    reload(fixture);
    account = accounts_find(fixture->accounts, "alice");
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_true(account->by_administrator);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void changes_are_stored(void **state)
{
    Fixture *fixture = *state;
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    char one[] = "g-1", two[] = "g-2", bad[] = "g\n3";
    char *groups[] = {one, two, NULL}, *bad_groups[] = {bad, NULL};
    Stamp now = stamp_now();

    assert_int_equal(account_set_profile(fixture->accounts, account, NULL), 0);
    assert_int_equal(account_set_profile(fixture->accounts, account, "Al:ice\nroot"), 0);
    assert_int_equal(account_set_profile(fixture->accounts, account, "\xff"), -EINVAL);
    assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    assert_int_equal(account_set_groups(fixture->accounts, account, bad_groups), -EINVAL);
    assert_int_equal(account_set_signed_in(fixture->accounts, account, &now), 0);
    assert_int_equal(account_set_confirmed(fixture->accounts, account, &now), 0);
    assert_int_equal(account_set_verdict(fixture->accounts, account, VERDICT_ACTIVE, false,
                                         "signed in", &now), 0);
    reload(fixture);
    account = accounts_find(fixture->accounts, "alice");
    assert_string_equal(account->gecos, "Al ice root");
    assert_int_equal(text_list_count(account->groups), 2);
    assert_memory_equal(&account->signed_in, &now, sizeof(now));
    assert_memory_equal(&account->confirmed, &now, sizeof(now));
    assert_memory_equal(&account->verdict_since, &now, sizeof(now));
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    assert_string_equal(account->evidence, "signed in");
}

static void long_full_names_are_cut_between_characters(void **state)
{
    Fixture *fixture = *state;
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    char name[GECOS_MAX + 3];

    memset(name, 'x', GECOS_MAX - 1);
    memcpy(name + GECOS_MAX - 1, "\xc3\xa4z", 4);
    assert_int_equal(account_set_profile(fixture->accounts, account, name), 0);
    assert_int_equal(strlen(account->gecos), GECOS_MAX - 1);
}

/* When the store fails, memory has not changed. */
static void a_failing_store_changes_nothing(void **state)
{
    Fixture *fixture = *state;
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    char one[] = "g-1", *groups[] = {one, NULL};
    Stamp now = stamp_now();
    Account *none = NULL;

    /* A row that is not there makes every save fail. */
    account->row = 4711;
    assert_int_equal(account_set_profile(fixture->accounts, account, "Alice"), -ENOENT);
    assert_int_equal(account_set_groups(fixture->accounts, account, groups), -ENOENT);
    assert_int_equal(account_set_verdict(fixture->accounts, account, VERDICT_DISABLED, true, "x",
                                         &now), -ENOENT);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, account, ISSUER, "id"),
                     -ENOENT);
    assert_int_equal(account_forget(fixture->accounts, account), -ENOENT);
    assert_string_equal(account->gecos, "");
    assert_null(account->groups[0]);
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    assert_string_equal(account->evidence, "added");
    assert_null(account->id);
    assert_null(accounts_find_identity(fixture->accounts, ISSUER, "id"));
    assert_int_equal(account->state, ACCOUNT_ACTIVE);
    assert_int_equal(try_add(fixture, "alice@rcpch.ac.uk", NULL, &none), -EEXIST);
}

static void many_accounts(void **state)
{
    Fixture *fixture = *state;
    size_t iterator = 0, seen = 0;
    char name[64];

    assert_int_equal(store_begin(fixture->store), 0);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "u%d@example.org", i);
        add(fixture, name, NULL);
    }
    assert_int_equal(store_end(fixture->store, 0), 0);
    reload(fixture);
    assert_int_equal(accounts_count(fixture->accounts), 500);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        Account *account = accounts_find(fixture->accounts, name);
        assert_non_null(account);
        assert_ptr_equal(accounts_find_uid(fixture->accounts, account->uid), account);
    }
    while (accounts_next(fixture->accounts, &iterator))
        seen++;
    assert_int_equal(seen, 500);
    assert_null(accounts_find(fixture->accounts, "u500"));
    assert_null(accounts_find(fixture->accounts, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_account),
        TEST(names_that_are_refused),
        TEST(options_that_are_refused),
        TEST(full_names_and_templates),
        TEST(binding),
        TEST(ids_at_first_sight),
        TEST(ids_that_entra_never_gives),
        TEST(forget_and_come_back),
        TEST(come_back_unbound),
        TEST(adding_again_is_not_reinstating),
        TEST(changes_are_stored),
        TEST(long_full_names_are_cut_between_characters),
        TEST(a_failing_store_changes_nothing),
        TEST(many_accounts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
