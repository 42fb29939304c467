/*
 * Client assertions. See client-assertion.h.
 */
#include "helper/provider/client-assertion.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "helper/base/base64url.h"
#include "helper/base/buffer.h"
#include "helper/base/random-id.h"

#define LIFE_SEC       300
#define KEY_BITS_MIN   2048
#define KEY_BITS_MAX   16384
#define SIGNATURE_MAX  (KEY_BITS_MAX / 8)
#define ASSERTION_MAX  16384u
#define PART_MAX       4096u /* of the header or the claims, before encoding */

typedef struct Pair {
    EVP_PKEY *key;
    X509 *certificate;
} Pair;

static void pair_clear(Pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->certificate);
}

/* --- the file --------------------------------------------------------------------------------- */

/* A passphrase would be asked for on the terminal otherwise. */
static int no_passphrase(char *buffer, int size, int writing, void *userdata)
{
    return -1;
}

static BIO *open_text(const Secret *pem)
{
    return BIO_new_mem_buf(secret_peek(pem), (int)secret_size(pem));
}

static int read_pair(const Secret *pem, bool needs_certificate, Pair *pair)
{
    BIO *key = open_text(pem), *certificate = open_text(pem);

    if (key && certificate) {
        pair->key = PEM_read_bio_PrivateKey(key, NULL, no_passphrase, NULL);
        pair->certificate = PEM_read_bio_X509(certificate, NULL, no_passphrase, NULL);
    }
    BIO_free(key);
    BIO_free(certificate);
    if (!pair->key || EVP_PKEY_get_base_id(pair->key) != EVP_PKEY_RSA)
        return -EBADMSG;
    if (pair->certificate ? X509_check_private_key(pair->certificate, pair->key) != 1
                          : needs_certificate)
        return -EBADMSG;
    int bits = EVP_PKEY_get_bits(pair->key);
    return bits >= KEY_BITS_MIN && bits <= KEY_BITS_MAX ? 0 : -EBADMSG;
}

static int read_end(const X509 *certificate, uint64_t *ret_sec)
{
    struct tm end;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        return -EBADMSG;
    time_t seconds = timegm(&end);
    *ret_sec = seconds > 0 ? (uint64_t)seconds : 0;
    return 0;
}

/* --- the token -------------------------------------------------------------------------------- */

/* Takes `object` over; NULL is memory that was short. */
static int add_json(Buffer *token, json_t *object)
{
    char text[PART_MAX], encoded[BASE64URL_ENCODED_SIZE(PART_MAX)];
    size_t size = object ? json_dumpb(object, text, sizeof(text), JSON_COMPACT) : 0;

    json_decref(object);
    if (size == 0)
        return -ENOMEM;
    if (size > sizeof(text))
        return -EMSGSIZE;
    base64url_encode((const uint8_t *)text, size, encoded);
    return buffer_add_text(token, encoded);
}

static int add_header(Buffer *token, const X509 *certificate, const AssertionStyle *style)
{
    uint8_t digest[32];
    char thumbprint[BASE64URL_ENCODED_SIZE(sizeof(digest))];
    unsigned size = 0;

    if (certificate &&
        (X509_digest(certificate, EVP_sha256(), digest, &size) != 1 || size != sizeof(digest)))
        return -EIO;
    base64url_encode(digest, sizeof(digest), thumbprint);
    return add_json(token, json_pack("{s:s,s:s,s:s*,s:s*}", "alg",
                                     style->is_rs256 ? "RS256" : "PS256", "typ", "JWT", "x5t#S256",
                                     certificate ? thumbprint : NULL, "kid", style->key_id));
}

static int add_claims(Buffer *token, const char *client_id, const char *audience, uint64_t now_sec)
{
    char id[RANDOM_ID_SIZE];
    int r = random_id(id);

    if (r < 0)
        return r;
    return add_json(token, json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I}", "aud", audience, "iss",
                                     client_id, "sub", client_id, "jti", id, "iat",
                                     (json_int_t)now_sec, "nbf", (json_int_t)now_sec, "exp",
                                     (json_int_t)(now_sec + LIFE_SEC)));
}

/* RFC 7518 §3.5: the salt is as long as the hash. */
static bool set_pss(EVP_PKEY_CTX *options)
{
    return EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static int sign(EVP_PKEY *key, bool is_rs256, const Buffer *signed_text, uint8_t *signature,
                size_t *size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    bool done =
        context && EVP_DigestSignInit(context, &options, EVP_sha256(), NULL, key) == 1 &&
        (is_rs256 || set_pss(options)) &&
        EVP_DigestSign(context, signature, size, (const unsigned char *)signed_text->data,
                       signed_text->size) == 1;

    EVP_MD_CTX_free(context);
    return done ? 0 : -EIO;
}

static int add_signature(Buffer *token, EVP_PKEY *key, bool is_rs256)
{
    uint8_t signature[SIGNATURE_MAX];
    char encoded[BASE64URL_ENCODED_SIZE(SIGNATURE_MAX)];
    size_t size = sizeof(signature);
    int r = sign(key, is_rs256, token, signature, &size);

    if (r < 0)
        return r;
    base64url_encode(signature, size, encoded);
    r = buffer_add_text(token, ".");
    return r == 0 ? buffer_add_text(token, encoded) : r;
}

int client_assertion_make(const Secret *pem, const AssertionStyle *style, const char *client_id,
                          const char *audience, uint64_t now_sec, Secret **ret_assertion,
                          uint64_t *ret_expires_sec)
{
    _cleanup_(pair_clear) Pair pair = {0};
    _cleanup_buffer_ Buffer token = BUFFER_INIT(ASSERTION_MAX);
    int r = read_pair(pem, !style->needs_no_certificate, &pair);

    *ret_expires_sec = 0;
    if (r == 0 && pair.certificate)
        r = read_end(pair.certificate, ret_expires_sec);
    if (r == 0 && pair.certificate && *ret_expires_sec <= now_sec)
        r = -EKEYEXPIRED;
    if (r == 0)
        r = add_header(&token, pair.certificate, style);
    if (r == 0)
        r = buffer_add_text(&token, ".");
    if (r == 0)
        r = add_claims(&token, client_id, audience, now_sec);
    if (r == 0)
        r = add_signature(&token, pair.key, style->is_rs256);
    return r == 0 ? secret_new(token.data, token.size, ret_assertion) : r;
}
