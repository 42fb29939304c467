/*
 * Module arguments: what is understood takes effect, what is not changes nothing.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "pam_rcpch/arguments.h"

static Arguments parse(const char *argument)
{
    return arguments_parse(NULL, 1, &argument);
}

static void test_none(void **state)
{
    Arguments arguments = arguments_parse(NULL, 0, NULL);

    assert_false(arguments.debug);
    assert_false(arguments.no_qr);
    assert_int_equal(arguments.timeout_sec, TIMEOUT_DEFAULT_SEC);
    assert_string_equal(arguments.provider, "");
}

static void test_all_together(void **state)
{
    const char *argv[] = {"debug", "timeout=60", "no_qr", "provider=college", "provider="};
    Arguments arguments = arguments_parse(NULL, 5, argv);

    assert_true(arguments.debug);
    assert_true(arguments.no_qr);
    assert_int_equal(arguments.timeout_sec, 60);
    assert_string_equal(arguments.provider, "college");
}

static void test_timeouts(void **state)
{
    static const struct {
        const char *argument;
        unsigned expected;
    } rows[] = {
        {"timeout=10", 10},
        {"timeout=3600", 3600},
        {"timeout=9", 300},
        {"timeout=0", 300},
        {"timeout=3601", 300},
        {"timeout=", 300},
        {"timeout", 300},
        {"timeout=-60", 300},
        {"timeout=+60", 300},
        {"timeout= 60", 300},
        {"timeout=60s", 300},
        {"timeout=0x60", 300},
        {"timeout=18446744073709551676", 300},
        {"timeout=4294967356", 300},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(parse(rows[i].argument).timeout_sec, rows[i].expected);
}

static void test_unknown_ones_are_harmless(void **state)
{
    static const char *const rows[] = {"",       "Debug",          "debug=1", "debugx", "no_qr=no",
                                       "nullok", "try_first_pass", "=",       "%s%n"};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Arguments arguments = parse(rows[i]);
        assert_false(arguments.debug);
        assert_false(arguments.no_qr);
        assert_int_equal(arguments.timeout_sec, TIMEOUT_DEFAULT_SEC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_all_together),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_unknown_ones_are_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
