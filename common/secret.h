/*
 * A secret: bytes that are wiped before their memory is given back.
 *
 * Every password, code, token and key that outlives one function lives in one of these. The type
 * is opaque so that nobody copies the pointer into a log line by accident: reading it takes a
 * call whose name can be searched for.
 */
#pragma once

#include <stddef.h>
#include <stdbool.h>
#include "common/cleanup.h"

typedef struct Secret Secret;

/* Copies `size` bytes (a NUL is added behind them and not counted). Caller owns *ret_secret.
 * Returns 0, -EINVAL for more than 1 MiB, -ENOMEM. */
int secret_new(const void *data, size_t size, Secret **ret_secret);

/* As secret_new() of strlen(text) bytes. */
int secret_new_string(const char *text, Secret **ret_secret);

/* Another secret with the same bytes. NULL in, NULL out with 0. */
int secret_copy(const Secret *secret, Secret **ret_secret);

/* The bytes, NUL-terminated, owned by the secret. NULL for NULL. */
const char *secret_peek(const Secret *secret);

/* Number of bytes without the NUL; 0 for NULL. */
size_t secret_size(const Secret *secret);

/* Compares in constant time for equal sizes. NULL equals nothing. */
bool secret_equal(const Secret *a, const Secret *b);

/* Wipes and frees. Returns NULL. */
Secret *secret_free(Secret *secret);
DEFINE_CLEANUP(Secret *, secret_free)
#define _cleanup_secret_ _cleanup_(secret_freep)
