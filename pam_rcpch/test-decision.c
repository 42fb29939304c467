/*
 * Decisions: no number but ALLOW admits, the helper cannot say NOT_OURS, no escape sequence passes.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <security/_pam_types.h>

#include "pam_rcpch/decision.h"

static void test_undecided_denies(void **state)
{
    Decision decision = DECISION_INIT;

    assert_int_equal(outcome_to_pam(decision.outcome), PAM_SYSTEM_ERR);
}

static void test_every_answer_of_the_helper(void **state)
{
    for (uint32_t number = 0; number < 300; number++) {
        Decision decision = DECISION_INIT;
        decision_set(&decision, number, NULL);
        int code = outcome_to_pam(decision.outcome);
        assert_int_equal(code == PAM_SUCCESS, number == OUTCOME_ALLOW);
        assert_int_not_equal(code, PAM_IGNORE);
        assert_true(strlen(decision_text(&decision)) > 0);
    }
}

static void test_not_ours_is_a_contradiction(void **state)
{
    Decision decision = DECISION_INIT;

    decision_set(&decision, OUTCOME_NOT_OURS, "go on");
    assert_int_equal(decision.outcome, OUTCOME_INTERNAL);
    assert_string_equal(decision.text, "");
    assert_true(strlen(decision.detail) > 0);
}

static void test_texts(void **state)
{
    Decision decision = DECISION_INIT;
    char longest[CHANNEL_TEXT_MAX + 100];

    decision_set(&decision, OUTCOME_DISABLED, "two\nlines\033[2J");
    assert_string_equal(decision_text(&decision), "two\nlines?[2J");
    decision_set(&decision, OUTCOME_DISABLED, "");
    assert_string_equal(decision_text(&decision), outcome_to_text(OUTCOME_DISABLED));
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    decision_set(&decision, OUTCOME_DISABLED, longest);
    assert_int_equal(strlen(decision.text), CHANNEL_TEXT_MAX);
}

static void test_no_answer(void **state)
{
    static const int errors[] = {-ETIMEDOUT, -ENOMEM, -EMFILE, -ECONNREFUSED, 0, -100000};
    Decision decision = DECISION_INIT;
    char longest[1000];

    for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
        decision_set(&decision, OUTCOME_ALLOW, "stale");
        decision_unavailable(&decision, "CheckAccount", errors[i]);
        assert_int_equal(decision.outcome, OUTCOME_UNAVAILABLE);
        assert_string_equal(decision_text(&decision), outcome_to_text(OUTCOME_UNAVAILABLE));
    }
    memset(longest, '\n', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    decision_unavailable(&decision, longest, -EIO);
    assert_null(strchr(decision.detail, '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undecided_denies),
        cmocka_unit_test(test_every_answer_of_the_helper),
        cmocka_unit_test(test_not_ours_is_a_contradiction),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
