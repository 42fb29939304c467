/*
 * How a directory does: since when it fails, and when that is too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "helper/directory/directory-health.h"

static void the_first_failure_and_the_last_words(void **state)
{
    DirectoryHealth health = {0};

    directory_health_synced(&health, 5);
    directory_health_failed(&health, "http 503", 10);
    directory_health_failed(&health, "timed\x1b out \xc3\xa4", 20);
    assert_int_equal(health.synced_usec, 5);
    assert_int_equal(health.error_since_usec, 10);
    assert_string_equal(health.error, "timed? out ??");
    directory_health_synced(&health, 30);
    assert_int_equal(health.synced_usec, 30);
    assert_int_equal(health.error_since_usec, 0);
    assert_string_equal(health.error, "");
}

static void a_large_directory_may_take_its_time(void **state)
{
    static const struct {
        uint64_t silent, poll, round;
        bool is_stale;
    } rows[] = {
        {0, 10, 0, false}, {50, 10, 0, false}, {51, 10, 0, true},   {51, 10, 20, false},
        {100, 10, 20, false}, {101, 10, 20, true}, {51, 10, 5, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(directory_health_is_stale(rows[i].silent, rows[i].poll, rows[i].round),
                         rows[i].is_stale);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failure_and_the_last_words),
        cmocka_unit_test(a_large_directory_may_take_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
