/*
 * ID tokens: everything a validator refuses (RFC 8725, OpenID Connect Core §3.1.3.7), by table,
 * with keys made here. A row changes one thing of a token that is otherwise accepted.
 */
#include <errno.h>
#include <jansson.h>

#include "common/cleanup.h"
#include "helper/token/id-token.h"
#include "helper/token/jwt.h"
#include "helper/token/test-jose.h"

#define NOW    1800000000
#define ISSUER "https://login.example/tenant-1/v2.0"
#define HEADER "{\"alg\":\"ES256\",\"kid\":\"good\"}"
#define TIMES  "\"exp\":1800003600,\"iat\":1799999990,\"nbf\":1799999990"
#define CLAIMS                                                                                     \
    "\"iss\":\"" ISSUER "\",\"aud\":\"client\",\"sub\":\"s-1\",\"oid\":\"o-1\",\"tid\":\"tenant-"  \
                        "1\""
#define PAYLOAD "{" CLAIMS "," TIMES "}"

static const JoseHow es256 = {.digest = "SHA256", .half = 32};
static EVP_PKEY *good_key, *other_key, *rsa_key;
static Jwks *jwks;

static ProviderConfig config = {
    .type = PROVIDER_GENERIC,
    .issuer = (char *)(uintptr_t)ISSUER,
    .client_id = (char *)(uintptr_t) "client",
    .username_claim = (char *)(uintptr_t) "preferred_username",
    .id_claim = (char *)(uintptr_t) "sub",
    .name_claim = (char *)(uintptr_t) "name",
    .groups_claim = (char *)(uintptr_t) "groups",
    .clock_skew_usec = 300 * UINT64_C(1000000),
};

static Jwks *set_of(char *a, char *b)
{
    char *text = NULL;
    const char *reason;
    Jwks *set = NULL;

    assert_true(asprintf(&text, "{\"keys\":[%s%s%s]}", a, b ? "," : "", b ? b : "") > 0);
    assert_int_equal(jwks_parse(text, strlen(text), &set, &reason), 0);
    free(text);
    free(a);
    free(b);
    return set;
}

static int set_up(void **state)
{
    good_key = jose_new_ec("P-256");
    other_key = jose_new_ec("P-256");
    rsa_key = jose_new_rsa(2048);
    jwks = set_of(jose_jwk_ec(good_key, "P-256", 32, ",\"kid\":\"good\""),
                  jose_jwk_rsa(rsa_key, ",\"kid\":\"rsa\",\"alg\":\"RS256\""));
    return 0;
}

static int tear_down(void **state)
{
    EVP_PKEY_free(good_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(rsa_key);
    jwks = jwks_free(jwks);
    return 0;
}

/* Takes the token. */
static int validate_with(const Jwks *set, const IdTokenRules *rules, char *token,
                         Identity **ret_identity)
{
    const char *reason = NULL;
    Identity *identity = NULL;
    int r = id_token_validate(token, set, rules, &identity, &reason);

    if (r != 0) {
        assert_non_null(reason);
        assert_null(identity);
    }
    if (ret_identity)
        *ret_identity = identity;
    else
        identity_free(identity);
    free(token);
    return r;
}

static int validate(char *token)
{
    const IdTokenRules rules = {.config = &config, .now_sec = NOW};

    return validate_with(jwks, &rules, token, NULL);
}

static int validate_claims(const char *payload)
{
    return validate(jose_token(good_key, &es256, HEADER, payload));
}

static void test_good(void **state)
{
    const IdTokenRules rules = {.config = &config, .now_sec = NOW};
    _cleanup_(identity_freep) Identity *identity = NULL;

    assert_int_equal(
        validate_with(jwks, &rules, jose_token(good_key, &es256, HEADER, PAYLOAD), &identity), 0);
    assert_string_equal(identity->id, "s-1");
    assert_string_equal(identity->issuer, ISSUER);
    assert_null(identity->username);
    assert_false(identity->groups_known);
}

static void test_headers(void **state)
{
    static const struct {
        const char *header;
        int result;
    } rows[] = {
        {"{\"alg\":\"ES256\"}", 0}, /* without kid every fitting key is tried */
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":\"JWT\"}", 0},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":\"jwt\",\"x5t\":\"AAAA\"}", 0},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":\"application/jwt\"}", 0},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"jku\":\"https://evil/\",\"x5u\":\"https://evil/"
         "\",\"x5c\":[\"A\"]}",
         0},
        {"{\"alg\":\"none\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"None\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":null,\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":256,\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":[\"ES256\"],\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"es256\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"HS256\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"RSA1_5\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"RS256\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES384\",\"kid\":\"good\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"rsa\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"unknown\"}", TOKEN_E_UNKNOWN_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"\"}", TOKEN_E_UNKNOWN_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"GOOD\"}", TOKEN_E_UNKNOWN_KEY},
        {"{\"alg\":\"ES256\",\"kid\":\"../../good\"}", TOKEN_E_UNKNOWN_KEY},
        {"{\"alg\":\"ES256\",\"kid\":5}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":null}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"crit\":[\"exp\"]}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"crit\":[]}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"b64\":false}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"b64\":true}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"zip\":\"DEF\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"enc\":\"A256GCM\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"cty\":\"JWT\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":\"secevent+jwt\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":\"logout+jwt\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":\"at+jwt\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":\"JOSE\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":\"\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"kid\":\"good\",\"typ\":1}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"alg\":\"ES256\"}", TOKEN_E_REFUSED},
        {"{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}", TOKEN_E_REFUSED},
        {"[\"ES256\"]", TOKEN_E_REFUSED},
        {"{}", TOKEN_E_REFUSED},
        {"\xef\xbb\xbf{\"alg\":\"ES256\"}", TOKEN_E_REFUSED},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (validate(jose_token(good_key, &es256, rows[i].header, PAYLOAD)) != rows[i].result)
            fail_msg("wrong result for %s", rows[i].header);
}

/* The key of the attacker in the header is no key. */
static void test_key_in_header(void **state)
{
    char *jwk = jose_jwk_ec(other_key, "P-256", 32, ",\"kid\":\"good\""), *header = NULL;

    assert_true(asprintf(&header, "{\"alg\":\"ES256\",\"kid\":\"good\",\"jwk\":%s}", jwk) > 0);
    assert_int_equal(validate(jose_token(other_key, &es256, header, PAYLOAD)), TOKEN_E_REFUSED);
    assert_int_equal(validate(jose_token(other_key, &es256, "{\"alg\":\"ES256\"}", PAYLOAD)),
                     TOKEN_E_UNKNOWN_KEY);
    free(jwk);
    free(header);
}

/* An HMAC whose key is what everybody knows: the public key, or nothing. */
static void test_hmac(void **state)
{
    static const char *const header = "{\"alg\":\"HS256\",\"kid\":\"good\"}";
    const JoseHow how = {.digest = "SHA256"};
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, (const uint8_t *)"", 0);

    assert_non_null(key);
    assert_int_equal(validate(jose_token(key, &how, header, PAYLOAD)), TOKEN_E_REFUSED);
    EVP_PKEY_free(key);
}

/* RS256, PS256 and the key's own alg: the key says RS256. */
static void test_keys_own_algorithm(void **state)
{
    const JoseHow pkcs1 = {.digest = "SHA256"}, pss = {.digest = "SHA256", .pss = true};

    assert_int_equal(
        validate(jose_token(rsa_key, &pkcs1, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", PAYLOAD)), 0);
    assert_int_equal(
        validate(jose_token(rsa_key, &pss, "{\"alg\":\"PS256\",\"kid\":\"rsa\"}", PAYLOAD)),
        TOKEN_E_REFUSED);
    assert_int_equal(validate(jose_token(rsa_key, &pkcs1, "{\"alg\":\"PS256\"}", PAYLOAD)),
                     TOKEN_E_UNKNOWN_KEY);
    assert_int_equal(
        validate(jose_token(rsa_key, &pss, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", PAYLOAD)),
        TOKEN_E_REFUSED);
}

/* Several keys of one kid: each is tried. */
static void test_duplicate_kid(void **state)
{
    const IdTokenRules rules = {.config = &config, .now_sec = NOW};
    Jwks *set = set_of(jose_jwk_ec(other_key, "P-256", 32, ",\"kid\":\"good\""),
                       jose_jwk_ec(good_key, "P-256", 32, ",\"kid\":\"good\""));

    assert_int_equal(
        validate_with(set, &rules, jose_token(good_key, &es256, HEADER, PAYLOAD), NULL), 0);
    assert_int_equal(
        validate_with(set, &rules, jose_token(other_key, &es256, HEADER, PAYLOAD), NULL), 0);
    jwks_free(set);
}

static void test_claims(void **state)
{
#define ISS              "\"iss\":\"" ISSUER "\""
#define REST             "\"aud\":\"client\",\"sub\":\"s-1\"," TIMES
#define WITH_ISS(text)   "{\"iss\":" text "," REST "}"
#define WITH_AUD(text)   "{" ISS ",\"aud\":" text ",\"sub\":\"s-1\"," TIMES "}"
#define WITH_SUB(text)   "{" ISS ",\"aud\":\"client\",\"sub\":" text "," TIMES "}"
#define WITH_TIMES(text) "{" CLAIMS text "}"
    static const struct {
        const char *payload;
        bool is_good;
    } rows[] = {
        {PAYLOAD, true},
        /* iss */
        {"{" REST "}", false},
        {WITH_ISS("\"https://login.example/tenant-1/v2.0/\""), false},
        {WITH_ISS("\"https://login.example/tenant-1/v2.\""), false},
        {WITH_ISS("\"https://LOGIN.example/tenant-1/v2.0\""), false},
        {WITH_ISS("\"HTTPS://login.example/tenant-1/v2.0\""), false},
        {WITH_ISS("\"http://login.example/tenant-1/v2.0\""), false},
        {WITH_ISS("\"https://login.example:443/tenant-1/v2.0\""), false},
        {WITH_ISS("\"https://u@login.example/tenant-1/v2.0\""), false},
        {WITH_ISS("\"https://login.example/tenant-2/v2.0\""), false},
        {WITH_ISS("\"https://login.example/{tenantid}/v2.0\""), false},
        {WITH_ISS("[\"" ISSUER "\"]"), false},
        {WITH_ISS("null"), false},
        {WITH_ISS("\"\""), false},
        /* aud, azp */
        {WITH_AUD("[\"client\"]"), true},
        {WITH_AUD("[\"client\"],\"azp\":\"client\""), true},
        {WITH_AUD("[\"other\",\"client\"],\"azp\":\"client\""), true},
        {WITH_AUD("\"client\",\"azp\":\"client\""), true},
        {"{" ISS ",\"sub\":\"s-1\"," TIMES "}", false},
        {WITH_AUD("\"\""), false},
        {WITH_AUD("[]"), false},
        {WITH_AUD("\"Client\""), false},
        {WITH_AUD("\"clien\""), false},
        {WITH_AUD("\"client2\""), false},
        {WITH_AUD("\"client other\""), false},
        {WITH_AUD("{\"client\":true}"), false},
        {WITH_AUD("5"), false},
        {WITH_AUD("null"), false},
        {WITH_AUD("[\"client\",5],\"azp\":\"client\""), false},
        {WITH_AUD("[[\"client\"]]"), false},
        {WITH_AUD("[\"other\"]"), false},
        {WITH_AUD("[\"client\",\"other\"]"), false},
        {WITH_AUD("[\"client\",\"other\"],\"azp\":\"other\""), false},
        {WITH_AUD("[\"client\",\"other\"],\"azp\":null"), false},
        {WITH_AUD("\"client\",\"azp\":\"other\""), false},
        {WITH_AUD("\"client\",\"azp\":5"), false},
        /* sub */
        {"{" ISS ",\"aud\":\"client\"," TIMES "}", false},
        {WITH_SUB("\"\""), false},
        {WITH_SUB("5"), false},
        {WITH_SUB("null"), false},
        {WITH_SUB("\"a\\u001bb\""), false},
        {WITH_SUB("\"a\\u202eb\""), false},
        /* times: 300 s of skew */
        {WITH_TIMES(",\"exp\":1800003600"), false},
        {WITH_TIMES(",\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":1799999990"), true},
        {WITH_TIMES(",\"exp\":1799999701,\"iat\":1799999000"), true},
        {WITH_TIMES(",\"exp\":1799999700,\"iat\":1799999000"), false},
        {WITH_TIMES(",\"exp\":1799990000,\"iat\":1799980000"), false},
        {WITH_TIMES(",\"exp\":\"1800003600\",\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":-1,\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":0,\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":null,\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":true,\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":[1800003600],\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":9007199254740993,\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":18446744073709551616,\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":1e300,\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":1800003600.5,\"iat\":1799999990.25"), true},
        {WITH_TIMES(",\"exp\":-1800003600.5,\"iat\":1799999990"), false},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":1800000300"), true},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":1800000301"), false},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":\"now\""), false},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":-5"), false},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":1799999990,\"nbf\":1800000300"), true},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":1799999990,\"nbf\":1800000301"), false},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":1799999990,\"nbf\":\"soon\""), false},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":1799999990,\"nbf\":null"), false},
        {WITH_TIMES(",\"exp\":1800003600,\"iat\":1799999990,\"nbf\":-1"), false},
        /* another kind of token */
        {"{" CLAIMS "," TIMES ",\"events\":{}}", false},
        /* JSON */
        {"{" CLAIMS "," TIMES ",\"sub\":\"s-1\"}", false},
        {"{" CLAIMS "," TIMES ",\"s\\u0075b\":\"s-1\"}", false},
        {"{" CLAIMS "," TIMES ",\"x\":9007199254740993}", false},
        {"{" CLAIMS "," TIMES ",\"x\":1e999}", false},
        {"{" CLAIMS "," TIMES ",\"x\":NaN}", false},
        {"{" CLAIMS "," TIMES ",\"x\\u0000\":1}", false},
        {"{" CLAIMS "," TIMES ",\"x\":\"\\u0000\"}", false},
        {"{" CLAIMS "," TIMES ",\"x\":\"\xff\"}", false},
        {"[{" CLAIMS "," TIMES "}]", false},
        {PAYLOAD "{}", false},
        {PAYLOAD "x", false},
        {"\xef\xbb\xbf" PAYLOAD, false},
        {"null", false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (validate_claims(rows[i].payload) != (rows[i].is_good ? 0 : TOKEN_E_REFUSED))
            fail_msg("wrong result for %s", rows[i].payload);
}

/* The clock of this host is ten minutes off: refused, and the reason says where to look. */
static void test_clock(void **state)
{
    static const int offsets[] = {-600, 3600 + 600};

    for (size_t i = 0; i < ELEMENTSOF(offsets); i++) {
        const IdTokenRules rules = {.config = &config, .now_sec = (uint64_t)(NOW + offsets[i])};
        const char *reason = NULL;
        Identity *identity = NULL;
        char *token = jose_token(good_key, &es256, HEADER, PAYLOAD);

        assert_int_equal(id_token_validate(token, jwks, &rules, &identity, &reason),
                         TOKEN_E_REFUSED);
        assert_non_null(strstr(reason, "clock of this host"));
        free(token);
    }
}

static void test_nonce(void **state)
{
    const IdTokenRules rules = {.config = &config, .now_sec = NOW, .nonce = "n-1"};
    static const struct {
        const char *payload;
        int result;
    } rows[] = {
        {"{" CLAIMS "," TIMES ",\"nonce\":\"n-1\"}", 0},
        {"{" CLAIMS "," TIMES ",\"nonce\":\"n-2\"}", TOKEN_E_REFUSED},
        {"{" CLAIMS "," TIMES ",\"nonce\":\"\"}", TOKEN_E_REFUSED},
        {"{" CLAIMS "," TIMES ",\"nonce\":[\"n-1\"]}", TOKEN_E_REFUSED},
        {PAYLOAD, TOKEN_E_REFUSED},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(validate_with(jwks, &rules,
                                       jose_token(good_key, &es256, HEADER, rows[i].payload), NULL),
                         rows[i].result);
    assert_int_equal(validate_claims(rows[1].payload), 0); /* nobody asked for one */
}

static void test_entra(void **state)
{
    ProviderConfig entra = config;
    IdTokenRules rules = {.config = &entra, .now_sec = NOW, .tenant = "tenant-1"};
    _cleanup_(identity_freep) Identity *identity = NULL;
    static const char *const refused[] = {
        "{" ISS "," REST ",\"oid\":\"o-1\"}", /* no tid */
        "{" ISS "," REST ",\"oid\":\"o-1\",\"tid\":\"tenant-2\"}",
        "{" ISS "," REST ",\"oid\":\"o-1\",\"tid\":\"TENANT-1\"}",
        "{" ISS "," REST ",\"oid\":\"o-1\",\"tid\":5}",
        "{" ISS "," REST ",\"tid\":\"tenant-1\"}", /* no oid */
        "{" ISS "," REST ",\"oid\":\"\",\"tid\":\"tenant-1\"}",
        "{" ISS "," REST ",\"oid\":5,\"tid\":\"tenant-1\"}",
        "{" ISS "," REST ",\"oid\":\"a\\nb\",\"tid\":\"tenant-1\"}",
    };

    entra.type = PROVIDER_ENTRA;
    entra.id_claim = (char *)(uintptr_t) "oid";
    assert_int_equal(
        validate_with(jwks, &rules, jose_token(good_key, &es256, HEADER, PAYLOAD), &identity), 0);
    assert_string_equal(identity->id, "tenant-1/o-1");
    for (size_t i = 0; i < ELEMENTSOF(refused); i++)
        assert_int_equal(
            validate_with(jwks, &rules, jose_token(good_key, &es256, HEADER, refused[i]), NULL),
            TOKEN_E_REFUSED);
    rules.tenant = NULL;
    assert_int_equal(
        validate_with(jwks, &rules, jose_token(good_key, &es256, HEADER, PAYLOAD), NULL),
        TOKEN_E_REFUSED);
}

/* Tokens of External ID name their tenant. */
static void test_external_id(void **state)
{
    ProviderConfig external = config;
    const IdTokenRules rules = {.config = &external, .now_sec = NOW, .tenant = "tenant-1"};

    external.type = PROVIDER_ENTRA_EXTERNAL_ID;
    assert_int_equal(
        validate_with(jwks, &rules, jose_token(good_key, &es256, HEADER, PAYLOAD), NULL), 0);
    assert_int_equal(validate_with(jwks, &rules,
                                   jose_token(good_key, &es256, HEADER, "{" ISS "," REST "}"),
                                   NULL),
                     TOKEN_E_REFUSED); /* no tid */
}

/* One issuer, several policies: only the configured one signs in. */
static void test_b2c_policy(void **state)
{
    ProviderConfig b2c = config;
    const IdTokenRules rules = {.config = &b2c, .now_sec = NOW, .tenant = "tenant-1"};
    static const struct {
        const char *claims;
        int result;
    } rows[] = {
        {"\"tfp\":\"B2C_1_in\"", 0},
        {"\"tfp\":\"b2c_1_IN\",\"tid\":\"tenant-1\"", 0},
        {"\"acr\":\"b2c_1_in\"", 0},
        {"\"tfp\":\"B2C_1_reset\"", TOKEN_E_REFUSED},
        {"\"tfp\":\"B2C_1_reset\",\"acr\":\"b2c_1_in\"", TOKEN_E_REFUSED},
        {"\"tfp\":[\"B2C_1_in\"],\"acr\":\"b2c_1_in\"", TOKEN_E_REFUSED},
        {"\"tfp\":\"\",\"acr\":\"b2c_1_in\"", TOKEN_E_REFUSED},
        {"\"acr\":\"b2c_1_i\"", TOKEN_E_REFUSED},
        {"\"x\":1", TOKEN_E_REFUSED},
        {"\"tfp\":\"B2C_1_in\",\"tid\":\"tenant-2\"", TOKEN_E_REFUSED},
        {"\"tfp\":\"B2C_1_in\",\"tid\":5", TOKEN_E_REFUSED},
    };

    b2c.type = PROVIDER_ENTRA_B2C;
    b2c.policy = (char *)(uintptr_t) "B2C_1_in";
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char *payload = NULL;
        assert_true(asprintf(&payload, "{" ISS "," REST ",\"oid\":\"o-1\",%s}",
                             rows[i].claims) > 0);
        assert_int_equal(
            validate_with(jwks, &rules, jose_token(good_key, &es256, HEADER, payload), NULL),
            rows[i].result);
        free(payload);
    }
    b2c.policy = NULL;
    assert_int_equal(validate_with(jwks, &rules,
                                   jose_token(good_key, &es256, HEADER,
                                              "{" ISS "," REST ",\"tfp\":\"B2C_1_in\"}"), NULL),
                     TOKEN_E_REFUSED);
}

/* Entra's keys name the issuer they are for; another tenant's key is no key of ours. */
static void test_entra_key_issuer(void **state)
{
    ProviderConfig entra = config;
    const IdTokenRules rules = {.config = &entra, .now_sec = NOW, .tenant = "tenant-1"};
    static const struct {
        const char *issuer;
        int result;
    } rows[] = {
        {ISSUER, 0},
        {"https://login.example/{tenantid}/v2.0", 0},
        {"https://login.example/tenant-2/v2.0", TOKEN_E_UNKNOWN_KEY},
        {"https://login.example/{tenantid}/v2.0/", TOKEN_E_UNKNOWN_KEY},
        {"https://other.example/{tenantid}/v2.0", TOKEN_E_UNKNOWN_KEY},
        {"{tenantid}", TOKEN_E_UNKNOWN_KEY},
        {"", TOKEN_E_UNKNOWN_KEY},
    };

    entra.type = PROVIDER_ENTRA;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char *extra = NULL;
        assert_true(asprintf(&extra, ",\"kid\":\"good\",\"issuer\":\"%s\"", rows[i].issuer) > 0);
        Jwks *set = set_of(jose_jwk_ec(good_key, "P-256", 32, extra), NULL);
        assert_int_equal(
            validate_with(set, &rules, jose_token(good_key, &es256, HEADER, PAYLOAD), NULL),
            rows[i].result);
        jwks_free(set);
        free(extra);
    }
}

/* External ID's may name the tenant by its own host, with holes or without, or as Entra ID does. */
static void test_external_id_key_issuer(void **state)
{
    static const char issuer[] = "https://tenant-1.ciam.example/tenant-1/v2.0";
    ProviderConfig external = config;
    const IdTokenRules rules = {.config = &external, .now_sec = NOW, .tenant = "tenant-1"};
    static const struct {
        const char *issuer;
        int result;
    } rows[] = {
        {"https://tenant-1.ciam.example/tenant-1/v2.0", 0},
        {"https://{tenantid}.ciam.example/{tenantid}/v2.0", 0},
        {"https://tenant-1.ciam.example/{tenantid}/v2.0", 0},
        {"https://login.microsoftonline.com/{tenantid}/v2.0", 0},
        {"https://login.microsoftonline.com/tenant-1/v2.0", 0},
        {"https://login.microsoftonline.com/tenant-2/v2.0", TOKEN_E_UNKNOWN_KEY},
        {"https://tenant-2.ciam.example/tenant-2/v2.0", TOKEN_E_UNKNOWN_KEY},
        {"https://tenant-2.ciam.example/{tenantid}/v2.0", TOKEN_E_UNKNOWN_KEY},
        {"https://{tenantid}.ciam.example/{tenantid}/v2.0{tenantid}", TOKEN_E_UNKNOWN_KEY},
        {"https://login.microsoftonline.us/{tenantid}/v2.0", TOKEN_E_UNKNOWN_KEY},
        {"{tenantid}{tenantid}", TOKEN_E_UNKNOWN_KEY},
        {"", TOKEN_E_UNKNOWN_KEY},
    };

    external.type = PROVIDER_ENTRA_EXTERNAL_ID;
    external.issuer = (char *)(uintptr_t)issuer;
    external.tenant = (char *)(uintptr_t)"tenant-1";
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char *extra = NULL, *payload = NULL;
        assert_true(asprintf(&extra, ",\"kid\":\"good\",\"issuer\":\"%s\"", rows[i].issuer) > 0);
        assert_true(asprintf(&payload, "{\"iss\":\"%s\"," REST ",\"tid\":\"tenant-1\","
                             "\"oid\":\"o\"}",
                             issuer) > 0);
        Jwks *set = set_of(jose_jwk_ec(good_key, "P-256", 32, extra), NULL);
        int r = validate_with(set, &rules, jose_token(good_key, &es256, HEADER, payload), NULL);
        if (r != rows[i].result)
            fail_msg("a key of '%s' gives %d", rows[i].issuer, r);
        jwks_free(set);
        free(extra);
        free(payload);
    }
}

/* Keycloak's other tokens carry the same signature. */
static void test_keycloak_kinds(void **state)
{
    ProviderConfig keycloak = config;
    const IdTokenRules rules = {.config = &keycloak, .now_sec = NOW};
    static const struct {
        const char *payload;
        int result;
    } rows[] = {
        {"{" CLAIMS "," TIMES ",\"typ\":\"ID\"}", 0},
        {"{" CLAIMS "," TIMES ",\"typ\":\"Bearer\"}", TOKEN_E_REFUSED},
        {"{" CLAIMS "," TIMES ",\"typ\":\"Refresh\"}", TOKEN_E_REFUSED},
        {"{" CLAIMS "," TIMES ",\"typ\":\"Logout\"}", TOKEN_E_REFUSED},
        {"{" CLAIMS "," TIMES ",\"typ\":[\"ID\"]}", TOKEN_E_REFUSED},
    };

    keycloak.type = PROVIDER_KEYCLOAK;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(validate_with(jwks, &rules,
                                       jose_token(good_key, &es256, HEADER, rows[i].payload), NULL),
                         rows[i].result);
}

static void test_encoding(void **state)
{
    char *good = jose_token(good_key, &es256, HEADER, PAYLOAD);
    char *dot = strchr(good, '.'), *last = strrchr(good, '.');
    char text[8192];
    const struct {
        const char *before; /* inserted before this place */
        const char *what;
    } inserts[] = {
        {good, " "},
        {good, "\n"},
        {good, "."},
        {dot, "="},
        {dot, "."},
        {dot, " "},
        {last, "="},
        {last, "=="},
        {last, "A"},
        {last, "\n"},
        {last, "+"},
        {last, "/"},
        {last, "."},
        {good + strlen(good), "="},
        {good + strlen(good), "."},
        {good + strlen(good), "\n"},
        {good + strlen(good), ".AAAA"},
        {good + strlen(good), "A"},
        {good + strlen(good), "AAAA"},
        {good + strlen(good), " x"},
    };

    for (size_t i = 0; i < ELEMENTSOF(inserts); i++) {
        size_t at = (size_t)(inserts[i].before - good);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)at, good, inserts[i].what, good + at);
        if (validate(strdup(text)) != TOKEN_E_REFUSED)
            fail_msg("accepted: row %zu", i);
    }
    snprintf(text, sizeof(text), "%.*s", (int)(last - good), good); /* two segments */
    assert_int_equal(validate(strdup(text)), TOKEN_E_REFUSED);
    snprintf(text, sizeof(text), "%.*s.", (int)(last - good), good);
    assert_int_equal(validate(strdup(text)), TOKEN_E_REFUSED);
    snprintf(text, sizeof(text), ".%s", dot + 1);
    assert_int_equal(validate(strdup(text)), TOKEN_E_REFUSED);
    assert_int_equal(validate(strdup("")), TOKEN_E_REFUSED);
    assert_int_equal(validate(strdup("..")), TOKEN_E_REFUSED);
    assert_int_equal(validate(strdup("{\"payload\":\"\",\"signature\":\"\"}")), TOKEN_E_REFUSED);
    free(good);
}

/* The last character of the signature holds four bits that decode to nothing. */
static void test_unused_bits(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *token = jose_token(good_key, &es256, HEADER, PAYLOAD);
    char *last = token + strlen(token) - 1;

    *last = alphabet[(strchr(alphabet, *last) - alphabet) ^ 1];
    assert_int_equal(validate(token), TOKEN_E_REFUSED);
}

static void test_too_long(void **state)
{
    char *payload = calloc(1, 80000);

    assert_non_null(payload);
    int n = sprintf(payload, "{" CLAIMS "," TIMES ",\"x\":\"");
    memset(payload + n, 'a', 70000);
    strcpy(payload + n + 70000, "\"}");
    assert_int_equal(validate_claims(payload), TOKEN_E_REFUSED);
    free(payload);
}

/* A token nested in a token is not opened. */
static void test_nested(void **state)
{
    char *inner = jose_token(good_key, &es256, HEADER, PAYLOAD);

    assert_int_equal(validate_claims(inner), TOKEN_E_REFUSED);
    free(inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_key_in_header),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_keys_own_algorithm),
        cmocka_unit_test(test_duplicate_kid),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_nonce),
        cmocka_unit_test(test_external_id),
        cmocka_unit_test(test_b2c_policy),
        cmocka_unit_test(test_entra),
        cmocka_unit_test(test_entra_key_issuer),
        cmocka_unit_test(test_external_id_key_issuer),
        cmocka_unit_test(test_keycloak_kinds),
        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_unused_bits),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_nested),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
