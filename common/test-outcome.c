/*
 * Every row of the outcome table: exactly one row admits, exactly one is ignored, every other
 * number denies, and what a person reads fits a terminal.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <security/_pam_types.h>

#include "common/outcome.h"
#include "common/text.h"

static void test_only_allow_admits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < _OUTCOME_COUNT; i++) {
        int pam = outcome_to_pam((Outcome)i);
        assert_int_equal(pam == PAM_SUCCESS, i == OUTCOME_ALLOW);
        assert_int_equal(pam == PAM_IGNORE, i == OUTCOME_NOT_OURS);
    }
}

static void test_unknown_numbers_deny(void **state)
{
    static const uint32_t numbers[] = {
        _OUTCOME_COUNT, _OUTCOME_COUNT + 1, 255,        256,        257,
        0x10001,        0x7FFFFFFF,         0x80000000, 0x80000001, 0xFFFFFFFF};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(outcome_from_number(numbers[i]), OUTCOME_INTERNAL);
        assert_int_equal(outcome_to_pam((Outcome)numbers[i]), PAM_SYSTEM_ERR);
        assert_string_equal(outcome_to_word((Outcome)numbers[i]), "internal");
    }
}

static void test_zeroed_memory_denies(void **state)
{
    Outcome zero;

    (void)state;
    memset(&zero, 0, sizeof(zero));
    assert_int_equal(outcome_to_pam(zero), PAM_SYSTEM_ERR);
}

static void test_numbers_travel_unchanged(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < _OUTCOME_COUNT; i++)
        assert_int_equal(outcome_from_number(i), i);
    assert_int_equal(OUTCOME_ALLOW, 1);
}

static void test_words_are_unique_and_plain(void **state)
{
    (void)state;
    for (unsigned i = 0; i < _OUTCOME_COUNT; i++) {
        const char *word = outcome_to_word((Outcome)i);
        assert_non_null(word);
        assert_true(word[0] != '\0');
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(word, outcome_to_word((Outcome)j));
    }
}

static void test_texts_fit_a_terminal(void **state)
{
    (void)state;
    for (unsigned i = 0; i < _OUTCOME_COUNT; i++) {
        const char *text = outcome_to_text((Outcome)i);
        assert_non_null(text);
        assert_true(text_is_clean(text, strlen(text)));
        for (const char *c = text; *c; c++) /* ASCII: shown in any locale, one byte a column */
            assert_true((unsigned char)*c < 0x80);
        assert_true(text[0] != '\0' && text[strlen(text) - 1] != '\n');
        for (const char *line = text; *line;) {
            size_t size = strcspn(line, "\n");
            assert_in_range(size, 1, 78);
            line += size + (line[size] == '\n');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_allow_admits),
        cmocka_unit_test(test_unknown_numbers_deny),
        cmocka_unit_test(test_zeroed_memory_denies),
        cmocka_unit_test(test_numbers_travel_unchanged),
        cmocka_unit_test(test_words_are_unique_and_plain),
        cmocka_unit_test(test_texts_fit_a_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
