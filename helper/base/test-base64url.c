/*
 * Strict base64url: RFC 4648 §10 without padding, and everything that must not pass.
 */
#include <errno.h>

#include "common/cleanup.h"
#include "helper/base/base64url.h"
#include "helper/token/test-jose.h"

static void test_vectors(void **state)
{
    static const struct {
        const char *text, *bytes;
    } rows[] = {
        {"", ""},           {"Zg", "f"},          {"Zm8", "fo"},          {"Zm9v", "foo"},
        {"Zm9vYg", "foob"}, {"Zm9vYmE", "fooba"}, {"Zm9vYmFy", "foobar"}, {"-_-_", "\xfb\xff\xbf"},
        {"AA", "\0"},
    };
    uint8_t out[16];
    size_t size;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        size_t expected = strlen(rows[i].text) / 4 * 3 +
                          (strlen(rows[i].text) % 4 ? strlen(rows[i].text) % 4 - 1 : 0);
        assert_int_equal(
            base64url_decode(rows[i].text, strlen(rows[i].text), out, sizeof(out), &size), 0);
        assert_int_equal(size, expected);
        assert_memory_equal(out, rows[i].bytes, size);
    }
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "A",                                                       /* no byte has six bits */
        "AAAAA",                                                   /* length 1 modulo 4 */
        "Zg==",                                                    /* padding */
        "Zg=",   "Zm8=",   "=",        "Zm9v====", "+_-_", "/AAA", /* the other alphabet */
        "Zm 9",  "Zm9v\n", " Zm9v",    "Zm9v\r\n", "\tZg", "Zh",
        "Zm9",   "AB", /* unused bits set */
        "Zm9.",  "Z*9v",   "\xc3\xa9", "Zm9\x80",
    };
    uint8_t out[16];
    size_t size;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(base64url_decode(rows[i], strlen(rows[i]), out, sizeof(out), &size),
                         -EBADMSG);
    assert_int_equal(base64url_decode("Z\0g", 3, out, sizeof(out), &size), -EBADMSG);
}

static void test_every_byte_value(void **state)
{
    uint8_t all[256], out[256];
    size_t size;

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)i;
    for (size_t n = 0; n <= sizeof(all); n++) {
        char *text = jose_base64url(all, n);
        assert_int_equal(base64url_decode(text, strlen(text), out, n, &size), 0);
        assert_int_equal(size, n);
        assert_memory_equal(out, all, n);
        if (n > 0)
            assert_int_equal(base64url_decode(text, strlen(text), out, n - 1, &size), -ENOBUFS);
        free(text);
    }
}

static void test_encoding_is_the_way_back(void **state)
{
    uint8_t bytes[48];
    char text[BASE64URL_ENCODED_SIZE(sizeof(bytes))];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(251u * i + 13u);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        char *expected = jose_base64url(bytes, n);
        memset(text, 'x', sizeof(text));
        base64url_encode(bytes, n, text);
        assert_string_equal(text, expected);
        assert_true(strlen(text) < BASE64URL_ENCODED_SIZE(n));
        free(expected);
    }
}

static void test_alloc(void **state)
{
    uint8_t *data = NULL;
    size_t size = 5;

    assert_int_equal(base64url_decode_alloc("", 0, &data, &size), 0);
    assert_non_null(data);
    assert_int_equal(size, 0);
    free(data);
    data = NULL;
    assert_int_equal(base64url_decode_alloc("Zh", 2, &data, &size), -EBADMSG);
    assert_null(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_byte_value),
        cmocka_unit_test(test_encoding_is_the_way_back),
        cmocka_unit_test(test_alloc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
