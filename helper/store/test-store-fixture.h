/*
 * For the tests of the database: one in a folder of its own, with a key beside it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sqlite3.h>
#include <string.h>
#include <cmocka.h>

#include "common/test-folder.h"
#include "helper/base/text-list.h"
#include "helper/store/store.h"

typedef struct Fixture {
    char dir[64], db[96], key_file[96];
    Secret *key;
    Store *store;
    Account *account; /* alice, of the tests that want her */
} Fixture;

static inline Store *reopen(Fixture *fixture)
{
    fixture->store = store_free(fixture->store);
    assert_int_equal(store_open(fixture->db, fixture->key, &fixture->store), 0);
    return fixture->store;
}

static inline int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    test_folder_make(fixture->dir, "store");
    snprintf(fixture->db, sizeof(fixture->db), "%s/state.db", fixture->dir);
    snprintf(fixture->key_file, sizeof(fixture->key_file), "%s/state.key", fixture->dir);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(store_load_key(fixture->key_file, &fixture->key), 0);
    reopen(fixture);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    Fixture *fixture = *state;

    account_free(fixture->account);
    store_free(fixture->store);
    secret_free(fixture->key);
    test_folder_remove(fixture->dir);
    free(fixture);
    return 0;
}

/* Behind the store's back. */
static inline void change_database(const Fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(fixture->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static inline Account *make_account(const char *name, uint32_t uid)
{
    Account *account = calloc(1, sizeof(*account));

    assert_non_null(account);
    account->name = strdup(name);
    assert_true(asprintf(&account->directory_name, "%s@example.org", name) > 0);
    account->provider = strdup("p");
    account->gecos = strdup("Ålice Example");
    account->phone = strdup("+442070926000");
    account->home = strdup("/home/x");
    account->shell = strdup("/bin/bash");
    account->evidence = strdup("added");
    account->groups = text_list_new();
    account->uid = uid;
    return account;
}

static inline int collect_one(Account *account, void *userdata)
{
    Account **list = userdata;

    assert_null(*list);
    *list = account;
    return 0;
}

static inline Account *only_account(Store *store)
{
    Account *account = NULL;

    assert_int_equal(store_account_each(store, collect_one, &account), 0);
    return account;
}
