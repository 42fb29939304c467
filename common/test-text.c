/*
 * What a terminal may be shown: every control character, and how a text is made harmless.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/text.h"

static void test_every_control_character_is_refused(void **state)
{
    (void)state;
    for (int c = 0; c < 0x80; c++) {
        char byte = (char)c;
        assert_int_equal(text_is_clean(&byte, 1), (c >= 0x20 && c != 0x7F) || c == '\n');
    }
    for (int c = 0x80; c < 0xC0; c++) {
        char pair[2] = {(char)0xC2, (char)c};
        assert_int_equal(text_is_clean(pair, 2), c >= 0xA0);
    }
    assert_true(text_is_clean("", 0));
    assert_false(text_is_clean("a\0b", 3));
    assert_false(text_is_clean("\033[2J", 4));
    assert_false(text_is_clean("\xE2\x80\xAE"
                               "evil",
                               7)); /* right-to-left override */
    assert_true(text_is_clean("\xE2\x96\x88\n\xE2\x96\x80", 7));
}

static void test_clean_replaces_and_cuts(void **state)
{
    char out[16];

    (void)state;
    assert_string_equal(text_clean(NULL, true, out, sizeof(out)), "");
    assert_string_equal(text_clean("a\033[1m\nb", false, out, sizeof(out)), "a?[1m?b");
    assert_string_equal(text_clean("a\nb", true, out, sizeof(out)), "a\nb");
    assert_string_equal(text_clean("x\xFFy\xE2\x96", true, out, sizeof(out)), "x?y??");
    assert_string_equal(text_clean("abc\xE2\x96\x88", true, out, 6), "abc");
    assert_string_equal(text_clean("abc\xE2\x96\x88", true, out, 7), "abc\xE2\x96\x88");
    assert_string_equal(text_clean("abc", true, out, 1), "");
    assert_string_equal(text_clean("\xC2\x9B"
                                   "31m",
                                   true, out, sizeof(out)),
                        "??31m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_control_character_is_refused),
        cmocka_unit_test(test_clean_replaces_and_cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
