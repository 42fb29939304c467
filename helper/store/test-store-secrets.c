/*
 * Secrets in the database: sealed, not readable in the file, not to be moved, gone with the
 * account; and the key that seals them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "helper/store/store-crypto.h"
#include "helper/store/test-store-fixture.h"

static bool file_contains(const char *path, const char *needle)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return false;
    assert_int_equal(fstat(fd, &st), 0);
    _cleanup_free_ char *bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    return memmem(bytes, (size_t)st.st_size, needle, strlen(needle)) != NULL;
}

static bool disk_contains(const Fixture *fixture, const char *needle)
{
    char wal[128];

    snprintf(wal, sizeof(wal), "%s-wal", fixture->db);
    return file_contains(fixture->db, needle) || file_contains(wal, needle);
}

static void tokens(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(account_freep) Account *account = make_account("alice", 1900000001);
    _cleanup_secret_ Secret *token = NULL, *read = NULL, *none = NULL;

    assert_int_equal(secret_new_string("refresh-token-in-the-clear", &token), 0);
    assert_int_equal(store_token_put(fixture->store, account, token), -ENOENT);
    assert_int_equal(store_account_save(fixture->store, account), 0);
    assert_int_equal(store_token_get(fixture->store, account, &none), 0);
    assert_null(none);
    assert_int_equal(store_token_set_redeeming(fixture->store, account, true), -ENOENT);
    assert_int_equal(store_token_is_redeeming(fixture->store, account), 0);

    assert_int_equal(store_token_put(fixture->store, account, token), 0);
    assert_int_equal(store_token_set_redeeming(fixture->store, account, true), 0);
    reopen(fixture);
    assert_int_equal(store_token_is_redeeming(fixture->store, account), 1);
    assert_int_equal(store_token_get(fixture->store, account, &read), 0);
    assert_true(secret_equal(read, token));
    assert_int_equal(store_token_put(fixture->store, account, token), 0);
    assert_int_equal(store_token_is_redeeming(fixture->store, account), 0);
    assert_false(disk_contains(fixture, "in-the-clear"));
    assert_true(disk_contains(fixture, "alice"));

    assert_int_equal(store_token_put(fixture->store, account, NULL), 0);
    assert_int_equal(store_token_get(fixture->store, account, &none), 0);
    assert_null(none);
}

static void forgotten_accounts_lose_their_token(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(account_freep) Account *account = make_account("alice", 1900000001);
    _cleanup_secret_ Secret *token = NULL, *none = NULL;

    assert_int_equal(secret_new_string("t", &token), 0);
    assert_int_equal(store_account_save(fixture->store, account), 0);
    assert_int_equal(store_token_put(fixture->store, account, token), 0);
    free(account->directory_name);
    account->directory_name = strdup("");
    account->state = ACCOUNT_FORGOTTEN;
    assert_int_equal(store_account_save(fixture->store, account), 0);
    assert_int_equal(store_token_get(fixture->store, account, &none), 0);
    assert_null(none);
    assert_int_equal(store_scrub(fixture->store), 0);
    assert_false(disk_contains(fixture, "alice@example.org"));
}

/* A sealed value moved to another row, or a database with another host's key, opens for nobody. */
static void tokens_do_not_move(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(account_freep) Account *alice = make_account("alice", 1900000001);
    _cleanup_(account_freep) Account *bob = make_account("bob", 1900000002);
    _cleanup_secret_ Secret *token = NULL, *other_key = NULL, *read = NULL;
    sqlite3 *db = NULL;

    assert_int_equal(secret_new_string("alice's token", &token), 0);
    assert_int_equal(store_account_save(fixture->store, alice), 0);
    assert_int_equal(store_account_save(fixture->store, bob), 0);
    assert_int_equal(store_token_put(fixture->store, alice, token), 0);
    fixture->store = store_free(fixture->store);
    assert_int_equal(sqlite3_open(fixture->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "INSERT INTO tokens SELECT 2, sealed, 0 FROM tokens", NULL,
                                  NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    reopen(fixture);
    assert_int_equal(store_token_get(fixture->store, bob, &read), -EBADMSG);
    assert_int_equal(store_token_get(fixture->store, alice, &read), 0);

    assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &other_key), 0);
    fixture->store = store_free(fixture->store);
    assert_int_equal(store_open(fixture->db, other_key, &fixture->store), 0);
    assert_int_equal(store_token_get(fixture->store, alice, &read), -EBADMSG);
}

static void seals(void **state)
{
    _cleanup_secret_ Secret *key = NULL, *short_key = NULL, *secret = NULL, *opened = NULL;
    _cleanup_secret_ Secret *empty = NULL;
    _cleanup_free_ uint8_t *sealed = NULL, *again = NULL;
    size_t size = 0, again_size = 0;

    assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &key), 0);
    assert_int_equal(secret_new("0123456789abcdef", 16, &short_key), 0);
    assert_int_equal(secret_new("a\0b", 3, &secret), 0);
    assert_int_equal(secret_new("", 0, &empty), 0);
    const SealContext context = {key, "refresh-token", 7, "alice"};
    const SealContext others[] = {
        {key, "refresh-token", 8, "alice"}, {key, "refresh-token", 7, "alic"},
        {key, "refresh-token", 7, "alicf"}, {key, "totp", 7, "alice"},
    };
    const SealContext bad_key = {short_key, "refresh-token", 7, "alice"};

    assert_int_equal(store_seal(&bad_key, secret, &sealed, &size), -EINVAL);
    assert_int_equal(store_seal(&context, empty, &sealed, &size), -EINVAL);
    assert_int_equal(store_seal(&context, secret, &sealed, &size), 0);
    assert_int_equal(store_seal(&context, secret, &again, &again_size), 0);
    assert_int_equal(size, 1 + 12 + 3 + 16);
    assert_int_equal(again_size, size);
    assert_memory_not_equal(sealed + 1, again + 1, 12); /* a nonce of its own each time */
    assert_int_equal(store_unseal(&context, sealed, size, &opened), 0);
    assert_true(secret_equal(opened, secret));
    opened = secret_free(opened);
    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        assert_int_equal(store_unseal(&others[i], sealed, size, &opened), -EBADMSG);
    for (size_t i = 0; i < size; i++) {
        sealed[i] ^= 1;
        assert_int_equal(store_unseal(&context, sealed, size, &opened), -EBADMSG);
        sealed[i] ^= 1;
        assert_int_equal(store_unseal(&context, sealed, i, &opened), -EBADMSG);
    }
    assert_null(opened);
}

static void keys(void **state)
{
    Fixture *fixture = *state;
    _cleanup_secret_ Secret *again = NULL, *credential = NULL;
    char path[128];

    assert_int_equal(store_load_key(fixture->key_file, &again), 0);
    assert_true(secret_equal(again, fixture->key));
    assert_int_equal(chmod(fixture->key_file, 0640), 0);
    assert_int_equal(store_load_key(fixture->key_file, &credential), -EPERM);
    assert_int_equal(chmod(fixture->key_file, 0600), 0);
    assert_int_equal(truncate(fixture->key_file, 31), 0);
    assert_int_equal(store_load_key(fixture->key_file, &credential), -EUCLEAN);
    assert_int_equal(unlink(fixture->key_file), 0);
    assert_int_equal(symlink("/dev/zero", fixture->key_file), 0);
    assert_int_equal(store_load_key(fixture->key_file, &credential), -ELOOP);

    /* systemd's credential folder */
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", fixture->dir, 1), 0);
    assert_int_equal(unlink(fixture->key_file), 0);
    snprintf(path, sizeof(path), "%s/state.key", fixture->dir);
    _cleanup_fclose_ FILE *stream = fopen(path, "we");
    assert_non_null(stream);
    fputs("0123456789abcdef0123456789abcdef", stream);
    fflush(stream);
    assert_int_equal(store_load_key("/nonexistent/key", &credential), 0);
    assert_memory_equal(secret_peek(credential), "0123456789abcdef", 16);
    unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgotten_accounts_lose_their_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tokens_do_not_move, set_up, tear_down),
        cmocka_unit_test(seals),
        cmocka_unit_test_setup_teardown(keys, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
