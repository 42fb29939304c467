/*
 * Token replies: what is one, and what only looks like one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/token/token.h"

static int parse(const char *text, TokenResponse *ret_response)
{
    const char *reason = NULL;
    int r = token_response_parse(text, strlen(text), ret_response, &reason);

    if (r < 0) {
        assert_int_equal(r, -EBADMSG);
        assert_non_null(reason);
        assert_null(ret_response->id_token);
        assert_null(ret_response->refresh_token);
    }
    return r;
}

static void test_accepted(void **state)
{
    static const struct {
        const char *text, *id_token, *refresh_token;
    } rows[] = {
        {"{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"id_token\":\"i\",\"refresh_token\":"
         "\"r\"}",
         "i", "r"},
        {"{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":\"3599\"}", NULL, NULL},
        {"{\"access_token\":\"a\"}", NULL, NULL},
        {"{\"access_token\":\"a\",\"id_token\":null,\"refresh_token\":null}", NULL, NULL},
        {"{\"access_token\":\"a\",\"refresh_token\":\"r\",\"unknown\":{\"x\":[1]}}", NULL, "r"},
    };
    TokenResponse response;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(parse(rows[i].text, &response), 0);
        assert_int_equal(response.id_token != NULL, rows[i].id_token != NULL);
        assert_int_equal(response.refresh_token != NULL, rows[i].refresh_token != NULL);
        if (rows[i].id_token)
            assert_string_equal(secret_peek(response.id_token), rows[i].id_token);
        if (rows[i].refresh_token)
            assert_string_equal(secret_peek(response.refresh_token), rows[i].refresh_token);
        token_response_clear(&response);
    }
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "null",
        "<html>",
        "{\"access_token\":\"\"}",
        "{\"access_token\":5}",
        "{\"id_token\":\"i\",\"refresh_token\":\"r\"}",
        "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
        "{\"access_token\":\"a\",\"token_type\":5}",
        "{\"access_token\":\"a\",\"id_token\":5,\"refresh_token\":\"r\"}",
        "{\"access_token\":\"a\",\"id_token\":\"i\",\"refresh_token\":[\"r\"]}",
        "{\"access_token\":\"a\",\"id_token\":\"i\",\"refresh_token\":\"\"}",
        "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"refresh_token\":\"s\"}",
        "{\"access_token\":\"a\",\"refresh_token\":\"r\\u0000s\"}",
        "{\"access_token\":\"a\"} trailing",
    };
    TokenResponse response;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (parse(rows[i], &response) == 0)
            fail_msg("accepted: %s", rows[i]);
}

static void test_too_long(void **state)
{
    char *text = calloc(1, TOKEN_RESPONSE_MAX + 64);
    TokenResponse response;
    size_t n;

    assert_non_null(text);
    n = (size_t)sprintf(text, "{\"access_token\":\"a\",\"id_token\":\"");
    memset(text + n, 'i', TOKEN_MAX + 1);
    strcpy(text + n + TOKEN_MAX + 1, "\"}");
    assert_int_equal(parse(text, &response), -EBADMSG);
    memset(text, ' ', TOKEN_RESPONSE_MAX);
    strcpy(text + TOKEN_RESPONSE_MAX, "{\"access_token\":\"a\"}");
    assert_int_equal(parse(text, &response), -EBADMSG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
