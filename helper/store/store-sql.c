/*
 * The few calls of SQLite that the store needs, with one way of failing.
 */
#include "helper/store/store-sql.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "helper/store/store.h"

typedef struct ErrnoRow {
    int result, error;
} ErrnoRow;

static const ErrnoRow errno_table[] = {
    {SQLITE_NOMEM, ENOMEM},      {SQLITE_BUSY, EBUSY},       {SQLITE_LOCKED, EBUSY},
    {SQLITE_FULL, ENOSPC},       {SQLITE_READONLY, EROFS},   {SQLITE_CORRUPT, EUCLEAN},
    {SQLITE_NOTADB, EUCLEAN},    {SQLITE_PERM, EACCES},      {SQLITE_AUTH, EACCES},
    {SQLITE_CONSTRAINT, EEXIST}, {SQLITE_TOOBIG, E2BIG},     {SQLITE_CANTOPEN, ENOENT},
    {SQLITE_MISMATCH, EUCLEAN},  {SQLITE_PROTOCOL, EBUSY},   {SQLITE_INTERRUPT, EINTR},
};

int store_errno(int result)
{
    int primary = result & 0xff;

    if (primary == SQLITE_OK || primary == SQLITE_ROW || primary == SQLITE_DONE)
        return 0;
    for (size_t i = 0; i < ELEMENTSOF(errno_table); i++) {
        if (errno_table[i].result == primary)
            return -errno_table[i].error;
    }
    return -EIO;
}

static int execute(Store *store, const char *sql)
{
    return store_errno(sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

int store_give_way(Store *store)
{
    if (!store->batch_is_open || store->batch_is_running)
        return 0;
    store->batch_is_open = false;
    if (!sqlite3_get_autocommit(store->db))
        (void)execute(store, "ROLLBACK");
    return sqlite3_get_autocommit(store->db) ? 0 : -EIO;
}

/* Batches are about numbers only: who reads something else may go on beside one. */
static bool meets_batch(const Query *query, const char *sql)
{
    return !sqlite3_stmt_readonly(query->statement) || strstr(sql, "numbers");
}

Query query_new(Store *store, const char *sql)
{
    Query query = {0};

    query.error = store_errno(sqlite3_prepare_v2(store->db, sql, -1, &query.statement, NULL));
    if (query.error >= 0 && meets_batch(&query, sql))
        query.error = store_give_way(store);
    return query;
}

void query_clear(Query *query)
{
    sqlite3_finalize(query->statement);
    *query = (Query){0};
}

static void note(Query *query, int result)
{
    if (query->error >= 0)
        query->error = store_errno(result);
}

void query_bind_text(Query *query, int index, const char *text)
{
    if (query->error < 0)
        return;
    note(query, text ? sqlite3_bind_text(query->statement, index, text, -1, SQLITE_STATIC)
                     : sqlite3_bind_null(query->statement, index));
}

void query_bind_integer(Query *query, int index, int64_t value)
{
    if (query->error >= 0)
        note(query, sqlite3_bind_int64(query->statement, index, value));
}

void query_bind_blob(Query *query, int index, const void *data, size_t size)
{
    if (query->error < 0)
        return;
    if (size > INT_MAX)
        query->error = -E2BIG;
    else
        note(query, sqlite3_bind_blob(query->statement, index, data, (int)size, SQLITE_STATIC));
}

int query_step(Query *query)
{
    if (query->error < 0)
        return query->error;
    int result = sqlite3_step(query->statement);
    if (result == SQLITE_ROW)
        return 1;
    note(query, result);
    return query->error;
}

int query_run(Query *query)
{
    int r = query_step(query);

    return r > 0 ? -EUCLEAN : r;
}

int query_get_text(Query *query, int column, char **ret_text)
{
    const char *text = NULL;

    *ret_text = NULL;
    if (sqlite3_column_type(query->statement, column) == SQLITE_NULL)
        return 0;
    text = (const char *)sqlite3_column_text(query->statement, column);
    if (!text)
        return -ENOMEM;
    /* A NUL inside would make two readers see two texts. */
    if (strlen(text) != (size_t)sqlite3_column_bytes(query->statement, column))
        return -EUCLEAN;
    *ret_text = strdup(text);
    return *ret_text ? 0 : -ENOMEM;
}

int64_t query_get_integer(Query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

int query_get_bytes(Query *query, int column, void *buffer, size_t size)
{
    const void *data = sqlite3_column_blob(query->statement, column);

    if (!data || (size_t)sqlite3_column_bytes(query->statement, column) != size)
        return -EUCLEAN;
    memcpy(buffer, data, size);
    return 0;
}

int store_execute(Store *store, const char *sql)
{
    int r = store_give_way(store);

    return r < 0 ? r : execute(store, sql);
}

int store_read_integer(Store *store, const char *sql, int64_t *ret_value)
{
    _cleanup_query_ Query query = query_new(store, sql);
    int r = query_step(&query);

    if (r < 0)
        return r;
    if (r == 0)
        return -ENOENT;
    *ret_value = query_get_integer(&query, 0);
    return 0;
}

int store_begin(Store *store)
{
    int r = store->depth > 0 ? 0 : store_execute(store, "BEGIN IMMEDIATE");

    if (r >= 0)
        store->depth++;
    return r;
}

int store_end(Store *store, int result)
{
    if (--store->depth > 0)
        return result;
    int r = result < 0 ? result : store_execute(store, "COMMIT");
    /* After some errors SQLite has rolled back already. */
    if (r < 0 && !sqlite3_get_autocommit(store->db))
        (void)store_execute(store, "ROLLBACK");
    return r;
}

/* --- batches ---------------------------------------------------------------------------------- */

int store_batch_enter(Store *store)
{
    bool is_new = !store->batch_is_open;
    int r = is_new ? store_execute(store, "BEGIN IMMEDIATE") : 0;

    if (r < 0)
        return r;
    store->batch_is_open = store->batch_is_running = true;
    store->depth++;
    return is_new;
}

void store_batch_leave(Store *store)
{
    store->depth--;
    store->batch_is_running = false;
}

int store_batch_commit(Store *store)
{
    store_batch_leave(store);
    int r = execute(store, "COMMIT");
    if (r < 0)
        (void)store_give_way(store);
    store->batch_is_open = false;
    return r;
}

int store_batch_drop(Store *store)
{
    return store_give_way(store);
}
