/*
 * Every allocation fails once, in turn: ours (by the linker's --wrap) and OpenSSL's; not jansson's,
 * which does not survive it (memory.c). No parser may crash, leak (the sanitizers look), leave half
 * an object behind, or say yes to what it refuses with memory enough.
 */
#include <jansson.h>
#include <openssl/crypto.h>

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/accounts/identity-file.h"
#include "helper/directory/directory-kind.h"
#include "helper/directory/directory-list.h"
#include "helper/provider/code-grant.h"
#include "helper/provider/device-response.h"
#include "helper/provider/discovery.h"
#include "helper/base/form.h"
#include "helper/token/id-token.h"
#include "helper/token/test-jose.h"
#include "helper/token/token.h"

#define TEXT(text) ((char *)(uintptr_t)(text))
#define HEADER     "{\"alg\":\"ES256\",\"kid\":\"k\"}"
#define PAYLOAD                                                                                    \
    "{\"iss\":\"https://i\",\"aud\":\"c\",\"sub\":\"s\",\"exp\":1800003600,\"iat\":1800000000,"    \
    "\"preferred_username\":\"Alice\",\"name\":\"Alice\",\"groups\":[\"a\",\"b\"],"     \
    "\"acr\":\"gold\",\"amr\":[\"pwd\",\"mfa\"],\"acrs\":[\"c1\"]}"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

static long until_failure = -1; /* below zero: nothing fails */
static bool has_failed;

static bool fails_now(void)
{
    if (until_failure < 0 || until_failure-- > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return fails_now() ? NULL : __real_strndup(text, size);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    return fails_now() ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line)
{
    return fails_now() ? NULL : __real_realloc(block, size);
}

static void openssl_free(void *block, const char *file, int line)
{
    free(block);
}

/* Runs `scenario` with the first, second, third … allocation failing, until none is left to fail.
 * It returns 0 for success and checks by itself that nothing is left behind. */
static void fail_each(int (*scenario)(void *userdata), void *userdata, bool may_succeed)
{
    for (long n = 0; n < 100000; n++) {
        until_failure = n;
        has_failed = false;
        int r = scenario(userdata);
        until_failure = -1;
        if (!may_succeed)
            assert_int_not_equal(r, 0);
        if (!has_failed) {
            assert_true(!may_succeed || r == 0);
            return;
        }
    }
    fail_msg("there is no end of allocations");
}

static ProviderConfig config = {
    .issuer = TEXT("https://i"),
    .client_id = TEXT("c"),
    .username_claim = TEXT("preferred_username"),
    .id_claim = TEXT("sub"),
    .name_claim = TEXT("name"),
    .groups_claim = TEXT("groups"),
    .clock_skew_usec = 300000000,
};

typedef struct Case {
    char *token, *keys;
    Jwks *jwks;
} Case;

static Case make_case(EVP_PKEY *signer, EVP_PKEY *published)
{
    const JoseHow how = {.digest = "SHA256", .half = 32};
    Case made = {.token = jose_token(signer, &how, HEADER, PAYLOAD)};
    char *jwk = jose_jwk_ec(published, "P-256", 32, ",\"kid\":\"k\"");
    const char *reason;

    assert_true(asprintf(&made.keys, "{\"keys\":[%s]}", jwk) > 0);
    assert_int_equal(jwks_parse(made.keys, strlen(made.keys), &made.jwks, &reason), 0);
    free(jwk);
    return made;
}

static void clear_case(Case *made)
{
    free(made->token);
    free(made->keys);
    jwks_free(made->jwks);
}

static int validate(void *userdata)
{
    const Case *made = userdata;
    const IdTokenRules rules = {.config = &config, .now_sec = 1800000000};
    const char *reason = NULL;
    Identity *identity = NULL;
    int r = id_token_validate(made->token, made->jwks, &rules, &identity, &reason);

    assert_int_equal(r == 0, identity != NULL);
    identity_free(identity);
    return r;
}

static void test_id_token(void **state)
{
    EVP_PKEY *good = jose_new_ec("P-256"), *other = jose_new_ec("P-256");
    Case honest = make_case(good, good), forged = make_case(other, good);

    fail_each(validate, &honest, true);
    fail_each(validate, &forged, false);
    clear_case(&honest);
    clear_case(&forged);
    EVP_PKEY_free(good);
    EVP_PKEY_free(other);
}

static int parse_keys(void *userdata)
{
    const char *text = userdata, *reason = NULL;
    Jwks *jwks = NULL;
    int r = jwks_parse(text, strlen(text), &jwks, &reason);

    assert_int_equal(r == 0, jwks != NULL);
    assert_true(r == 0 || reason);
    jwks_free(jwks);
    return r;
}

static void test_keys(void **state)
{
    EVP_PKEY *rsa = jose_new_rsa(2048), *ec = jose_new_ec("P-384"), *ed = jose_new_ed25519();
    char *texts[] = {jose_jwk_rsa(rsa, ",\"kid\":\"a\",\"issuer\":\"i\""),
                     jose_jwk_ec(ec, "P-384", 48, ",\"kid\":\"b\""), jose_jwk_ed25519(ed, "")};

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        char *set = NULL;
        assert_true(asprintf(&set, "{\"keys\":[%s]}", texts[i]) > 0);
        fail_each(parse_keys, set, true);
        free(set);
        free(texts[i]);
    }
    fail_each(parse_keys, TEXT("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"), false);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(ed);
}

static int parse_metadata(void *userdata)
{
    const char *text = userdata, *reason = NULL;
    Metadata *metadata = NULL;
    int r = discovery_parse(text, strlen(text), &config, NULL, &metadata, &reason);

    assert_int_equal(r == 0, metadata != NULL);
    metadata_free(metadata);
    return r;
}

static void test_metadata(void **state)
{
    fail_each(parse_metadata,
              TEXT("{\"issuer\":\"https://i\",\"token_endpoint\":\"https://i/t\",\"jwks_uri\":"
                   "\"https://i/k\",\"device_authorization_endpoint\":\"https://i/d\"}"),
              true);
    fail_each(parse_metadata,
              TEXT("{\"issuer\":\"https://j\",\"token_endpoint\":\"https://i/t\",\"jwks_uri\":"
                   "\"https://i/k\"}"),
              false);
}

static int parse_tokens(void *userdata)
{
    const char *text = userdata, *reason = NULL;
    TokenResponse response;
    int r = token_response_parse(text, strlen(text), &response, &reason);

    if (r < 0)
        assert_true(!response.id_token && !response.refresh_token);
    token_response_clear(&response);
    return r;
}

static int parse_device(void *userdata)
{
    const char *text = userdata, *reason = NULL;
    DeviceResponse response;
    int r = device_response_parse(text, strlen(text), false, &response, &reason);

    if (r < 0)
        assert_true(!response.device_code && !response.user_code && !response.verification_uri);
    device_response_clear(&response);
    return r;
}

static void test_replies(void **state)
{
    fail_each(parse_tokens,
              TEXT("{\"access_token\":\"a\",\"id_token\":\"i\",\"refresh_token\":\"r\"}"), true);
    fail_each(parse_tokens, TEXT("{\"access_token\":\"a\",\"id_token\":5}"), false);
    fail_each(
        parse_device,
        TEXT("{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://i/d\","
             "\"verification_uri_complete\":\"https://i/d?u\",\"expires_in\":900}"),
        true);
    fail_each(parse_device, TEXT("{\"device_code\":\"d\",\"user_code\":\"u\",\"expires_in\":900}"),
              false);
}

/* Evidence never fails: without memory it is neutral, and never against the account. */
static int classify(void *userdata)
{
    const char *text = userdata;
    Evidence evidence;

    evidence_classify(PROVIDER_ENTRA, false, EVIDENCE_REFRESH, 400, text, strlen(text), &evidence);
    assert_true(evidence.meaning == EVIDENCE_DISABLED || evidence.meaning == EVIDENCE_NEUTRAL);
    return evidence.meaning == EVIDENCE_DISABLED ? 0 : -1;
}

static void test_evidence(void **state)
{
    fail_each(classify, TEXT("{\"error\":\"invalid_grant\",\"error_codes\":[50057]}"), true);
    fail_each(classify, TEXT("{\"error\":\"invalid_grant\",\"error_codes\":[50196]"), false);
}

static int build_form(void *userdata)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    int r = 0;

    for (int i = 0; i < 40 && r == 0; i++)
        r = form_add(&form, "name", "a value with spaces and more than that");
    return r;
}

static void test_form(void **state)
{
    fail_each(build_form, NULL, true);
}

static int read_answer(void *userdata)
{
    static const CodeAnswerRules rules = {.redirect_uri = "http://localhost",
                                          .state = "AAAAAAAAAAAAAAAAAAAAAA", .issuer = "https://i"};
    _cleanup_secret_ Secret *code = NULL;
    const char *text = userdata;
    char error[CODE_ERROR_SIZE];
    CodeAnswer answer;
    int r = code_answer_read(text, strlen(text), &rules, &answer, &code, error);

    if (r < 0)
        assert_null(code);
    else
        assert_int_equal(answer == CODE_ANSWER_CODE, code != NULL);
    return code ? 0 : -1;
}

static void test_code_answer(void **state)
{
    fail_each(read_answer,
              TEXT("http://localhost/?code=c&state=AAAAAAAAAAAAAAAAAAAAAA&iss=https%3A%2F%2Fi"),
              true);
    fail_each(read_answer, TEXT("http://localhost/?code=c&state=AAAAAAAAAAAAAAAAAAAAAB"), false);
}

static int read_identity_file(void *userdata)
{
    _cleanup_(identity_file_freep) IdentityFile *file = NULL;
    _cleanup_free_ char *written = NULL;
    char reason[IDENTITY_REASON_SIZE];
    const char *text = userdata;
    int r = identity_file_parse(text, strlen(text), &file, reason);

    if (r < 0)
        assert_null(file);
    return r < 0 ? r : identity_file_write(file, &written);
}

#define IDENTITIES(rows)                                                                           \
    TEXT("{\"format\":\"rcpch-identity\",\"version\":1,"                                           \
         "\"range\":{\"base\":1,\"count\":9},"                                                     \
         "\"numbers\":[" rows "]}")
#define IDENTITY_A                                                                                 \
    "{\"kind\":\"user\",\"issuer\":\"i\",\"id\":\"a\",\"name\":\"a@b.org\",\"number\":1}"

static void test_identity_file(void **state)
{
    fail_each(read_identity_file,
              IDENTITIES(IDENTITY_A ",{\"kind\":\"group\",\"issuer\":\"i\",\"role\":\"r\","
                                    "\"number\":2}"),
              true);
    fail_each(read_identity_file, IDENTITIES(IDENTITY_A "," IDENTITY_A), false);
}

/* --- directories ------------------------------------------------------------------------------ */

typedef struct DirectoryRow {
    DirectoryType type;
    const char *base;
    bool is_person;
    const char *asked;
    const char *text;
} DirectoryRow;

static const DirectoryRow directory_rows[] = {
    {DIRECTORY_GRAPH, "https://g", false, "", "{\"value\":[{\"id\":\"a\",\"accountEnabled\":true,"
     "\"userPrincipalName\":\"a@b.org\",\"displayName\":\"A\"}],"
     "\"@odata.nextLink\":\"https://g/2\"}"},
    {DIRECTORY_GRAPH, "https://g", true, "", "{\"id\":\"a\",\"userPrincipalName\":\"a@b.org\"}"},
    {DIRECTORY_SCIM, "https://s", false, "https://s/Groups/g?attributes=members",
     "{\"id\":\"g\",\"members\":[{\"value\":\"a\"},{\"value\":\"i\",\"type\":\"Group\"}]}"},
    {DIRECTORY_SCIM, "https://s", false,
     "https://s/Users?filter=groups.value%20eq%20%22g%22&attributes=userName,displayName,active,"
     "groups&count=200&startIndex=1",
     "{\"totalResults\":2,\"Resources\":[{\"id\":\"a\",\"userName\":\"a\",\"displayName\":\"A\","
     "\"groups\":[{\"value\":\"x\"},{\"value\":\"g\"}]}]}"},
    {DIRECTORY_KEYCLOAK, "https://k", false, "https://k/groups/g/members?x&max=2&first=0",
     "[{\"id\":\"a\",\"username\":\"a\",\"firstName\":\"A\",\"enabled\":true},{\"id\":\"b\"}]"},
    {DIRECTORY_KEYCLOAK, "https://k", false,
     "https://k/groups/g/children?briefRepresentation=true&max=9&first=0", "[{\"id\":\"h\"}]"},
    {DIRECTORY_KEYCLOAK, "https://k", true, "",
     "{\"id\":\"a\",\"username\":\"a\",\"enabled\":false}"},
    {DIRECTORY_OKTA, "https://o", false, "", "[{\"id\":\"a\",\"status\":\"ACTIVE\",\"profile\":"
     "{\"login\":\"a\",\"firstName\":\"A\",\"lastName\":\"B\"}}]"},
    {DIRECTORY_OKTA, "https://o", true, "", "{\"id\":\"a\",\"profile\":{\"login\":\"a@b.org\"}}"},
    {DIRECTORY_SCIM, "https://s", true, "", "{\"id\":\"a\",\"userName\":\"a\",\"active\":true}"},
};

static int scenario_directory(void *userdata)
{
    static char *domains[] = {TEXT("b.org"), NULL};
    const DirectoryRow *row = userdata;
    const DirectoryKind *kind = directory_kind(row->type);
    const ProviderConfig settings = {.directory_url = TEXT(row->base), .domains = domains,
                                     .username_claim = TEXT("preferred_username")};
    DirectoryPage *page = NULL;
    const char *reason = NULL;
    int r = (row->is_person ? kind->parse_person : kind->parse_page)(
        row->text, strlen(row->text), &settings, row->asked, &page, &reason);

    assert_true(r == 0 ? page && !reason : r == -ENOMEM && !page);
    directory_page_free(page);
    return r;
}

static int scenario_directory_url(void *userdata)
{
    const DirectoryRow *row = userdata;
    const DirectoryKind *kind = directory_kind(row->type);
    char *url = NULL;
    int r = (row->is_person ? kind->person_url : kind->members_url)(row->base, "id", &url);

    assert_true(r == 0 ? url != NULL : r == -ENOMEM && !url);
    free(url);
    return r;
}

static int scenario_directory_list(void *userdata)
{
    char *inner[] = {TEXT("b"), TEXT("c"), NULL};
    DirectoryPerson person = {.id = TEXT("p")};
    const DirectoryPage page = {.people = &person, .count = 1, .next = TEXT("x"), .inner = inner};
    DirectoryList list = {0};
    const char *reason = NULL;
    int r = directory_list_begin(&list, "a");

    if (r == 0)
        r = directory_list_take(&list, &page, &reason);
    assert_true((r == 0 || r == -ENOMEM) && !reason);
    directory_list_clear(&list);
    return r;
}

static void test_directories(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(directory_rows); i++) {
        DirectoryRow row = directory_rows[i];
        fail_each(scenario_directory, &row, true);
        fail_each(scenario_directory_url, &row, true);
    }
    fail_each(scenario_directory_list, NULL, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_token), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_metadata), cmocka_unit_test(test_replies),
        cmocka_unit_test(test_evidence), cmocka_unit_test(test_form),
        cmocka_unit_test(test_code_answer), cmocka_unit_test(test_identity_file),
        cmocka_unit_test(test_directories),
    };

    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
