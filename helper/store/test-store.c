/*
 * The state database: what was acknowledged is there after a reopen and after SIGKILL; secrets
 * are not readable in the file; damaged and newer files are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "helper/store/store-crypto.h"
#include "helper/store/store.h"
#include "helper/store/store-carried.h"
#include "helper/base/text-list.h"

typedef struct Fixture {
    char dir[64], db[96], key_file[96];
    Secret *key;
    Store *store;
} Fixture;

static Store *reopen(Fixture *fixture)
{
    fixture->store = store_free(fixture->store);
    assert_int_equal(store_open(fixture->db, fixture->key, &fixture->store), 0);
    return fixture->store;
}

static int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->dir, "/tmp/test-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->db, sizeof(fixture->db), "%s/state.db", fixture->dir);
    snprintf(fixture->key_file, sizeof(fixture->key_file), "%s/state.key", fixture->dir);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(store_load_key(fixture->key_file, &fixture->key), 0);
    reopen(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    char command[128];

    store_free(fixture->store);
    secret_free(fixture->key);
    snprintf(command, sizeof(command), "rm -rf -- '%s'", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static Account *make_account(const char *name, uint32_t uid)
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

static int collect_one(Account *account, void *userdata)
{
    Account **list = userdata;

    assert_null(*list);
    *list = account;
    return 0;
}

static Account *only_account(Store *store)
{
    Account *account = NULL;

    assert_int_equal(store_account_each(store, collect_one, &account), 0);
    return account;
}

static void accounts_round_trip(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(account_freep) Account *account = make_account("alice", 1900112233);

    account->issuer = strdup("https://login.example.org");
    account->id = strdup("tid/oid");
    assert_int_equal(text_list_add(&account->groups, "g-1"), 0);
    assert_int_equal(text_list_add(&account->groups, "g 2"), 0);
    assert_int_equal(text_list_add(&account->roles, "Device"), 0);
    assert_int_equal(text_list_add(&account->claims, "fhirUser=a b"), 0);
    account->verdict = VERDICT_DISABLED;
    account->by_administrator = true;
    account->verdict_since = stamp_now();
    account->confirmed = (Stamp){.wall_usec = 5, .boot_usec = UINT64_C(1) << 62};
    account->added_usec = 77;
    memset(account->former_id, 9, 32);
    assert_int_equal(store_account_save(fixture->store, account), 0);
    assert_true(account->row > 0);

    _cleanup_(account_freep) Account *read = only_account(reopen(fixture));
    assert_int_equal(read->row, account->row);
    assert_string_equal(read->name, "alice");
    assert_string_equal(read->directory_name, "alice@example.org");
    assert_string_equal(read->issuer, account->issuer);
    assert_string_equal(read->id, "tid/oid");
    assert_string_equal(read->gecos, "Ålice Example");
    assert_true(text_list_equal(read->groups, account->groups));
    assert_true(text_list_equal(read->roles, account->roles));
    assert_true(text_list_equal(read->claims, account->claims));
    assert_int_equal(read->uid, 1900112233);
    assert_int_equal(read->verdict, VERDICT_DISABLED);
    assert_true(read->by_administrator);
    assert_memory_equal(&read->verdict_since, &account->verdict_since, sizeof(Stamp));
    assert_memory_equal(&read->confirmed, &account->confirmed, sizeof(Stamp));
    assert_false(stamp_is_set(&read->signed_in));
    assert_int_equal(read->added_usec, 77);
    assert_memory_equal(read->former_id, account->former_id, 32);

    free(read->id);
    free(read->issuer);
    read->id = read->issuer = NULL;
    assert_int_equal(store_account_save(fixture->store, read), 0);
    _cleanup_(account_freep) Account *again = only_account(reopen(fixture));
    assert_null(again->id);
}

static void names_and_numbers_are_unique(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(account_freep) Account *first = make_account("alice", 1900000001);
    _cleanup_(account_freep) Account *same_name = make_account("alice", 1900000002);
    _cleanup_(account_freep) Account *same_uid = make_account("bob", 1900000001);
    _cleanup_(account_freep) Account *same_id = make_account("carol", 1900000003);

    first->issuer = strdup("i");
    first->id = strdup("x");
    same_id->issuer = strdup("i");
    same_id->id = strdup("x");
    assert_int_equal(store_account_save(fixture->store, first), 0);
    assert_int_equal(store_account_save(fixture->store, same_name), -EEXIST);
    assert_int_equal(store_account_save(fixture->store, same_uid), -EEXIST);
    /* a person's own account and a tied local one; who may share is accounts_may_share()'s */
    assert_int_equal(store_account_save(fixture->store, same_id), 0);
    assert_int_not_equal(same_id->row, 0);
    same_id->row = 4711;
    assert_int_equal(store_account_save(fixture->store, same_id), -ENOENT);
}

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

static void numbers_are_for_ever(void **state)
{
    Fixture *fixture = *state;
    _cleanup_free_ char *owner = NULL;
    uint32_t number = 0;

    assert_int_equal(store_number_get(fixture->store, "user:alice", &number), -ENOENT);
    assert_int_equal(store_number_put(fixture->store, "user:alice", 1900000001), 0);
    assert_int_equal(store_number_put(fixture->store, "user:bob", 1900000001), -EEXIST);
    assert_int_equal(store_number_put(fixture->store, "user:alice", 1900000002), -EEXIST);
    reopen(fixture);
    assert_int_equal(store_number_get(fixture->store, "user:alice", &number), 0);
    assert_int_equal(number, 1900000001);
    assert_int_equal(store_number_owner(fixture->store, 1900000001, &owner), 0);
    assert_string_equal(owner, "user:alice");
    assert_int_equal(store_number_owner(fixture->store, 5, &owner), -ENOENT);
}

static CarriedNumber carry(uint32_t number, const char *id, const char *name)
{
    return (CarriedNumber){.number = number, .issuer = (char *)(uintptr_t)"i",
                           .id = (char *)(uintptr_t)id, .name = (char *)(uintptr_t)name};
}

static void assert_carried(Store *store, const char *id, const char *name, uint32_t number)
{
    _cleanup_carried_ CarriedNumber found = {0};

    assert_int_equal(store_carried_find(store, "i", id, name, &found), number ? 0 : -ENOENT);
    assert_int_equal(found.number, number);
}

static void carried_numbers_wait_for_their_person(void **state)
{
    Fixture *fixture = *state;
    const CarriedNumber a = carry(1900000001, "a", "ann"), b = carry(1900000002, NULL, "ben"),
                        c = carry(1900000003, "c", "eve"), d = carry(1900000004, "d", "eve"),
                        again = carry(1900000005, "a", NULL), taken = carry(1900000001, "z", NULL);
    uint32_t number = 0;

    assert_int_equal(store_carried_put(fixture->store, &a), 0);
    assert_int_equal(store_carried_put(fixture->store, &b), 0);
    assert_int_equal(store_carried_put(fixture->store, &c), 0);
    assert_int_equal(store_carried_put(fixture->store, &d), 0);
    assert_int_equal(store_carried_put(fixture->store, &again), -EEXIST);
    assert_int_equal(store_carried_put(fixture->store, &taken), -EEXIST);
    assert_int_equal(store_number_put(fixture->store, "user:bob", 1900000001), -EEXIST);
    assert_int_equal(store_number_put(fixture->store, "user:bob", 1900000005), 0);
    reopen(fixture);
    assert_carried(fixture->store, "a", NULL, 1900000001);
    assert_carried(fixture->store, "a", "other", 1900000001);
    assert_carried(fixture->store, NULL, "ann", 1900000001);
    assert_carried(fixture->store, "x", "ann", 0); /* somebody else of that name */
    assert_carried(fixture->store, "x", "ben", 1900000002);
    assert_carried(fixture->store, NULL, "eve", 0); /* which of the two? */
    assert_carried(fixture->store, "d", "eve", 1900000004);
    assert_int_equal(store_carried_claim(fixture->store, 1900000001, "user:ann"), 0);
    assert_int_equal(store_carried_claim(fixture->store, 1900000001, "user:bob"), -ENOENT);
    assert_carried(fixture->store, "a", "ann", 0);
    assert_int_equal(store_number_get(fixture->store, "user:ann", &number), 0);
    assert_int_equal(number, 1900000001);
    assert_int_equal(store_carried_drop(fixture->store, 1900000002), 0);
    assert_carried(fixture->store, NULL, "ben", 0);
    assert_int_equal(store_number_put(fixture->store, "user:carl", 1900000002), 0);
}

static void set_user_version(const Fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(fixture->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int count_session(const SessionRow *row, void *userdata)
{
    (*(int *)userdata)++;
    assert_string_equal(row->user, "alice");
    assert_string_equal(row->tty, "");
    assert_int_equal(row->leader, 42);
    assert_int_equal(row->boot_id[15], 3);
    assert_string_equal(row->method, "publickey,device");
    assert_string_equal(row->strength, "acr=gold amr=mfa");
    assert_int_equal(row->audit_session, 7);
    assert_int_equal(row->signed_in.wall_usec, 8);
    assert_int_equal(row->signed_in.boot_usec, 5);
    assert_int_equal(row->signed_in.boot_id[15], 3);
    return 0;
}

static void sessions(void **state)
{
    Fixture *fixture = *state;
    char user[] = "alice", service[] = "sshd", method[] = "publickey,device";
    char strength[] = "acr=gold amr=mfa";
    SessionRow row = {.id = "s-1", .user = user, .service = service, .method = method,
                      .signed_in = {.wall_usec = 8, .boot_usec = 5}, .strength = strength,
                      .audit_session = 7, .leader = 42, .opened_usec = 9, .boot_id = {[15] = 3}};
    int count = 0;

    assert_int_equal(store_session_put(fixture->store, &row), 0);
    assert_int_equal(store_session_put(fixture->store, &row), -EEXIST);
    strcpy(row.id, "s-2");
    assert_int_equal(store_session_put(fixture->store, &row), 0);
    reopen(fixture);
    assert_int_equal(store_session_each(fixture->store, count_session, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(store_session_close(fixture->store, "s-1", "closed"), 0);
    assert_int_equal(store_session_close(fixture->store, "s-1", "closed"), -ENOENT);
    count = 0;
    assert_int_equal(store_session_each(fixture->store, count_session, &count), 0);
    assert_int_equal(count, 1);
}

static int look_at_renewed(const SessionRow *row, void *userdata)
{
    *(bool *)userdata = row->signed_in.wall_usec == 20 && row->signed_in.boot_usec == 21 &&
                        strcmp(row->strength, "acrs=c1") == 0;
    return 0;
}

/* Age and strength are of one sign-in, also after a restart. */
static void a_renewed_sign_in_brings_its_strength(void **state)
{
    Fixture *fixture = *state;
    const Stamp renewed = {.wall_usec = 20, .boot_usec = 21};
    const SessionRow row = {.id = "s-1", .signed_in = {.wall_usec = 8, .boot_usec = 5}};
    bool found = false;

    assert_int_equal(store_session_put(fixture->store, &row), 0);
    assert_int_equal(store_session_set_signed_in(fixture->store, "s-1", &renewed, "acrs=c1"), 0);
    reopen(fixture);
    assert_int_equal(store_session_each(fixture->store, look_at_renewed, &found), 0);
    assert_true(found);
}

static int look_at_old_session(const SessionRow *row, void *userdata)
{
    (*(int *)userdata)++;
    assert_string_equal(row->method, "");
    assert_string_equal(row->strength, "");
    assert_int_equal(row->audit_session, AUDIT_SESSION_NONE);
    assert_false(stamp_is_set(&row->signed_in));
    return 0;
}

/* A session of the first version stays open over the upgrade; nobody is known to have signed in. */
static void sessions_of_the_first_version(void **state)
{
    Fixture *fixture = *state;
    int count = 0;

    fixture->store = store_free(fixture->store);
    set_user_version(fixture,
                     "ALTER TABLE accounts DROP COLUMN roles;"
                     "ALTER TABLE accounts DROP COLUMN claims;"
                     "ALTER TABLE accounts DROP COLUMN phone;"
                     "ALTER TABLE sessions DROP COLUMN method;"
                     "ALTER TABLE sessions DROP COLUMN signed_in_wall;"
                     "ALTER TABLE sessions DROP COLUMN signed_in_boot;"
                     "ALTER TABLE sessions DROP COLUMN audit_session;"
                     "ALTER TABLE sessions DROP COLUMN strength;"
                     "DROP TABLE directory_links;"
                     "DROP TABLE carried_numbers;"
                     "DROP TABLE recovery_codes;"
                     "DROP TABLE totp;"
                     "DROP TABLE lockouts;"
                     "DROP TABLE known_places;"
                     "DROP TABLE directory_groups;"
                     "INSERT INTO sessions VALUES ('s-1', 'alice', '', 'sshd', '', '', 42, 9,"
                     " zeroblob(16), NULL);"
                     "PRAGMA user_version = 1");
    reopen(fixture);
    assert_int_equal(store_session_each(fixture->store, look_at_old_session, &count), 0);
    assert_int_equal(count, 1);
}

static void values(void **state)
{
    Fixture *fixture = *state;
    uint64_t value = 0;

    assert_int_equal(store_value_get(fixture->store, "generation", &value), -ENOENT);
    assert_int_equal(store_value_put(fixture->store, "generation", 1), 0);
    assert_int_equal(store_value_put(fixture->store, "generation", UINT64_MAX), 0);
    reopen(fixture);
    assert_int_equal(store_value_get(fixture->store, "generation", &value), 0);
    assert_true(value == UINT64_MAX);
}

static void a_directorys_link(void **state)
{
    Fixture *fixture = *state;
    char *link = NULL;

    assert_int_equal(store_link_get(fixture->store, "https://a", &link), -ENOENT);
    assert_int_equal(store_link_put(fixture->store, "https://a", "https://g/1"), 0);
    assert_int_equal(store_link_put(fixture->store, "https://a", "https://g/2"), 0);
    assert_int_equal(store_link_put(fixture->store, "https://b", "https://g/3"), 0);
    reopen(fixture);
    assert_int_equal(store_link_get(fixture->store, "https://a", &link), 0);
    assert_string_equal(link, "https://g/2");
    free(link);
    link = NULL;
    assert_int_equal(store_link_put(fixture->store, "https://a", NULL), 0);
    assert_int_equal(store_link_get(fixture->store, "https://a", &link), -ENOENT);
    assert_null(link);
}

static void a_directorys_groups(void **state)
{
    Fixture *fixture = *state;
    const StoreGroups first = {.link = (char *)(uintptr_t) "https://g/1",
                               .inside = (char *)(uintptr_t) "", .settings = {1}};
    const StoreGroups second = {.link = (char *)(uintptr_t) "https://g/2",
                                .inside = (char *)(uintptr_t) "a b\n", .settings = {2, 3}};
    StoreGroups found = {0};

    assert_int_equal(store_groups_get(fixture->store, "https://a", &found), -ENOENT);
    assert_int_equal(store_groups_put(fixture->store, "https://a", &first), 0);
    assert_int_equal(store_groups_put(fixture->store, "https://a", &second), 0);
    assert_int_equal(store_groups_put(fixture->store, "https://b", &first), 0);
    reopen(fixture);
    assert_int_equal(store_groups_get(fixture->store, "https://a", &found), 0);
    assert_string_equal(found.link, second.link);
    assert_string_equal(found.inside, second.inside);
    assert_memory_equal(found.settings, second.settings, sizeof(found.settings));
    store_groups_clear(&found);
    assert_int_equal(store_groups_put(fixture->store, "https://a", NULL), 0);
    assert_int_equal(store_groups_get(fixture->store, "https://a", &found), -ENOENT);
    assert_null(found.link);
}

static void transactions_nest(void **state)
{
    Fixture *fixture = *state;
    uint64_t value = 0;

    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_value_put(fixture->store, "a", 1), 0);
    assert_int_equal(store_end(fixture->store, 0), 0);
    assert_int_equal(store_end(fixture->store, -EIO), -EIO);
    assert_int_equal(store_value_get(fixture->store, "a", &value), -ENOENT);
    assert_int_equal(store_begin(fixture->store), 0);
    assert_int_equal(store_value_put(fixture->store, "a", 1), 0);
    assert_int_equal(store_end(fixture->store, 0), 0);
    assert_int_equal(store_value_get(fixture->store, "a", &value), 0);
}

/* --- files ------------------------------------------------------------------------------------ */

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
    set_user_version(fixture, "PRAGMA user_version = 1000");
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
        set_user_version(fixture, damages[i]);
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

/* --- the write-ahead log's room ----------------------------------------------------------------- */

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
        cmocka_unit_test_setup_teardown(accounts_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_and_numbers_are_unique, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgotten_accounts_lose_their_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tokens_do_not_move, set_up, tear_down),
        cmocka_unit_test(seals),
        cmocka_unit_test_setup_teardown(numbers_are_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(carried_numbers_wait_for_their_person, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_renewed_sign_in_brings_its_strength, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions_of_the_first_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directorys_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directorys_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(transactions_nest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_process_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(corrupt_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(newer_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_that_make_no_sense, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_private, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_keeps_its_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_disks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killed_at_any_instant, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
