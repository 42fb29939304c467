/*
 * Second factors in the database: sealed, each step and each recovery code good once whatever
 * happens in between, and gone with the account.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "helper/store/store-offline.h"
#include "helper/store/store-totp.h"
#include "helper/store/test-store-fixture.h"

static char hashes[RECOVERY_CODES][RECOVERY_HASH_SIZE];

static int set_up_alice(void **state)
{
    set_up(state);
    Fixture *fixture = *state;

    fixture->account = make_account("alice", 1900000001);
    assert_int_equal(store_account_save(fixture->store, fixture->account), 0);
    for (unsigned i = 0; i < RECOVERY_CODES; i++)
        snprintf(hashes[i], RECOVERY_HASH_SIZE, "$y$hash-of-%u", i);
    return 0;
}

static void enrol(Fixture *fixture, const char *secret)
{
    TotpRow row = {
        .key = {.algorithm = TOTP_SHA256, .digits = 8, .period_sec = TOTP_PERIOD_SEC},
        .state = {.last_step = 100, .drift = -2},
        .is_shared = true,
        .enrolled_usec = 4711,
        .by = "root",
    };

    assert_int_equal(secret_new_string(secret, &row.key.secret), 0);
    assert_int_equal(store_totp_put(fixture->store, fixture->account, &row, hashes), 0);
    totp_row_clear(&row);
}

static void what_was_put_is_there(void **state)
{
    Fixture *fixture = *state;
    TotpRow row = {0};

    assert_int_equal(store_totp_has(fixture->store, fixture->account), 0);
    assert_int_equal(store_totp_get(fixture->store, fixture->account, &row), 0);
    enrol(fixture, "an old secret of alice");
    enrol(fixture, "the secret of alice!");
    reopen(fixture);
    assert_int_equal(store_totp_has(fixture->store, fixture->account), 1);
    assert_int_equal(store_totp_get(fixture->store, fixture->account, &row), 1);
    assert_string_equal(secret_peek(row.key.secret), "the secret of alice!");
    assert_int_equal(row.key.algorithm, TOTP_SHA256);
    assert_int_equal(row.key.digits, 8);
    assert_int_equal(row.state.last_step, 100);
    assert_int_equal(row.state.drift, -2);
    assert_true(row.is_shared);
    assert_int_equal(row.enrolled_usec, 4711);
    assert_string_equal(row.by, "root");
    totp_row_clear(&row);
    assert_int_equal(store_totp_delete(fixture->store, fixture->account), 0);
    assert_int_equal(store_totp_get(fixture->store, fixture->account, &row), 0);
}

static void a_step_is_used_once(void **state)
{
    Fixture *fixture = *state;
    const TotpState newer = {.last_step = 101, .drift = 1}, older = {.last_step = 99};

    assert_int_equal(store_totp_use(fixture->store, fixture->account, 4711, &newer), -EALREADY);
    enrol(fixture, "the secret of alice!");
    assert_int_equal(store_totp_use(fixture->store, fixture->account, 4711, &older), -EALREADY);
    assert_int_equal(store_totp_use(fixture->store, fixture->account, 4711, &newer), 0);
    reopen(fixture);
    assert_int_equal(store_totp_use(fixture->store, fixture->account, 4711, &newer), -EALREADY);
}

static void a_recovery_code_is_used_once(void **state)
{
    Fixture *fixture = *state;
    char hash[RECOVERY_HASH_SIZE];
    unsigned left = 99;

    assert_int_equal(store_recovery_get(fixture->store, fixture->account, 3, hash), 0);
    enrol(fixture, "the secret of alice!");
    assert_int_equal(store_recovery_get(fixture->store, fixture->account, 3, hash), 1);
    assert_string_equal(hash, "$y$hash-of-3");
    assert_int_equal(store_recovery_use(fixture->store, fixture->account, 4711, 3), 0);
    reopen(fixture);
    assert_int_equal(store_recovery_use(fixture->store, fixture->account, 4711, 3), -EALREADY);
    assert_int_equal(store_recovery_get(fixture->store, fixture->account, 3, hash), 0);
    assert_int_equal(store_recovery_count(fixture->store, fixture->account, &left), 0);
    assert_int_equal(left, RECOVERY_CODES - 1);
    /* of an enrolment that is none any more */
    assert_int_equal(store_recovery_use(fixture->store, fixture->account, 4710, 4), -EALREADY);
    enrol(fixture, "another secret of hers");
    assert_int_equal(store_recovery_count(fixture->store, fixture->account, &left), 0);
    assert_int_equal(left, RECOVERY_CODES);
}

/* Another account's row copied over hers opens for nobody. */
static void a_secret_does_not_move(void **state)
{
    Fixture *fixture = *state;
    Account *bob = make_account("bob", 1900000002);
    TotpRow row = {0};

    assert_int_equal(store_account_save(fixture->store, bob), 0);
    enrol(fixture, "the secret of alice!");
    int64_t alices = fixture->account->row;
    bob->row = alices;
    assert_int_equal(store_totp_get(fixture->store, bob, &row), -EBADMSG);
    assert_null(row.key.secret);
    account_free(bob);
}

static void forgotten_with_the_account(void **state)
{
    Fixture *fixture = *state;
    unsigned left = 99;

    enrol(fixture, "the secret of alice!");
    fixture->account->state = ACCOUNT_FORGOTTEN;
    assert_int_equal(store_account_save(fixture->store, fixture->account), 0);
    assert_int_equal(store_totp_has(fixture->store, fixture->account), 0);
    assert_int_equal(store_recovery_count(fixture->store, fixture->account, &left), 0);
    assert_int_equal(left, 0);
}

#define HASH "$y$j9T$salt$of-a-passphrase"

static OfflineKind offline(Fixture *fixture, const char *hash)
{
    char found[OFFLINE_HASH_SIZE] = "";
    OfflineKind kind = OFFLINE_NONE;

    int r = store_offline_get(fixture->store, fixture->account, &kind, found);
    assert_int_equal(r, kind != OFFLINE_NONE);
    assert_string_equal(found, hash);
    return kind;
}

static void offline_secrets_need_the_second_factor(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(store_offline_put(fixture->store, fixture->account, 4711, OFFLINE_PASSPHRASE,
                                       HASH), -ESTALE);
    enrol(fixture, "the secret of alice!");
    assert_int_equal(store_offline_put(fixture->store, fixture->account, 4712, OFFLINE_PASSPHRASE,
                                       HASH), -ESTALE); /* of another enrolment */
    assert_int_equal(store_offline_any(fixture->store), 0);
    assert_int_equal(store_offline_put(fixture->store, fixture->account, 4711, OFFLINE_PASSPHRASE,
                                       HASH), 0);
    reopen(fixture);
    assert_int_equal(offline(fixture, HASH), OFFLINE_PASSPHRASE);
    assert_int_equal(store_offline_any(fixture->store), 1);
    enrol(fixture, "another secret of alice");
    assert_int_equal(offline(fixture, ""), OFFLINE_NONE);
    assert_int_equal(store_offline_any(fixture->store), 0);
}

static void a_password_is_kept_by_consent_alone(void **state)
{
    Fixture *fixture = *state;

    enrol(fixture, "the secret of alice!");
    assert_int_equal(store_offline_set_password(fixture->store, fixture->account, HASH), 0);
    assert_int_equal(offline(fixture, ""), OFFLINE_NONE);
    assert_int_equal(store_offline_put(fixture->store, fixture->account, 4711, OFFLINE_PASSWORD,
                                       ""), 0);
    assert_int_equal(offline(fixture, ""), OFFLINE_PASSWORD);
    assert_int_equal(store_offline_any(fixture->store), 0); /* nothing to sign in with yet */
    assert_int_equal(store_offline_set_password(fixture->store, fixture->account, HASH), 0);
    assert_int_equal(offline(fixture, HASH), OFFLINE_PASSWORD);
    assert_int_equal(store_offline_set_password(fixture->store, fixture->account, ""), 0);
    assert_int_equal(offline(fixture, ""), OFFLINE_PASSWORD);
    assert_int_equal(store_offline_put(fixture->store, fixture->account, 4711, OFFLINE_PASSPHRASE,
                                       HASH), 0);
    assert_int_equal(store_offline_set_password(fixture->store, fixture->account, "$y$other"), 0);
    assert_int_equal(offline(fixture, HASH), OFFLINE_PASSPHRASE);
    assert_int_equal(store_offline_delete(fixture->store, fixture->account), 0);
    assert_int_equal(offline(fixture, ""), OFFLINE_NONE);
}

static void an_offline_secret_is_sealed_for_its_account(void **state)
{
    Fixture *fixture = *state;
    char found[OFFLINE_HASH_SIZE], again[OFFLINE_HASH_SIZE];
    OfflineKind kind;

    enrol(fixture, "the secret of alice!");
    assert_int_equal(store_offline_put(fixture->store, fixture->account, 4711, OFFLINE_PASSPHRASE,
                                       HASH), 0);
    char *name = fixture->account->name;
    fixture->account->name = (char *)"mallory";
    assert_int_equal(store_offline_get(fixture->store, fixture->account, &kind, found), -EBADMSG);
    fixture->account->name = name;
    assert_int_equal(store_offline_get(fixture->store, fixture->account, &kind, again), 1);
    assert_string_equal(offline_to_words(kind, again), "passphrase");
    assert_string_equal(offline_to_words(OFFLINE_PASSWORD, ""), "password (not yet)");
    assert_string_equal(offline_to_words(OFFLINE_NONE, ""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_there, set_up_alice, tear_down),
        cmocka_unit_test_setup_teardown(a_step_is_used_once, set_up_alice, tear_down),
        cmocka_unit_test_setup_teardown(a_recovery_code_is_used_once, set_up_alice, tear_down),
        cmocka_unit_test_setup_teardown(a_secret_does_not_move, set_up_alice, tear_down),
        cmocka_unit_test_setup_teardown(forgotten_with_the_account, set_up_alice, tear_down),
        cmocka_unit_test_setup_teardown(offline_secrets_need_the_second_factor, set_up_alice,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_password_is_kept_by_consent_alone, set_up_alice,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_offline_secret_is_sealed_for_its_account, set_up_alice,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
