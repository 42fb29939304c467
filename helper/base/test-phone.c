/*
 * Tests of phone.c: what is a number, and that one number is written one way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/base/phone.h"

static void test_one_way_of_writing(void **state)
{
    static const struct {
        const char *text, *phone;
    } rows[] = {
        {"+442070926000", "+442070926000"},
        {"+44 20 7092 6000", "+442070926000"},
        {"+44-20-7092-6000", "+442070926000"},
        {"+6834000", "+6834000"},
        {"+123456789012345", "+123456789012345"},
    };
    char phone[PHONE_SIZE];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        assert_true(phone_normalise(rows[i].text, phone));
        assert_string_equal(phone, rows[i].phone);
    }
}

static void test_no_numbers(void **state)
{
    static const char *const rows[] = {
        "", "+", "++442070926000", "442070926000", "020 7092 6000", "0044 20 7092 6000",
        "+044 20 7092 6000", "+44 (0)20 7092 6000", "+44 20 7092 6000 x12", "+44 20 7092 6000 ",
        " +442070926000", "+ 442070926000", "+44  2070926000", "+44 - 2070926000", "+442070926000-",
        "+683400", "+1234567890123456", "+44\t2070926000", "+44207092600\xd9\xa0",
        "tel:+442070926000",
    };
    char phone[PHONE_SIZE] = "as it was";

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_false(phone_normalise(rows[i], phone));
    assert_string_equal(phone, "as it was");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_way_of_writing),
        cmocka_unit_test(test_no_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
