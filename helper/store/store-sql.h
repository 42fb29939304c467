/*
 * SQLite behind negative errnos: statements that carry their first error, and transactions that
 * nest. Only the store's own files include this.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/cleanup.h"
#include "common/secret.h"

/* A statement. Binding after an error does nothing; query_step() returns the first error. */
typedef struct Query {
    sqlite3_stmt *statement;
    int error;
} Query;

typedef struct Store {
    sqlite3 *db;
    Secret *key;
    unsigned depth;     /* of transactions */
    Query number_query; /* kept; see store_number_get() */
    bool batch_is_open, batch_is_running; /* store_batch_enter() */
    uint64_t numbers_version;
} Store;

Query query_new(Store *store, const char *sql);
void query_clear(Query *query);
#define _cleanup_query_ _cleanup_(query_clear)

void query_bind_text(Query *query, int index, const char *text); /* NULL binds NULL; borrowed */
void query_bind_integer(Query *query, int index, int64_t value);
void query_bind_blob(Query *query, int index, const void *data, size_t size); /* borrowed */

/* 1: a row is there; 0: done; or a negative errno. */
int query_step(Query *query);

/* Steps a statement that gives no row. Returns 0 or a negative errno. */
int query_run(Query *query);

/* Columns of the present row. Text: a copy that the caller owns, NULL for NULL. */
int query_get_text(Query *query, int column, char **ret_text);
int64_t query_get_integer(Query *query, int column);

/* Exactly `size` bytes; -EUCLEAN otherwise. */
int query_get_bytes(Query *query, int column, void *buffer, size_t size);

int store_execute(Store *store, const char *sql);
int store_read_integer(Store *store, const char *sql, int64_t *ret_value);

/* The errno of a SQLite result. */
int store_errno(int result);

/* Takes back a batch that is between two of its turns. For statements on numbers that were prepared
 * before; query_new() does it for the others. */
int store_give_way(Store *store);

/* Numbers are about to change. */
void store_numbers_touch(Store *store);
