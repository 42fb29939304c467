/*
 * So many at once, one more for each interval, each user by themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "helper/base/caller-limit.h"

#define SEC UINT64_C(1000000)

static void test_so_many_at_once_and_one_for_each_interval(void **state)
{
    const CallerRate rate = {.burst = 3, .interval_usec = 10 * SEC};
    CallerLimit limit = {0};

    for (unsigned i = 0; i < 3; i++)
        assert_true(caller_limit_take(&limit, &rate, 7, 100 * SEC));
    for (unsigned i = 0; i < 3; i++)
        assert_false(caller_limit_take(&limit, &rate, 7, 100 * SEC));
    assert_true(caller_limit_take(&limit, &rate, 8, 100 * SEC));
    assert_false(caller_limit_take(&limit, &rate, 7, 110 * SEC - 1));
    assert_true(caller_limit_take(&limit, &rate, 7, 110 * SEC));
    assert_false(caller_limit_take(&limit, &rate, 7, 110 * SEC));
    for (unsigned i = 0; i < 3; i++)
        assert_true(caller_limit_take(&limit, &rate, 7, 1000 * SEC));
    assert_false(caller_limit_take(&limit, &rate, 7, 1000 * SEC));
}

static void test_nobody_is_pushed_out(void **state)
{
    const CallerRate rate = {.burst = 1, .interval_usec = 10 * SEC};
    CallerLimit limit = {0};

    for (uint32_t uid = 0; uid < CALLERS_MAX; uid++)
        assert_true(caller_limit_take(&limit, &rate, uid, 100 * SEC));
    assert_false(caller_limit_take(&limit, &rate, CALLERS_MAX, 100 * SEC));
    assert_false(caller_limit_take(&limit, &rate, 0, 100 * SEC));
    assert_true(caller_limit_take(&limit, &rate, CALLERS_MAX, 110 * SEC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_so_many_at_once_and_one_for_each_interval),
        cmocka_unit_test(test_nobody_is_pushed_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
