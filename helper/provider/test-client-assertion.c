/*
 * Tests of client assertions: what is signed, by which key, and which files are refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/base/base64url.h"
#include "helper/provider/client-assertion.h"
#include "helper/token/signature.h"

#define NOW   UINT64_C(1800000000)
#define DAY   (24 * 3600)
#define TOKEN "https://login.test/token"

static X509 *make_certificate(EVP_PKEY *key, int64_t end)
{
    X509 *certificate = X509_new();

    assert_non_null(certificate);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), 0));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)end));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

/* A file's text: either may be NULL. */
static Secret *make_pem(EVP_PKEY *key, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    Secret *pem = NULL;
    char *text;

    assert_non_null(bio);
    if (certificate)
        assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
    if (key)
        assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    long size = BIO_get_mem_data(bio, &text);
    assert_int_equal(secret_new(size > 0 ? text : "", (size_t)size, &pem), 0);
    BIO_free(bio);
    return pem;
}

static int make(EVP_PKEY *key, EVP_PKEY *certified, int64_t end, Secret **ret_assertion,
                uint64_t *ret_end)
{
    X509 *certificate = certified ? make_certificate(certified, end) : NULL;
    _cleanup_secret_ Secret *pem = make_pem(key, certificate);

    X509_free(certificate);
    return client_assertion_make(pem, &(AssertionStyle){0}, "client", TOKEN, NOW, ret_assertion,
                                 ret_end);
}

static json_t *decode(const char *text, size_t size)
{
    _cleanup_free_ uint8_t *data = NULL;
    size_t length;

    assert_int_equal(base64url_decode_alloc(text, size, &data, &length), 0);
    json_t *object = json_loadb((const char *)data, length, 0, NULL);
    assert_non_null(object);
    return object;
}

static void assert_text(const json_t *object, const char *name, const char *value)
{
    assert_string_equal(json_string_value(json_object_get(object, name)), value);
}

static void test_what_is_signed(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    _cleanup_secret_ Secret *assertion = NULL;
    uint64_t end = 0;

    assert_int_equal(make(key, key, NOW + DAY, &assertion, &end), 0);
    assert_true(end == NOW + DAY);
    const char *text = secret_peek(assertion), *dot = strchr(text, '.'), *last = strrchr(text, '.');
    json_t *header = decode(text, (size_t)(dot - text));
    json_t *claims = decode(dot + 1, (size_t)(last - dot - 1));
    assert_text(header, "alg", "PS256");
    assert_int_equal(json_string_length(json_object_get(header, "x5t#S256")), 43);
    assert_text(claims, "aud", TOKEN);
    assert_text(claims, "iss", "client");
    assert_text(claims, "sub", "client");
    assert_int_equal(json_string_length(json_object_get(claims, "jti")), 32);
    assert_true(json_integer_value(json_object_get(claims, "exp")) == NOW + 300);
    json_decref(header);
    json_decref(claims);

    _cleanup_free_ uint8_t *signature = NULL;
    size_t size;
    assert_int_equal(base64url_decode_alloc(last + 1, strlen(last + 1), &signature, &size), 0);
    assert_true(signature_is_valid(signature_algorithm("PS256"), KEY_RSA, key, text,
                                   (size_t)(last - text), signature, size));
    EVP_PKEY_free(key);
}

/* As Okta wants it: a key of many, RS256, and nothing that says when it ends. */
static void test_a_key_without_a_certificate(void **state)
{
    const AssertionStyle style = {.is_rs256 = true, .needs_no_certificate = true, .key_id = "k1"};
    EVP_PKEY *key = EVP_RSA_gen(2048);
    _cleanup_secret_ Secret *pem = make_pem(key, NULL), *assertion = NULL;
    _cleanup_free_ uint8_t *signature = NULL;
    uint64_t end = 1;
    size_t size;

    assert_int_equal(client_assertion_make(pem, &style, "client", TOKEN, NOW, &assertion, &end), 0);
    assert_true(end == 0);
    const char *text = secret_peek(assertion), *last = strrchr(text, '.');
    json_t *header = decode(text, (size_t)(strchr(text, '.') - text));
    assert_text(header, "alg", "RS256");
    assert_text(header, "kid", "k1");
    assert_null(json_object_get(header, "x5t#S256"));
    json_decref(header);
    assert_int_equal(base64url_decode_alloc(last + 1, strlen(last + 1), &signature, &size), 0);
    assert_true(signature_is_valid(signature_algorithm("RS256"), KEY_RSA, key, text,
                                   (size_t)(last - text), signature, size));
    EVP_PKEY_free(key);
}

static void test_files_that_are_refused(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048), *small = EVP_RSA_gen(1024);
    EVP_PKEY *curve = EVP_EC_gen("P-256");
    const struct {
        EVP_PKEY *key, *certified;
        int64_t end;
        int wanted;
    } rows[] = {
        {NULL, NULL, 0, -EBADMSG},           {key, NULL, 0, -EBADMSG},
        {NULL, key, NOW + DAY, -EBADMSG},    {key, other, NOW + DAY, -EBADMSG},
        {small, small, NOW + DAY, -EBADMSG}, {curve, curve, NOW + DAY, -EBADMSG},
        {key, key, NOW, -EKEYEXPIRED},       {key, key, NOW - DAY, -EKEYEXPIRED},
        {key, key, NOW + 1, 0},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_secret_ Secret *assertion = NULL;
        uint64_t end;
        assert_int_equal(make(rows[i].key, rows[i].certified, rows[i].end, &assertion, &end),
                         rows[i].wanted);
        assert_int_equal(assertion != NULL, rows[i].wanted == 0);
    }
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_signed),
        cmocka_unit_test(test_a_key_without_a_certificate),
        cmocka_unit_test(test_files_that_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
