/*
 * Tests of otpauth.c: addresses that are read, with a code of somebody else's program (oathtool)
 * for each, and addresses that are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/totp/enrolment-text.h"
#include "helper/totp/otpauth.h"

#define KEY_16 "ABCDEFGHIJKLMNOPQRSTUVWXYY"
#define KEY_20 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define KEY_64 "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" \
               "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA"
#define URI    "otpauth://totp/a?secret="
#define MOMENT 1234567890

static void addresses_that_are_read(void **state)
{
    static const struct {
        const char *uri, *code; /* oathtool --totp=… --base32 --now=@1234567890 */
    } rows[] = {
        {URI KEY_20, "005924"},
        {URI KEY_16, "181361"},
        {URI KEY_64 "&algorithm=SHA512&digits=8", "93441116"},
        {URI KEY_20 "&algorithm=SHA256&digits=7&period=30&issuer=R%20C", "2829826"},
        {"otpauth://totp/RCPCH:alice%40audit01?issuer=RCPCH&digits=8&algorithm=sha1&secret=" KEY_20,
         "89005924"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const TotpState fresh = {.last_step = TOTP_STEP_NONE};
        TotpState after;
        TotpKey key = {0};
        const char *why;

        assert_int_equal(otpauth_read(rows[i].uri, &key, &why), 0);
        assert_int_equal(totp_match(&key, &fresh, rows[i].code, MOMENT, &after), 0);
        totp_key_clear(&key);
    }
}

static void addresses_that_are_refused(void **state)
{
    static const struct {
        const char *uri, *why;
    } rows[] = {
        {"", "begin"},
        {KEY_20, "begin"},
        {"otpauth://hotp/a?secret=" KEY_20 "&counter=1", "begin"},
        {"OTPAUTH://totp/a?secret=" KEY_20, "begin"},
        {" " URI KEY_20, "begin"},
        {"otpauth://totp/?secret=" KEY_20, "label"},
        {"otpauth://totp/a", "label"},
        {"otpauth://totp/a b?secret=" KEY_20, "label"},
        {"otpauth://totp/a/b?secret=" KEY_20, "label"},
        {"otpauth://totp/\xc3\xa9?secret=" KEY_20, "label"},
        {"otpauth://totp/a?", "none of"},
        {"otpauth://totp/a?issuer=RCPCH", "no secret="},
        {URI, "secret="},
        {URI "gezdgnbvgy3tqojqgezdgnbvgy3tqojq", "secret="},
        {URI "GEZDGNBV GY3TQOJQ GEZDGNBV GY3TQOJQ", "secret="},
        {URI "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ", "secret="},
        {URI "01890189018901890189018901890189", "secret="},
        {URI KEY_16 "======", "secret="},
        {URI "ABCDEFGHIJKLMNOPQRSTUVWX", "secret="}, /* 15 bytes */
        {URI KEY_20 "A", "secret="}, /* no whole byte more */
        {URI KEY_20 "ABC", "secret="},
        {URI KEY_20 "ABCDEF", "secret="},
        {URI KEY_64 KEY_64 KEY_64, "secret="},
        {URI KEY_20 "&algorithm=MD5", "algorithm="},
        {URI KEY_20 "&algorithm=", "algorithm="},
        {URI KEY_20 "&algorithm=SHA1 ", "algorithm="},
        {URI KEY_20 "&algorithm=SHA2566", "algorithm="},
        {URI KEY_20 "&digits=5", "digits="},
        {URI KEY_20 "&digits=9", "digits="},
        {URI KEY_20 "&digits=06", "digits="},
        {URI KEY_20 "&digits=", "digits="},
        {URI KEY_20 "&period=60", "period="},
        {URI KEY_20 "&period=030", "period="},
        {URI KEY_20 "&period=", "period="},
        {URI KEY_20 "&issuer=", "issuer="},
        {URI KEY_20 "&issuer=R=C", "issuer="},
        {URI KEY_20 "&issuer=R\x1b[2J", "issuer="},
        {URI KEY_20 "&secret=" KEY_20, "twice"},
        {URI KEY_20 "&digits=6&digits=8", "twice"},
        {URI KEY_20 "&counter=1", "none of"},
        {URI KEY_20 "&Digits=6", "none of"},
        {URI KEY_20 "&digits", "none of"},
        {URI KEY_20 "&", "none of"},
        {URI KEY_20 "&&digits=6", "none of"},
        {URI KEY_20 "#end", "secret="},
        {URI KEY_20 "\r", "secret="},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        TotpKey key = {0};
        const char *why = NULL;

        assert_int_equal(otpauth_read(rows[i].uri, &key, &why), -EINVAL);
        assert_null(key.secret);
        if (!strstr(why, rows[i].why))
            fail_msg("%s: %s", rows[i].uri, why);
    }
}

/* What one host shows when it enrols is what another imports. */
static void the_address_that_an_enrolment_shows(void **state)
{
    for (unsigned i = 0; i < _TOTP_ALGORITHM_COUNT; i++) {
        _cleanup_buffer_ Buffer uri = BUFFER_INIT(1024);
        TotpKey shown = {.algorithm = (TotpAlgorithm)i, .digits = TOTP_DIGITS_MIN + i,
                         .period_sec = TOTP_PERIOD_SEC}, key = {0};
        const char *why;

        assert_int_equal(secret_new("1234567890123456789\xff", 20, &shown.secret), 0);
        assert_int_equal(enrolment_uri(&shown, "Royal College", "alice", "audit01", &uri), 0);
        assert_int_equal(otpauth_read(uri.data, &key, &why), 0);
        assert_true(secret_equal(key.secret, shown.secret));
        assert_int_equal(key.algorithm, shown.algorithm);
        assert_int_equal(key.digits, shown.digits);
        totp_key_clear(&key);
        totp_key_clear(&shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_read),
        cmocka_unit_test(addresses_that_are_refused),
        cmocka_unit_test(the_address_that_an_enrolment_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
