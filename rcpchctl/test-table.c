/*
 * Cells, tables and lists: widths, order, and nothing that a terminal would obey.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <locale.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "rcpchctl/bus.h"
#include "rcpchctl/cell.h"
#include "rcpchctl/table.h"

static void assert_escaped(const char *text, size_t size, const char *expected)
{
    _cleanup_free_ char *escaped = cell_escape(text, size);

    assert_non_null(escaped);
    assert_string_equal(escaped, expected);
}

static void test_escape(void **state)
{
    assert_escaped("Zo\xc3\xab", 4, "Zo\xc3\xab");
    assert_escaped("a\x1b[2Jb", 6, "a\\x1b[2Jb");
    assert_escaped("a\nb\tc\r", 6, "a\\nb\\tc\\x0d");
    assert_escaped("\xff\xfe", 2, "\\xff\\xfe");
    assert_escaped("a\0b", 3, "a\\x00b");
    assert_escaped("\xc2\x9b", 2, "\\x9b");
    assert_escaped("\xe2\x80\xae", 3, "\\u202e");
    assert_escaped(NULL, 0, "");
    assert_escaped("", 0, "");
}

static void test_width(void **state)
{
    assert_int_equal(cell_width("abc"), 3);
    assert_int_equal(cell_width("Zo\xc3\xab"), 3);
    assert_int_equal(cell_width("e\xcc\x81"), 1);
    assert_int_equal(cell_width("\xe4\xb8\xad"), 2);
    assert_int_equal(cell_width(""), 0);
}

static void test_time(void **state)
{
    char text[32];

    cell_format_time(0, true, text);
    assert_string_equal(text, "-");
    cell_format_time(UINT64_C(1795284615123456), true, text);
    assert_string_equal(text, "2026-11-21 18:10:15Z");
    cell_format_time(UINT64_MAX, true, text);
    assert_true(strlen(text) > 0);
}

static void test_age(void **state)
{
    static const struct {
        uint64_t usec, now_sec;
        const char *text;
    } rows[] = {
        {0, 5000, "-"},
        {5000 * 1000000ull, 5000, "0s ago"},
        {5001 * 1000000ull, 5000, "0s ago"}, /* a clock that was set back */
        {5000 * 1000000ull, 5059, "59s ago"},
        {5000 * 1000000ull, 5060, "1m ago"},
        {5000 * 1000000ull, 8599, "59m ago"},
        {5000 * 1000000ull, 8600 + 300, "1h 5m ago"},
        {1, 47 * 3600, "47h 0m ago"},
        {1, 48 * 3600, "2d ago"},
    };
    char text[32];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        cell_format_age(rows[i].usec, rows[i].now_sec, text);
        assert_string_equal(text, rows[i].text);
    }
}

static const Column columns[] = {
    {"USER", "name", COLUMN_TEXT, false},
    {"UID", "uid", COLUMN_TEXT, true},
    {"SINCE", "since", COLUMN_TIME, false},
    {"GROUPS", "groups", COLUMN_TEXT, false},
};

static char *print_rows(const char *json)
{
    _cleanup_json_ json_t *rows = json_loads(json, 0, NULL);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    assert_non_null(rows);
    assert_int_equal(table_print(stream, columns, ELEMENTSOF(columns), rows, true), 0);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void test_table(void **state)
{
    _cleanup_free_ char *text =
        print_rows("[{\"name\": \"alice\", \"uid\": 1900112233, \"since\": 1795284615000000,"
                   "  \"groups\": [\"a\", \"b\"]},"
                   " {\"name\": \"Zo\xc3\xab\", \"uid\": 5, \"since\": 0, \"groups\": []},"
                   " {\"name\": \"e\\u001bl\", \"uid\": 77}]");

    assert_string_equal(text, "USER           UID  SINCE                 GROUPS\n"
                              "alice   1900112233  2026-11-21 18:10:15Z  a, b\n"
                              "Zo\xc3\xab              5  -                     -\n"
                              "e\\x1bl          77  -                     -\n");
}

static void test_an_empty_table_says_so(void **state)
{
    _cleanup_free_ char *text = print_rows("[]");

    assert_string_equal(text, "(none)\n");
}

static void test_kinds_of_cells(void **state)
{
    _cleanup_json_ json_t *object =
        json_loads("{\"t\": true, \"f\": false, \"n\": null, \"o\": {}, \"e\": \"\","
                   " \"l\": [\"a\\nb\", 5], \"neg\": -3}", 0, NULL);
    static const struct {
        const char *key, *text;
    } rows[] = {{"t", "yes"}, {"f", "no"}, {"n", "-"}, {"o", "-"}, {"e", "-"},
                {"l", "a\\nb, ?"}, {"neg", "-3"}, {"missing", "-"}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const Column column = {"X", rows[i].key, COLUMN_TEXT, false};
        _cleanup_free_ char *text = table_cell(&column, object, true);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_object(void **state)
{
    _cleanup_json_ json_t *object = json_loads("{\"name\": \"alice\", \"uid\": 5}", 0, NULL);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    assert_int_equal(table_print_object(stream, columns, ELEMENTSOF(columns), object, true), 0);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, "USER    alice\nUID     5\nSINCE   -\nGROUPS  -\n");
    free(text);
}

static void test_errors_become_exit_codes(void **state)
{
    static const struct {
        const char *name;
        ExitCode code;
    } rows[] = {
        {"uk.ac.rcpch.Error.NotFound", EXIT_NOT_FOUND},
        {"uk.ac.rcpch.Error.InvalidName", EXIT_REFUSED},
        {"uk.ac.rcpch.Error.Unavailable", EXIT_REFUSED},
        {"org.freedesktop.DBus.Error.ServiceUnknown", EXIT_UNREACHABLE},
        {"org.freedesktop.DBus.Error.NoReply", EXIT_UNREACHABLE},
        {"org.freedesktop.DBus.Error.TimedOut", EXIT_UNREACHABLE},
        {"org.freedesktop.DBus.Error.Spawn.ChildExited", EXIT_UNREACHABLE},
        {"org.freedesktop.systemd1.NoSuchUnit", EXIT_UNREACHABLE},
        {"org.freedesktop.DBus.Error.AccessDenied", EXIT_NOT_PERMITTED},
        {"System.Error.EPERM", EXIT_NOT_PERMITTED},
        {"System.Error.ENOENT", EXIT_NOT_FOUND},
        {"System.Error.EIO", EXIT_REFUSED},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const sd_bus_error error = {.name = rows[i].name, .message = "x"};
        assert_int_equal(bus_error_to_exit(&error), rows[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_an_empty_table_says_so),
        cmocka_unit_test(test_kinds_of_cells),
        cmocka_unit_test(test_object),
        cmocka_unit_test(test_errors_become_exit_codes),
    };

    (void)setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
