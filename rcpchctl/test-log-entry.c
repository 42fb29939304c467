/*
 * Lines of the access log: which are wanted, how they look, which times --since understands.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <locale.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "rcpchctl/bus.h"
#include "rcpchctl/log-entry.h"

#define NOW UINT64_C(1795284615000000) /* 2026-11-21 18:10:15 UTC, a Saturday */
#define TIME "\"time\":\"2026-11-21T18:10:15.123456Z\",\"host\":\"h\","
#define HOUR (UINT64_C(3600) * 1000000)

static json_t *parse(const char *line)
{
    return log_entry_parse(line, strlen(line));
}

static void assert_looks(const char *line, const char *expected)
{
    _cleanup_json_ json_t *entry = parse(line);
    assert_non_null(entry);
    _cleanup_free_ char *text = log_entry_format(entry, true);

    assert_string_equal(text, expected);
}

static void test_looks(void **state)
{
    assert_looks("{" TIME "\"event\":\"login\",\"user\":\"alice\",\"outcome\":\"allow\","
                 "\"method\":\"device\",\"service\":\"sshd\",\"rhost\":\"10.99.0.1\"}",
                 "2026-11-21 18:10:15Z  login           alice       allow           "
                 "by device, service sshd, from 10.99.0.1");
    assert_looks("{" TIME "\"event\":\"verdict\",\"user\":\"alice\",\"uid\":5,"
                 "\"verdict_old\":\"active\",\"verdict_new\":\"disabled\","
                 "\"evidence\":\"refresh invalid_grant 50057\"}",
                 "2026-11-21 18:10:15Z  verdict         alice       active->disabled  "
                 "evidence: refresh invalid_grant 50057");
    assert_looks("{" TIME "\"event\":\"ended\",\"uid\":1879048192,\"action\":\"kill\","
                 "\"count\":4,\"left\":0,\"elapsed_ms\":7}",
                 "2026-11-21 18:10:15Z  ended           1879048192  -               "
                 "kill, 4 in all, 0 left, 7 ms");
    assert_looks("{" TIME "\"event\":\"started\"}",
                 "2026-11-21 18:10:15Z  started         -           -");
    assert_looks("{}", "-                    -               -           -");
}

static void test_nothing_in_it_is_obeyed(void **state)
{
    assert_looks("{" TIME "\"event\":\"login\",\"user\":\"a\\u001b[2Jb\","
                 "\"reason\":\"x\\ny\\u202ez\"}",
                 "2026-11-21 18:10:15Z  login           a\\x1b[2Jb   -               "
                 "x\\ny\\u202ez");
}

static void test_foreign_lines_are_no_entries(void **state)
{
    static const char *const rows[] = {"", "{", "[]", "null", "{\"a\":1}x", "{\"a\":1,\"a\":2}",
                                       "{\"time\":\"2026", "\x80"};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_null(parse(rows[i]));
}

static bool matches(const char *line, const LogFilter *filter, json_int_t *uid)
{
    _cleanup_json_ json_t *entry = parse(line);

    assert_non_null(entry);
    return log_entry_matches(entry, filter, uid);
}

static void test_filter_by_user(void **state)
{
    const LogFilter filter = {.user = "alice"};
    json_int_t uid = 0;

    assert_false(matches("{\"event\":\"ended\",\"uid\":5}", &filter, &uid));
    assert_true(matches("{\"user\":\"alice\",\"uid\":5}", &filter, &uid));
    assert_true(matches("{\"event\":\"ended\",\"uid\":5}", &filter, &uid));
    assert_false(matches("{\"event\":\"ended\",\"uid\":6}", &filter, &uid));
    assert_false(matches("{\"user\":\"bob\",\"uid\":5}", &filter, &uid));
    assert_true(matches("{\"user\":\"root\",\"ruser\":\"alice\"}", &filter, &uid));
    assert_false(matches("{\"user\":\"alic\"}", &filter, &uid));
    assert_false(matches("{}", &filter, &uid));
}

static void test_filter_by_time(void **state)
{
    LogFilter filter = {.since_usec = NOW + 123456};
    json_int_t uid = 0;

    assert_true(matches("{" TIME "\"a\":1}", &filter, &uid));
    filter.since_usec++;
    assert_false(matches("{" TIME "\"a\":1}", &filter, &uid));
    assert_false(matches("{\"time\":\"yesterday\"}", &filter, &uid));
    filter.since_usec = 0;
    assert_true(matches("{\"time\":\"yesterday\"}", &filter, &uid));
}

static void test_stamps(void **state)
{
    static const char *const bad[] = {"", "2026-11-21", "2026-11-21T18:10:15Z",
                                      "2026-11-21T18:10:15.12345Z", "2026-11-21T18:10:15.1234567Z",
                                      "2026-11-21T18:10:15.123456", "1969-01-01T00:00:00.000000Z",
                                      "2026-13-21T18:10:15.123456Z"};
    uint64_t usec = 0;

    assert_int_equal(log_parse_stamp("2026-11-21T18:10:15.000001Z", &usec), 0);
    assert_int_equal(usec, NOW + 1);
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_true(log_parse_stamp(bad[i], &usec) < 0);
}

static void test_since(void **state)
{
    static const struct {
        const char *text;
        uint64_t usec;
    } rows[] = {
        {"now", NOW},
        {"90s", NOW - 90 * UINT64_C(1000000)},
        {"90min", NOW - 90 * UINT64_C(60000000)},
        {"2h", NOW - 2 * HOUR},
        {"2 h ago", NOW - 2 * HOUR},
        {"3d", NOW - 72 * HOUR},
        {"1w ago", NOW - 168 * HOUR},
        {"2026-11-21 18:00:00", NOW - 615 * UINT64_C(1000000)},
        {"2026-11-21T18:00:00Z", NOW - 615 * UINT64_C(1000000)},
        {"2026-11-21 18:00", NOW - 615 * UINT64_C(1000000)},
        {"18:00", NOW - 615 * UINT64_C(1000000)},
        {"18:00:15Z", NOW - 600 * UINT64_C(1000000)},
        {"2026-11-21", NOW - 65415 * UINT64_C(1000000)},
        {"today", NOW - 65415 * UINT64_C(1000000)},
        {"yesterday", NOW - 65415 * UINT64_C(1000000) - 24 * HOUR},
        {"999999999d", 1},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        uint64_t usec = 0;
        assert_int_equal(log_parse_since(rows[i].text, NOW, &usec), 0);
        assert_int_equal(usec, rows[i].usec);
    }
}

static void test_since_refuses(void **state)
{
    static const char *const rows[] = {"", "x", "2", "h", "-2h", "2y", "2h later", "99999999999d",
                                       "2026-11-21 18:00x", "25:00", "tomorrow", "2026-13-01"};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        uint64_t usec = 0;
        assert_true(log_parse_since(rows[i], NOW, &usec) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_nothing_in_it_is_obeyed),
        cmocka_unit_test(test_foreign_lines_are_no_entries),
        cmocka_unit_test(test_filter_by_user),
        cmocka_unit_test(test_filter_by_time),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_since),
        cmocka_unit_test(test_since_refuses),
    };

    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
