/*
 * Single values: durations, yes and no, and how far a misspelt key is from a valid one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/config/config-keys.h"
#include "helper/config/config-values.h"

#define SEC  UINT64_C(1000000)
#define HOUR (3600 * SEC)

static void durations(void **state)
{
    static const struct {
        const char *text;
        uint64_t usec;
    } good[] = {
        {"30", 30 * SEC},     {"0", 0},
        {"8h", 8 * HOUR},     {"15m", 900 * SEC},
        {"15 min", 900 * SEC}, {"1h30m", HOUR + 1800 * SEC},
        {"1h 30min 5", HOUR + 1805 * SEC}, {"250ms", SEC / 4},
        {"1d", 24 * HOUR},    {"2w", 14 * 24 * HOUR},
        {"7us", 7},           {" 5 s ", 5 * SEC},
    };
    static const char *const bad[] = {"", " ", "h", "8x", "-1", "1.5h", "8H", "1h,", "+3", "1e3"};
    uint64_t usec = 42;

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        assert_int_equal(config_parse_duration(good[i].text, SEC, &usec), 0);
        assert_int_equal(usec, good[i].usec);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_int_equal(config_parse_duration(bad[i], SEC, &usec), -EINVAL);
    assert_int_equal(config_parse_duration("18446744073709551615", SEC, &usec), -ERANGE);
    assert_int_equal(config_parse_duration("18446744073709551616us", SEC, &usec), -ERANGE);
}

static void booleans(void **state)
{
    static const char *const yes[] = {"1", "yes", "Y", "TRUE", "t", "on"};
    static const char *const no[] = {"0", "no", "N", "False", "f", "OFF"};
    bool value;

    for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
        assert_int_equal(config_parse_boolean(yes[i], &value), 0);
        assert_true(value);
        assert_int_equal(config_parse_boolean(no[i], &value), 0);
        assert_false(value);
    }
    assert_int_equal(config_parse_boolean("2", &value), -EINVAL);
    assert_int_equal(config_parse_boolean("yess", &value), -EINVAL);
}

static void edit_distances(void **state)
{
    char long_text[100];

    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    assert_int_equal(config_edit_distance("", ""), 0);
    assert_int_equal(config_edit_distance("abc", ""), 3);
    assert_int_equal(config_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(config_edit_distance("Isuser", "Issuer"), 1); /* neighbours swapped */
    assert_int_equal(config_edit_distance("ISSUER", "issuer"), 0);
    assert_int_equal(config_edit_distance(long_text, "a"), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(booleans),
        cmocka_unit_test(edit_distances),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
