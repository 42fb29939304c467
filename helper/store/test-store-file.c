/*
 * The database's files: damaged and newer ones are refused, a full disk loses nothing, and what was
 * acknowledged is there after SIGKILL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "helper/store/test-store-fixture.h"

static void one_process_only(void **state)
{
    Fixture *fixture = *state;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        Store *store = NULL;
        _exit(store_open(fixture->db, fixture->key, &store) == -EBUSY ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void corrupt_files(void **state)
{
    Fixture *fixture = *state;
    char wal[128];

    for (uint32_t i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof(name), "user%u", i);
        _cleanup_(account_freep) Account *account = make_account(name, 1900000001 + i);
        assert_int_equal(store_account_save(fixture->store, account), 0);
    }
    fixture->store = store_free(fixture->store);
    snprintf(wal, sizeof(wal), "%s-wal", fixture->db);
    assert_int_equal(access(wal, F_OK), -1);

    _cleanup_close_ int fd = open(fixture->db, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    char noise[8192];
    memset(noise, 0x5a, sizeof(noise));
    assert_int_equal(pwrite(fd, noise, sizeof(noise), 4096), sizeof(noise));
    assert_int_equal(store_open(fixture->db, fixture->key, &fixture->store), -EUCLEAN);
    assert_int_equal(pwrite(fd, noise, sizeof(noise), 0), sizeof(noise));
    assert_int_equal(store_open(fixture->db, fixture->key, &fixture->store), -EUCLEAN);
    assert_int_equal(ftruncate(fd, 100), 0);
    assert_int_equal(store_open(fixture->db, fixture->key, &fixture->store), -EUCLEAN);
    assert_null(fixture->store);
}

static void newer_versions(void **state)
{
    Fixture *fixture = *state;

    fixture->store = store_free(fixture->store);
    change_database(fixture, "PRAGMA user_version = 1000");
    assert_int_equal(store_open(fixture->db, fixture->key, &fixture->store), -EPROTO);
    assert_null(fixture->store);
}

static void rows_that_make_no_sense(void **state)
{
    Fixture *fixture = *state;
    static const char *const damages[] = {
        "UPDATE accounts SET verdict = 99",
        "UPDATE accounts SET verdict = 0, state = -1",
        "UPDATE accounts SET state = 0, name = '../x'",
        "UPDATE accounts SET name = 'x', since_boot_id = x'00'",
    };
    _cleanup_(account_freep) Account *account = make_account("alice", 1900000001), *read = NULL;

    assert_int_equal(store_account_save(fixture->store, account), 0);
    for (size_t i = 0; i < ELEMENTSOF(damages); i++) {
        fixture->store = store_free(fixture->store);
        change_database(fixture, damages[i]);
        reopen(fixture);
        assert_int_equal(store_account_each(fixture->store, collect_one, &read), -EUCLEAN);
        assert_null(read);
    }
}

static void files_are_private(void **state)
{
    Fixture *fixture = *state;
    struct stat st;

    assert_int_equal(stat(fixture->db, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(fixture->key_file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
}

static int count_account(Account *account, void *userdata)
{
    (*(unsigned *)userdata)++;
    account_free(account);
    return 0;
}

/* --- the write-ahead log's room -------------------------------------------------------------- */

static off_t log_size(const Fixture *fixture)
{
    struct stat st;
    char path[128];

    snprintf(path, sizeof(path), "%s-wal", fixture->db);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    return st.st_size;
}

static void save_some(Fixture *fixture, uint32_t first, unsigned count)
{
    for (uint32_t uid = first; uid < first + count; uid++) {
        char name[32];
        snprintf(name, sizeof(name), "user%u", uid);
        _cleanup_(account_freep) Account *account = make_account(name, uid);
        assert_int_equal(store_account_save(fixture->store, account), 0);
    }
}

/* Over several rounds of the log, a scrub and a restart: a commit never pays for a longer file. */
static void the_log_keeps_its_length(void **state)
{
    Fixture *fixture = *state;
    unsigned count = 0;

    assert_int_equal(log_size(fixture), 4194304);
    save_some(fixture, 1900000000, 600);
    assert_int_equal(log_size(fixture), 4194304);
    assert_int_equal(store_scrub(fixture->store), 0);
    assert_int_equal(log_size(fixture), 4194304);
    save_some(fixture, 1900001000, 20);
    reopen(fixture);
    assert_int_equal(log_size(fixture), 4194304);
    assert_int_equal(store_account_each(fixture->store, count_account, &count), 0);
    assert_int_equal(count, 620);
}

/* A full disk, as the limit on a file's size: -ENOSPC or -EIO, and nothing of before is lost. */
static void fill_disk(Fixture *fixture)
{
    const struct rlimit limit = {1024 * 1024, 1024 * 1024};
    uint32_t uid = 1900000000;
    int r = 0;

    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) < 0 ||
        store_open(fixture->db, fixture->key, &fixture->store) < 0)
        _exit(1);
    while (r >= 0 && uid < 1900001000) {
        char name[32];
        snprintf(name, sizeof(name), "user%u", ++uid);
        Account *account = make_account(name, uid);
        r = store_account_save(fixture->store, account);
        account_free(account);
    }
    if (r != -ENOSPC && r != -EIO)
        _exit(2);
    fixture->store = store_free(fixture->store);
    _exit(uid > 1900000020 ? 0 : 3);
}

static void full_disks(void **state)
{
    Fixture *fixture = *state;
    unsigned count = 0;
    int status = 0;

    fixture->store = store_free(fixture->store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        fill_disk(fixture);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    reopen(fixture);
    assert_int_equal(store_account_each(fixture->store, count_account, &count), 0);
    assert_true(count > 20);
    _cleanup_(account_freep) Account *account = make_account("after", 1900020000);
    assert_int_equal(store_account_save(fixture->store, account), 0);
}

/* --- SIGKILL ---------------------------------------------------------------------------------- */

/* Writes account after account; says the number of each on the pipe once it is acknowledged. */
static void write_for_ever(const Fixture *fixture, uint32_t first, int fd)
{
    Store *store = NULL;

    if (store_open(fixture->db, fixture->key, &store) < 0)
        _exit(1);
    for (uint32_t uid = first;; uid++) {
        char name[32];
        snprintf(name, sizeof(name), "user%u", uid);
        Account *account = make_account(name, uid);
        Secret *token = NULL;
        if (store_begin(store) < 0 || store_number_put(store, name, uid) < 0 ||
            store_account_save(store, account) < 0 || store_end(store, 0) < 0 ||
            secret_new_string(name, &token) < 0 || store_token_put(store, account, token) < 0 ||
            write(fd, &uid, sizeof(uid)) != sizeof(uid))
            _exit(2);
        account_free(account);
        secret_free(token);
    }
}

typedef struct Present {
    Store *store;
    uint32_t highest;
    unsigned count;
} Present;

static int check_present(Account *account, void *userdata)
{
    Present *present = userdata;
    uint32_t number = 0;
    Secret *token = NULL;

    assert_int_equal(store_number_get(present->store, account->name, &number), 0);
    assert_int_equal(number, account->uid);
    assert_int_equal(store_token_get(present->store, account, &token), 0);
    /* Only the very last may lack its token: killed between the two. */
    if (token) {
        assert_string_equal(secret_peek(token), account->name);
        present->highest = account->uid;
    }
    present->count++;
    secret_free(token);
    account_free(account);
    return 0;
}

static uint32_t kill_writer_after(const Fixture *fixture, uint32_t first, unsigned acknowledged)
{
    int fds[2], status;
    uint32_t last = 0;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_for_ever(fixture, first, fds[1]);
    close(fds[1]);
    for (unsigned i = 0; i < acknowledged; i++)
        assert_int_equal(read(fds[0], &last, sizeof(last)), sizeof(last));
    assert_int_equal(kill(child, SIGKILL), 0);
    /* What it said before it died counts as well. */
    while (read(fds[0], &status, sizeof(status)) == sizeof(status))
        last = (uint32_t)status;
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

static void killed_at_any_instant(void **state)
{
    Fixture *fixture = *state;
    uint32_t next = 1900000000;

    fixture->store = store_free(fixture->store);
    for (unsigned round = 0; round < 12; round++) {
        uint32_t last = kill_writer_after(fixture, next, 1 + round * 3);
        reopen(fixture);
        Present present = {.store = fixture->store};
        assert_int_equal(store_account_each(fixture->store, check_present, &present), 0);
        assert_true(present.highest >= last);
        assert_true(present.count >= last - 1900000000 + 1);
        next = 1900000000 + present.count;
        fixture->store = store_free(fixture->store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_process_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(corrupt_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(newer_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_that_make_no_sense, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_private, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_keeps_its_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_disks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killed_at_any_instant, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
