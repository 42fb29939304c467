/*
 * Sealing of secrets in the database: AES-256-GCM by OpenSSL's EVP (NIST SP 800-38D).
 *
 * Sealed form: one byte version (1), 12 bytes random nonce, ciphertext, 16 bytes tag. The
 * associated data says whose secret it is and what for, so that a sealed value copied into
 * another row or column does not open.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/secret.h"

#define STORE_KEY_SIZE 32u

typedef struct SealContext {
    const Secret *key;   /* STORE_KEY_SIZE bytes */
    const char *purpose; /* "refresh-token" */
    int64_t row;         /* of the account */
    const char *name;    /* of the account */
} SealContext;

/* Returns 0 and bytes that the caller owns; -EINVAL for a key of another size or an empty or too
 * large secret; -ENOMEM; -EIO when OpenSSL fails. */
int store_seal(const SealContext *context, const Secret *secret, uint8_t **ret_sealed,
               size_t *ret_size);

/* Returns 0 and the secret; -EBADMSG when the bytes, the key or the context are not those of the
 * sealing; -EINVAL, -ENOMEM, -EIO as above. */
int store_unseal(const SealContext *context, const uint8_t *sealed, size_t size,
                 Secret **ret_secret);
