/*
 * Retry-After, max-age, and which addresses may be asked.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/provider/http-headers.h"

#define NOW 1800000000u /* Fri, 15 Jan 2027 08:00:00 GMT */

static void test_retry_after(void **state)
{
    static const struct {
        const char *value;
        uint64_t usec;
    } rows[] = {
        {"0", 0},
        {"1", 1000000},
        {" 120 \r\n", 120000000},
        {"0.5", 500000},
        {"2.25", 2250000},
        {"1.0000019", 1000001},
        {"0.0000001", 0},
        {"3600", RETRY_AFTER_MAX_USEC},
        {"3601", RETRY_AFTER_MAX_USEC},
        {"99999999999999999999999999", RETRY_AFTER_MAX_USEC},
        {"Fri, 15 Jan 2027 08:00:10 GMT", 10000000},
        {"Fri, 15 Jan 2027 08:00:00 GMT", 0},
        {"Fri, 15 Jan 2027 07:59:59 GMT", 0},
        {"Fri, 15 Jan 2094 08:00:00 GMT", RETRY_AFTER_MAX_USEC},
        {"", 0},
        {"   ", 0},
        {"-5", 0},
        {"+5", 0},
        {"5s", 0},
        {"5.", 0},
        {".5", 0},
        {"1e3", 0},
        {"0x10", 0},
        {"soon", 0},
        {"5 5", 0},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (retry_after_parse(rows[i].value, strlen(rows[i].value), NOW) != rows[i].usec)
            fail_msg("wrong: '%s'", rows[i].value);
}

static void test_date(void **state)
{
    static const struct {
        const char *value;
        uint64_t sec;
    } rows[] = {
        {" Fri, 15 Jan 2027 08:00:00 GMT\r\n", NOW},
        {"Friday, 15-Jan-27 08:00:00 GMT", NOW},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"", 0},
        {"now", 0},
        {"Fri, 99 Jan 2027", 0},
    };
    char long_value[4096];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (http_date_parse(rows[i].value, strlen(rows[i].value)) != rows[i].sec)
            fail_msg("wrong: '%s'", rows[i].value);
    memset(long_value, '1', sizeof(long_value));
    assert_int_equal(http_date_parse(long_value, sizeof(long_value)), 0);
}

static void test_unterminated(void **state)
{
    static const char value[] = {'1', '2', '3'};
    char long_value[4096];

    assert_int_equal(retry_after_parse(value, 2, NOW), 12000000);
    memset(long_value, '1', sizeof(long_value));
    assert_int_equal(retry_after_parse(long_value, sizeof(long_value), NOW), 0);
    assert_int_equal(max_age_parse(long_value, sizeof(long_value)), 0);
}

static void test_max_age(void **state)
{
    static const struct {
        const char *value;
        uint64_t usec;
    } rows[] = {
        {"max-age=3600", UINT64_C(3600000000)},
        {"public, max-age=60, must-revalidate", 60000000},
        {"Max-Age=60", 60000000},
        {"max-age=60,no-store", 0},
        {"no-cache, max-age=60", 0},
        {"s-maxage=60", 0},
        {"max-age=", 0},
        {"max-age=-1", 0},
        {"max-age=abc", 0},
        {"max-age=999999999999", UINT64_C(604800000000)},
        {"", 0},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (max_age_parse(rows[i].value, strlen(rows[i].value)) != rows[i].usec)
            fail_msg("wrong: '%s'", rows[i].value);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *url;
        bool strict, loopback;
    } rows[] = {
        {"https://login.example/x", true, true},
        {"https://login.example:8443/x?y=z", true, true},
        {"https://127.0.0.1/", true, true},
        {"HTTPS://login.example/", true, true},
        {"http://127.0.0.1:8080/x", false, true},
        {"http://127.255.255.254/", false, true},
        {"http://localhost/", false, true},
        {"http://LocalHost:1/", false, true},
        {"http://[::1]:8080/", false, true},
        {"http://login.example/", false, false},
        {"http://128.0.0.1/", false, false},
        {"http://127.0.0.1.example/", false, false},
        {"http://localhost.example/", false, false},
        {"http://localhost./", false, false},
        {"http://[::2]/", false, false},
        {"http://[::ffff:127.0.0.1]/", false, false},
        {"http://0.0.0.0/", false, false},
        {"http://127.0.0.1@evil.example/", false, false},
        {"https://user@login.example/", false, false},
        {"https://user:password@login.example/", false, false},
        {"ftp://login.example/", false, false},
        {"file:///etc/passwd", false, false},
        {"javascript:alert(1)", false, false},
        {"gopher://127.0.0.1/", false, false},
        {"ldap://127.0.0.1/", false, false},
        {"login.example/x", false, false},
        {"//login.example/", false, false},
        {"/x", false, false},
        {"https://", false, false},
        {"https:///x", false, false},
        {"https:/login.example/", false, false},
        {"https:login.example/", false, false},
        {"https:/ttps://login.example/", false, false}, /* found by fuzz-discovery */
        {"", false, false},
        {"https://login.example/a b", false, false},
        {"https://login.example/\n", false, false},
        {"https://login.example/\x1b[2J", false, false},
        {"https://l\xc3\xb6gin.example/", false, false},
        {"https://login.example:99999/", false, false},
    };
    char url[HTTP_URL_MAX + 2];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        if (url_is_allowed(rows[i].url, false) != rows[i].strict ||
            url_is_allowed(rows[i].url, true) != rows[i].loopback)
            fail_msg("wrong: %s", rows[i].url);
    }
    assert_false(url_is_allowed(NULL, true));
    memset(url, 'a', sizeof(url));
    memcpy(url, "https://", 8);
    url[sizeof(url) - 1] = '\0';
    assert_false(url_is_allowed(url, true));
    url[sizeof(url) - 2] = '\0';
    memcpy(url + 8, "a/", 2);
    assert_true(url_is_allowed(url, true));
}

static void test_link_to_the_next_page(void **state)
{
    static const struct {
        const char *value;
        int wanted;
        const char *address;
    } rows[] = {
        {"<https://o/2>; rel=\"next\"\r\n", 0, "https://o/2"},
        {" <https://o/2>;rel=next", 0, "https://o/2"},
        {"<https://o/1>; rel=\"self\", <https://o/2>; rel=\"next\"", 0, "https://o/2"},
        {"<https://o/1>; rel=self; title=\"a, b; rel=next\",<https://o/2>; REL=\"NEXT\"", 0,
         "https://o/2"},
        {"<https://o/2?a,b;c>; rel=\"next\"", 0, "https://o/2?a,b;c"},
        {"<https://o/1>; rel=\"self\"", 1, ""},
        {"<https://o/1>; rel=\"nextish\"", 1, ""},
        {"<https://o/1>; xrel=\"next\"", 1, ""},
        {"<https://o/1>", 1, ""},
        {"", 1, ""},
        {"<https://o/1; rel=\"next\"", -EBADMSG, ""},
        {"https://o/1; rel=\"next\"", -EBADMSG, ""},
        {"<https://o/1>; rel=\"next", -EBADMSG, ""},
        {"<https://o/1> rel=\"next\"", -EBADMSG, ""},
        {"<>; rel=\"next\"", -EBADMSG, ""},
        {"<https://o/12345678901234567890>; rel=\"next\"", -EBADMSG, ""},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char address[24] = "";
        assert_int_equal(link_next_parse(rows[i].value, strlen(rows[i].value), address,
                                         sizeof(address)), rows[i].wanted);
        assert_string_equal(address, rows[i].address);
    }
}

static void test_when_a_limit_begins_anew(void **state)
{
    static const struct {
        const char *value;
        uint64_t wanted;
    } rows[] = {
        {" 1030\r\n", 30000000u}, {"1001", 1000000u}, {"1000", 1000000u}, {"7", 1000000u},
        {"1030.7", 30000000u},    {"", 0},            {"soon", 0},        {"-1", 0},
        {"99999999999999999999", RETRY_AFTER_MAX_USEC},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_true(limit_reset_parse(rows[i].value, strlen(rows[i].value), 1000) ==
                    rows[i].wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_date),
        cmocka_unit_test(test_unterminated),
        cmocka_unit_test(test_max_age),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_link_to_the_next_page),
        cmocka_unit_test(test_when_a_limit_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
