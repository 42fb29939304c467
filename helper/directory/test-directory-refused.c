/*
 * Tests of who is refused by the round: news is told once, comes back as news, and the alarm's text
 * follows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/directory/directory-refused.h"

static void assert_text(const DirectoryRefused *refused, const char *expected)
{
    char text[DIRECTORY_REFUSED_TEXT_MAX];

    assert_true(directory_refused_describe(refused, text, sizeof(text)));
    assert_string_equal(text, expected);
}

static void test_news_once(void **state)
{
    DirectoryRefused refused = {0};

    for (unsigned round = 0; round < 3; round++) {
        directory_refused_begin(&refused);
        assert_int_equal(directory_refused_note(&refused, "dana@a", "taken"), round == 0);
        /* Two people of one name. */
        assert_false(directory_refused_note(&refused, "dana@a", "taken"));
        assert_int_equal(directory_refused_end(&refused), round == 0);
        assert_text(&refused, "dana@a and 1 more: taken");
    }
    directory_refused_begin(&refused);
    assert_true(directory_refused_note(&refused, "erin@a", "too long"));
    assert_false(directory_refused_note(&refused, "dana@a", "taken"));
    assert_true(directory_refused_end(&refused));
    assert_text(&refused, "erin@a and 1 more: too long");
    directory_refused_clear(&refused);
}

static void test_over_and_back(void **state)
{
    DirectoryRefused refused = {0};
    char text[DIRECTORY_REFUSED_TEXT_MAX];

    assert_false(directory_refused_end(&refused));
    assert_true(directory_refused_note(&refused, "dana@a", "taken"));
    assert_true(directory_refused_end(&refused));
    directory_refused_begin(&refused);
    assert_true(directory_refused_end(&refused));
    assert_false(directory_refused_describe(&refused, text, sizeof(text)));
    directory_refused_begin(&refused);
    assert_true(directory_refused_note(&refused, "dana@a", "taken"));
    directory_refused_clear(&refused);
}

/* A round that came to no end tells nothing about who is not refused any more. */
static void test_a_round_that_broke_off(void **state)
{
    DirectoryRefused refused = {0};

    (void)directory_refused_note(&refused, "dana@a", "taken");
    (void)directory_refused_note(&refused, "erin@a", "taken");
    (void)directory_refused_end(&refused);
    directory_refused_begin(&refused);
    (void)directory_refused_note(&refused, "dana@a", "taken");
    directory_refused_begin(&refused);
    assert_text(&refused, "dana@a and 1 more: taken");
    assert_false(directory_refused_note(&refused, "dana@a", "taken"));
    assert_false(directory_refused_note(&refused, "erin@a", "taken"));
    assert_false(directory_refused_end(&refused));
    directory_refused_clear(&refused);
}

static void test_more_than_are_named(void **state)
{
    DirectoryRefused refused = {0};
    char name[32];
    unsigned news = 0;

    for (unsigned round = 0; round < 2; round++) {
        directory_refused_begin(&refused);
        for (unsigned i = 0; i < DIRECTORY_REFUSED_MAX + 10; i++) {
            snprintf(name, sizeof(name), "person%u@a", i);
            news += directory_refused_note(&refused, name, "taken");
        }
        assert_int_equal(directory_refused_end(&refused), round == 0);
    }
    assert_int_equal(news, DIRECTORY_REFUSED_MAX);
    assert_text(&refused, "person0@a and 265 more: taken");
    directory_refused_clear(&refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_news_once),
        cmocka_unit_test(test_over_and_back),
        cmocka_unit_test(test_a_round_that_broke_off),
        cmocka_unit_test(test_more_than_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
