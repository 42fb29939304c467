/*
 * A secret: one allocation, wiped with explicit_bzero() (which the compiler may not remove).
 * Pages are not locked: the helper's unit forbids core files and the host's swap is the
 * administrator's to encrypt.
 */
#include "common/secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define SECRET_SIZE_MAX (1024u * 1024u)

struct Secret {
    size_t size;
    char data[];
};

int secret_new(const void *data, size_t size, Secret **ret_secret)
{
    if (size > SECRET_SIZE_MAX)
        return -EINVAL;
    Secret *secret = malloc(sizeof(*secret) + size + 1);
    if (!secret)
        return -ENOMEM;
    secret->size = size;
    if (size > 0)
        memcpy(secret->data, data, size);
    secret->data[size] = '\0';
    *ret_secret = secret;
    return 0;
}

int secret_new_string(const char *text, Secret **ret_secret)
{
    return secret_new(text, strlen(text), ret_secret);
}

int secret_copy(const Secret *secret, Secret **ret_secret)
{
    if (!secret) {
        *ret_secret = NULL;
        return 0;
    }
    return secret_new(secret->data, secret->size, ret_secret);
}

const char *secret_peek(const Secret *secret)
{
    return secret ? secret->data : NULL;
}

size_t secret_size(const Secret *secret)
{
    return secret ? secret->size : 0;
}

bool secret_equal(const Secret *a, const Secret *b)
{
    if (!a || !b || a->size != b->size)
        return false;
    unsigned char difference = 0;
    for (size_t i = 0; i < a->size; i++)
        difference |= (unsigned char)(a->data[i] ^ b->data[i]);
    return difference == 0;
}

Secret *secret_free(Secret *secret)
{
    if (!secret)
        return NULL;
    explicit_bzero(secret->data, secret->size);
    free(secret);
    return NULL;
}
