/*
 * Ages: both clocks, the worse one counts, and nothing old ever looks young.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/base/clock.h"

#define HOUR (3600 * USEC_PER_SEC)

static Stamp at(uint64_t wall, uint64_t boot, uint8_t boot_id)
{
    Stamp stamp = {.wall_usec = wall, .boot_usec = boot};

    memset(stamp.boot_id, boot_id, sizeof(stamp.boot_id));
    return stamp;
}

static void ages(void **state)
{
    static const struct {
        uint64_t then_wall, then_boot;
        uint8_t then_id;
        uint64_t now_wall, now_boot;
        uint8_t now_id;
        uint64_t age;
    } rows[] = {
        {10 * HOUR, HOUR, 1, 11 * HOUR, 2 * HOUR, 1, HOUR},                /* both agree */
        {10 * HOUR, HOUR, 1, 10 * HOUR + 1, 5 * HOUR, 1, 4 * HOUR},        /* wall set back */
        {10 * HOUR, HOUR, 1, 20 * HOUR, HOUR + 5, 1, 10 * HOUR},           /* wall set forward */
        {10 * HOUR, HOUR, 1, 9 * HOUR, 2 * HOUR, 1, AGE_STALE},            /* from the future */
        {10 * HOUR, 2 * HOUR, 1, 11 * HOUR, HOUR, 1, AGE_STALE},           /* boot clock ran back */
        {10 * HOUR, 9 * HOUR, 1, 11 * HOUR, HOUR, 2, HOUR},                /* another boot */
        {10 * HOUR, 9 * HOUR, 0, 11 * HOUR, HOUR, 0, HOUR},                /* boot unknown */
        {0, 0, 1, 11 * HOUR, HOUR, 1, AGE_STALE},                          /* never */
        {10 * HOUR, HOUR, 1, 0, 0, 1, AGE_STALE},                          /* no present */
        {10 * HOUR, HOUR, 1, 10 * HOUR, HOUR, 1, 0},                       /* this instant */
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Stamp then = at(rows[i].then_wall, rows[i].then_boot, rows[i].then_id);
        Stamp now = at(rows[i].now_wall, rows[i].now_boot, rows[i].now_id);
        assert_int_equal(stamp_age_usec(&then, &now), rows[i].age);
    }
}

static void the_present(void **state)
{
    static const uint8_t unknown[16];
    Stamp first = stamp_now();
    Stamp second = stamp_now();

    assert_true(stamp_is_set(&first));
    assert_true(first.boot_usec > 0);
    assert_memory_not_equal(first.boot_id, unknown, 16);
    assert_memory_equal(first.boot_id, second.boot_id, 16);
    assert_true(stamp_age_usec(&first, &second) < HOUR);
}

static void unset(void **state)
{
    Stamp never = {0};
    Stamp now = stamp_now();

    assert_false(stamp_is_set(&never));
    assert_int_equal(stamp_age_usec(&never, &now), AGE_STALE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages),
        cmocka_unit_test(the_present),
        cmocka_unit_test(unset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
