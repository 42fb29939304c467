/*
 * Tests of login-text.c: the exact lines, hostile texts, widths.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/login/login-text.h"

static const SignInText usual = {
    .uri = "https://login.rcpch.test:8443/device",
    .user_code = "ABCD-EFGH",
    .user = "alice",
    .host = "audit01",
    .rhost = "10.99.0.1",
    .seconds_left = 300,
    .qr = SHOW_QR_NO,
};

/* Columns of a UTF-8 line: every byte that does not continue a character. */
static size_t columns_of(const char *line, size_t size)
{
    size_t columns = 0;

    for (size_t i = 0; i < size; i++)
        columns += ((unsigned char)line[i] & 0xc0u) != 0x80u;
    return columns;
}

static void assert_fits(const char *text)
{
    assert_true(strlen(text) <= CHANNEL_TEXT_MAX);
    for (const char *line = text; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        assert_int_equal(line[size], '\n');
        assert_true(columns_of(line, size) <= LOGIN_TEXT_COLUMNS);
        for (size_t i = 0; i < size; i++)
            assert_true((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
        line += size + 1;
    }
}

static void assert_text(const SignInText *facts, const char *expected)
{
    _cleanup_free_ char *text = NULL;

    assert_int_equal(login_text_device(facts, &text), 0);
    assert_string_equal(text, expected);
    assert_fits(text);
}

static void test_the_issues_lines(void **state)
{
    assert_text(&usual, "Open   https://login.rcpch.test:8443/device\n"
                        "Code   ABCD-EFGH\n"
                        "This signs in alice on audit01, asked from 10.99.0.1. 5 minutes left.\n");
}

static void test_without_a_source(void **state)
{
    SignInText facts = usual;

    facts.rhost = "";
    facts.seconds_left = 119;
    assert_text(&facts, "Open   https://login.rcpch.test:8443/device\n"
                        "Code   ABCD-EFGH\n"
                        "This signs in alice on audit01, asked from the host itself. "
                        "2 minutes left.\n");
}

static void test_time_left(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *words;
    } rows[] = {
        {0, "0 seconds left."},     {59, "59 seconds left."},  {100, "100 seconds left."},
        {120, "2 minutes left."},   {299, "5 minutes left."},  {294, "4 minutes left."},
        {900, "15 minutes left."},  {UINT64_MAX - 5, "9999 minutes left."},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        SignInText facts = usual;
        _cleanup_free_ char *text = NULL;
        facts.seconds_left = rows[i].seconds;
        assert_int_equal(login_text_device(&facts, &text), 0);
        assert_non_null(strstr(text, rows[i].words));
    }
}

static void test_hostile_source_is_made_plain(void **state)
{
    SignInText facts = usual;

    facts.rhost = "evil\x1b[2J\nCode   FAKE-CODE\xe2\x80\xae";
    assert_text(&facts, "Open   https://login.rcpch.test:8443/device\n"
                        "Code   ABCD-EFGH\n"
                        "This signs in alice on audit01, asked from "
                        "evil?[2J?Code???FAKE-CODE???. 5\n"
                        "minutes left.\n");
}

static void test_long_names_wrap(void **state)
{
    char long_name[300];
    SignInText facts = usual;
    _cleanup_free_ char *text = NULL;

    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    facts.user = facts.host = facts.rhost = long_name;
    assert_int_equal(login_text_device(&facts, &text), 0);
    assert_fits(text);
    assert_non_null(strstr(text, "..."));
}

static void test_long_address_in_pieces(void **state)
{
    char uri[400] = "https://login.rcpch.test/";
    SignInText facts = usual;
    _cleanup_free_ char *text = NULL;

    memset(uri + strlen(uri), 'x', 120);
    facts.uri = uri;
    assert_int_equal(login_text_device(&facts, &text), 0);
    assert_fits(text);
    assert_non_null(strstr(text, "one address, in pieces"));
    memset(uri + 25, 'x', 320);
    _cleanup_free_ char *none = NULL;
    assert_int_equal(login_text_device(&facts, &none), -EINVAL);
}

static void test_addresses_and_codes_that_are_refused(void **state)
{
    static const char *const uris[] = {
        "", "javascript:alert(1)", "login.rcpch.test/device", "https://a/\x1b]0;x\x07",
        "https://login.rcpch.test/ device", "https://login.rcpch.test/\xe2\x80\xaex", "file:///etc",
    };
    static const char *const codes[] = {"", "   ", "AB\nCD", "AB\x1b[1mCD", "\xc3\xa4\xc3\xb6",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

    for (size_t i = 0; i < ELEMENTSOF(uris); i++) {
        SignInText facts = usual;
        char *text = NULL;
        facts.uri = uris[i];
        assert_int_equal(login_text_device(&facts, &text), -EINVAL);
        assert_null(text);
    }
    for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
        SignInText facts = usual;
        char *text = NULL;
        facts.user_code = codes[i];
        assert_int_equal(login_text_device(&facts, &text), -EINVAL);
        assert_null(text);
    }
}

static void test_browser_lines(void **state)
{
    SignInText facts = usual;
    _cleanup_free_ char *text = NULL;

    facts.user_code = NULL;
    facts.uri = "https://login.rcpch.test/authorize?state=x";
    facts.redirect_uri = "http://localhost";
    assert_int_equal(login_text_browser(&facts, &text), 0);
    assert_string_equal(
        text, "Open   https://login.rcpch.test/authorize?state=x\n"
              "This signs in alice on audit01, asked from 10.99.0.1. 5 minutes left.\n"
              "Sign in there. The browser ends on an empty page or an error, and its address\n"
              "begins with http://localhost\n"
              "Copy that address from the address bar and paste it here. If it has more than\n"
              "500 characters, paste it in pieces, each with Enter.\n");
    assert_fits(text);
}

/* Broken into lines it could not be copied. */
static void test_a_browser_address_stays_whole(void **state)
{
    char uri[1000] = "https://login.rcpch.test/";
    SignInText facts = usual;
    _cleanup_free_ char *text = NULL, *none = NULL;

    memset(uri + strlen(uri), 'x', 700);
    facts.uri = uri;
    facts.redirect_uri = "http://localhost";
    facts.qr = SHOW_QR_UTF8;
    assert_int_equal(login_text_browser(&facts, &text), 0);
    assert_non_null(strstr(text, uri));
    assert_true(strlen(text) <= CHANNEL_TEXT_MAX);
    facts.uri = "https://login.rcpch.test/\x1b]0;x\x07";
    assert_int_equal(login_text_browser(&facts, &none), -EINVAL);
    facts.uri = uri;
    facts.redirect_uri = "javascript:alert(1)";
    assert_int_equal(login_text_browser(&facts, &none), -EINVAL);
}

static void test_qr_stands_last_and_fits(void **state)
{
    static const ShowQr styles[] = {SHOW_QR_UTF8, SHOW_QR_ASCII};

    for (size_t i = 0; i < ELEMENTSOF(styles); i++) {
        SignInText facts = usual;
        _cleanup_free_ char *text = NULL;
        facts.qr = styles[i];
        facts.uri_complete = "https://login.rcpch.test:8443/device?c=ABCDEFGH";
        assert_int_equal(login_text_device(&facts, &text), 0);
        assert_fits(text);
        assert_ptr_equal(strstr(text, "Open   "), text);
        const char *left = strstr(text, "minutes left.\n");
        assert_non_null(left);
        assert_true(strlen(left) > 500);
    }
}

/* An address for the QR code is not shown, so that it must be checked all the more. */
static void test_hostile_complete_address_is_not_drawn(void **state)
{
    _cleanup_free_ char *honest = NULL, *hostile = NULL;
    SignInText facts = usual;

    facts.qr = SHOW_QR_UTF8;
    assert_int_equal(login_text_device(&facts, &honest), 0);
    facts.uri_complete = "tel:+4412345";
    assert_int_equal(login_text_device(&facts, &hostile), 0);
    assert_string_equal(honest, hostile);
}

static void test_refusals_are_texts_or_nothing(void **state)
{
    for (int i = -1; i <= _OUTCOME_COUNT; i++) {
        const char *text = login_text_refusal((Outcome)i);
        for (; text && *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n')
            assert_true(strcspn(text, "\n") <= LOGIN_TEXT_COLUMNS);
    }
    assert_non_null(login_text_refusal(OUTCOME_NOT_BOUND));
    assert_null(login_text_refusal(OUTCOME_ALLOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_issues_lines),
        cmocka_unit_test(test_without_a_source),
        cmocka_unit_test(test_time_left),
        cmocka_unit_test(test_hostile_source_is_made_plain),
        cmocka_unit_test(test_long_names_wrap),
        cmocka_unit_test(test_long_address_in_pieces),
        cmocka_unit_test(test_addresses_and_codes_that_are_refused),
        cmocka_unit_test(test_browser_lines),
        cmocka_unit_test(test_a_browser_address_stays_whole),
        cmocka_unit_test(test_qr_stands_last_and_fits),
        cmocka_unit_test(test_hostile_complete_address_is_not_drawn),
        cmocka_unit_test(test_refusals_are_texts_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
