/*
 * Accounts and numbers in the database: what was stored is there after a reopen, names and numbers
 * are unique, and a number is never given twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "helper/store/store-carried.h"
#include "helper/store/test-store-fixture.h"

static void accounts_round_trip(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(account_freep) Account *account = make_account("alice", 1900112233);

    account->issuer = strdup("https://login.example.org");
    account->id = strdup("tid/oid");
    assert_int_equal(text_list_add(&account->groups, "g-1"), 0);
    assert_int_equal(text_list_add(&account->groups, "g 2"), 0);
    assert_int_equal(text_list_add(&account->roles, "Device"), 0);
    assert_int_equal(text_list_add(&account->claims, "fhirUser=a b"), 0);
    account->verdict = VERDICT_DISABLED;
    account->by_administrator = true;
    account->verdict_since = stamp_now();
    account->confirmed = (Stamp){.wall_usec = 5, .boot_usec = UINT64_C(1) << 62};
    account->added_usec = 77;
    account->cut_usec = 78;
    account->learnt_usec = 79;
    account->expires_usec = 80;
    memset(account->former_id, 9, 32);
    assert_int_equal(store_account_save(fixture->store, account), 0);
    assert_true(account->row > 0);

    _cleanup_(account_freep) Account *read = only_account(reopen(fixture));
    assert_int_equal(read->row, account->row);
    assert_string_equal(read->name, "alice");
    assert_string_equal(read->directory_name, "alice@example.org");
    assert_string_equal(read->issuer, account->issuer);
    assert_string_equal(read->id, "tid/oid");
    assert_string_equal(read->gecos, "Ålice Example");
    assert_true(text_list_equal(read->groups, account->groups));
    assert_true(text_list_equal(read->roles, account->roles));
    assert_true(text_list_equal(read->claims, account->claims));
    assert_int_equal(read->uid, 1900112233);
    assert_int_equal(read->verdict, VERDICT_DISABLED);
    assert_true(read->by_administrator);
    assert_memory_equal(&read->verdict_since, &account->verdict_since, sizeof(Stamp));
    assert_memory_equal(&read->confirmed, &account->confirmed, sizeof(Stamp));
    assert_false(stamp_is_set(&read->signed_in));
    assert_int_equal(read->added_usec, 77);
    assert_int_equal(read->cut_usec, 78);
    assert_int_equal(read->learnt_usec, 79);
    assert_int_equal(read->expires_usec, 80);
    assert_memory_equal(read->former_id, account->former_id, 32);

    free(read->id);
    free(read->issuer);
    read->id = read->issuer = NULL;
    assert_int_equal(store_account_save(fixture->store, read), 0);
    _cleanup_(account_freep) Account *again = only_account(reopen(fixture));
    assert_null(again->id);
}

static void names_and_numbers_are_unique(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(account_freep) Account *first = make_account("alice", 1900000001);
    _cleanup_(account_freep) Account *same_name = make_account("alice", 1900000002);
    _cleanup_(account_freep) Account *same_uid = make_account("bob", 1900000001);
    _cleanup_(account_freep) Account *same_id = make_account("carol", 1900000003);

    first->issuer = strdup("i");
    first->id = strdup("x");
    same_id->issuer = strdup("i");
    same_id->id = strdup("x");
    assert_int_equal(store_account_save(fixture->store, first), 0);
    assert_int_equal(store_account_save(fixture->store, same_name), -EEXIST);
    assert_int_equal(store_account_save(fixture->store, same_uid), -EEXIST);
    /* a person's own account and a tied local one; who may share is accounts_may_share()'s */
    assert_int_equal(store_account_save(fixture->store, same_id), 0);
    assert_int_not_equal(same_id->row, 0);
    same_id->row = 4711;
    assert_int_equal(store_account_save(fixture->store, same_id), -ENOENT);
}

static void numbers_are_for_ever(void **state)
{
    Fixture *fixture = *state;
    _cleanup_free_ char *owner = NULL;
    uint32_t number = 0;

    assert_int_equal(store_number_get(fixture->store, "user:alice", &number), -ENOENT);
    assert_int_equal(store_number_put(fixture->store, "user:alice", 1900000001), 0);
    assert_int_equal(store_number_put(fixture->store, "user:bob", 1900000001), -EEXIST);
    assert_int_equal(store_number_put(fixture->store, "user:alice", 1900000002), -EEXIST);
    reopen(fixture);
    assert_int_equal(store_number_get(fixture->store, "user:alice", &number), 0);
    assert_int_equal(number, 1900000001);
    assert_int_equal(store_number_owner(fixture->store, 1900000001, &owner), 0);
    assert_string_equal(owner, "user:alice");
    assert_int_equal(store_number_owner(fixture->store, 5, &owner), -ENOENT);
}

static CarriedNumber carry(uint32_t number, const char *id, const char *name)
{
    return (CarriedNumber){.number = number, .issuer = (char *)(uintptr_t)"i",
                           .id = (char *)(uintptr_t)id, .name = (char *)(uintptr_t)name};
}

static void assert_carried(Store *store, const char *id, const char *name, uint32_t number)
{
    _cleanup_carried_ CarriedNumber found = {0};

    assert_int_equal(store_carried_find(store, "i", id, name, &found), number ? 0 : -ENOENT);
    assert_int_equal(found.number, number);
}

static void carried_numbers_wait_for_their_person(void **state)
{
    Fixture *fixture = *state;
    const CarriedNumber a = carry(1900000001, "a", "ann"), b = carry(1900000002, NULL, "ben"),
                        c = carry(1900000003, "c", "eve"), d = carry(1900000004, "d", "eve"),
                        again = carry(1900000005, "a", NULL), taken = carry(1900000001, "z", NULL);
    uint32_t number = 0;

    assert_int_equal(store_carried_put(fixture->store, &a), 0);
    assert_int_equal(store_carried_put(fixture->store, &b), 0);
    assert_int_equal(store_carried_put(fixture->store, &c), 0);
    assert_int_equal(store_carried_put(fixture->store, &d), 0);
    assert_int_equal(store_carried_put(fixture->store, &again), -EEXIST);
    assert_int_equal(store_carried_put(fixture->store, &taken), -EEXIST);
    assert_int_equal(store_number_put(fixture->store, "user:bob", 1900000001), -EEXIST);
    assert_int_equal(store_number_put(fixture->store, "user:bob", 1900000005), 0);
    reopen(fixture);
    assert_carried(fixture->store, "a", NULL, 1900000001);
    assert_carried(fixture->store, "a", "other", 1900000001);
    assert_carried(fixture->store, NULL, "ann", 1900000001);
    assert_carried(fixture->store, "x", "ann", 0); /* somebody else of that name */
    assert_carried(fixture->store, "x", "ben", 1900000002);
    assert_carried(fixture->store, NULL, "eve", 0); /* which of the two? */
    assert_carried(fixture->store, "d", "eve", 1900000004);
    assert_int_equal(store_carried_claim(fixture->store, 1900000001, "user:ann"), 0);
    assert_int_equal(store_carried_claim(fixture->store, 1900000001, "user:bob"), -ENOENT);
    assert_carried(fixture->store, "a", "ann", 0);
    assert_int_equal(store_number_get(fixture->store, "user:ann", &number), 0);
    assert_int_equal(number, 1900000001);
    assert_int_equal(store_carried_drop(fixture->store, 1900000002), 0);
    assert_carried(fixture->store, NULL, "ben", 0);
    assert_int_equal(store_number_put(fixture->store, "user:carl", 1900000002), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(accounts_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_and_numbers_are_unique, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(carried_numbers_wait_for_their_person, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
