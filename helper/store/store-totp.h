/*
 * Second factors in the state database: one enrolment per account, its secret sealed, and the
 * hashes of its recovery codes.
 */
#pragma once

#include "helper/store/store.h"
#include "helper/totp/recovery.h"
#include "helper/totp/totp.h"

typedef struct TotpRow {
    TotpKey key;
    TotpState state;
    bool is_shared;         /* imported: other hosts know the secret, too */
    uint64_t enrolled_usec; /* wall clock */
    char by[64];            /* who enrolled it */
} TotpRow;

void totp_row_clear(TotpRow *row);

/* 1 with the row, 0 when there is none; -EBADMSG for one sealed with another key or for another
 * account, or that makes no sense: nobody signs in with it. */
int store_totp_get(Store *store, const Account *account, TotpRow *ret_row);
int store_totp_has(Store *store, const Account *account); /* 1, 0, negative errno */

/* Replaces an earlier enrolment with its recovery codes. `hashes` are RECOVERY_CODES texts, or
 * NULL: there are none. */
int store_totp_put(Store *store, const Account *account, const TotpRow *row,
                   const char hashes[RECOVERY_CODES][RECOVERY_HASH_SIZE]);
int store_totp_delete(Store *store, const Account *account); /* 0, also when there was none */

/* Uses a step up: only when it is newer than the newest. -EALREADY when it is not, whoever came
 * first, and when the enrolment is another one by now; on the disk when it returns 0. */
int store_totp_use(Store *store, const Account *account, uint64_t enrolled_usec,
                   const TotpState *state);

/* The hash of a recovery code that is left; 1, 0 when it is used up, negative errno. */
int store_recovery_get(Store *store, const Account *account, unsigned number,
                       char ret_hash[RECOVERY_HASH_SIZE]);
/* -EALREADY when somebody has used it meanwhile. */
int store_recovery_use(Store *store, const Account *account, uint64_t enrolled_usec,
                       unsigned number);
int store_recovery_count(Store *store, const Account *account, unsigned *ret_left);
