/*
 * Keys: every reason to refuse one, with real keys made here, and that one bad key spoils no set.
 */
#include <errno.h>
#include <jansson.h>

#include "common/cleanup.h"
#include "helper/token/jwks.h"
#include "helper/token/test-jose.h"

typedef struct Keys {
    EVP_PKEY *rsa, *p256, *p384, *p521, *ed25519;
    char *rsa_n;
} Keys;

static Keys keys;

static int make_keys(void **state)
{
    keys.rsa = jose_new_rsa(2048);
    keys.p256 = jose_new_ec("P-256");
    keys.p384 = jose_new_ec("P-384");
    keys.p521 = jose_new_ec("P-521");
    keys.ed25519 = jose_new_ed25519();
    keys.rsa_n = jose_number(keys.rsa, OSSL_PKEY_PARAM_RSA_N, 0);
    return 0;
}

static int free_keys(void **state)
{
    EVP_PKEY_free(keys.rsa);
    EVP_PKEY_free(keys.p256);
    EVP_PKEY_free(keys.p384);
    EVP_PKEY_free(keys.p521);
    EVP_PKEY_free(keys.ed25519);
    free(keys.rsa_n);
    return 0;
}

/* Takes the text. 0, or the refusal. */
static int parse(char *text, Jwk **ret_key)
{
    json_auto_t *json = json_loads(text, 0, NULL);
    const char *reason = NULL;
    Jwk *key = NULL;

    assert_non_null(json);
    int r = jwk_parse(json, &key, &reason);
    if (r != 0)
        assert_non_null(reason);
    if (ret_key)
        *ret_key = key;
    else
        jwk_free(key);
    free(text);
    return r;
}

static void test_accepted(void **state)
{
    const struct {
        char *text;
        KeyKind kind;
    } rows[] = {
        {jose_jwk_rsa(keys.rsa, ""), KEY_RSA},
        {jose_jwk_rsa(keys.rsa,
                      ",\"alg\":\"PS512\",\"use\":\"sig\",\"kid\":\"k\",\"x5c\":[\"AA\"]"),
         KEY_RSA},
        {jose_jwk_rsa(keys.rsa, ",\"key_ops\":[\"verify\"],\"issuer\":\"i\",\"x5t\":\"z\""),
         KEY_RSA},
        {jose_jwk_ec(keys.p256, "P-256", 32, ",\"alg\":\"ES256\""), KEY_EC_P256},
        {jose_jwk_ec(keys.p384, "P-384", 48, ""), KEY_EC_P384},
        {jose_jwk_ec(keys.p521, "P-521", 66, ""), KEY_EC_P521},
        {jose_jwk_ed25519(keys.ed25519, ",\"alg\":\"EdDSA\""), KEY_ED25519},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(jwk_freep) Jwk *key = NULL;
        assert_int_equal(parse(rows[i].text, &key), 0);
        assert_int_equal(key->kind, rows[i].kind);
    }
}

static void test_labels_are_kept(void **state)
{
    _cleanup_(jwk_freep) Jwk *key = NULL;

    assert_int_equal(
        parse(jose_jwk_rsa(keys.rsa, ",\"kid\":\"../\\u00e9\\n\",\"issuer\":\"https://i\""), &key),
        0);
    assert_string_equal(key->kid, "../\xc3\xa9\n");
    assert_string_equal(key->issuer, "https://i");
    assert_null(key->algorithm);
}

/* What a good RSA key may not have beside its numbers. */
static void test_refused_members(void **state)
{
    static const char *const extras[] = {
        ",\"use\":\"enc\"",
        ",\"use\":\"\"",
        ",\"use\":5",
        ",\"use\":[\"sig\"]",
        ",\"use\":null",
        ",\"key_ops\":[\"sign\"]",
        ",\"key_ops\":[]",
        ",\"key_ops\":\"verify\"",
        ",\"key_ops\":[\"verify\",5]",
        ",\"key_ops\":[\"encrypt\",\"wrapKey\"]",
        ",\"d\":\"AQAB\"",
        ",\"p\":\"AQAB\"",
        ",\"q\":\"AQAB\"",
        ",\"dp\":\"\"",
        ",\"dq\":null",
        ",\"qi\":1",
        ",\"oth\":[]",
        ",\"k\":\"AAAA\"",
        ",\"alg\":\"none\"",
        ",\"alg\":\"HS256\"",
        ",\"alg\":\"ES256\"",
        ",\"alg\":\"EdDSA\"",
        ",\"alg\":\"RSA-OAEP\"",
        ",\"alg\":\"rs256\"",
        ",\"alg\":\"\"",
        ",\"alg\":5",
        ",\"alg\":null",
        ",\"kid\":5",
        ",\"kid\":null",
        ",\"kid\":[\"a\"]",
        ",\"issuer\":5",
    };

    for (size_t i = 0; i < ELEMENTSOF(extras); i++)
        if (parse(jose_jwk_rsa(keys.rsa, extras[i]), NULL) != JWK_E_UNUSABLE)
            fail_msg("accepted: %s", extras[i]);
}

static char *rsa_text(const char *n, const char *e)
{
    char *text = NULL;

    assert_true(asprintf(&text, "{\"kty\":\"RSA\",\"n\":%s%s%s,\"e\":%s%s%s}",
                         *n == '[' ? "" : "\"", n, *n == '[' ? "" : "\"", *e == '[' ? "" : "\"", e,
                         *e == '[' ? "" : "\"") > 0);
    return text;
}

static void test_rsa_numbers(void **state)
{
    static const char *const exponents[] = {
        "",     "AA", "AQ", "Ag", "AAE", "BA", "AQAA", "AQAB=", "AQ AB", "[3]", "AQAAAAAAAAAAAQ",
        "////", "A"};
    _cleanup_free_ char *huge = calloc(1, 4000);
    char *even = strdup(keys.rsa_n);

    for (size_t i = 0; i < ELEMENTSOF(exponents); i++)
        if (parse(rsa_text(keys.rsa_n, exponents[i]), NULL) != JWK_E_UNUSABLE)
            fail_msg("accepted: e %s", exponents[i]);
    assert_int_equal(parse(rsa_text(keys.rsa_n, "AQAB"), NULL), 0);
    assert_int_equal(parse(rsa_text(keys.rsa_n, "Aw"), NULL), 0);

    memset(huge, '_', 3999);
    assert_int_equal(parse(rsa_text(huge, "AQAB"), NULL), JWK_E_UNUSABLE);
    huge[2736] = '\0'; /* 16416 bits */
    assert_int_equal(parse(rsa_text(huge, "AQAB"), NULL), JWK_E_UNUSABLE);
    assert_int_equal(parse(rsa_text("", "AQAB"), NULL), JWK_E_UNUSABLE);
    assert_int_equal(parse(rsa_text("AQAB", "AQAB"), NULL), JWK_E_UNUSABLE);
    even[strlen(even) - 4] =
        'A'; /* 256 bytes end in two characters of twelve bits: the last byte becomes even */
    even[strlen(even) - 3] = even[strlen(even) - 2] = even[strlen(even) - 1] = 'A';
    assert_int_equal(parse(rsa_text(even, "AQAB"), NULL), JWK_E_UNUSABLE);
    free(even);
}

static void test_small_rsa(void **state)
{
    static const unsigned sizes[] = {512, 1024, 1536, 2040};

    for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
        EVP_PKEY *small = jose_new_rsa(sizes[i]);
        assert_int_equal(parse(jose_jwk_rsa(small, ""), NULL), JWK_E_UNUSABLE);
        EVP_PKEY_free(small);
    }
}

static void test_ec(void **state)
{
    char *x = jose_number(keys.p256, OSSL_PKEY_PARAM_EC_PUB_X, 32);
    char *y = jose_number(keys.p256, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
    static const char zeros[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const struct {
        const char *crv, *x, *y;
    } rows[] = {
        {"P-256", y, x},         /* off the curve */
        {"P-256", zeros, zeros}, /* as near to infinity as coordinates can say */
        {"P-256", x, zeros},     {"P-256", x, ""},    {"P-256", "", y},
        {"P-256", "AA", "AA"},   {"P-384", x, y},     {"P-521", x, y},
        {"p-256", x, y},         {"secp256k1", x, y}, {"", x, y},
        {"Ed25519", x, y},       {"P-224", x, y},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char *text = NULL;
        assert_true(asprintf(&text, "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
                             rows[i].crv, rows[i].x, rows[i].y) > 0);
        if (parse(text, NULL) != JWK_E_UNUSABLE)
            fail_msg("accepted: EC row %zu", i);
    }
    assert_int_equal(parse(jose_jwk_ec(keys.p256, "P-256", 33, ""), NULL), JWK_E_UNUSABLE);
    assert_int_equal(parse(jose_jwk_ec(keys.p256, "P-256", 32, ",\"alg\":\"ES384\""), NULL),
                     JWK_E_UNUSABLE);
    free(x);
    free(y);
}

/* Points of order 1, 2, 4 and 8 with both signs, and second spellings of points. */
static void test_ed25519(void **state)
{
    static const uint8_t weak[][32] = {
        {0},
        {1},
        {[31] = 0x80},
        {1, [31] = 0x80},
        {0xec, [1 ... 30] = 0xff, 0x7f},
        {0xec, [1 ... 30] = 0xff, 0xff},
        {0xed, [1 ... 30] = 0xff, 0x7f},
        {0xee, [1 ... 30] = 0xff, 0x7f},
        {[0 ... 31] = 0xff},
        {0xf0, [1 ... 30] = 0xff, 0x7f},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x85},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    };

    for (size_t i = 0; i < ELEMENTSOF(weak); i++) {
        char *x = jose_base64url(weak[i], 32), *text = NULL;
        assert_true(asprintf(&text, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}", x) > 0);
        if (parse(text, NULL) != JWK_E_UNUSABLE)
            fail_msg("accepted: point %zu", i);
        free(x);
    }
    assert_int_equal(parse(strdup("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}"), NULL),
                     JWK_E_UNUSABLE);
    assert_int_equal(parse(strdup("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"), NULL), JWK_E_UNUSABLE);
    assert_int_equal(parse(strdup("{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AAAA\"}"), NULL),
                     JWK_E_UNUSABLE);
    assert_int_equal(parse(strdup("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"}"), NULL),
                     JWK_E_UNUSABLE);
}

static void test_kinds(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"kty\":5}",
        "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
        "{\"kty\":\"oct\"}",
        "{\"kty\":\"rsa\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"LATTICE\",\"x\":\"AAAA\"}",
        "{\"kty\":\"\"}",
        "{\"kty\":\"RSA\"}",
        "{\"kty\":\"EC\"}",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (parse(strdup(rows[i]), NULL) != JWK_E_UNUSABLE)
            fail_msg("accepted: %s", rows[i]);
}

/* Joins keys (taking the texts) to a set. */
static int parse_set(const char *first, char *second, char *third, Jwks **ret_jwks)
{
    char *text = NULL;
    const char *reason = NULL;

    assert_true(asprintf(&text, "{\"keys\":[%s%s%s%s%s]}", first, second ? "," : "",
                         second ? second : "", third ? "," : "", third ? third : "") > 0);
    int r = jwks_parse(text, strlen(text), ret_jwks, &reason);
    if (r < 0)
        assert_non_null(reason);
    free(text);
    free(second);
    free(third);
    return r;
}

static void test_sets(void **state)
{
    _cleanup_(jwks_freep) Jwks *jwks = NULL;

    assert_int_equal(parse_set("{\"kty\":\"LATTICE\"},5,[],\"key\"",
                               jose_jwk_rsa(keys.rsa, ",\"kid\":\"a\""),
                               jose_jwk_ec(keys.p256, "P-256", 32, ",\"kid\":\"a\""), &jwks),
                     0);
    assert_int_equal(jwks->count, 2); /* both of one kid */
    assert_int_equal(jwks->unusable, 4);
}

static void test_refused_sets(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":[]}",
        "{\"keys\":{}}",
        "{\"keys\":null}",
        "{\"keys\":[{\"kty\":\"oct\"}]}",
        "{\"keys\":[1,2,3]}",
        "<html>",
        "{\"keys\":[],\"keys\":[]}",
        "\xef\xbb\xbf{\"keys\":[]}",
    };
    const char *reason;
    Jwks *jwks = NULL;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        reason = NULL;
        assert_int_equal(jwks_parse(rows[i], strlen(rows[i]), &jwks, &reason), -EBADMSG);
        assert_non_null(reason);
        assert_null(jwks);
    }
}

/* More keys, or more bytes, than the limits allow. */
static void test_long_sets(void **state)
{
    size_t size = 0;
    const char *reason;
    Jwks *jwks = NULL;
    char *text = calloc(1, 1300000);

    assert_non_null(text);
    size = (size_t)sprintf(text, "{\"keys\":[{}");
    for (size_t i = 0; i < 1000; i++, size += 3)
        memcpy(text + size, ",{}", 3);
    memcpy(text + size, "]}", 3);
    assert_int_equal(jwks_parse(text, strlen(text), &jwks, &reason), -EBADMSG);
    memset(text, ' ', 1200000);
    memcpy(text + 1200000, "{\"keys\":[]}", 12);
    assert_int_equal(jwks_parse(text, strlen(text), &jwks, &reason), -EBADMSG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_labels_are_kept),
        cmocka_unit_test(test_refused_members),
        cmocka_unit_test(test_rsa_numbers),
        cmocka_unit_test(test_small_rsa),
        cmocka_unit_test(test_ec),
        cmocka_unit_test(test_ed25519),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_refused_sets),
        cmocka_unit_test(test_long_sets),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
