/*
 * Tests of totp.c: RFC 4226's and RFC 6238's vectors, the window, drift, and that no step is good
 * twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/totp/totp.h"

#define RFC_SECRET "12345678901234567890"

static TotpKey make_key(TotpAlgorithm algorithm, unsigned digits)
{
    static const char long_secret[] =
        "1234567890123456789012345678901234567890123456789012345678901234";
    static const size_t sizes[] = {[TOTP_SHA1] = 20, [TOTP_SHA256] = 32, [TOTP_SHA512] = 64};
    TotpKey key = {.algorithm = algorithm, .digits = digits, .period_sec = TOTP_PERIOD_SEC};

    assert_int_equal(secret_new(long_secret, sizes[algorithm], &key.secret), 0);
    return key;
}

/* RFC 4226, Appendix D: the counter is our step. */
static void rfc_4226(void **state)
{
    static const char *const codes[] = {"755224", "287082", "359152", "969429", "338314",
                                        "254676", "287922", "162583", "399871", "520489"};
    TotpKey key = make_key(TOTP_SHA1, 6);
    char code[TOTP_DIGITS_MAX + 1];

    for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
        assert_int_equal(totp_code(&key, (int64_t)i, code), 0);
        assert_string_equal(code, codes[i]);
    }
    totp_key_clear(&key);
}

/* RFC 6238, Appendix B. */
static void rfc_6238(void **state)
{
    static const struct {
        uint64_t sec;
        const char *codes[_TOTP_ALGORITHM_COUNT];
    } rows[] = {
        {59, {"94287082", "46119246", "90693936"}},
        {1111111109, {"07081804", "68084774", "25091201"}},
        {1111111111, {"14050471", "67062674", "99943326"}},
        {1234567890, {"89005924", "91819424", "93441116"}},
        {2000000000, {"69279037", "90698825", "38618901"}},
        {20000000000, {"65353130", "77737706", "47863826"}},
    };
    const TotpState fresh = {.last_step = TOTP_STEP_NONE};
    TotpState after;

    for (unsigned algorithm = 0; algorithm < _TOTP_ALGORITHM_COUNT; algorithm++) {
        TotpKey key = make_key((TotpAlgorithm)algorithm, 8);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
            assert_int_equal(
                totp_match(&key, &fresh, rows[i].codes[algorithm], rows[i].sec, &after), 0);
        totp_key_clear(&key);
    }
}

static int match_at(const TotpKey *key, TotpState *state, int64_t code_step, int64_t now_step)
{
    char code[TOTP_DIGITS_MAX + 1];

    assert_int_equal(totp_code(key, code_step, code), 0);
    return totp_match(key, state, code, (uint64_t)now_step * TOTP_PERIOD_SEC + 7, state);
}

static void one_step_to_either_side(void **state)
{
    TotpKey key = make_key(TOTP_SHA1, 6);

    for (int64_t off = -3; off <= 3; off++) {
        TotpState fresh = {.last_step = TOTP_STEP_NONE};
        assert_int_equal(match_at(&key, &fresh, 1000 + off, 1000),
                         off >= -1 && off <= 1 ? 0 : -EKEYREJECTED);
    }
    totp_key_clear(&key);
}

static void no_step_is_good_twice(void **state)
{
    TotpKey key = make_key(TOTP_SHA1, 6);
    TotpState one = {.last_step = TOTP_STEP_NONE};

    assert_int_equal(match_at(&key, &one, 1000, 1000), 0);
    assert_int_equal(match_at(&key, &one, 1000, 1000), -EALREADY);
    assert_int_equal(match_at(&key, &one, 1000, 1001), -EALREADY);
    assert_int_equal(match_at(&key, &one, 999, 1000), -EALREADY);
    assert_int_equal(match_at(&key, &one, 1001, 1001), 0);
    totp_key_clear(&key);
}

/* A device that goes slow is followed, as far as TOTP_DRIFT_MAX and no further. */
static void drift_is_remembered(void **state)
{
    TotpKey key = make_key(TOTP_SHA1, 6);
    TotpState device = {.last_step = TOTP_STEP_NONE};
    int64_t now = 1000;

    for (int64_t late = 1; late <= TOTP_DRIFT_MAX; late++, now += 10) {
        assert_int_equal(match_at(&key, &device, now - late, now), 0);
        assert_int_equal(device.drift, -late);
    }
    assert_int_equal(match_at(&key, &device, now - TOTP_DRIFT_MAX - 1, now), 0);
    assert_int_equal(device.drift, -TOTP_DRIFT_MAX);
    now += 10;
    assert_int_equal(match_at(&key, &device, now - TOTP_DRIFT_MAX - 2, now), -EKEYREJECTED);
    device.drift = INT32_MIN; /* a row that says nonsense */
    assert_int_equal(match_at(&key, &device, now - TOTP_DRIFT_MAX, now), 0);
    totp_key_clear(&key);
}

static void what_is_no_code_is_wrong(void **state)
{
    static const char *const codes[] = {"", "28708", "2870820", "28708x", " 287082", "287082\n",
                                        "-87082", "٢٨٧٠٨٢"};
    const TotpState fresh = {.last_step = TOTP_STEP_NONE};
    TotpKey key = make_key(TOTP_SHA1, 6);
    TotpState after;

    for (size_t i = 0; i < ELEMENTSOF(codes); i++)
        assert_int_equal(totp_match(&key, &fresh, codes[i], 59, &after), -EKEYREJECTED);
    totp_key_clear(&key);
}

static void keys_that_are_none(void **state)
{
    static const TotpKey wrong[] = {
        {.digits = 5, .period_sec = 30},
        {.digits = 9, .period_sec = 30},
        {.digits = 6, .period_sec = 0},
        {.digits = 6, .period_sec = 60},
        {.digits = 6, .period_sec = 30, .algorithm = _TOTP_ALGORITHM_COUNT},
    };
    const TotpState fresh = {.last_step = TOTP_STEP_NONE};
    TotpKey key = {.digits = 6, .period_sec = 30};
    TotpState after;

    assert_int_equal(totp_match(&key, &fresh, "123456", 59, &after), -EINVAL);
    assert_int_equal(secret_new("too short", 9, &key.secret), 0);
    assert_int_equal(totp_match(&key, &fresh, "123456", 59, &after), -EINVAL);
    totp_key_clear(&key);
    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        key = wrong[i];
        assert_int_equal(secret_new(RFC_SECRET, 20, &key.secret), 0);
        assert_int_equal(totp_match(&key, &fresh, "123456", 59, &after), -EINVAL);
        totp_key_clear(&key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4226),
        cmocka_unit_test(rfc_6238),
        cmocka_unit_test(one_step_to_either_side),
        cmocka_unit_test(no_step_is_good_twice),
        cmocka_unit_test(drift_is_remembered),
        cmocka_unit_test(what_is_no_code_is_wrong),
        cmocka_unit_test(keys_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
