/*
 * Tests of code-grant.c: the address that is opened, and what people may paste back: whole, cut,
 * in pieces, of another sign-in, of another provider, hostile.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/provider/code-grant.h"

#define STATE "AAAAAAAAAAAAAAAAAAAAAA"

static const CodeAnswerRules rules = {
    .redirect_uri = "http://localhost",
    .state = STATE,
    .issuer = "https://login.rcpch.test",
};

static const StrengthRequest nothing_asked;

static CodeAnswer read_by(const CodeAnswerRules *by, const char *text, char **ret_code,
                          char error[CODE_ERROR_SIZE])
{
    _cleanup_secret_ Secret *code = NULL;
    CodeAnswer answer;

    assert_int_equal(code_answer_read(text, strlen(text), by, &answer, &code, error), 0);
    assert_int_equal(answer == CODE_ANSWER_CODE, code != NULL);
    if (ret_code)
        *ret_code = code ? strdup(secret_peek(code)) : NULL;
    return answer;
}

static CodeAnswer answer_of(const char *text)
{
    char error[CODE_ERROR_SIZE];

    return read_by(&rules, text, NULL, error);
}

static CodeAnswer whole_answer_of(const char *text)
{
    CodeAnswerRules whole = rules;
    char error[CODE_ERROR_SIZE];

    whole.is_whole = true;
    return read_by(&whole, text, NULL, error);
}

/* --- the request ------------------------------------------------------------------------------ */

static void test_address_to_open(void **unused)
{
    const ProviderConfig config = {.client_id = (char *)(uintptr_t)"rcpch host",
                                   .redirect_uri = (char *)(uintptr_t)"http://localhost",
                                   .scope = (char *)(uintptr_t)"openid profile"};
    static const uint8_t verifier[32] = {/* RFC 7636 appendix B */
        116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186,
        22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121};
    uint8_t random[CODE_RANDOM_BYTES];
    _cleanup_buffer_ Buffer url = BUFFER_INIT(4096);
    CodeRequest request;

    for (size_t i = 0; i < 32; i++)
        random[i] = (uint8_t)(i / 16);
    memcpy(random + 32, verifier, sizeof(verifier));
    assert_int_equal(code_request_init(&request, random), 0);
    assert_int_equal(code_request_url(&request, &config, "https://i/authorize", "a@b.uk",
                                      &nothing_asked, &url),
                     0);
    assert_string_equal(
        url.data,
        "https://i/authorize?response_type=code&client_id=rcpch%20host"
        "&redirect_uri=http%3A%2F%2Flocalhost&scope=openid%20profile&state=" STATE
        "&nonce=AQEBAQEBAQEBAQEBAQEBAQ"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        "&code_challenge_method=S256&login_hint=a%40b.uk");
    assert_null(strstr(url.data, secret_peek(request.verifier)));
    assert_string_equal(secret_peek(request.verifier),
                        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    code_request_clear(&request);
    assert_null(request.verifier);
    assert_string_equal(request.state, "");
}

static void test_endpoint_with_a_query(void **unused)
{
    const ProviderConfig config = {.client_id = (char *)(uintptr_t)"c",
                                   .redirect_uri = (char *)(uintptr_t)"http://localhost"};
    const uint8_t random[CODE_RANDOM_BYTES] = {0};
    _cleanup_buffer_ Buffer url = BUFFER_INIT(4096);
    CodeRequest request;

    assert_int_equal(code_request_init(&request, random), 0);
    assert_int_equal(code_request_url(&request, &config, "https://i/a?p=B2C_1", NULL,
                                      &nothing_asked, &url),
                     0);
    assert_ptr_equal(strstr(url.data, "https://i/a?p=B2C_1&response_type=code&"), url.data);
    assert_null(strstr(url.data, "login_hint"));
    code_request_clear(&request);
}

/* Who asks for a refresh token of a provider that keeps to the standard asks for consent. */
static void test_prompts(void **unused)
{
    static const struct {
        ProviderType type;
        Prompt prompt;
        const char *scope, *wanted;
    } rows[] = {
        {PROVIDER_GENERIC, PROMPT_DEFAULT, "openid offline_access", "&prompt=consent&"},
        {PROVIDER_GENERIC, PROMPT_DEFAULT, "openid profile", NULL},
        {PROVIDER_GENERIC, PROMPT_NO, "openid offline_access", NULL},
        {PROVIDER_GENERIC, PROMPT_LOGIN, "openid offline_access", "&prompt=login&"},
        {PROVIDER_ENTRA, PROMPT_DEFAULT, "openid offline_access", NULL},
        {PROVIDER_KEYCLOAK, PROMPT_DEFAULT, "openid offline_access", NULL},
        {PROVIDER_ENTRA, PROMPT_SELECT_ACCOUNT, "openid", "&prompt=select_account&"},
        {PROVIDER_OKTA, PROMPT_CONSENT, "openid", "&prompt=consent&"},
    };
    const uint8_t random[CODE_RANDOM_BYTES] = {0};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const ProviderConfig config = {.type = rows[i].type, .prompt = rows[i].prompt,
                                       .client_id = (char *)(uintptr_t)"c",
                                       .redirect_uri = (char *)(uintptr_t)"http://localhost",
                                       .scope = (char *)(uintptr_t)rows[i].scope};
        _cleanup_buffer_ Buffer url = BUFFER_INIT(4096);
        CodeRequest request;

        assert_int_equal(code_request_init(&request, random), 0);
        assert_int_equal(code_request_url(&request, &config, "https://i/a", NULL,
                                          &nothing_asked, &url),
                         0);
        assert_int_equal(strstr(url.data, "prompt=") != NULL, rows[i].wanted != NULL);
        assert_true(!rows[i].wanted || strstr(url.data, rows[i].wanted));
        code_request_clear(&request);
    }
}

/* --- good answers ----------------------------------------------------------------------------- */

static void test_codes(void **unused)
{
    static const struct {
        const char *text, *code;
    } rows[] = {
        {"http://localhost/?code=abc&state=" STATE, "abc"},
        {"http://localhost?state=" STATE "&code=abc", "abc"},
        {"localhost/?code=abc&state=" STATE, "abc"},
        {"http://localhost/?code=0.AX%2bA%2F_-~&state=" STATE, "0.AX+A/_-~"},
        {"http://localhost/?session_state=1&code=a+b&state=" STATE "&x", "a b"},
        {"http://localhost/?code=abc&state=" STATE "#", "abc"},
        {"http://localhost/?code=abc&state=" STATE "#_=_", "abc"},
        {"http://localhost/?&&code=abc&&state=" STATE "&", "abc"},
        {"http://localhost/?code=abc&state=" STATE "&iss=https%3A%2F%2Flogin.rcpch.test", "abc"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *code = NULL;
        char error[CODE_ERROR_SIZE];
        assert_int_equal(read_by(&rules, rows[i].text, &code, error), CODE_ANSWER_CODE);
        assert_string_equal(code, rows[i].code);
    }
}

static void test_errors(void **unused)
{
    static const char text[] =
        "http://localhost/?error=access_denied&error_description=no%0a&state=" STATE;
    char error[CODE_ERROR_SIZE];

    assert_int_equal(read_by(&rules, text, NULL, error), CODE_ANSWER_REFUSED);
    assert_string_equal(error, "access_denied");
    assert_int_equal(answer_of("http://localhost/?error=&state=" STATE), CODE_ANSWER_NONSENSE);
    assert_int_equal(answer_of("http://localhost/?error=x&code=y&state=" STATE),
                     CODE_ANSWER_NONSENSE);
}

/* --- other people's answers ------------------------------------------------------------------- */

/* Only who saw the address that this login showed can answer it. */
static void test_other_states(void **unused)
{
    static const char *const texts[] = {
        "http://localhost/?code=abc&state=AAAAAAAAAAAAAAAAAAAAAB",
        "http://localhost/?code=abc&state=AAAAAAAAAAAAAAAAAAAAAAA",
        "http://localhost/?state=AAAAAAAAAAAAAAAAAAAAA&code=abc",
        "http://localhost/?state=&code=abc",
        "http://localhost/?code=abc&state=B",
        "http://localhost/?error=access_denied&state=B",
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        assert_int_equal(answer_of(texts[i]), CODE_ANSWER_OTHER_STATE);
}

/* RFC 9207 §2.4: compared as a plain string; demanded where the provider announces it. */
static void test_other_issuers(void **unused)
{
    static const char *const issuers[] = {
        "https%3A%2F%2Fevil.test", "https%3A%2F%2Flogin.rcpch.test%2F",
        "https%3A%2F%2FLOGIN.rcpch.test", "http%3A%2F%2Flogin.rcpch.test",
    };
    CodeAnswerRules by = rules;
    char text[256], error[CODE_ERROR_SIZE];

    for (size_t i = 0; i < ELEMENTSOF(issuers); i++) {
        snprintf(text, sizeof(text), "http://localhost/?code=c&state=%s&iss=%s", STATE, issuers[i]);
        assert_int_equal(answer_of(text), CODE_ANSWER_OTHER_ISSUER);
    }
    by.issuer_required = true;
    assert_int_equal(read_by(&by, "http://localhost/?code=c&state=" STATE, NULL, error),
                     CODE_ANSWER_INCOMPLETE);
    by.is_whole = true;
    assert_int_equal(read_by(&by, "http://localhost/?code=c&state=" STATE, NULL, error),
                     CODE_ANSWER_OTHER_ISSUER);
    assert_int_equal(read_by(&by, "http://localhost/?code=c&iss=https%3A%2F%2F&state=" STATE, NULL,
                             error),
                     CODE_ANSWER_OTHER_ISSUER);
}

static void test_tenant_in_the_issuer(void **unused)
{
    const CodeAnswerRules by = {.redirect_uri = "http://localhost", .state = STATE,
                                .issuer = "https://m/t-1/v2.0", .tenant = "t-1"};
    char error[CODE_ERROR_SIZE];

    assert_int_equal(read_by(&by, "http://localhost/?code=c&state=" STATE
                                  "&iss=https://m/{tenantid}/v2.0", NULL, error),
                     CODE_ANSWER_CODE);
}

/* --- what is no answer ------------------------------------------------------------------------ */

static void test_nonsense(void **unused)
{
    static const char *const texts[] = {
        "hello", "https://localhost/?code=c&state=" STATE, "http://localhost.evil/?code=c",
        "http://localhost:80/?code=c&state=" STATE, "http://localhost/x?code=c&state=" STATE,
        "http://localhost/?code=a&code=b&state=" STATE,
        "http://localhost/?code=a&state=&state=" STATE,
        "http://localhost/?code=a%&state=" STATE, "http://localhost/?code=a%0g&state=" STATE,
        "http://localhost/?code=a%00b&state=" STATE, "http://localhost/?code=a%1b[2J&state=" STATE,
        "http://localhost/?code=\x80&state=" STATE, "code=c&state=" STATE,
        "http://localhost/#code=c&state=" STATE "&x?",
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        assert_int_equal(whole_answer_of(texts[i]), CODE_ANSWER_NONSENSE);
}

static void test_too_long(void **unused)
{
    static char text[PASTED_ADDRESS_MAX + 64] = "http://localhost/?state=" STATE "&code=";
    size_t head = strlen(text);

    memset(text + head, 'c', AUTHORIZATION_CODE_MAX);
    assert_int_equal(answer_of(text), CODE_ANSWER_CODE);
    text[head + AUTHORIZATION_CODE_MAX] = 'c';
    assert_int_equal(answer_of(text), CODE_ANSWER_NONSENSE);
    memset(text + head, 'c', sizeof(text) - 1 - head);
    assert_int_equal(answer_of(text), CODE_ANSWER_NONSENSE);
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* Whatever a terminal leaves of an address that ends in its state, the rest is waited for; and what
 * is asked for in vain is no answer. */
static void test_every_cut(void **unused)
{
    static const char text[] = "http://localhost/?code=ab%2Fcdef&iss="
                               "https%3A%2F%2Flogin.rcpch.test&state=" STATE;

    for (size_t size = 0; size < strlen(text); size++) {
        char cut[sizeof(text)] = "";
        memcpy(cut, text, size);
        assert_int_equal(answer_of(cut), CODE_ANSWER_INCOMPLETE);
        CodeAnswer whole = whole_answer_of(cut);
        assert_true(whole == CODE_ANSWER_NONSENSE || whole == CODE_ANSWER_OTHER_STATE);
    }
    assert_int_equal(answer_of(text), CODE_ANSWER_CODE);
}

static void add(Buffer *address, const char *piece)
{
    assert_int_equal(code_answer_add(address, piece, strlen(piece), rules.redirect_uri), 0);
}

static void test_pieces_are_joined(void **unused)
{
    _cleanup_buffer_ Buffer address = BUFFER_INIT(PASTED_ADDRESS_MAX);

    add(&address, "  http://localhost/?code=ab");
    add(&address, "c&sta\r\n");
    add(&address, " te=" STATE " ");
    assert_string_equal(address.data, "http://localhost/?code=abc&state=" STATE);
}

static void test_pasted_again_from_the_start(void **unused)
{
    _cleanup_buffer_ Buffer address = BUFFER_INIT(PASTED_ADDRESS_MAX);

    add(&address, "http://localhost/?code=ab");
    add(&address, "http://localhost/?code=abc&state=" STATE);
    assert_string_equal(address.data, "http://localhost/?code=abc&state=" STATE);
}

static void test_too_many_pieces(void **unused)
{
    _cleanup_buffer_ Buffer address = BUFFER_INIT(8);

    add(&address, "12345678");
    assert_int_equal(code_answer_add(&address, "9", 1, rules.redirect_uri), -EMSGSIZE);
}

static void test_lengths_at_which_terminals_cut(void **unused)
{
    assert_true(code_answer_may_be_cut(511) && code_answer_may_be_cut(1023) &&
                code_answer_may_be_cut(4095));
    assert_false(code_answer_may_be_cut(0) || code_answer_may_be_cut(512) ||
                 code_answer_may_be_cut(300));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_to_open),
        cmocka_unit_test(test_endpoint_with_a_query),
        cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_other_states),
        cmocka_unit_test(test_other_issuers),
        cmocka_unit_test(test_tenant_in_the_issuer),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_pieces_are_joined),
        cmocka_unit_test(test_pasted_again_from_the_start),
        cmocka_unit_test(test_too_many_pieces),
        cmocka_unit_test(test_lengths_at_which_terminals_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
