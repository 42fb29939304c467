/*
 * What is kept for sign-ins during an outage. See store-offline.h.
 */
#include "helper/store/store-offline.h"

#include <errno.h>
#include <string.h>

#include "helper/store/store-crypto.h"
#include "helper/store/store-sql.h"

static SealContext context_of(const Store *store, const Account *account)
{
    return (SealContext){store->key, "offline-secret", account->row, account->name};
}

/* NULL and no bytes for "". */
static int seal(const Store *store, const Account *account, const char *hash, uint8_t **ret_sealed,
                size_t *ret_size)
{
    const SealContext context = context_of(store, account);
    _cleanup_secret_ Secret *secret = NULL;

    *ret_sealed = NULL;
    *ret_size = 0;
    if (*hash == '\0')
        return 0;
    int r = strlen(hash) < OFFLINE_HASH_SIZE ? secret_new_string(hash, &secret) : -EINVAL;
    return r < 0 ? r : store_seal(&context, secret, ret_sealed, ret_size);
}

static int unseal(const Store *store, const Account *account, Query *query, int column,
                  char ret_hash[OFFLINE_HASH_SIZE])
{
    const SealContext context = context_of(store, account);
    const uint8_t *sealed = sqlite3_column_blob(query->statement, column);
    int size = sqlite3_column_bytes(query->statement, column);
    _cleanup_secret_ Secret *secret = NULL;

    ret_hash[0] = '\0';
    if (!sealed || size <= 0)
        return 0;
    int r = store_unseal(&context, sealed, (size_t)size, &secret);
    if (r < 0)
        return r;
    if (secret_size(secret) >= OFFLINE_HASH_SIZE)
        return -EBADMSG;
    memcpy(ret_hash, secret_peek(secret), secret_size(secret) + 1);
    return 0;
}

int store_offline_get(Store *store, const Account *account, OfflineKind *ret_kind,
                      char ret_hash[OFFLINE_HASH_SIZE])
{
    _cleanup_query_ Query query = query_new(store,
        "SELECT kind, sealed FROM offline_secrets WHERE account = ?1");

    query_bind_integer(&query, 1, account->row);
    int r = query_step(&query);
    if (r <= 0)
        return r;
    int64_t kind = query_get_integer(&query, 0);
    if (kind <= OFFLINE_NONE || kind >= _OFFLINE_KIND_COUNT)
        return -EBADMSG;
    r = unseal(store, account, &query, 1, ret_hash);
    if (r < 0)
        return r;
    *ret_kind = (OfflineKind)kind;
    return 1;
}

int store_offline_any(Store *store)
{
    _cleanup_query_ Query query = query_new(store,
        "SELECT 1 FROM offline_secrets WHERE sealed IS NOT NULL LIMIT 1");

    return query_step(&query);
}

int store_offline_put(Store *store, const Account *account, uint64_t enrolled_usec,
                      OfflineKind kind, const char *hash)
{
    _cleanup_free_ uint8_t *sealed = NULL;
    size_t size;

    int r = seal(store, account, hash, &sealed, &size);
    if (r < 0)
        return r;
    _cleanup_query_ Query query = query_new(store,
        "INSERT OR REPLACE INTO offline_secrets (account, kind, sealed)"
        " SELECT account, ?2, ?3 FROM totp WHERE account = ?1 AND enrolled = ?4");
    query_bind_integer(&query, 1, account->row);
    query_bind_integer(&query, 2, kind);
    if (sealed)
        query_bind_blob(&query, 3, sealed, size);
    query_bind_integer(&query, 4, (int64_t)enrolled_usec);
    r = query_run(&query);
    if (r < 0)
        return r;
    return sqlite3_changes(store->db) == 1 ? 0 : -ESTALE;
}

int store_offline_set_password(Store *store, const Account *account, const char *hash)
{
    _cleanup_free_ uint8_t *sealed = NULL;
    size_t size;

    int r = seal(store, account, hash, &sealed, &size);
    if (r < 0)
        return r;
    _cleanup_query_ Query query = query_new(store,
        "UPDATE offline_secrets SET sealed = ?2 WHERE account = ?1 AND kind = ?3");
    query_bind_integer(&query, 1, account->row);
    if (sealed)
        query_bind_blob(&query, 2, sealed, size);
    query_bind_integer(&query, 3, OFFLINE_PASSWORD);
    return query_run(&query);
}

int store_offline_delete(Store *store, const Account *account)
{
    _cleanup_query_ Query query = query_new(store,
        "DELETE FROM offline_secrets WHERE account = ?1");

    query_bind_integer(&query, 1, account->row);
    return query_run(&query);
}

const char *offline_to_words(OfflineKind kind, const char *hash)
{
    if (kind == OFFLINE_PASSPHRASE && *hash)
        return "passphrase";
    if (kind == OFFLINE_PASSWORD)
        return *hash ? "password" : "password (not yet)";
    return "";
}
