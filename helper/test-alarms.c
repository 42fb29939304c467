/*
 * Tests of alarms.c: bounded, newest last, and silent about what was said a moment ago.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/alarms.h"

#define MINUTE (60 * USEC_PER_SEC)

static void test_said_once_in_ten_minutes(void **state)
{
    Manager manager = {0};

    assert_true(alarms_add(&manager, "disk full", 1 * MINUTE));
    assert_false(alarms_add(&manager, "disk full", 2 * MINUTE));
    assert_true(alarms_add(&manager, "secret expired", 2 * MINUTE));
    assert_false(alarms_add(&manager, "disk full", 10 * MINUTE));
    assert_true(alarms_add(&manager, "disk full", 11 * MINUTE));
    assert_int_equal(manager.alarm_count, 2);
    assert_string_equal(manager.alarms[0], "secret expired");
    assert_string_equal(manager.alarms[1], "disk full");
    assert_null(manager.alarms[2]);
    alarms_clear(&manager);
}

static void test_bounded_newest_kept(void **state)
{
    Manager manager = {0};
    char text[32];

    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "alarm %u", i);
        assert_true(alarms_add(&manager, text, i));
    }
    assert_true(manager.alarm_count < 100);
    assert_string_equal(manager.alarms[manager.alarm_count - 1], "alarm 999");
    assert_null(manager.alarms[manager.alarm_count]);
    alarms_clear(&manager);
    assert_int_equal(manager.alarm_count, 0);
    alarms_clear(&manager);
}

static void test_over(void **state)
{
    Manager manager = {0};

    assert_true(alarms_add(&manager, "provider a refuses", 1 * MINUTE));
    assert_true(alarms_add(&manager, "disk full", 1 * MINUTE));
    assert_true(alarms_add(&manager, "provider b refuses", 1 * MINUTE));
    alarms_drop(&manager, "provider a ");
    assert_int_equal(manager.alarm_count, 2);
    assert_string_equal(manager.alarms[0], "disk full");
    assert_true(alarms_add(&manager, "provider a refuses", 2 * MINUTE));
    alarms_drop(&manager, "provider ");
    assert_int_equal(manager.alarm_count, 1);
    assert_string_equal(manager.alarms[0], "disk full");
    assert_null(manager.alarms[1]);
    alarms_clear(&manager);
    alarms_drop(&manager, "disk");
    assert_int_equal(manager.alarm_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_said_once_in_ten_minutes),
        cmocka_unit_test(test_bounded_newest_kept),
        cmocka_unit_test(test_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
