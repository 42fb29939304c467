/*
 * Tests of lockout.c's counting: the limit, the window, doubling, forgiveness, clocks that are set
 * back; and what counts as one place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/login/lockout.h"

#define MINUTE UINT64_C(60000000)
#define DAY    (1440 * MINUTE)
#define START  (1000 * DAY)

static const LockoutRules rules = {.limit = 10, .window_usec = 5 * MINUTE};

static bool fail_times(LockoutCount *count, unsigned times, uint64_t now)
{
    bool locked = false;

    for (unsigned i = 0; i < times; i++)
        locked = lockout_count_failure(count, &rules, now);
    return locked;
}

static void ten_within_five_minutes_lock(void **state)
{
    LockoutCount count = {0};

    assert_false(fail_times(&count, 9, START));
    assert_false(lockout_count_is_locked(&count, START));
    assert_true(fail_times(&count, 1, START + 4 * MINUTE));
    assert_true(lockout_count_is_locked(&count, START + 8 * MINUTE));
    assert_false(lockout_count_is_locked(&count, START + 9 * MINUTE));
}

static void slow_failures_do_not_lock(void **state)
{
    LockoutCount count = {0};

    for (uint64_t i = 0; i < 20; i++)
        assert_false(fail_times(&count, 4, START + i * 6 * MINUTE));
}

/* 5, 10, 20 … minutes, never more than a day; forgiven after a day without a failure. */
static void each_lock_lasts_twice_as_long(void **state)
{
    LockoutCount count = {0};
    uint64_t now = START, expected = 5 * MINUTE;

    for (unsigned i = 0; i < 12; i++) {
        assert_true(fail_times(&count, 10, now));
        assert_int_equal(count.locked_until_usec, now + expected);
        now = count.locked_until_usec;
        expected = 2 * expected < DAY ? 2 * expected : DAY;
    }
    now = count.window_usec + 2 * DAY;
    assert_true(fail_times(&count, 10, now));
    assert_int_equal(count.locked_until_usec, now + 5 * MINUTE);
}

/* A clock that was wrong by years locks nobody out for years. */
static void a_clock_set_back(void **state)
{
    LockoutCount count = {0};

    assert_true(fail_times(&count, 10, START + 400 * DAY));
    assert_false(lockout_count_is_locked(&count, START));
    assert_true(fail_times(&count, 10, START));
    assert_true(lockout_count_is_locked(&count, START + MINUTE));
}

static void places(void **state)
{
    static const struct {
        const char *rhost, *place;
    } rows[] = {
        {"", "local"},
        {"127.0.0.1", "local"},
        {"::1", "local"},
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:db8:1:2::9", "2001:db8:1:2::/64"},
        {"host.example", "host.example"},
    };
    char place[LOCKOUT_PLACE_SIZE], rhost[200];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        lockout_place(rows[i].rhost, place);
        assert_string_equal(place, rows[i].place);
    }
    memset(rhost, 'x', sizeof(rhost) - 1);
    rhost[sizeof(rhost) - 1] = '\0';
    lockout_place(rhost, place);
    assert_int_equal(strlen(place), LOCKOUT_PLACE_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_within_five_minutes_lock),
        cmocka_unit_test(slow_failures_do_not_lock),
        cmocka_unit_test(each_lock_lasts_twice_as_long),
        cmocka_unit_test(a_clock_set_back),
        cmocka_unit_test(places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
