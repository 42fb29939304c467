/*
 * Names, paths and full names: what is let in and what is not. See names.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/names.h"

static const char *const good_short[] = {
    "a", "_", "alice", "_apt", "alice.o-neil_2", "a23456789012345678901234567890bc",
};
static const char *const bad_short[] = {
    "",
    ".",
    "..",
    "-rf",
    "1st",
    "Alice",
    "alice$",
    "a b",
    "a:b",
    "a\nb",
    "../etc",
    "#1000",
    "alice@rcpch.ac.uk",
    "\xc3\xa5sa",
    "a\x7f",
    "a/b",
    "a,b",
    "+",
    "a\\b",
    "a23456789012345678901234567890bcd",
};
static const char *const good_full[] = {
    "alice@rcpch.ac.uk",
    "a@b",
    "alice.o-neil@sub-1.rcpch.ac.uk",
    "a@1.2",
};
static const char *const bad_full[] = {
    "alice",      "@rcpch.ac.uk", "alice@",   "alice@@x",   "alice@.x",   "alice@x.",
    "alice@x..y", "alice@-x",     "alice@x-", "alice@x-.y", "alice@x.-y", "alice@RCPCH.ac.uk",
    "alice@x_y",  "alice@x y",    "-a@x",     "a@x:y",
};

static void test_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(good_short); i++)
        assert_true(name_is_valid_short(good_short[i]));
    for (size_t i = 0; i < ELEMENTSOF(bad_short); i++)
        assert_false(name_is_valid_short(bad_short[i]));
    assert_false(name_is_valid_short(NULL));
}

static void test_full(void **state)
{
    char long_name[NAME_FULL_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(good_full); i++)
        assert_true(name_is_valid_full(good_full[i]));
    for (size_t i = 0; i < ELEMENTSOF(bad_full); i++)
        assert_false(name_is_valid_full(bad_full[i]));
    memset(long_name, 'a', sizeof(long_name));
    long_name[40] = '@';
    long_name[NAME_FULL_MAX] = '\0';
    assert_true(name_is_valid_full(long_name));
    long_name[NAME_FULL_MAX] = 'a';
    long_name[NAME_FULL_MAX + 1] = '\0';
    assert_false(name_is_valid_full(long_name));
    assert_false(name_is_valid_full(NULL));
}

static void test_either(void **state)
{
    (void)state;
    assert_true(name_is_valid("alice"));
    assert_true(name_is_valid("alice@rcpch.ac.uk"));
    assert_false(name_is_valid("Alice"));
    assert_false(name_is_valid(NULL));
}

/* Every byte, alone behind a valid beginning: only the allow-list passes. */
static void test_alphabet(void **state)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyz0123456789._-";

    (void)state;
    for (int c = 1; c < 256; c++) {
        char name[] = {'a', (char)c, '\0'};

        assert_int_equal(name_is_valid_short(name), strchr(allowed, c) != NULL);
    }
}

static void test_path(void **state)
{
    static const char *const good[] = {"/", "/home/alice", "/home/a..b", "/bin/bash",
                                       "/home/\xc3\xa5"};
    static const char *const bad[] = {"",        "home", "//",    "/home//a", "/home/..", "/../etc",
                                      "/a/../b", "/a:b", "/a\nb", "/a\x7f",   "/\xc3",    "/\xff"};
    char long_path[HOME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        assert_true(path_is_valid(good[i]));
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_false(path_is_valid(bad[i]));
    memset(long_path, 'a', sizeof(long_path));
    long_path[0] = '/';
    long_path[HOME_MAX + 1] = '\0';
    assert_false(path_is_valid(long_path));
    long_path[HOME_MAX] = '\0';
    assert_true(path_is_valid(long_path));
    assert_false(path_is_valid(NULL));
}

static void test_gecos(void **state)
{
    static const char *const good[] = {"", "Alice O'Neil, Audit",
                                       "\xc3\x85sa \xe6\x9d\x8e \xf0\x9f\x98\x80"};
    static const char *const bad[] = {
        "a:b",
        "a\tb",
        "a\x1b[0m",
        "a\x7f",
        "\xc2\x9bm", /* U+009B, CSI */
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\x80",
        "\xe6\x9d",
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        assert_true(gecos_is_valid(good[i]));
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_false(gecos_is_valid(bad[i]));
    assert_false(gecos_is_valid(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short),    cmocka_unit_test(test_full), cmocka_unit_test(test_either),
        cmocka_unit_test(test_alphabet), cmocka_unit_test(test_path), cmocka_unit_test(test_gecos),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
