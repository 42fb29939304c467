/*
 * For the tests of accounts: a database and a configuration in a folder of their own.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/test-folder.h"
#include "helper/accounts/account.h"
#include "helper/config/config.h"
#include "helper/store/store.h"

#define ISSUER "https://login.example.org"
#define BASE   "[provider p]\nIssuer=" ISSUER "\nClientId=host\n"

typedef struct Fixture {
    char dir[64], path[96]; /* the latter of the file that was last spoken of */
    Secret *key;
    Store *store;
    Accounts *accounts;
    Config *config;
} Fixture;

static inline const char *fixture_path(Fixture *fixture, const char *name)
{
    snprintf(fixture->path, sizeof(fixture->path), "%s/%s", fixture->dir, name);
    return fixture->path;
}

/* What is in the database, as a restart finds it. */
static inline void reload(Fixture *fixture)
{
    fixture->accounts = accounts_free(fixture->accounts);
    fixture->store = store_free(fixture->store);
    assert_int_equal(store_open(fixture_path(fixture, "state.db"), fixture->key, &fixture->store),
                     0);
    assert_int_equal(accounts_new(fixture->store, &fixture->accounts), 0);
}

static inline void configure(Fixture *fixture, const char *text)
{
    ConfigMessages messages = {0};

    test_file_write(fixture_path(fixture, "rcpch.conf"), text);
    fixture->config = config_free(fixture->config);
    assert_int_equal(config_read(fixture->path, NULL, false, &fixture->config, &messages), 0);
    config_messages_clear(&messages);
}

static inline int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    test_folder_make(fixture->dir, "accounts");
    assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &fixture->key), 0);
    reload(fixture);
    configure(fixture, BASE);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    Fixture *fixture = *state;

    accounts_free(fixture->accounts);
    store_free(fixture->store);
    config_free(fixture->config);
    secret_free(fixture->key);
    test_folder_remove(fixture->dir);
    free(fixture);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* `name` at the first provider. Who is refused is told why. */
static inline int try_add(Fixture *fixture, const char *name, const AccountOptions *options,
                   Account **ret_account)
{
    const char *why = NULL;
    int r = accounts_add(fixture->accounts, fixture->config, &fixture->config->providers[0], name,
                         options, ret_account, &why);

    if (r < 0)
        assert_non_null(why);
    return r;
}

static inline Account *add(Fixture *fixture, const char *name, const AccountOptions *options)
{
    Account *account = NULL;

    assert_int_equal(try_add(fixture, name, options, &account), 0);
    assert_non_null(account);
    return account;
}

static inline void assert_not_added(Fixture *fixture, const char *name,
                                    const AccountOptions *options, int error)
{
    Account *account = NULL;
    size_t before = accounts_count(fixture->accounts);

    assert_int_equal(try_add(fixture, name, options, &account), error);
    assert_null(account);
    assert_int_equal(accounts_count(fixture->accounts), before);
}
