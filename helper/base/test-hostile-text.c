/*
 * Hostile text, forms and wiped memory: the small parts everything else leans on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/base/form.h"
#include "helper/base/hostile-text.h"
#include "helper/token/issuer.h"
#include "helper/base/memory.h"

static void test_strip(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *left;
    } rows[] = {
        {"plain", 99, "plain"},
        {"", 99, ""},
        {"a\x1b[31mb\x07\r\n", 99, "a[31mb"},
        {"a\xc2\x85z", 99, "az"},            /* C1 */
        {"a\xe2\x80\xaez", 99, "az"},        /* right-to-left override */
        {"a\xffz\xc0\x80", 99, "az"},        /* not UTF-8 */
        {"\xc3\xa9\xc3\xa9", 3, "\xc3\xa9"}, /* cut between characters */
        {"\xc3\xa9", 1, ""},
        {"abc", 2, "ab"},
        {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
        {"a\xf0\x9f\x98", 9, "a"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char *left = NULL;
        assert_int_equal(hostile_text_strip(rows[i].text, rows[i].max, &left), 0);
        assert_string_equal(left, rows[i].left);
        assert_true(hostile_text_is_clean(left, rows[i].max));
        free(left);
    }
    assert_false(hostile_text_is_clean("abc", 2));
    assert_false(hostile_text_is_clean("a\n", 9));
}

static void test_ascii(void **state)
{
    char out[6];

    hostile_text_to_ascii("a\x1b\xc3\xa9z and more", out, sizeof(out));
    assert_string_equal(out, "a???z");
    hostile_text_to_ascii("", out, sizeof(out));
    assert_string_equal(out, "");
    hostile_text_to_ascii("abc", out, 1);
    assert_string_equal(out, "");
    hostile_text_to_ascii("abc", out, 0);
}

static void test_form(void **state)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;

    assert_int_equal(form_add(&form, "a", "b c&d=e%\xc3\xa9+/"), 0);
    assert_int_equal(form_add(&form, "absent", NULL), 0);
    assert_int_equal(form_add(&form, "grant_type", "urn:x-y_z.~1"), 0);
    assert_string_equal(form.data, "a=b%20c%26d%3De%25%C3%A9%2B%2F&grant_type=urn%3Ax-y_z.~1");
}

static void test_buffer_maximum(void **state)
{
    _cleanup_buffer_ Buffer buffer = BUFFER_INIT(1000);
    char kilo[1001] = {0};

    assert_int_equal(buffer_add(&buffer, kilo, 1001), -EMSGSIZE);
    assert_int_equal(buffer.size, 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer_add(&buffer, "x", 1), 0);
    assert_int_equal(buffer_add(&buffer, "x", 1), -EMSGSIZE);
    assert_int_equal(buffer_add(&buffer, "", 0), 0);
    assert_int_equal(strlen(buffer.data), 1000);
    buffer_clear(&buffer);
    assert_int_equal(buffer_add_text(&buffer, "again"), 0);
}

static void test_issuers(void **state)
{
    static const struct {
        const char *issuer, *tenant; /* NULL: there is none */
    } rows[] = {
        {"https://login.microsoftonline.com/9f2c/v2.0", "9f2c"},
        {"https://9f2c.ciamlogin.com/9f2c/v2.0", "9f2c"},
        {"https://host/t", "t"},
        {"https://host/", NULL},
        {"https://host", NULL},
        {"host/t", NULL},
        {"https://host//t", NULL},
        {"https://host/?t", NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char *tenant = NULL;
        assert_int_equal(issuer_tenant(rows[i].issuer, &tenant), rows[i].tenant ? 0 : -EINVAL);
        if (rows[i].tenant)
            assert_string_equal(tenant, rows[i].tenant);
        free(tenant);
    }
    assert_true(issuer_matches("https://h/{tenantid}/v2.0", "https://h/t/v2.0", "t"));
    assert_false(issuer_matches("https://h/{tenantid}/v2.0", "https://h/t/v2.0", "u"));
    assert_false(issuer_matches("https://h/{tenantid}/v2.0", "https://h/t/v2.0", NULL));
    assert_false(issuer_matches("https://h/{tenantid}/v2.0", "https://h/t/v2.0x", "t"));
    assert_false(issuer_matches("https://h/{tenantid}/v2.0", "https://h", "t"));
    assert_true(issuer_matches("https://h/t", "https://h/t", NULL));
}

static void test_memory(void **state)
{
    char *text = wiping_strdup("secret");

    assert_string_equal(text, "secret");
    text = wiping_realloc(text, 100);
    assert_string_equal(text, "secret");
    text = wiping_realloc(text, 3);
    assert_memory_equal(text, "sec", 3);
    assert_null(wiping_realloc(text, 0));
    wiping_free(NULL);
    assert_null(wiping_malloc(SIZE_MAX));
    assert_null(wiping_calloc(SIZE_MAX / 2, 4));
    unsigned char *zeros = wiping_calloc(3, 5);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(zeros[i], 0);
    assert_int_equal((uintptr_t)zeros % _Alignof(max_align_t), 0);
    wiping_free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strip),   cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_form),    cmocka_unit_test(test_buffer_maximum),
        cmocka_unit_test(test_issuers), cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
