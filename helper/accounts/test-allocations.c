/*
 * Every allocation fails once: reading the configuration, adding and changing accounts, composing
 * a snapshot. Each failure must come back as an error, leak nothing and change nothing.
 *
 * The allocator is glibc's behind a counter. The sanitizers bring their own, so with them only the
 * paths without a failure are walked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <cmocka.h>

#include "helper/accounts/identity-import.h"
#include "helper/accounts/snapshot-composer.h"
#include "helper/accounts/test-accounts-fixture.h"
#include "helper/base/text-list.h"

#define NEVER UINT_MAX

/* Allocations until one fails, and those that live. */
static unsigned until_failure = NEVER;
static long living;

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                             \
    !HAS_FEATURE(address_sanitizer) && !HAS_FEATURE(thread_sanitizer) && defined(__GLIBC__)
#define CAN_FAIL 1

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *old);

static bool fails_now(void)
{
    if (until_failure == NEVER)
        return false;
    if (until_failure-- > 0)
        return false;
    until_failure = NEVER;
    errno = ENOMEM;
    return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    void *new = fails_now() ? NULL : __libc_malloc(size);

    living += new != NULL;
    return new;
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    void *new = fails_now() ? NULL : __libc_calloc(count, size);

    living += new != NULL;
    return new;
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    void *new = fails_now() ? NULL : __libc_realloc(old, size);

    living += new && !old;
    return new;
}

__attribute__((visibility("default"))) void free(void *old)
{
    living -= old != NULL;
    __libc_free(old);
}
#else
#define CAN_FAIL 0
#endif

/* Runs `attempt` with the first, second … allocation failing until it succeeds without reaching
 * the failure. Where it succeeds in spite of one, `undo` (or nothing) prepares the next attempt. */
static void fail_each(int (*attempt)(void *), void (*undo)(void *), void *argument)
{
    for (unsigned n = 0;; n++) {
        assert_true(n < 20000);
        until_failure = CAN_FAIL ? n : NEVER;
        int r = attempt(argument);
        bool reached = CAN_FAIL && until_failure == NEVER;
        until_failure = NEVER;
        if (!reached) {
            assert_int_equal(r, 0);
            return;
        }
        if (r >= 0 && undo)
            undo(argument);
    }
}

static void reload_accounts(Fixture *fixture)
{
    fixture->accounts = accounts_free(fixture->accounts);
    assert_int_equal(accounts_new(fixture->store, &fixture->accounts), 0);
}

static int set_up_group(void **state)
{
    set_up(state);
    configure(*state, BASE "[group staff]\nId=g-1\nLocalGroup=adm\n");
    return 0;
}

/* --- configuration ---------------------------------------------------------------------------- */

static int try_config(void *argument)
{
    const char *path = argument;
    long before = living;
    ConfigMessages messages = {0};
    Config *config = NULL;
    int r = config_read(path, NULL, false, &config, &messages);

    assert_true(r == 0 || r == -ENOMEM);
    assert_true((r == 0) == (config != NULL));
    config_free(config);
    config_messages_clear(&messages);
    assert_int_equal(living, before);
    return r;
}

static void reading_the_configuration(void **state)
{
    Fixture *fixture = *state;

    configure(fixture,
        "[provider e]\nType=entra\nClientId=x\nDomains=a.example b.example\n"
        "Issuer=https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0\n"
        "[group staff]\nId=g-1\n[user bob]\nUid=1900000001\nShell=/bin/sh\n"
        "[service sudo]\nRequireGroups=staff\n[access]\nAllowGroups=staff\nAllowUsers=bob eve\n"
        "[revocation]\nMaxUnconfirmed=1h\nOfflineGrace=2h\n");
    fail_each(try_config, NULL, fixture->path);
}

/* --- accounts --------------------------------------------------------------------------------- */

static int try_adding(void *argument)
{
    Fixture *fixture = argument;
    const AccountOptions options = {.id = "id-a", .full_name = "Alice"};
    const char *why = NULL;
    Account *account = NULL;
    size_t before = accounts_count(fixture->accounts);
    int r = accounts_add(fixture->accounts, fixture->config, &fixture->config->providers[0],
                         "alice@rcpch.ac.uk", &options, &account, &why);

    unsigned left = until_failure;
    until_failure = NEVER;
    if (r < 0) {
        assert_null(account);
        assert_non_null(why);
        const Account *present = accounts_find(fixture->accounts, "alice");
        assert_true(!present || present->state == ACCOUNT_FORGOTTEN);
        reload_accounts(fixture);
        present = accounts_find(fixture->accounts, "alice");
        assert_true(!present || present->state == ACCOUNT_FORGOTTEN);
        assert_int_equal(accounts_count(fixture->accounts), before);
    }
    until_failure = left;
    return r;
}

static int try_changes(void *argument)
{
    Fixture *fixture = argument;
    Account *account = accounts_find(fixture->accounts, "alice");
    char id[] = "g-1", *groups[] = {id, NULL};
    Stamp now = stamp_now();
    int r = account_set_groups(fixture->accounts, account, groups);

    if (r >= 0)
        r = account_set_profile(fixture->accounts, account, "Alice Example");
    if (r >= 0)
        r = account_set_verdict(fixture->accounts, account, VERDICT_ACTIVE, false, "x", &now);
    if (r >= 0)
        r = account_set_confirmed(fixture->accounts, account, &now);
    return r;
}

static int try_forget(void *argument)
{
    Fixture *fixture = argument;
    Account *account = accounts_find(fixture->accounts, "alice");
    int r = account_forget(fixture->accounts, account);

    assert_int_equal(account->state, r < 0 ? ACCOUNT_ACTIVE : ACCOUNT_FORGOTTEN);
    assert_true((accounts_find_identity(fixture->accounts, "https://login.example.org", "id-a") !=
                 NULL) == (r < 0));
    return r;
}

static void add_again(void *argument)
{
    assert_int_equal(try_adding(argument), 0);
}

static void forget_again(void *argument)
{
    assert_int_equal(try_forget(argument), 0);
}

static void begin_anew(void *argument)
{
    Fixture *fixture = argument;

    fixture->accounts = accounts_free(fixture->accounts);
    fixture->store = store_free(fixture->store);
    assert_int_equal(unlink(fixture_path(fixture, "state.db")), 0);
    reload(fixture);
}

static void the_life_of_an_account(void **state)
{
    Fixture *fixture = *state;

    fail_each(try_adding, begin_anew, fixture);
    assert_int_equal(accounts_count(fixture->accounts), 1);
    fail_each(try_changes, NULL, fixture);
    reload_accounts(fixture);
    Account *account = accounts_find(fixture->accounts, "alice");
    assert_string_equal(account->gecos, "Alice Example");
    assert_int_equal(text_list_count(account->groups), 1);
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    fail_each(try_forget, add_again, fixture);
    reload_accounts(fixture);
    account = accounts_find(fixture->accounts, "alice");
    assert_int_equal(account->state, ACCOUNT_FORGOTTEN);
    assert_string_equal(account->directory_name, "");
    /* Comes back, by the same steps. */
    fail_each(try_adding, forget_again, fixture);
}

/* --- tokens and opening ----------------------------------------------------------------------- */

static int try_token(void *argument)
{
    Fixture *fixture = argument;
    Account *account = accounts_find(fixture->accounts, "alice");
    _cleanup_secret_ Secret *token = NULL, *read = NULL;
    int r = secret_new_string("token", &token);

    if (r >= 0)
        r = store_token_put(fixture->store, account, token);
    if (r >= 0)
        r = store_token_get(fixture->store, account, &read);
    if (r >= 0)
        assert_true(secret_equal(read, token));
    return r;
}

static void tokens(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(try_adding(fixture), 0);
    fail_each(try_token, NULL, fixture);
}

static int try_open(void *argument)
{
    Fixture *fixture = argument;
    _cleanup_(accounts_freep) Accounts *accounts = NULL;
    int r = store_open(fixture->path, fixture->key, &fixture->store);

    if (r >= 0)
        r = accounts_new(fixture->store, &accounts);
    accounts = accounts_free(accounts);
    fixture->store = store_free(fixture->store);
    assert_true(r == 0 || r == -ENOMEM);
    return r;
}

static void opening_a_new_database(void **state)
{
    Fixture *fixture = *state;

    fixture->accounts = accounts_free(fixture->accounts);
    fixture->store = store_free(fixture->store);
    snprintf(fixture->path, sizeof(fixture->path), "%s/other.db", fixture->dir);
    fail_each(try_open, NULL, fixture);
}

/* --- composing -------------------------------------------------------------------------------- */

typedef struct Composing {
    Fixture *fixture;
    LocalNames *local;
} Composing;

static int try_compose(void *argument)
{
    Composing *composing = argument;
    Fixture *fixture = composing->fixture;
    const ComposerInput input = {
        .store = fixture->store, .accounts = fixture->accounts, .config = fixture->config,
        .local = composing->local, .generation = 1,
    };
    _cleanup_close_ int fd = -1;

    int r = snapshot_compose(&input, &fd);
    assert_true(r == 0 || r == -ENOMEM);
    assert_true((r == 0) == (fd >= 0));
    return r;
}

static int try_local_names(void *argument)
{
    long before = living;
    LocalNames *names = NULL;
    int r = local_names_load(LOCAL_PASSWD_FILE, LOCAL_GROUP_FILE, &names);

    local_names_free(names);
    /* glibc keeps the buffers of fgetpwent() and fgetgrent(). */
    assert_true(living - before <= 2);
    return r;
}

static void composing_a_snapshot(void **state)
{
    Composing composing = {.fixture = *state};

    assert_int_equal(try_adding(composing.fixture), 0);
    assert_int_equal(try_changes(composing.fixture), 0);
    fail_each(try_local_names, NULL, NULL);
    assert_int_equal(local_names_load(LOCAL_PASSWD_FILE, LOCAL_GROUP_FILE, &composing.local), 0);
    fail_each(try_compose, NULL, &composing);
    local_names_free(composing.local);
}

/* --- numbers from another host ---------------------------------------------------------------- */

static const char carried_text[] =
    "{\"format\":\"rcpch-identity\",\"version\":1,\"range\":{\"base\":1,\"count\":1},\"numbers\":["
    "{\"kind\":\"user\",\"issuer\":\"https://login.example.org\",\"id\":\"id-a\","
    "\"name\":\"alice@rcpch.ac.uk\",\"number\":1900000001},"
    "{\"kind\":\"group\",\"issuer\":\"https://login.example.org\",\"id\":\"g-2\","
    "\"number\":1900000002}]}";

/* Parsed before: jansson does not survive a failure (base/memory.h). */
static IdentityFile *carried_file;

static int copy_file(IdentityFile **ret_file)
{
    _cleanup_(identity_file_freep) IdentityFile *file = calloc(1, sizeof(*file));
    int r = file ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && i < carried_file->row_count; i++)
        r = identity_file_add(file, &carried_file->rows[i]);
    if (r >= 0)
        *ret_file = TAKE_PTR(file);
    return r;
}

static int import_file(Fixture *fixture)
{
    _cleanup_(identity_import_freep) IdentityImport *import = NULL;
    IdentityFile *file = NULL;
    int r = copy_file(&file);

    if (r >= 0)
        r = identity_import_new(fixture->accounts, file, false, &import);
    if (r >= 0)
        do
            r = identity_import_step(import, fixture->config);
        while (r > 0);
    if (r >= 0)
        assert_int_equal(import->refused, 0);
    return r;
}

static size_t count_carried(Fixture *fixture)
{
    IdentityFile *file = NULL;

    assert_int_equal(identity_export(fixture->accounts, fixture->config, &file), 0);
    size_t count = file->row_count - fixture->config->group_count;
    identity_file_free(file);
    return count;
}

static int try_import(void *argument)
{
    Fixture *fixture = argument;
    int r = import_file(fixture);
    unsigned left = until_failure;

    until_failure = NEVER;
    assert_int_equal(count_carried(fixture), r < 0 ? 0 : 1); /* all or nothing */
    until_failure = left;
    return r;
}

static int try_export(void *argument)
{
    Fixture *fixture = argument;
    _cleanup_(identity_file_freep) IdentityFile *file = NULL;

    return identity_export(fixture->accounts, fixture->config, &file);
}

static void carry_again(void *argument)
{
    begin_anew(argument);
    assert_int_equal(import_file(argument), 0);
}

static void numbers_from_another_host(void **state)
{
    Fixture *fixture = *state;
    char reason[IDENTITY_REASON_SIZE];

    assert_int_equal(identity_file_parse(carried_text, sizeof(carried_text) - 1, &carried_file,
                                         reason), 0);
    fail_each(try_import, begin_anew, fixture);
    fail_each(try_export, NULL, fixture);
    fail_each(try_adding, carry_again, fixture); /* comes with the carried number */
    assert_int_equal(accounts_find(fixture->accounts, "alice")->uid, 1900000001);
    carried_file = identity_file_free(carried_file);
}

#define GROUP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_group, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GROUP_TEST(reading_the_configuration),
        GROUP_TEST(the_life_of_an_account),
        GROUP_TEST(tokens),
        GROUP_TEST(opening_a_new_database),
        GROUP_TEST(composing_a_snapshot),
        GROUP_TEST(numbers_from_another_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
