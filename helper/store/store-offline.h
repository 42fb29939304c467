/*
 * What people sign in with beside their one-time code while the provider cannot be reached: the
 * hash of an offline passphrase, or of the password that the provider last found right. Sealed like
 * other secrets, and gone with the second factor.
 */
#pragma once

#include "helper/store/store.h"

#define OFFLINE_HASH_SIZE 128u

typedef enum OfflineKind {
    OFFLINE_NONE = 0,
    OFFLINE_PASSPHRASE = 1,
    OFFLINE_PASSWORD = 2, /* the person consents that its hash is kept; it comes with a sign-in */
    _OFFLINE_KIND_COUNT,
} OfflineKind;

/* 1 with both; the hash is "" while none is kept. 0: nothing is prepared; -EBADMSG for what was
 * sealed for another account or with another key: nobody signs in with it. */
int store_offline_get(Store *store, const Account *account, OfflineKind *ret_kind,
                      char ret_hash[OFFLINE_HASH_SIZE]);

/* Is anybody prepared on this host? 1, 0, negative errno. */
int store_offline_any(Store *store);

/* Replaces what there was. `hash` "" is none yet. -ESTALE when the second factor is not that of
 * `enrolled_usec` (any more). */
int store_offline_put(Store *store, const Account *account, uint64_t enrolled_usec,
                      OfflineKind kind, const char *hash);

/* Keeps another hash of the password, or with "" none, where the person still consents; else it
 * does nothing. */
int store_offline_set_password(Store *store, const Account *account, const char *hash);

int store_offline_delete(Store *store, const Account *account); /* 0, also when there was none */

/* "", "passphrase", "password"; "password (not yet)": consented to, and none is kept. Static. */
const char *offline_to_words(OfflineKind kind, const char *hash);
