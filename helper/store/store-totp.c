/*
 * Second factors in the database. See store-totp.h.
 */
#include "helper/store/store-totp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "helper/store/store-crypto.h"
#include "helper/store/store-offline.h"
#include "helper/store/store-sql.h"

void totp_row_clear(TotpRow *row)
{
    totp_key_clear(&row->key);
}

static SealContext context_of(const Store *store, const Account *account)
{
    return (SealContext){store->key, "totp-secret", account->row, account->name};
}

/* --- the enrolment ---------------------------------------------------------------------------- */

enum { SEALED, ALGORITHM, DIGITS, PERIOD, LAST_STEP, DRIFT, SHARED, ENROLLED, BY };

static int read_row(Store *store, const Account *account, Query *query, TotpRow *row)
{
    const SealContext context = context_of(store, account);
    const uint8_t *sealed = sqlite3_column_blob(query->statement, SEALED);
    int size = sqlite3_column_bytes(query->statement, SEALED);
    _cleanup_free_ char *by = NULL;

    *row = (TotpRow){
        .key = {.algorithm = (TotpAlgorithm)query_get_integer(query, ALGORITHM),
                .digits = (unsigned)query_get_integer(query, DIGITS),
                .period_sec = (unsigned)query_get_integer(query, PERIOD)},
        .state = {.last_step = query_get_integer(query, LAST_STEP),
                  .drift = (int)query_get_integer(query, DRIFT)},
        .is_shared = query_get_integer(query, SHARED) != 0,
        .enrolled_usec = (uint64_t)query_get_integer(query, ENROLLED),
    };
    if (!sealed || size < 0)
        return -EBADMSG;
    int r = query_get_text(query, BY, &by);
    if (r >= 0)
        r = store_unseal(&context, sealed, (size_t)size, &row->key.secret);
    if (r < 0)
        return r;
    snprintf(row->by, sizeof(row->by), "%s", by ? by : "");
    return totp_key_is_valid(&row->key) ? 1 : -EBADMSG;
}

int store_totp_get(Store *store, const Account *account, TotpRow *ret_row)
{
    _cleanup_query_ Query query = query_new(store,
        "SELECT sealed, algorithm, digits, period, last_step, drift, shared, enrolled, enrolled_by"
        " FROM totp WHERE account = ?1");
    TotpRow row = {0};

    query_bind_integer(&query, 1, account->row);
    int r = query_step(&query);
    if (r <= 0)
        return r;
    r = read_row(store, account, &query, &row);
    if (r < 0) {
        totp_row_clear(&row);
        return r;
    }
    *ret_row = row;
    return 1;
}

int store_totp_has(Store *store, const Account *account)
{
    _cleanup_query_ Query query = query_new(store, "SELECT 1 FROM totp WHERE account = ?1");

    query_bind_integer(&query, 1, account->row);
    return query_step(&query);
}

static int insert_row(Store *store, const Account *account, const TotpRow *row)
{
    const SealContext context = context_of(store, account);
    _cleanup_free_ uint8_t *sealed = NULL;
    size_t size = 0;

    int r = store_seal(&context, row->key.secret, &sealed, &size);
    if (r < 0)
        return r;
    _cleanup_query_ Query query = query_new(store,
        "INSERT INTO totp (account, sealed, algorithm, digits, period, last_step, drift, shared,"
        " enrolled, enrolled_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    query_bind_integer(&query, 1, account->row);
    query_bind_blob(&query, 2, sealed, size);
    query_bind_integer(&query, 3, row->key.algorithm);
    query_bind_integer(&query, 4, row->key.digits);
    query_bind_integer(&query, 5, row->key.period_sec);
    query_bind_integer(&query, 6, row->state.last_step);
    query_bind_integer(&query, 7, row->state.drift);
    query_bind_integer(&query, 8, row->is_shared);
    query_bind_integer(&query, 9, (int64_t)row->enrolled_usec);
    query_bind_text(&query, 10, row->by);
    return query_run(&query);
}

static int delete_from(Store *store, const Account *account, const char *sql)
{
    _cleanup_query_ Query query = query_new(store, sql);

    query_bind_integer(&query, 1, account->row);
    return query_run(&query);
}

static int delete_all(Store *store, const Account *account)
{
    int r = delete_from(store, account, "DELETE FROM totp WHERE account = ?1");

    if (r >= 0)
        r = delete_from(store, account, "DELETE FROM recovery_codes WHERE account = ?1");
    return r < 0 ? r : store_offline_delete(store, account);
}

static int insert_recovery(Store *store, const Account *account, unsigned number, const char *hash)
{
    _cleanup_query_ Query query = query_new(store,
        "INSERT INTO recovery_codes (account, number, hash) VALUES (?1, ?2, ?3)");

    query_bind_integer(&query, 1, account->row);
    query_bind_integer(&query, 2, number);
    query_bind_text(&query, 3, hash);
    return query_run(&query);
}

int store_totp_put(Store *store, const Account *account, const TotpRow *row,
                   const char hashes[RECOVERY_CODES][RECOVERY_HASH_SIZE])
{
    if (account->row == 0 || !totp_key_is_valid(&row->key))
        return -EINVAL;
    int r = store_begin(store);
    if (r < 0)
        return r;
    r = delete_all(store, account);
    if (r >= 0)
        r = insert_row(store, account, row);
    for (unsigned i = 0; r >= 0 && hashes && i < RECOVERY_CODES; i++)
        r = insert_recovery(store, account, i, hashes[i]);
    return store_end(store, r < 0 ? r : 0);
}

int store_totp_delete(Store *store, const Account *account)
{
    int r = store_begin(store);

    if (r < 0)
        return r;
    return store_end(store, delete_all(store, account));
}

/* --- using up --------------------------------------------------------------------------------- */

static int run_once(Store *store, Query *query)
{
    int r = query_run(query);

    if (r < 0)
        return r;
    return sqlite3_changes(store->db) == 1 ? 0 : -EALREADY;
}

int store_totp_use(Store *store, const Account *account, uint64_t enrolled_usec,
                   const TotpState *state)
{
    _cleanup_query_ Query query = query_new(store,
        "UPDATE totp SET last_step = ?2, drift = ?3 WHERE account = ?1 AND last_step < ?2"
        " AND enrolled = ?4");

    query_bind_integer(&query, 1, account->row);
    query_bind_integer(&query, 2, state->last_step);
    query_bind_integer(&query, 3, state->drift);
    query_bind_integer(&query, 4, (int64_t)enrolled_usec);
    return run_once(store, &query);
}

int store_recovery_get(Store *store, const Account *account, unsigned number,
                       char ret_hash[RECOVERY_HASH_SIZE])
{
    _cleanup_query_ Query query = query_new(store,
        "SELECT hash FROM recovery_codes WHERE account = ?1 AND number = ?2");
    _cleanup_free_ char *hash = NULL;

    query_bind_integer(&query, 1, account->row);
    query_bind_integer(&query, 2, number);
    int r = query_step(&query);
    if (r <= 0)
        return r;
    r = query_get_text(&query, 0, &hash);
    if (r < 0)
        return r;
    if (!hash || strlen(hash) >= RECOVERY_HASH_SIZE)
        return -EBADMSG;
    memcpy(ret_hash, hash, strlen(hash) + 1);
    return 1;
}

int store_recovery_use(Store *store, const Account *account, uint64_t enrolled_usec,
                       unsigned number)
{
    _cleanup_query_ Query query = query_new(store,
        "DELETE FROM recovery_codes WHERE account = ?1 AND number = ?2"
        " AND EXISTS (SELECT 1 FROM totp WHERE account = ?1 AND enrolled = ?3)");

    query_bind_integer(&query, 1, account->row);
    query_bind_integer(&query, 2, number);
    query_bind_integer(&query, 3, (int64_t)enrolled_usec);
    return run_once(store, &query);
}

int store_recovery_count(Store *store, const Account *account, unsigned *ret_left)
{
    _cleanup_query_ Query query = query_new(store,
        "SELECT count(*) FROM recovery_codes WHERE account = ?1");

    query_bind_integer(&query, 1, account->row);
    int r = query_step(&query);
    if (r < 0)
        return r;
    *ret_left = r > 0 ? (unsigned)query_get_integer(&query, 0) : 0;
    return 0;
}
