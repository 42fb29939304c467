/*
 * Device authorization responses as providers really send them, and the pace of polling.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/provider/device-response.h"

#define CODES "\"device_code\":\"dc\",\"user_code\":\"ABCD-EFGH\""
#define URI   ",\"verification_uri\":\"https://login.example/device\""
#define LIFE  ",\"expires_in\":900"

static int parse(const char *text, DeviceResponse *ret_response)
{
    const char *reason = NULL;
    int r = device_response_parse(text, strlen(text), false, ret_response, &reason);

    if (r < 0) {
        assert_int_equal(r, -EBADMSG);
        assert_non_null(reason);
        assert_null(ret_response->device_code);
        assert_null(ret_response->user_code);
    }
    return r;
}

static void test_entra_reply(void **state)
{
    DeviceResponse response;

    assert_int_equal(
        parse("{" CODES URI LIFE ",\"interval\":5,\"message\":\"To sign in …\"}", &response), 0);
    assert_string_equal(secret_peek(response.device_code), "dc");
    assert_string_equal(response.user_code, "ABCD-EFGH");
    assert_string_equal(response.verification_uri, "https://login.example/device");
    assert_null(response.verification_uri_complete);
    assert_int_equal(response.expires_in_sec, 900);
    assert_int_equal(response.interval_sec, 5);
    device_response_clear(&response);
    assert_null(response.device_code);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *members;
        uint64_t interval, life; /* life 0: refused */
    } rows[] = {
        {LIFE, 5, 900},
        {LIFE ",\"interval\":1", 1, 900},
        {LIFE ",\"interval\":\"7\"", 7, 900},
        {LIFE ",\"interval\":2.9", 2, 900},
        {LIFE ",\"interval\":0", 5, 900},
        {LIFE ",\"interval\":-1", 5, 900},
        {LIFE ",\"interval\":\"-1\"", 5, 900},
        {LIFE ",\"interval\":\"\"", 5, 900},
        {LIFE ",\"interval\":\"5s\"", 5, 900},
        {LIFE ",\"interval\":null", 5, 900},
        {LIFE ",\"interval\":[1]", 5, 900},
        {LIFE ",\"interval\":0.5", 5, 900},
        {LIFE ",\"interval\":61", 60, 900},
        {LIFE ",\"interval\":1e300", 60, 900},
        {LIFE ",\"interval\":\"99999999999999999999999999\"", 60, 900},
        {LIFE ",\"interval\":9007199254740992", 60, 900},
        {",\"expires_in\":\"600\"", 5, 600},
        {",\"expires_in\":100000", 5, 1800},
        {"", 0, 0},
        {",\"expires_in\":0", 0, 0},
        {",\"expires_in\":-900", 0, 0},
        {",\"expires_in\":null", 0, 0},
        {",\"expires_in\":\"soon\"", 0, 0},
    };
    DeviceResponse response;
    char text[512];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        snprintf(text, sizeof(text), "{" CODES URI "%s}", rows[i].members);
        int r = parse(text, &response);
        assert_int_equal(r == 0, rows[i].life > 0);
        if (r == 0) {
            assert_int_equal(response.interval_sec, rows[i].interval);
            assert_int_equal(response.expires_in_sec, rows[i].life);
        }
        device_response_clear(&response);
    }
}

static void test_texts_for_people(void **state)
{
    static const struct {
        const char *user_code, *shown; /* NULL: refused */
    } rows[] = {
        {"ABCD-EFGH", "ABCD-EFGH"},
        {"ABCD EFGH", "ABCD EFGH"},
        {" AB ", "AB"},
        {"A\\u001b[31mB", "A[31mB"},
        {"\\u202eA\\r\\nB\\u0007", "AB"},
        {"\\u00c4B", "B"},
        {"\\u0007", NULL},
        {" ", NULL},
        {"", NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123456789", NULL},
    };
    DeviceResponse response;
    char text[512];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        snprintf(text, sizeof(text), "{\"device_code\":\"dc\",\"user_code\":\"%s\"" URI LIFE "}",
                 rows[i].user_code);
        int r = parse(text, &response);
        assert_int_equal(r == 0, rows[i].shown != NULL);
        if (r == 0)
            assert_string_equal(response.user_code, rows[i].shown);
        device_response_clear(&response);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *members;
        bool is_good, is_complete;
    } rows[] = {
        {URI, true, false},
        {URI ",\"verification_uri_complete\":\"https://login.example/device?c=A\"", true, true},
        {URI ",\"verification_uri_complete\":\"javascript:alert(1)\"", true, false},
        {URI ",\"verification_uri_complete\":\"http://login.example/\"", true, false},
        {URI ",\"verification_uri_complete\":5", true, false},
        {",\"verification_url\":\"https://login.example/device\"", true, false},
        {",\"verification_uri\":\"https://login.example/\\u001b[2Jdevice\"", true, false},
        {",\"verification_uri\":\"http://login.example/\"", false, false},
        {",\"verification_uri\":\"http://127.0.0.1/\"", false, false},
        {",\"verification_uri\":\"https://user@login.example/\"", false, false},
        {",\"verification_uri\":\"login.example/device\"", false, false},
        {",\"verification_uri\":\"\"", false, false},
        {",\"verification_uri\":[]", false, false},
        {"", false, false},
    };
    DeviceResponse response;
    char text[512];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        snprintf(text, sizeof(text), "{" CODES LIFE "%s}", rows[i].members);
        int r = parse(text, &response);
        if ((r == 0) != rows[i].is_good)
            fail_msg("wrong: %s", rows[i].members);
        assert_int_equal(response.verification_uri_complete != NULL, rows[i].is_complete);
        device_response_clear(&response);
    }
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "<html>",
        "{\"device_code\":\"dc\"" URI LIFE "}",
        "{\"user_code\":\"A\"" URI LIFE "}",
        "{\"device_code\":5,\"user_code\":\"A\"" URI LIFE "}",
        "{\"device_code\":\"\",\"user_code\":\"A\"" URI LIFE "}",
        "{" CODES ",\"user_code\":\"B\"" URI LIFE "}",
    };
    DeviceResponse response;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(parse(rows[i], &response), -EBADMSG);
}

#define SEC UINT64_C(1000000)

static void test_pace(void **state)
{
    DevicePace pace;

    device_pace_start(&pace, PROVIDER_GENERIC, 5);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_PENDING, 0), 5 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_SLOW_DOWN, 0), 10 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_PENDING, 0), 10 * SEC); /* for good */
    assert_int_equal(device_pace_next(&pace, EVIDENCE_SLOW_DOWN, 0), 15 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_PENDING, 0), 15 * SEC);
    device_pace_start(&pace, PROVIDER_KEYCLOAK, 5);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_PENDING, 0), 6 * SEC);
}

static void test_pace_after_faults(void **state)
{
    DevicePace pace;

    device_pace_start(&pace, PROVIDER_GENERIC, 5);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_LATER, 0), 10 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_LATER, 0), 20 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_LATER, 0), 40 * SEC);
    for (int i = 0; i < 100; i++)
        assert_int_equal(device_pace_next(&pace, EVIDENCE_LATER, 0), 60 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_PENDING, 0), 5 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_LATER, 0), 10 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_LATER, 90 * SEC), 90 * SEC);
    assert_int_equal(device_pace_next(&pace, EVIDENCE_PENDING, 1), 5 * SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entra_reply),       cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_texts_for_people),  cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_pace),
        cmocka_unit_test(test_pace_after_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
