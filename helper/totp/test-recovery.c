/*
 * Tests of recovery.c: every code fits its own hash and no other, however it is typed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/totp/recovery.h"

static void codes_and_hashes(void **state)
{
    char codes[2][RECOVERY_CODE_SIZE], hashes[2][RECOVERY_HASH_SIZE], read[RECOVERY_CODE_SIZE];
    unsigned number;

    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(recovery_code_new(7 + i, codes[i]), 0);
        assert_int_equal(recovery_code_hash(codes[i], hashes[i]), 0);
        assert_memory_equal(hashes[i], "$y$", 3);
        assert_null(strstr(hashes[i], codes[i] + 2));
        assert_true(recovery_code_read(codes[i], read, &number));
        assert_int_equal(number, 7 + i);
        assert_string_equal(read, codes[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < 2; k++)
            assert_int_equal(recovery_code_fits(codes[i], hashes[k]), i == k);
    assert_false(recovery_code_fits(codes[0], ""));
    assert_false(recovery_code_fits(codes[0], "*0"));
    assert_int_equal(recovery_code_new(RECOVERY_CODES, codes[0]), -EINVAL);
}

static void as_people_type_them(void **state)
{
    static const char *const same[] = {"3-k7f2m-9qx4d", "3K7F2M9QX4D", " 3 k7f2m 9qx4d ",
                                       "3-K7F2M9QX4D-"};
    static const char *const none[] = {"", "3", "123456", "3-k7f2m-9qx4", "3-k7f2m-9qx4dd",
                                       "k-k7f2m-9qx4d", "3-k7f2m-9qx40", "3-k7f2m-9qx4d\n",
                                       "3-k7f2m-9qx4d                        "};
    char code[RECOVERY_CODE_SIZE];
    unsigned number;

    for (size_t i = 0; i < ELEMENTSOF(same); i++) {
        assert_true(recovery_code_read(same[i], code, &number));
        assert_string_equal(code, "3-k7f2m-9qx4d");
        assert_int_equal(number, 3);
    }
    for (size_t i = 0; i < ELEMENTSOF(none); i++) {
        assert_false(recovery_code_read(none[i], code, &number));
        assert_int_equal(recovery_code_hash(none[i], (char[RECOVERY_HASH_SIZE]){0}), -EINVAL);
    }
}

/* Thirty bits more or less would show: no letter may be missing or twice as frequent. */
static void all_letters_come(void **state)
{
    char code[RECOVERY_CODE_SIZE];
    unsigned seen[256] = {0}, different = 0;

    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(recovery_code_new(i % RECOVERY_CODES, code), 0);
        for (const char *p = code + 2; *p; p++)
            seen[(unsigned char)*p]++;
    }
    for (unsigned c = 0; c < 256; c++)
        if (c != '-' && seen[c] > 0) {
            assert_in_range(seen[c], 400, 900); /* 645 expected */
            different++;
        }
    assert_int_equal(different, 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_hashes),
        cmocka_unit_test(as_people_type_them),
        cmocka_unit_test(all_letters_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
