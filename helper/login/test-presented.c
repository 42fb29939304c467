/*
 * Tests of presented.c: whose a token is, in which session, for how long and how often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/login/presented.h"
#include "helper/token/access-token.h"

#define NOW_SEC UINT64_C(1000000)

static const Stamp then = {.wall_usec = NOW_SEC * USEC_PER_SEC,
                           .boot_usec = 1000 * USEC_PER_SEC};

static Stamp later(uint64_t usec)
{
    return (Stamp){.wall_usec = then.wall_usec + usec, .boot_usec = then.boot_usec + usec};
}

static void present(PresentedTokens *tokens, uint32_t uid, uint32_t audit_session,
                    uint64_t expires_sec, const Stamp *now)
{
    PresentedToken token = {.identity = calloc(1, sizeof(*token.identity)),
                            .access = calloc(1, sizeof(*token.access))};

    token.access->expires_sec = expires_sec;
    token.access->issued_sec = uid;
    presented_put(tokens, uid, audit_session, &token, now);
    assert_null(token.access);
}

static bool take(PresentedTokens *tokens, uint32_t uid, uint32_t audit_session, const Stamp *now)
{
    PresentedToken token;

    if (!presented_take(tokens, uid, audit_session, now, &token))
        return false;
    assert_int_equal(token.access->issued_sec, uid);
    presented_token_clear(&token);
    return true;
}

static int set_up(void **state)
{
    return presented_new((PresentedTokens **)state);
}

static int tear_down(void **state)
{
    presented_free(*state);
    return 0;
}

static void test_once_for_its_owner_in_its_session(void **state)
{
    assert_false(take(*state, 0, 0, &then)); /* free rows are nobody's */
    present(*state, 7, 1, NOW_SEC + 3600, &then);
    assert_false(take(*state, 8, 1, &then));
    assert_false(take(*state, 7, 2, &then));
    assert_false(take(*state, 7, UINT32_MAX, &then));
    assert_true(take(*state, 7, 1, &then));
    assert_false(take(*state, 7, 1, &then));
}

static void test_whose_access_was_ended_has_none(void **state)
{
    present(*state, 7, 1, NOW_SEC + 3600, &then);
    present(*state, 8, 1, NOW_SEC + 3600, &then);
    presented_forget(*state, 7);
    assert_false(take(*state, 7, 1, &then));
    assert_true(take(*state, 8, 1, &then));
}

static void test_a_newer_one_takes_its_place(void **state)
{
    present(*state, 7, 1, NOW_SEC + 3600, &then);
    present(*state, 7, 2, NOW_SEC + 3600, &then);
    assert_false(take(*state, 7, 1, &then));
    assert_true(take(*state, 7, 2, &then));
}

static void test_five_minutes_and_no_longer_than_the_token(void **state)
{
    Stamp end = later(PRESENTED_LIFE_USEC - 1), over = later(PRESENTED_LIFE_USEC);
    Stamp soon = later(59 * USEC_PER_SEC), expired = later(60 * USEC_PER_SEC);
    Stamp back = later((uint64_t)-1);

    present(*state, 7, 1, NOW_SEC + 3600, &then);
    present(*state, 8, 1, NOW_SEC + 60, &then);
    present(*state, 9, 1, NOW_SEC, &then);
    present(*state, 10, 1, UINT64_MAX, &then);
    assert_false(take(*state, 9, 1, &then));
    assert_true(take(*state, 8, 1, &soon));
    present(*state, 8, 1, NOW_SEC + 60, &then);
    assert_false(take(*state, 8, 1, &expired));
    assert_true(take(*state, 10, 1, &end));
    assert_false(take(*state, 7, 1, &over));
    present(*state, 7, 1, NOW_SEC + 3600, &then);
    assert_false(take(*state, 7, 1, &back)); /* a clock that was set back */
}

static void test_what_is_over_first_goes_first(void **state)
{
    for (uint32_t uid = 1; uid <= PRESENTED_MAX; uid++)
        present(*state, uid, 1, NOW_SEC + (uid == 5 ? 10 : 3600), &then);
    present(*state, PRESENTED_MAX + 1, 1, NOW_SEC + 3600, &then);
    assert_false(take(*state, 5, 1, &then));
    for (uint32_t uid = 1; uid <= PRESENTED_MAX + 1; uid++)
        assert_int_equal(take(*state, uid, 1, &then), uid != 5);
}

static void test_ten_within_a_minute(void **state)
{
    Stamp soon = later(60 * USEC_PER_SEC);

    for (unsigned i = 0; i < 10; i++)
        assert_true(presented_may_ask(*state, 7, &then));
    assert_false(presented_may_ask(*state, 7, &then));
    assert_true(presented_may_ask(*state, 8, &then));
    assert_true(presented_may_ask(*state, 7, &soon));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once_for_its_owner_in_its_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whose_access_was_ended_has_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_newer_one_takes_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_five_minutes_and_no_longer_than_the_token, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_over_first_goes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ten_within_a_minute, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
