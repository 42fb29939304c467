/*
 * Access tokens: everything a resource refuses (RFC 9068 §4, RFC 8725), by table, and how each
 * kind of provider says that a client asked for itself. A row changes one thing of a token that
 * is otherwise accepted.
 */
#include <errno.h>
#include <jansson.h>

#include "common/cleanup.h"
#include "helper/token/access-token.h"
#include "helper/token/test-jose.h"

#define NOW    1800000000
#define ISSUER "https://login.example/t/v2.0"
#define T(text) ((char *)(uintptr_t)(text))

static ProviderConfig settings(ProviderType type)
{
    return (ProviderConfig){
        .type = type, .issuer = T(ISSUER), .client_id = T("client"), .api_audience = T("api://h"),
        .username_claim = T("preferred_username"), .name_claim = T("name"),
        .id_claim = T(type == PROVIDER_ENTRA ? "oid" : "sub"), .groups_claim = T("groups"),
        .roles_claim = T(type == PROVIDER_KEYCLOAK ? "realm_access.roles" : "roles"),
        .clock_skew_usec = 300 * UINT64_C(1000000),
    };
}

static json_t *good(ProviderType type)
{
    json_t *payload =
        json_pack("{ss,ss,ss,si,si}", "iss", ISSUER, "aud", "api://h", "sub", "s-1", "exp",
                  NOW + 3600, "iat", NOW - 10);
    static const char *const clients[_PROVIDER_TYPE_COUNT] = {
        [PROVIDER_ENTRA] = "azp", [PROVIDER_KEYCLOAK] = "azp", [PROVIDER_OKTA] = "cid"};

    json_object_set_new(payload, clients[type] ? clients[type] : "client_id", json_string("cli"));
    if (type == PROVIDER_ENTRA) {
        json_object_set_new(payload, "tid", json_string("t"));
        json_object_set_new(payload, "oid", json_string("o-1"));
        json_object_set_new(payload, "scp", json_string("sign-in other"));
    }
    return payload;
}

static const char *check(ProviderType type, const json_t *payload)
{
    const ProviderConfig config = settings(type);
    const TokenRules rules = {&config, type == PROVIDER_ENTRA ? "t" : NULL, NOW};

    return access_token_check_claims(payload, &rules);
}

/* `value` is JSON; NULL takes the claim away. */
typedef struct Row {
    ProviderType type;
    const char *claim, *value, *reason;
} Row;

static const Row rows[] = {
    {PROVIDER_GENERIC, "aud", "[\"x\",\"api://h\"]", NULL},
    {PROVIDER_GENERIC, "aud", "\"client\"", "access token: aud mismatch"},
    {PROVIDER_GENERIC, "aud", "\"api://H\"", "access token: aud mismatch"},
    {PROVIDER_GENERIC, "aud", "\"api://h/\"", "access token: aud mismatch"},
    {PROVIDER_GENERIC, "aud", "[\"api://h\",5]", "access token: aud mismatch"},
    {PROVIDER_GENERIC, "aud", "[]", "access token: aud mismatch"},
    {PROVIDER_GENERIC, "aud", NULL, "access token: aud mismatch"},
    {PROVIDER_GENERIC, "iss", "\"" ISSUER "/\"", "access token: iss mismatch"},
    {PROVIDER_GENERIC, "iss", NULL, "access token: iss mismatch"},
    {PROVIDER_ENTRA, "iss", "\"https://sts.windows.net/t/\"",
     "access token: iss mismatch, a v1.0 token; set requestedAccessTokenVersion to 2"},
    {PROVIDER_ENTRA, "tid", "\"other\"", "access token: tid mismatch"},
    {PROVIDER_ENTRA, "tid", NULL, "access token: tid mismatch"},
    {PROVIDER_GENERIC, "exp", "1799999699", "access token: expired"},
    {PROVIDER_GENERIC, "exp", "1799999701", NULL},
    {PROVIDER_GENERIC, "exp", "\"1800003600\"", "access token: exp is missing or no time"},
    {PROVIDER_GENERIC, "exp", "-1", "access token: exp is missing or no time"},
    {PROVIDER_GENERIC, "exp", NULL, "access token: exp is missing or no time"},
    {PROVIDER_GENERIC, "iat", NULL, "access token: iat is missing or no time"},
    {PROVIDER_GENERIC, "iat", "1800000301",
     "access token: issued in the future; check the clock of this host"},
    {PROVIDER_GENERIC, "nbf", "1800000301",
     "access token: not valid yet; check the clock of this host"},
    {PROVIDER_GENERIC, "nbf", "\"x\"", "access token: nbf is no time"},
    {PROVIDER_GENERIC, "sub", "\"\"", "access token: sub is missing, empty or too long"},
    {PROVIDER_GENERIC, "sub", NULL, "access token: sub is missing, empty or too long"},
    {PROVIDER_GENERIC, "client_id", NULL, "access token: it names no client it was given to"},
    {PROVIDER_GENERIC, "client_id", "7", "access token: it names no client it was given to"},
    {PROVIDER_OKTA, "cid", NULL, "access token: it names no client it was given to"},
    {PROVIDER_GENERIC, "events", "{}", "access token: it is a security event"},
    {PROVIDER_GENERIC, "nonce", "\"n\"", "access token: it is an id token"},
    {PROVIDER_GENERIC, "at_hash", "\"n\"", "access token: it is an id token"},
    {PROVIDER_GENERIC, "c_hash", "\"n\"", "access token: it is an id token"},
    {PROVIDER_GENERIC, "token_use", "\"id\"",
     "access token: token_use says it is another token"},
    {PROVIDER_GENERIC, "token_use", "\"access\"", NULL},
    {PROVIDER_GENERIC, "cnf", "{}",
     "access token: it is bound to a key, which this host cannot check"},
    {PROVIDER_KEYCLOAK, "typ", "\"Bearer\"", NULL},
    {PROVIDER_KEYCLOAK, "typ", "\"ID\"", "access token: its typ claim says it is another token"},
    {PROVIDER_KEYCLOAK, "typ", "\"Refresh\"",
     "access token: its typ claim says it is another token"},
};

static void test_each_claim_wrong_in_turn(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const Row *row = &rows[i];
        json_t *payload = good(row->type);
        assert_null(check(row->type, payload));
        if (row->value)
            json_object_set_new(payload, row->claim, json_loads(row->value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(payload, row->claim);
        const char *reason = check(row->type, payload);
        if ((reason && row->reason) ? strcmp(reason, row->reason) != 0 : reason != row->reason)
            fail_msg("%s=%s gave %s", row->claim, row->value ? row->value : "absent",
                     reason ? reason : "nothing");
        json_decref(payload);
    }
}

/* --- signed ----------------------------------------------------------------------------------- */

typedef struct Read {
    AccessToken *token;
    Identity *identity;
    const char *reason;
} Read;

static void read_clear(Read *one)
{
    access_token_free(one->token);
    identity_free(one->identity);
}

static EVP_PKEY *key;
static Jwks *jwks;

static int set_up(void **state)
{
    const char *reason;
    char *jwk, *text = NULL;

    key = jose_new_ec("P-256");
    jwk = jose_jwk_ec(key, "P-256", 32, ",\"kid\":\"good\"");
    assert_true(asprintf(&text, "{\"keys\":[%s]}", jwk) > 0);
    assert_int_equal(jwks_parse(text, strlen(text), &jwks, &reason), 0);
    free(text);
    free(jwk);
    return 0;
}

static int tear_down(void **state)
{
    EVP_PKEY_free(key);
    jwks = jwks_free(jwks);
    return 0;
}

/* Takes the payload. */
static int read_signed(ProviderType type, const char *header, json_t *payload, Read *one)
{
    static const JoseHow es256 = {.digest = "SHA256", .half = 32};
    const ProviderConfig config = settings(type);
    const TokenRules rules = {&config, type == PROVIDER_ENTRA ? "t" : NULL, NOW};
    char *text = json_dumps(payload, 0), *token = jose_token(key, &es256, header, text);

    *one = (Read){0};
    int r = access_token_validate(token, jwks, &rules, &one->token, &one->identity, &one->reason);
    if (r != 0)
        assert_true(one->reason && !one->token && !one->identity);
    json_decref(payload);
    free(token);
    free(text);
    return r;
}

#define HEAD(type) "{\"alg\":\"ES256\",\"kid\":\"good\"" type "}"

static void test_types(void **state)
{
    static const struct {
        const char *header;
        int result;
    } types[] = {
        {HEAD(""), 0}, {HEAD(",\"typ\":\"JWT\""), 0}, {HEAD(",\"typ\":\"at+jwt\""), 0},
        {HEAD(",\"typ\":\"AT+JWT\""), 0}, {HEAD(",\"typ\":\"application/at+jwt\""), 0},
        {HEAD(",\"typ\":\"id+jwt\""), TOKEN_E_REFUSED},
        {HEAD(",\"typ\":\"logout+jwt\""), TOKEN_E_REFUSED},
        {HEAD(",\"typ\":\"secevent+jwt\""), TOKEN_E_REFUSED},
        {HEAD(",\"typ\":\"dpop+jwt\""), TOKEN_E_REFUSED},
        {HEAD(",\"typ\":null"), TOKEN_E_REFUSED},
        {"{\"alg\":\"none\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"HS256\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"other\"}", TOKEN_E_UNKNOWN_KEY},
    };

    for (size_t i = 0; i < ELEMENTSOF(types); i++) {
        __attribute__((cleanup(read_clear))) Read one;
        if (read_signed(PROVIDER_GENERIC, types[i].header, good(PROVIDER_GENERIC), &one) !=
            types[i].result)
            fail_msg("wrong result for %s", types[i].header);
    }
}

/* What makes the token of a client that asked for itself. */
static const struct {
    ProviderType type;
    const char *more; /* laid over the claims */
    bool is_app;
    const char *id;
} apps[] = {
    {PROVIDER_GENERIC, "{}", false, "s-1"},
    {PROVIDER_GENERIC, "{\"sub\":\"cli\"}", true, "cli"},
    {PROVIDER_GENERIC, "{\"sub\":\"cli@clients\"}", true, "cli@clients"},
    {PROVIDER_GENERIC, "{\"sub\":\"client\"}", false, "client"},
    {PROVIDER_ENTRA, "{}", false, "t/o-1"},
    {PROVIDER_ENTRA, "{\"idtyp\":\"app\"}", true, "t/o-1"},
    {PROVIDER_ENTRA, "{\"sub\":\"o-1\",\"scp\":null}", true, "t/o-1"},
    {PROVIDER_ENTRA, "{\"idtyp\":\"user\",\"sub\":\"o-1\",\"scp\":null}", false, "t/o-1"},
    {PROVIDER_ENTRA, "{\"sub\":\"o-1\"}", false, "t/o-1"},
    {PROVIDER_KEYCLOAK, "{\"preferred_username\":\"service-account-cli\",\"client_id\":\"cli\"}",
     true, "s-1"},
    {PROVIDER_KEYCLOAK, "{\"preferred_username\":\"service-account-cli\"}", false, "s-1"},
    {PROVIDER_KEYCLOAK, "{\"preferred_username\":\"alice\",\"client_id\":\"cli\"}", false, "s-1"},
    {PROVIDER_OKTA, "{\"sub\":\"cli\"}", true, "cli"},
    {PROVIDER_OKTA, "{\"sub\":\"alice@x\",\"uid\":\"00u1\"}", false, "00u1"},
};

static void test_who_asked(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(apps); i++) {
        __attribute__((cleanup(read_clear))) Read one;
        json_t *payload = good(apps[i].type), *more = json_loads(apps[i].more, 0, NULL);
        const char *name;
        json_t *value;

        json_object_foreach(more, name, value) {
            if (json_is_null(value))
                json_object_del(payload, name);
            else
                json_object_set(payload, name, value);
        }
        json_decref(more);
        assert_int_equal(read_signed(apps[i].type, HEAD(""), payload, &one), 0);
        assert_string_equal(one.token->client, "cli");
        if (one.token->is_app != apps[i].is_app || strcmp(one.identity->id, apps[i].id) != 0)
            fail_msg("row %zu: %s", i, one.identity->id);
    }
}

static void test_scopes_and_roles(void **state)
{
    char *wanted[] = {T("admin"), T("other"), NULL}, *strange[] = {T("sign"), NULL};
    char *none[] = {NULL}, *role[] = {T("Deploy"), NULL};
    __attribute__((cleanup(read_clear))) Read one;
    json_t *payload = good(PROVIDER_ENTRA);

    json_object_set_new(payload, "roles", json_pack("[s]", "Deploy"));
    assert_int_equal(read_signed(PROVIDER_ENTRA, HEAD(""), payload, &one), 0);
    assert_true(access_token_has_scope(one.token, wanted));
    assert_true(access_token_has_scope(one.token, none));
    assert_false(access_token_has_scope(one.token, strange));
    assert_true(access_token_has_role(one.identity, role));
    assert_false(access_token_has_role(one.identity, wanted));
    assert_int_equal(one.token->issued_sec, NOW - 10);
    assert_int_equal(one.token->expires_sec, NOW + 3600);
}

static void test_what_looks_like_a_token(void **state)
{
    static const struct {
        const char *text;
        bool looks;
    } texts[] = {
        {"eyJhbGciOiJFUzI1NiJ9.e30.AA", true}, {"eyJ.e30.AA", true}, {"eyJ.e30.", false},
        {"eyJ.e30", false}, {"eyJ.e30.AA.BB", false}, {"a.b.c", false}, {"", false},
        {"eyJ", false}, {"eyJ.e 0.AA", false}, {"eyJ.e30.A+", false}, {"correct horse", false},
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        if (jwt_looks_like(texts[i].text, strlen(texts[i].text)) != texts[i].looks)
            fail_msg("wrong about %s", texts[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_claim_wrong_in_turn),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_who_asked),
        cmocka_unit_test(test_scopes_and_roles),
        cmocka_unit_test(test_what_looks_like_a_token),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
