/*
 * Hashes of what people remember: yescrypt (crypt(5)), which takes 16 MB and tens of milliseconds
 * on purpose. So a thread computes them, one at a time, and the loop goes on meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>
#include "common/secret.h"

#define HASH_SIZE        128u
#define HASHES_WAIT_MAX  32u /* behind the one that is computed */

typedef struct Hasher Hasher;
typedef struct HashJob HashJob;

int hasher_new(sd_event *event, Hasher **ret_hasher);
/* Waits for the one that is computed. Handlers that were not cancelled hear -ECANCELED. */
Hasher *hasher_free(Hasher *hasher);
DEFINE_CLEANUP(Hasher *, hasher_free)

/* `hash`: a new one of what was given; with hasher_check() only when it fits. `r`: 0; -EKEYREJECTED
 * when it does not fit; or another negative errno. Called from the loop, once. */
typedef void (*HashHandler)(int r, const char *hash, void *userdata);

/* What is given is copied. Returns 0, -EBUSY when too many wait, or another negative errno.
 * `ret_job` may be NULL: then it cannot be cancelled. */
int hasher_make(Hasher *hasher, const Secret *text, HashHandler handler, void *userdata,
                HashJob **ret_job);
int hasher_check(Hasher *hasher, const Secret *text, const char *hash, HashHandler handler,
                 void *userdata, HashJob **ret_job);

/* The handler is not called any more. NULL is fine. Returns NULL. */
HashJob *hash_job_cancel(HashJob *job);
