/*
 * Signatures: the examples of RFC 7515 appendix A, RFC 7520 §4 and RFC 8037 appendix A, and what a
 * verifier must refuse although the mathematics may hold.
 */
#include <jansson.h>

#include "common/cleanup.h"
#include "helper/base/base64url.h"
#include "helper/token/jwk.h"
#include "helper/token/signature.h"
#include "helper/token/test-jose.h"

#define RFC7515_A2_KEY                                                                             \
    "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""                                                     \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4" \
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re" \
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX" \
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"}"

#define RFC7520_RSA_KEY                                                                            \
    "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"e\":\"AQAB\","  \
    "\"n\":\""                                                                                     \
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmS" \
    "CpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-Of" \
    "VfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKw" \
    "uCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\"}"

#define RFC7520_EC_KEY                                                                             \
    "{\"kty\":\"EC\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"crv\":\"P-"      \
    "521\",\"x\":\""                                                                               \
    "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt\","  \
    "\"y\":\"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-"   \
    "HqHZR1\"}"

#define JOE                                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define FRODO                                                                                      \
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250" \
    "byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hl" \
    "cmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"

typedef struct Vector {
    const char *source, *algorithm, *key, *input, *signature;
} Vector;

static const Vector vectors[] = {
    {"RFC 7515 A.2", "RS256", RFC7515_A2_KEY, "eyJhbGciOiJSUzI1NiJ9." JOE,
     "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
     "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
     "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
     "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"RFC 7515 A.3", "ES256",
     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
     "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
     "eyJhbGciOiJFUzI1NiJ9." JOE,
     "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"RFC 7515 A.4", "ES512",
     "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5E"
     "OnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2T"
     "h-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}",
     "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
     "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8G"
     "aSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
    {"RFC 7520 4.1", "RS256", RFC7520_RSA_KEY,
     "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO,
     "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xugl"
     "II7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x"
     "8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE"
     "_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"},
    {"RFC 7520 4.2", "PS384", RFC7520_RSA_KEY,
     "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO,
     "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TT"
     "B5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrY"
     "RXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtf"
     "a64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"},
    {"RFC 7520 4.3", "ES512", RFC7520_EC_KEY,
     "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." FRODO,
     "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3"
     "mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2"},
    {"RFC 8037 A.4", "EdDSA",
     "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

static Jwk *key_of(const char *text)
{
    json_auto_t *json = json_loads(text, 0, NULL);
    const char *reason = "";
    Jwk *key = NULL;

    assert_non_null(json);
    assert_int_equal(jwk_parse(json, &key, &reason), 0);
    return key;
}

static bool verify(const char *algorithm, const Jwk *key, const char *input,
                   const uint8_t *signature, size_t size)
{
    const SignatureAlgorithm *found = signature_algorithm(algorithm);

    assert_non_null(found);
    return signature_is_valid(found, key->kind, key->key, input, strlen(input), signature, size);
}

static void test_vectors(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
        const Vector *v = &vectors[i];
        _cleanup_(jwk_freep) Jwk *key = key_of(v->key);
        _cleanup_free_ uint8_t *signature = NULL;
        size_t size = 0;

        assert_int_equal(
            base64url_decode_alloc(v->signature, strlen(v->signature), &signature, &size), 0);
        if (!verify(v->algorithm, key, v->input, signature, size))
            fail_msg("%s does not verify", v->source);
        for (size_t byte = 0; byte < size; byte += 7) { /* one bit flipped */
            signature[byte] ^= 1;
            assert_false(verify(v->algorithm, key, v->input, signature, size));
            signature[byte] ^= 1;
        }
        assert_false(verify(v->algorithm, key, v->input + 1, signature, size));
        assert_false(verify(v->algorithm, key, v->input, signature, size - 1));
        assert_false(verify(v->algorithm, key, v->input, signature, 0));
    }
}

/* Every algorithm with every other kind of key. */
static void test_algorithm_is_bound_to_the_key(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
        _cleanup_(jwk_freep) Jwk *key = key_of(vectors[i].key);
        _cleanup_free_ uint8_t *signature = NULL;
        size_t size = 0;

        assert_int_equal(base64url_decode_alloc(vectors[i].signature, strlen(vectors[i].signature),
                                                &signature, &size),
                         0);
        for (size_t k = 0; k < ELEMENTSOF(vectors); k++)
            if (strcmp(vectors[k].algorithm, vectors[i].algorithm) != 0)
                assert_false(verify(vectors[k].algorithm, key, vectors[i].input, signature, size));
    }
}

static void test_names(void **state)
{
    static const char *const refused[] = {
        "",        "none",     "None",   "NONE",   "nOnE",   "HS256",  "HS384",  "HS512",
        "RSA1_5",  "RSA-OAEP", "ES256K", "rs256",  "RS256 ", " RS256", "RS2567", "RS25",
        "Ed25519", "eddsa",    "dir",    "A128KW", "RS1",    "ES128",
    };
    static const char *const taken[] = {
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    };

    for (size_t i = 0; i < ELEMENTSOF(refused); i++)
        assert_null(signature_algorithm(refused[i]));
    for (size_t i = 0; i < ELEMENTSOF(taken); i++)
        assert_non_null(signature_algorithm(taken[i]));
}

/* Good signatures of every row of the table, by fresh keys. */
static void test_every_algorithm(void **state)
{
    EVP_PKEY *rsa = jose_new_rsa(2048), *p256 = jose_new_ec("P-256"), *p384 = jose_new_ec("P-384");
    EVP_PKEY *p521 = jose_new_ec("P-521"), *ed = jose_new_ed25519();
    const struct {
        const char *name;
        KeyKind kind;
        EVP_PKEY *key;
        JoseHow how;
    } rows[] = {
        {"RS256", KEY_RSA, rsa, {.digest = "SHA256"}},
        {"RS384", KEY_RSA, rsa, {.digest = "SHA384"}},
        {"RS512", KEY_RSA, rsa, {.digest = "SHA512"}},
        {"PS256", KEY_RSA, rsa, {.digest = "SHA256", .pss = true}},
        {"PS384", KEY_RSA, rsa, {.digest = "SHA384", .pss = true}},
        {"PS512", KEY_RSA, rsa, {.digest = "SHA512", .pss = true}},
        {"ES256", KEY_EC_P256, p256, {.digest = "SHA256", .half = 32}},
        {"ES384", KEY_EC_P384, p384, {.digest = "SHA384", .half = 48}},
        {"ES512", KEY_EC_P521, p521, {.digest = "SHA512", .half = 66}},
        {"EdDSA", KEY_ED25519, ed, {.digest = NULL}},
    };
    uint8_t signature[1024];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const char *text = "a.b";
        size_t size = jose_sign(rows[i].key, &rows[i].how, text, signature, sizeof(signature));
        for (size_t k = 0; k < ELEMENTSOF(rows); k++)
            assert_int_equal(signature_is_valid(signature_algorithm(rows[k].name), rows[i].kind,
                                                rows[i].key, text, strlen(text), signature, size),
                             i == k);
    }
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(p521);
    EVP_PKEY_free(ed);
}

static void test_pss_salt(void **state)
{
    static const int salts[] = {RSA_PSS_SALTLEN_MAX, 20, 31, 33, 1};
    EVP_PKEY *rsa = jose_new_rsa(2048);
    uint8_t signature[1024];

    for (size_t i = 0; i < ELEMENTSOF(salts); i++) {
        JoseHow how = {.digest = "SHA256", .pss = true, .salt = salts[i]};
        size_t size = jose_sign(rsa, &how, "a.b", signature, sizeof(signature));
        assert_false(signature_is_valid(signature_algorithm("PS256"), KEY_RSA, rsa, "a.b", 3,
                                        signature, size));
    }
    EVP_PKEY_free(rsa);
}

/* r and s outside 1…n-1, lengths that are off by one, DER instead of the raw form. */
static void test_ecdsa_forms(void **state)
{
    const SignatureAlgorithm *es256 = signature_algorithm("ES256");
    EVP_PKEY *key = jose_new_ec("P-256");
    const JoseHow raw = {.digest = "SHA256", .half = 32}, der = {.digest = "SHA256"};
    uint8_t good[256], bad[256];
    /* n of P-256 */
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    size_t size = jose_sign(key, &raw, "a.b", good, sizeof(good));

    assert_true(signature_is_valid(es256, KEY_EC_P256, key, "a.b", 3, good, size));
    for (size_t half = 0; half < 2; half++) {
        memcpy(bad, good, size);
        memset(bad + 32 * half, 0, 32);
        assert_false(signature_is_valid(es256, KEY_EC_P256, key, "a.b", 3, bad, size));
        memcpy(bad + 32 * half, order, 32);
        assert_false(signature_is_valid(es256, KEY_EC_P256, key, "a.b", 3, bad, size));
        memset(bad + 32 * half, 0xff, 32);
        assert_false(signature_is_valid(es256, KEY_EC_P256, key, "a.b", 3, bad, size));
    }
    memset(bad, 0, 64);
    assert_false(signature_is_valid(es256, KEY_EC_P256, key, "a.b", 3, bad, 64));
    memcpy(bad, good, size);
    bad[size] = 0;
    assert_false(signature_is_valid(es256, KEY_EC_P256, key, "a.b", 3, bad, size + 1));
    assert_false(signature_is_valid(es256, KEY_EC_P256, key, "a.b", 3, good, size - 2));
    size = jose_sign(key, &der, "a.b", bad, sizeof(bad));
    assert_false(signature_is_valid(es256, KEY_EC_P256, key, "a.b", 3, bad, size));
    EVP_PKEY_free(key);
}

/* RFC 8032 §5.1.7: S + L is the same number to the curve and must not be to us. */
static void test_eddsa_malleability(void **state)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    EVP_PKEY *key = jose_new_ed25519();
    const JoseHow how = {.digest = NULL};
    uint8_t signature[64];
    unsigned carry = 0;

    assert_int_equal(jose_sign(key, &how, "a.b", signature, sizeof(signature)), 64);
    assert_true(signature_is_valid(signature_algorithm("EdDSA"), KEY_ED25519, key, "a.b", 3,
                                   signature, 64));
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_false(signature_is_valid(signature_algorithm("EdDSA"), KEY_ED25519, key, "a.b", 3,
                                    signature, 64));
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_algorithm_is_bound_to_the_key),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_algorithm),
        cmocka_unit_test(test_pss_salt),
        cmocka_unit_test(test_ecdsa_forms),
        cmocka_unit_test(test_eddsa_malleability),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
