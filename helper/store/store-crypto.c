/*
 * AES-256-GCM with a random nonce. At one token a minute for each of 200,000 accounts the 2^32
 * messages that SP 800-38D allows one key with random nonces last for two weeks of nothing but
 * rotation; a host of 2,000 accounts needs four years. A new key file costs one sign-in each.
 */
#include "helper/store/store-crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "common/limits.h"

#define SEAL_VERSION 1u
#define NONCE_SIZE   12u
#define TAG_SIZE     16u
#define OVERHEAD     (1u + NONCE_SIZE + TAG_SIZE)

_Static_assert(TOKEN_RESPONSE_MAX + OVERHEAD < INT_MAX, "sizes fit OpenSSL's int");

static EVP_CIPHER_CTX *cipher_free(EVP_CIPHER_CTX *cipher)
{
    EVP_CIPHER_CTX_free(cipher);
    return NULL;
}
DEFINE_CLEANUP(EVP_CIPHER_CTX *, cipher_free)

/* "rcpch-state", purpose, row and name, each ended by NUL: no two contexts give the same bytes. */
static int associated_data(const SealContext *context, char **ret_data, size_t *ret_size)
{
    int size = asprintf(ret_data, "rcpch-state%c%s%c%lld%c%s", 0, context->purpose, 0,
                        (long long)context->row, 0, context->name);

    if (size < 0) {
        *ret_data = NULL;
        return -ENOMEM;
    }
    *ret_size = (size_t)size + 1;
    return 0;
}

static int begin(const SealContext *context, int encrypt, const uint8_t *nonce,
                 EVP_CIPHER_CTX **ret_cipher)
{
    _cleanup_(cipher_freep) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    _cleanup_free_ char *data = NULL;
    size_t data_size = 0;
    int written;

    if (!cipher)
        return -ENOMEM;
    int r = associated_data(context, &data, &data_size);
    if (r < 0)
        return r;
    /* GCM's default nonce is 96 bits. */
    if (EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL,
                          (const uint8_t *)secret_peek(context->key), nonce, encrypt) != 1 ||
        EVP_CipherUpdate(cipher, NULL, &written, (const uint8_t *)data, (int)data_size) != 1)
        return -EIO;
    *ret_cipher = TAKE_PTR(cipher);
    return 0;
}

static int encrypt(const SealContext *context, const Secret *secret, uint8_t *sealed)
{
    _cleanup_(cipher_freep) EVP_CIPHER_CTX *cipher = NULL;
    uint8_t *nonce = sealed + 1, *body = nonce + NONCE_SIZE;
    int size = (int)secret_size(secret), written = 0, rest = 0;

    if (RAND_bytes(nonce, (int)NONCE_SIZE) != 1)
        return -EIO;
    int r = begin(context, 1, nonce, &cipher);
    if (r < 0)
        return r;
    if (EVP_CipherUpdate(cipher, body, &written, (const uint8_t *)secret_peek(secret), size) != 1 ||
        EVP_CipherFinal_ex(cipher, body + written, &rest) != 1 || written + rest != size ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, (int)TAG_SIZE, body + size) != 1)
        return -EIO;
    return 0;
}

int store_seal(const SealContext *context, const Secret *secret, uint8_t **ret_sealed,
               size_t *ret_size)
{
    size_t size = secret_size(secret);

    if (secret_size(context->key) != STORE_KEY_SIZE || size == 0 || size > TOKEN_RESPONSE_MAX)
        return -EINVAL;
    _cleanup_free_ uint8_t *sealed = malloc(size + OVERHEAD);
    if (!sealed)
        return -ENOMEM;
    sealed[0] = SEAL_VERSION;
    int r = encrypt(context, secret, sealed);
    if (r < 0)
        return r;
    *ret_sealed = TAKE_PTR(sealed);
    *ret_size = size + OVERHEAD;
    return 0;
}

/* `plain` holds unauthenticated bytes until this returns 0; the caller wipes it either way. */
static int decrypt(const SealContext *context, const uint8_t *sealed, size_t size, uint8_t *plain)
{
    _cleanup_(cipher_freep) EVP_CIPHER_CTX *cipher = NULL;
    const uint8_t *nonce = sealed + 1, *body = nonce + NONCE_SIZE;
    uint8_t tag[TAG_SIZE];
    int body_size = (int)(size - OVERHEAD), written = 0, rest = 0;

    memcpy(tag, body + body_size, TAG_SIZE);
    int r = begin(context, 0, nonce, &cipher);
    if (r < 0)
        return r;
    if (EVP_CipherUpdate(cipher, plain, &written, body, body_size) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, (int)TAG_SIZE, tag) != 1)
        return -EIO;
    if (EVP_CipherFinal_ex(cipher, plain + written, &rest) != 1)
        return -EBADMSG;
    return written + rest == body_size ? 0 : -EIO;
}

int store_unseal(const SealContext *context, const uint8_t *sealed, size_t size,
                 Secret **ret_secret)
{
    if (secret_size(context->key) != STORE_KEY_SIZE)
        return -EINVAL;
    if (size <= OVERHEAD || size > TOKEN_RESPONSE_MAX + OVERHEAD || sealed[0] != SEAL_VERSION)
        return -EBADMSG;
    size_t plain_size = size - OVERHEAD;
    uint8_t *plain = malloc(plain_size);
    if (!plain)
        return -ENOMEM;
    int r = decrypt(context, sealed, size, plain);
    if (r >= 0)
        r = secret_new(plain, plain_size, ret_secret);
    explicit_bzero(plain, plain_size);
    free(plain);
    return r;
}
