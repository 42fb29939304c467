/*
 * Numbers of accounts and groups: hashed, pinned, claimed, carried from another host; collisions
 * refuse the newcomer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/accounts/test-accounts-fixture.h"
#include "helper/store/store-carried.h"
#include "helper/token/claims.h"

static void known_numbers(void **state)
{
    /* From an independent computation (Python's hashlib). */
    static const struct {
        const char *issuer, *id;
        uint32_t number;
    } vectors[] = {
        {ISSUER, "alice@rcpch.ac.uk", 1897103060},
        {ISSUER, "alice@example.org", 1951166235},
        {ISSUER, "9188040d-6c67-4c5b-b112-36a304b66dad/7c8807a2-0000-4000-8000-000000000001",
         2080048240},
        {ISSUER, "", 1896525926},
        {"https://login.rcpch.test:8443", "alice@rcpch.ac.uk", 2129214456},
        {"", "", 2057403032},
    };

    for (size_t i = 0; i < ELEMENTSOF(vectors); i++)
        assert_int_equal(number_of(vectors[i].issuer, vectors[i].id, UID_BASE_DEFAULT,
                                   UID_COUNT_DEFAULT), vectors[i].number);
    assert_int_equal(number_of(ISSUER, "x", 1000000, 1), 1000000);
    assert_int_equal(number_of(ISSUER, "x", 1000000, 0), 0);
    /* The separator belongs to the hash: parts cannot be moved across it. */
    assert_int_not_equal(number_of("ab", "c", 1, UINT32_MAX - 1),
                         number_of("a", "bc", 1, UINT32_MAX - 1));
}

static void pinned_users(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[user alice]\nUid=1900000001\nShell=/bin/sh\nHome=/srv/alice\n"
                            "[user bob]\nUid=1897103060\n[group staff]\nId=g\n");
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_int_equal(account->uid, 1900000001);
    assert_string_equal(account->shell, "/bin/sh");
    assert_string_equal(account->home, "/srv/alice");
    assert_int_equal(add(fixture, "bob@rcpch.ac.uk", NULL)->uid, 1897103060);
    assert_not_added(fixture, "staff@rcpch.ac.uk", NULL, -EEXIST); /* a [group] has the name */
}

static void a_claimed_number(void **state)
{
    static const uint32_t impossible[] = {CLAIMED_UID_NONE, 1000, UID_BASE_DEFAULT - 1,
                                          UID_BASE_DEFAULT + UID_COUNT_DEFAULT};
    Fixture *fixture = *state;
    const AccountOptions first = {.uid = UID_BASE_DEFAULT};
    const AccountOptions last = {.uid = UID_BASE_DEFAULT + UID_COUNT_DEFAULT - 1};
    const Account *alice = add(fixture, "alice@rcpch.ac.uk", &first);

    assert_int_equal(alice->uid, UID_BASE_DEFAULT);
    assert_int_equal(add(fixture, "bob@rcpch.ac.uk", &last)->uid, last.uid);
    assert_not_added(fixture, "carol@rcpch.ac.uk", &first, -EADDRINUSE);
    for (size_t i = 0; i < ELEMENTSOF(impossible); i++) {
        const AccountOptions options = {.uid = impossible[i]};
        assert_not_added(fixture, "carol@rcpch.ac.uk", &options, -EINVAL);
    }
    assert_false(account_number_differs(alice, fixture->config, CLAIMED_UID_UNSAID));
    assert_false(account_number_differs(alice, fixture->config, alice->uid));
    assert_true(account_number_differs(alice, fixture->config, alice->uid + 1));
    assert_true(account_number_differs(alice, fixture->config, CLAIMED_UID_NONE));
}

static void collisions_refuse_the_newcomer(void **state)
{
    Fixture *fixture = *state;

    /* With 1,000 numbers u1 and u5 meet. */
    configure(fixture, BASE "[identity]\nUidBase=1879048192\nUidCount=1000\n");
    Account *first = add(fixture, "u1@example.org", NULL);
    assert_int_equal(first->uid, 1879048760);
    assert_not_added(fixture, "u5@example.org", NULL, -EADDRINUSE);
    assert_null(accounts_find(fixture->accounts, "u5"));
    reload(fixture);
    assert_not_added(fixture, "u5@example.org", NULL, -EADDRINUSE);

    /* A forgotten account's number stays taken. */
    assert_int_equal(account_forget(fixture->accounts, accounts_find(fixture->accounts, "u1")), 0);
    assert_not_added(fixture, "u5@example.org", NULL, -EADDRINUSE);
    configure(fixture, BASE "[identity]\nUidBase=1879048192\nUidCount=1000\n"
                            "[user u5]\nUid=1879048193\n");
    assert_int_equal(add(fixture, "u5@example.org", NULL)->uid, 1879048193);
}

static void group_numbers(void **state)
{
    Fixture *fixture = *state;
    uint32_t first = 0, again = 0, pinned = 0;

    configure(fixture, BASE "[group a]\nId=g-a\n[group b]\nId=g-b\nGid=1900000002\n");
    const GroupConfig *a = config_group(fixture->config, "a");
    const GroupConfig *b = config_group(fixture->config, "b");
    assert_int_equal(group_number(fixture->store, fixture->config, a, ISSUER, &first), 0);
    assert_int_equal(first, number_of(ISSUER, "g-a", UID_BASE_DEFAULT, UID_COUNT_DEFAULT));
    assert_int_equal(group_number(fixture->store, fixture->config, b, ISSUER, &pinned), 0);
    assert_int_equal(group_number(fixture->store, fixture->config, b, ISSUER, &pinned), 0);
    assert_int_equal(pinned, 1900000002);

    /* Stored at first sight: another range changes nothing. */
    configure(fixture, BASE "[identity]\nUidBase=200000\nUidCount=1000\n[group a]\nId=g-a\n");
    a = config_group(fixture->config, "a");
    assert_int_equal(group_number(fixture->store, fixture->config, a, ISSUER, &again), 0);
    assert_int_equal(again, first);

    /* One number space: a group cannot take a person's number. */
    configure(fixture, BASE);
    uint32_t uid = add(fixture, "alice@rcpch.ac.uk", NULL)->uid;
    char text[256];
    snprintf(text, sizeof(text), BASE "[group c]\nId=g-c\nGid=%u\n", uid);
    configure(fixture, text);
    assert_int_equal(group_number(fixture->store, fixture->config,
                                  config_group(fixture->config, "c"), ISSUER, &again),
                     -EADDRINUSE);
}

static void carry(Fixture *fixture, uint32_t number, const char *id, const char *name)
{
    const CarriedNumber carried = {.number = number, .issuer = (char *)(uintptr_t)ISSUER,
                                   .id = (char *)(uintptr_t)id, .name = (char *)(uintptr_t)name};

    assert_int_equal(store_carried_put(fixture->store, &carried), 0);
}

static void numbers_carried_from_another_host(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions a = {.id = "id-a"}, b = {.id = "id-b"}, c = {.id = "id-c"};

    carry(fixture, 1900000001, "id-a", "ann@rcpch.ac.uk");
    carry(fixture, 1900000002, "id-b", "ben@rcpch.ac.uk");
    carry(fixture, 1900000003, NULL, "cat@rcpch.ac.uk");
    carry(fixture, 1900000004, "id-d", "dan@rcpch.ac.uk");
    assert_int_equal(add(fixture, "other@rcpch.ac.uk", &a)->uid, 1900000001);
    /* A recycled name is not the person. */
    assert_int_equal(add(fixture, "ben@rcpch.ac.uk", &c)->uid,
                     number_of(ISSUER, "id-c", UID_BASE_DEFAULT, UID_COUNT_DEFAULT));
    assert_int_equal(add(fixture, "benjamin@rcpch.ac.uk", &b)->uid, 1900000002);
    assert_int_equal(add(fixture, "cat@rcpch.ac.uk", NULL)->uid, 1900000003);
    /* By name: only that id can be bound, also after a restart. */
    assert_int_equal(add(fixture, "dan@rcpch.ac.uk", NULL)->uid, 1900000004);
    reload(fixture);
    Account *dan = accounts_find(fixture->accounts, "dan");
    assert_int_equal(account_bind(fixture->accounts, fixture->config, dan, ISSUER, "id-x"),
                     -EEXIST);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, dan, ISSUER, "id-d"), 0);
}

static void a_pin_outweighs_a_carried_number(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions a = {.id = "id-a"};
    _cleanup_carried_ CarriedNumber found = {0};

    carry(fixture, 1900000001, "id-a", NULL);
    configure(fixture, BASE "[user ann]\nUid=1900000009\n");
    assert_int_equal(add(fixture, "ann@rcpch.ac.uk", &a)->uid, 1900000009);
    assert_int_equal(store_carried_find(fixture->store, ISSUER, "id-a", NULL, &found), -ENOENT);
    carry(fixture, 1900000010, NULL, "bob@rcpch.ac.uk");
    configure(fixture, BASE "[user bob]\nUid=1900000010\n");
    assert_int_equal(add(fixture, "bob@rcpch.ac.uk", NULL)->uid, 1900000010);
}

/* Files under the old number are still theirs alone, so nobody else gets it. */
static void a_pin_gives_who_was_forgotten_another_number(void **state)
{
    Fixture *fixture = *state;
    Account *ann = add(fixture, "ann@rcpch.ac.uk", NULL);
    uint32_t old = ann->uid;
    char text[256];

    assert_int_equal(account_forget(fixture->accounts, ann), 0);
    snprintf(text, sizeof(text), BASE "[user ann]\nUid=1900000001\n[user eve]\nUid=%u\n", old);
    configure(fixture, text);
    assert_ptr_equal(add(fixture, "ann@rcpch.ac.uk", NULL), ann);
    for (unsigned i = 0; i < 2; i++) {
        ann = accounts_find(fixture->accounts, "ann");
        assert_int_equal(ann->uid, 1900000001);
        assert_ptr_equal(accounts_find_uid(fixture->accounts, 1900000001), ann);
        assert_null(accounts_find_uid(fixture->accounts, old));
        assert_not_added(fixture, "eve@rcpch.ac.uk", NULL, -EADDRINUSE);
        reload(fixture);
    }

    /* Without the pin it stays so; what was theirs once, a pin can give back. */
    ann = accounts_find(fixture->accounts, "ann");
    assert_int_equal(account_forget(fixture->accounts, ann), 0);
    configure(fixture, BASE);
    assert_int_equal(add(fixture, "ann@rcpch.ac.uk", NULL)->uid, 1900000001);
    assert_int_equal(account_forget(fixture->accounts, ann), 0);
    snprintf(text, sizeof(text), BASE "[user ann]\nUid=%u\n", old);
    configure(fixture, text);
    assert_int_equal(add(fixture, "ann@rcpch.ac.uk", NULL)->uid, old);
    assert_ptr_equal(accounts_find_uid(fixture->accounts, old), ann);
    assert_null(accounts_find_uid(fixture->accounts, 1900000001));
}

/* What still runs is watched under the old number; somebody else's number is nobody's to pin. */
static void a_pin_gives_no_other_number(void **state)
{
    Fixture *fixture = *state;
    Account *ann = add(fixture, "ann@rcpch.ac.uk", NULL);
    Account *bob = add(fixture, "bob@rcpch.ac.uk", NULL);
    const Stamp now = stamp_now();
    uint32_t old = ann->uid;
    char text[256];

    assert_int_equal(account_set_verdict(fixture->accounts, ann, VERDICT_DISABLED, true, "", &now),
                     0);
    assert_int_equal(account_forget(fixture->accounts, ann), 0);
    configure(fixture, BASE "[user ann]\nUid=1900000001\n");
    assert_not_added(fixture, "ann@rcpch.ac.uk", NULL, -EEXIST);
    assert_int_equal(account_set_verdict(fixture->accounts, ann, VERDICT_UNCONFIRMED, true, "",
                                         &now), 0);
    ann->session_count = 1;
    assert_not_added(fixture, "ann@rcpch.ac.uk", NULL, -EEXIST);
    ann->session_count = 0;
    snprintf(text, sizeof(text), BASE "[user ann]\nUid=%u\n", bob->uid);
    configure(fixture, text);
    assert_not_added(fixture, "ann@rcpch.ac.uk", NULL, -EADDRINUSE);
    assert_int_equal(ann->uid, old);
    assert_ptr_equal(accounts_find_uid(fixture->accounts, old), ann);
    configure(fixture, BASE);
    assert_int_equal(add(fixture, "ann@rcpch.ac.uk", NULL)->uid, old);
}

static void a_collision_names_number_and_holder(void **state)
{
    Fixture *fixture = *state;
    Account *account = NULL;
    const char *why = NULL;

    configure(fixture, BASE "[identity]\nUidBase=1879048192\nUidCount=1000\n");
    add(fixture, "u1@example.org", NULL);
    assert_int_equal(accounts_add(fixture->accounts, fixture->config, fixture->config->providers,
                                  "u5@example.org", NULL, &account, &why), -EADDRINUSE);
    assert_string_equal(why, "its number 1879048760 belongs to u1; pin another one by "
                             "[user u5] Uid=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers),
        TEST(pinned_users),
        TEST(a_claimed_number),
        TEST(collisions_refuse_the_newcomer),
        TEST(group_numbers),
        TEST(numbers_carried_from_another_host),
        TEST(a_pin_outweighs_a_carried_number),
        TEST(a_pin_gives_who_was_forgotten_another_number),
        TEST(a_pin_gives_no_other_number),
        TEST(a_collision_names_number_and_holder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
