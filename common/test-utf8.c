/*
 * Every lead byte, every kind of malformed sequence, and what may not reach a terminal.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/utf8.h"

static void test_good_sequences(void **state)
{
    static const struct {
        const char *text;
        int length;
        uint32_t code;
    } rows[] = {
        {"a", 1, 'a'},
        {"\xc3\xa9", 2, 0xe9},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xf0\x9f\x98\x80", 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
    };
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        uint32_t code = 0;
        assert_int_equal(utf8_next(rows[i].text, strlen(rows[i].text), &code), rows[i].length);
        assert_int_equal(code, rows[i].code);
        assert_int_equal(utf8_next(rows[i].text, strlen(rows[i].text) - 1, &code), -EBADMSG);
    }
}

static void test_bad_sequences(void **state)
{
    static const char *const rows[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xfe", "\xc3(", "\xe2\x82(", "\xf0\x9f\x98(",
    };
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        uint32_t code = 0;
        assert_int_equal(utf8_next(rows[i], strlen(rows[i]), &code), -EBADMSG);
        assert_false(utf8_text_is_harmless(rows[i], strlen(rows[i])));
    }
}

static void test_harmful_characters(void **state)
{
    static const char *const rows[] = {
        "\x1b[2J", "a\nb", "a\rb", "\x7f", ("\xc2\x9b" "31m"), "\xe2\x80\xa8", "\xe2\x80\xae",
        "\xe2\x81\xa6", "\xd8\x9c", "\xe2\x80\x8f",
        "\xef\xb7\x90", "\xef\xb7\xaf", "\xef\xbf\xbe", "\xef\xbf\xbf", /* U+FDD0 … U+FFFF */
        "\xf0\x9f\xbf\xbe", "\xf4\x8f\xbf\xbf", /* U+1FFFE, U+10FFFF */
    };
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_false(utf8_text_is_harmless(rows[i], strlen(rows[i])));
    assert_false(utf8_text_is_harmless("a\0b", 3));
    assert_true(utf8_text_is_harmless("", 0));
    assert_true(utf8_text_is_harmless("Zoë O'Brien \xe2\x9c\x93", 16));
    assert_true(utf8_text_is_harmless("\xef\xbf\xbd\xf0\x9f\x90\xb4", 7)); /* U+FFFD, a horse */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_sequences),
        cmocka_unit_test(test_bad_sequences),
        cmocka_unit_test(test_harmful_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
