/*
 * The request budget: logins can use half, refreshes what logins leave, and both come back with
 * time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "helper/provider/request-budget.h"

#define MINUTE UINT64_C(60000000)

static unsigned take_all(RequestBudget *budget, RequestClass class, uint64_t now)
{
    unsigned n = 0;

    while (n < 100000 && request_budget_take(budget, class, now) == 0)
        n++;
    return n;
}

static void test_half_is_reserved(void **state)
{
    RequestBudget budget;

    request_budget_start(&budget, 600, 5);
    assert_int_equal(take_all(&budget, REQUEST_LOGIN, 5), 300);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 5), 300);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 5 + MINUTE), 600);
    assert_int_equal(take_all(&budget, REQUEST_LOGIN, 5 + 2 * MINUTE), 300);
}

static void test_it_fills_steadily(void **state)
{
    RequestBudget budget;

    request_budget_start(&budget, 60, 0);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 0), 60);
    for (uint64_t second = 1; second <= 20; second++)
        assert_int_equal(take_all(&budget, REQUEST_REFRESH, second * 1000000), 1);
    assert_int_equal(request_budget_take(&budget, REQUEST_REFRESH, 20 * 1000000), 1000000);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 21 * 1000000 - 1), 0);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 21 * 1000000), 1);
}

/* The wait that is answered is enough, and not a microsecond too much. */
static void test_the_wait_is_exact(void **state)
{
    static const unsigned rates[] = {1, 2, 3, 7, 59, 600, 100000};

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        for (unsigned class = 0; class < _REQUEST_CLASS_COUNT; class ++) {
            RequestBudget budget;
            request_budget_start(&budget, rates[i], 0);
            take_all(&budget, (RequestClass) class, 0);
            uint64_t wait = request_budget_take(&budget, (RequestClass) class, 0);
            assert_true(wait > 0 && wait <= MINUTE);
            RequestBudget copy = budget;
            assert_int_not_equal(request_budget_take(&copy, (RequestClass) class, wait - 1), 0);
            assert_int_equal(request_budget_take(&budget, (RequestClass) class, wait), 0);
        }
}

static void test_small_budgets_serve_both(void **state)
{
    RequestBudget budget;

    request_budget_start(&budget, 1, 0);
    assert_int_equal(take_all(&budget, REQUEST_LOGIN, 0), 1);
    request_budget_start(&budget, 2, 0);
    assert_int_equal(take_all(&budget, REQUEST_LOGIN, 0), 1);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 0), 1);
    request_budget_start(&budget, 0, 0);
    assert_int_equal(take_all(&budget, REQUEST_LOGIN, 0), 100000);
}

/* A directory that has much to tell takes all there is, and goes on so; logins have their half from
 * the first one on, and the directory the other. */
static void test_a_login_need_not_wait_for_a_directory(void **state)
{
    RequestBudget budget;
    unsigned logins = 0, refreshes = 0;

    request_budget_start(&budget, 60, 0);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 0), 60);
    assert_int_equal(request_budget_take(&budget, REQUEST_LOGIN, 0), 2000000);
    for (uint64_t now = 0; now <= MINUTE; now += 1000) {
        refreshes += take_all(&budget, REQUEST_REFRESH, now);
        logins += take_all(&budget, REQUEST_LOGIN, now);
    }
    assert_int_equal(logins, 30);
    assert_int_equal(refreshes, 30);
    for (uint64_t now = MINUTE; now <= 2 * MINUTE; now += 1000)
        refreshes += take_all(&budget, REQUEST_REFRESH, now); /* their half for a minute more */
    assert_in_range(refreshes, 60, 92);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 3 * MINUTE), 60);
}

/* Strangers who never stop knocking leave the checks theirs. */
static void test_a_check_need_not_wait_for_strangers(void **state)
{
    RequestBudget budget;
    unsigned refreshes = 0;

    request_budget_start(&budget, 60, 0);
    for (uint64_t now = 0; now <= MINUTE; now += 1000) {
        take_all(&budget, REQUEST_LOGIN, now);
        refreshes += take_all(&budget, REQUEST_REFRESH, now);
    }
    assert_int_equal(refreshes, 60); /* what was there, and half of what came */
}

static void test_odd_clocks(void **state)
{
    RequestBudget budget;

    request_budget_start(&budget, 10, 1000 * MINUTE);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, 1000 * MINUTE), 10);
    assert_int_not_equal(request_budget_take(&budget, REQUEST_REFRESH, 999 * MINUTE), 0);
    assert_int_equal(take_all(&budget, REQUEST_REFRESH, UINT64_MAX), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_is_reserved),  cmocka_unit_test(test_it_fills_steadily),
        cmocka_unit_test(test_the_wait_is_exact), cmocka_unit_test(test_small_budgets_serve_both),
        cmocka_unit_test(test_a_login_need_not_wait_for_a_directory),
        cmocka_unit_test(test_a_check_need_not_wait_for_strangers),
        cmocka_unit_test(test_odd_clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
