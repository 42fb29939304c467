/*
 * Sessions, values and what a directory told, over a reopen and an upgrade; and transactions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "helper/store/test-store-fixture.h"

static int count_session(const SessionRow *row, void *userdata)
{
    (*(int *)userdata)++;
    assert_string_equal(row->user, "alice");
    assert_string_equal(row->tty, "");
    assert_int_equal(row->leader, 42);
    assert_int_equal(row->boot_id[15], 3);
    assert_string_equal(row->method, "publickey,device");
    assert_string_equal(row->strength, "acr=gold amr=mfa");
    assert_int_equal(row->audit_session, 7);
    assert_int_equal(row->signed_in.wall_usec, 8);
    assert_int_equal(row->signed_in.boot_usec, 5);
    assert_int_equal(row->signed_in.boot_id[15], 3);
    return 0;
}

static void sessions(void **state)
{
    Fixture *fixture = *state;
    char user[] = "alice", service[] = "sshd", method[] = "publickey,device";
    char strength[] = "acr=gold amr=mfa";
    SessionRow row = {.id = "s-1", .user = user, .service = service, .method = method,
                      .signed_in = {.wall_usec = 8, .boot_usec = 5}, .strength = strength,
                      .audit_session = 7, .leader = 42, .opened_usec = 9, .boot_id = {[15] = 3}};
    int count = 0;

    assert_int_equal(store_session_put(fixture->store, &row), 0);
    assert_int_equal(store_session_put(fixture->store, &row), -EEXIST);
    strcpy(row.id, "s-2");
    assert_int_equal(store_session_put(fixture->store, &row), 0);
    reopen(fixture);
    assert_int_equal(store_session_each(fixture->store, count_session, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(store_session_close(fixture->store, "s-1", "closed"), 0);
    assert_int_equal(store_session_close(fixture->store, "s-1", "closed"), -ENOENT);
    count = 0;
    assert_int_equal(store_session_each(fixture->store, count_session, &count), 0);
    assert_int_equal(count, 1);
}

static int look_at_renewed(const SessionRow *row, void *userdata)
{
    *(bool *)userdata = row->signed_in.wall_usec == 20 && row->signed_in.boot_usec == 21 &&
                        strcmp(row->strength, "acrs=c1") == 0;
    return 0;
}

/* Age and strength are of one sign-in, also after a restart. */
static void a_renewed_sign_in_brings_its_strength(void **state)
{
    Fixture *fixture = *state;
    const Stamp renewed = {.wall_usec = 20, .boot_usec = 21};
    const SessionRow row = {.id = "s-1", .signed_in = {.wall_usec = 8, .boot_usec = 5}};
    bool found = false;

    assert_int_equal(store_session_put(fixture->store, &row), 0);
    assert_int_equal(store_session_set_signed_in(fixture->store, "s-1", &renewed, "acrs=c1"), 0);
    reopen(fixture);
    assert_int_equal(store_session_each(fixture->store, look_at_renewed, &found), 0);
    assert_true(found);
}

static int look_at_old_session(const SessionRow *row, void *userdata)
{
    (*(int *)userdata)++;
    assert_string_equal(row->method, "");
    assert_string_equal(row->strength, "");
    assert_int_equal(row->audit_session, AUDIT_SESSION_NONE);
    assert_false(stamp_is_set(&row->signed_in));
    return 0;
}

/* A session of the first version stays open over the upgrade; nobody is known to have signed in. */
static void sessions_of_the_first_version(void **state)
{
    Fixture *fixture = *state;
    int count = 0;

    fixture->store = store_free(fixture->store);
    change_database(fixture,
                     "ALTER TABLE accounts DROP COLUMN roles;"
                     "ALTER TABLE accounts DROP COLUMN claims;"
                     "ALTER TABLE accounts DROP COLUMN phone;"
                     "ALTER TABLE sessions DROP COLUMN method;"
                     "ALTER TABLE sessions DROP COLUMN signed_in_wall;"
                     "ALTER TABLE sessions DROP COLUMN signed_in_boot;"
                     "ALTER TABLE sessions DROP COLUMN audit_session;"
                     "ALTER TABLE accounts DROP COLUMN cut;"
                     "ALTER TABLE accounts DROP COLUMN learnt;"
                     "ALTER TABLE accounts DROP COLUMN expires;"
                     "ALTER TABLE sessions DROP COLUMN strength;"
                     "DROP TABLE directory_links;"
                     "DROP TABLE carried_numbers;"
                     "DROP TABLE recovery_codes;"
                     "DROP TABLE totp;"
                     "DROP TABLE lockouts;"
                     "DROP TABLE known_places;"
                     "DROP TABLE directory_groups;"
                     "DROP TABLE offline_secrets;"
                     "INSERT INTO sessions VALUES ('s-1', 'alice', '', 'sshd', '', '', 42, 9,"
                     " zeroblob(16), NULL);"
                     "PRAGMA user_version = 1");
    reopen(fixture);
    assert_int_equal(store_session_each(fixture->store, look_at_old_session, &count), 0);
    assert_int_equal(count, 1);
}

static void values(void **state)
{
    Fixture *fixture = *state;
    uint64_t value = 0;

    assert_int_equal(store_value_get(fixture->store, "generation", &value), -ENOENT);
    assert_int_equal(store_value_put(fixture->store, "generation", 1), 0);
    assert_int_equal(store_value_put(fixture->store, "generation", UINT64_MAX), 0);
    reopen(fixture);
    assert_int_equal(store_value_get(fixture->store, "generation", &value), 0);
    assert_true(value == UINT64_MAX);
}

static void a_directorys_link(void **state)
{
    Fixture *fixture = *state;
    char *link = NULL;

    assert_int_equal(store_link_get(fixture->store, "https://a", &link), -ENOENT);
    assert_int_equal(store_link_put(fixture->store, "https://a", "https://g/1"), 0);
    assert_int_equal(store_link_put(fixture->store, "https://a", "https://g/2"), 0);
    assert_int_equal(store_link_put(fixture->store, "https://b", "https://g/3"), 0);
    reopen(fixture);
    assert_int_equal(store_link_get(fixture->store, "https://a", &link), 0);
    assert_string_equal(link, "https://g/2");
    free(link);
    link = NULL;
    assert_int_equal(store_link_put(fixture->store, "https://a", NULL), 0);
    assert_int_equal(store_link_get(fixture->store, "https://a", &link), -ENOENT);
    assert_null(link);
}

static void a_directorys_groups(void **state)
{
    Fixture *fixture = *state;
    const StoreGroups first = {.link = (char *)(uintptr_t) "https://g/1",
                               .inside = (char *)(uintptr_t) "", .settings = {1}};
    const StoreGroups second = {.link = (char *)(uintptr_t) "https://g/2",
                                .inside = (char *)(uintptr_t) "a b\n", .settings = {2, 3}};
    StoreGroups found = {0};

    assert_int_equal(store_groups_get(fixture->store, "https://a", &found), -ENOENT);
    assert_int_equal(store_groups_put(fixture->store, "https://a", &first), 0);
    assert_int_equal(store_groups_put(fixture->store, "https://a", &second), 0);
    assert_int_equal(store_groups_put(fixture->store, "https://b", &first), 0);
    reopen(fixture);
    assert_int_equal(store_groups_get(fixture->store, "https://a", &found), 0);
    assert_string_equal(found.link, second.link);
    assert_string_equal(found.inside, second.inside);
    assert_memory_equal(found.settings, second.settings, sizeof(found.settings));
    store_groups_clear(&found);
    assert_int_equal(store_groups_put(fixture->store, "https://a", NULL), 0);
    assert_int_equal(store_groups_get(fixture->store, "https://a", &found), -ENOENT);
    assert_null(found.link);
}

static void transactions_nest(void **state)
{
    Fixture *fixture = *state;
    uint64_t value = 0;

    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_value_put(fixture->store, "a", 1), 0);
    assert_int_equal(store_end(fixture->store, 0), 0);
    assert_int_equal(store_end(fixture->store, -EIO), -EIO);
    assert_int_equal(store_value_get(fixture->store, "a", &value), -ENOENT);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_value_put(fixture->store, "a", 1), 0);
    assert_int_equal(store_end(fixture->store, 0), 0);
    assert_int_equal(store_value_get(fixture->store, "a", &value), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sessions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_renewed_sign_in_brings_its_strength, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions_of_the_first_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directorys_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directorys_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(transactions_nest, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
