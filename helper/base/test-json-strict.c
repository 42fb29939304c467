/*
 * Strict JSON: what passes, and each thing that must not.
 */
#include <errno.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/base/json-strict.h"
#include "helper/token/test-jose.h"

static int read_text(const char *text, json_t **ret_json)
{
    return json_read_strict(text, strlen(text), 65536, ret_json);
}

static void test_accepted(void **state)
{
    static const char *const rows[] = {
        "{}",
        " {\"a\":1}\r\n",
        "{\"a\":[1,2.5,-1e3,null,true,{\"b\":\"\\u00e9\"}]}",
        "{\"a\":9007199254740992,\"b\":-9007199254740992}",
        "{\"a\":\"\\ud83d\\ude00\"}",
        "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"{{{{\"}",
        "{\"\":0}",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        json_auto_t *json = NULL;
        assert_int_equal(read_text(rows[i], &json), 0);
        assert_true(json_is_object(json));
    }
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "null",
        "1",
        "\"a\"",
        "[]",
        "[{}]",
        "true", /* no object on top */
        "{}{}",
        "{} x",
        "{},",
        "{}]",
        "{\"a\":1}\x01", /* trailing */
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"x\":{\"b\":1,\"b\":1}}", /* duplicates */
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":-Infinity}",
        "{\"a\":1e999}",
        "{\"a\":-1e999}",
        "{\"a\":9007199254740993}",
        "{\"a\":-9007199254740993}", /* beyond 2^53 */
        "{\"a\":[{\"b\":9007199254740993}]}",
        "{\"a\":9223372036854775808}",
        "{\"a\":18446744073709551616}",
        "{\"a\":1000000000000000000000000000000}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\\u0000b\":1}", /* NUL */
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\\ud800\"}", /* half a surrogate pair */
        "\xef\xbb\xbf{}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\x80\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":0x10}",
        "{\"a\":\"\n\"}",
        "{\"a\":1 /* no */}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":\"b",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        json_t *json = NULL;
        if (read_text(rows[i], &json) != -EBADMSG)
            fail_msg("accepted: %s", rows[i]);
        assert_null(json);
    }
}

static void test_raw_nul(void **state)
{
    json_t *json = NULL;

    assert_int_equal(json_read_strict("{}\0", 3, 100, &json), -EBADMSG);
    assert_int_equal(json_read_strict("{\"a\0\":1}", 8, 100, &json), -EBADMSG);
    assert_int_equal(json_read_strict(NULL, 0, 100, &json), -EBADMSG);
    assert_null(json);
}

static void test_size(void **state)
{
    json_auto_t *json = NULL;

    assert_int_equal(json_read_strict("{\"a\":1}", 7, 6, &json), -EMSGSIZE);
    assert_int_equal(json_read_strict("{\"a\":1}", 7, 7, &json), 0);
}

/* `depth` arrays in one object. */
static int read_nested(size_t depth)
{
    char text[8192];
    json_auto_t *json = NULL;
    size_t n = (size_t)snprintf(text, sizeof(text), "{\"a\":");

    memset(text + n, '[', depth);
    memset(text + n + depth, ']', depth);
    text[n + 2 * depth] = '}';
    return json_read_strict(text, n + 2 * depth + 1, sizeof(text), &json);
}

static void test_depth(void **state)
{
    assert_int_equal(read_nested(JSON_DEPTH_MAX - 1), 0);
    assert_int_equal(read_nested(JSON_DEPTH_MAX), -EBADMSG);
    assert_int_equal(read_nested(4000), -EBADMSG);
}

static void test_members(void **state)
{
    json_auto_t *json = NULL;

    assert_int_equal(read_text("{\"t\":\"abc\",\"e\":\"\",\"n\":5,\"f\":5.0,\"s\":\"5\"}", &json),
                     0);
    assert_string_equal(json_text(json, "t", 3), "abc");
    assert_null(json_text(json, "t", 2));
    assert_null(json_text(json, "e", 9));
    assert_null(json_text(json, "n", 9));
    assert_null(json_text(json, "absent", 9));
    assert_null(json_text(NULL, "t", 9));
}

static void test_a_list_on_top(void **state)
{
    static const char *const refused[] = {"", "{}", "null", "[1,]", "[]x", "[[]", "[NaN]",
                                          "[{\"a\":1,\"a\":2}]"};
    json_auto_t *json = NULL;

    assert_int_equal(json_read_strict_list("[{},1]", 6, 64, &json), 0);
    assert_int_equal(json_array_size(json), 2);
    for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
        json_t *none = NULL;
        assert_int_equal(json_read_strict_list(refused[i], strlen(refused[i]), 64, &none),
                         -EBADMSG);
        assert_null(none);
    }
    assert_int_equal(json_read_strict_list("[1,2,3]", 7, 6, &json), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_raw_nul),  cmocka_unit_test(test_size),
        cmocka_unit_test(test_depth),    cmocka_unit_test(test_members),
        cmocka_unit_test(test_a_list_on_top),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
