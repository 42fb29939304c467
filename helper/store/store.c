/*
 * The state database (design §6). What a function here has acknowledged is on the disk: WAL with
 * synchronous=FULL syncs at every commit, and a torn tail of the log is ignored at the next start.
 * The file is locked while it is open, because accounts are also held in memory.
 */
#include "helper/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "helper/store/store-crypto.h"
#include "helper/store/store-migrations.h"
#include "helper/store/store-sql.h"
#include "helper/store/store-wal.h"

#define BUSY_TIMEOUT_MS      500
#define CLOSED_SESSIONS_KEPT "1000"

static const char *const pragmas[] = {
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA temp_store = MEMORY",
    ("PRAGMA journal_size_limit = " STORE_WAL_SIZE_TEXT),
};

/* SQLite would make the file with the umask's mode and follow a link. */
static int make_file(const char *path)
{
    _cleanup_free_ char *copy = strdup(path);
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    struct stat st;

    if (!copy)
        return -ENOMEM;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size > 0)
        return 0;
    _cleanup_close_ int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) < 0)
        return -errno;
    return 0;
}

static int look_at_integrity(Store *store)
{
    _cleanup_query_ Query query = query_new(store, "PRAGMA quick_check(1)");
    _cleanup_free_ char *text = NULL;
    int r = query_step(&query);

    if (r == 0)
        return -EUCLEAN;
    if (r > 0)
        r = query_get_text(&query, 0, &text);
    if (r < 0)
        return r;
    return text && strcmp(text, "ok") == 0 ? 0 : -EUCLEAN;
}

/* For want of memory SQLite reports pages that it could not read as damaged: a second look
 * decides. */
static int check_integrity(Store *store)
{
    int r = look_at_integrity(store);

    return r == -EUCLEAN ? look_at_integrity(store) : r;
}

static int prepare_database(Store *store)
{
    int r = store_errno(sqlite3_extended_result_codes(store->db, 1));

    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(pragmas); i++)
        r = store_execute(store, pragmas[i]);
    if (r >= 0)
        r = check_integrity(store);
    if (r >= 0)
        r = store_migrate(store);
    if (r >= 0)
        store_wal_reserve(store);
    return r;
}

int store_open(const char *path, const Secret *key, Store **ret_store)
{
    _cleanup_(store_freep) Store *store = calloc(1, sizeof(*store));

    if (!store)
        return -ENOMEM;
    int r = secret_copy(key, &store->key);
    if (r >= 0)
        r = make_file(path);
    if (r >= 0)
        r = store_errno(sqlite3_open_v2(path, &store->db,
                                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    if (r >= 0)
        r = prepare_database(store);
    if (r < 0)
        return r;
    *ret_store = TAKE_PTR(store);
    return 0;
}

Store *store_free(Store *store)
{
    if (!store)
        return NULL;
    query_clear(&store->number_query);
    sqlite3_close_v2(store->db);
    secret_free(store->key);
    free(store);
    return NULL;
}

/* --- tokens ----------------------------------------------------------------------------------- */

static SealContext token_context(const Store *store, const Account *account)
{
    return (SealContext){store->key, "refresh-token", account->row, account->name};
}

static int unseal_column(Store *store, const Account *account, Query *query, Secret **ret_token)
{
    const SealContext context = token_context(store, account);
    const uint8_t *sealed = sqlite3_column_blob(query->statement, 0);
    int size = sqlite3_column_bytes(query->statement, 0);

    if (!sealed || size < 0)
        return -EBADMSG;
    return store_unseal(&context, sealed, (size_t)size, ret_token);
}

int store_token_get(Store *store, const Account *account, Secret **ret_token)
{
    _cleanup_query_ Query query = query_new(store, "SELECT sealed FROM tokens WHERE account = ?1");

    query_bind_integer(&query, 1, account->row);
    int r = query_step(&query);
    if (r < 0)
        return r;
    if (r == 0) {
        *ret_token = NULL;
        return 0;
    }
    return unseal_column(store, account, &query, ret_token);
}

static int delete_token(Store *store, int64_t row)
{
    _cleanup_query_ Query query = query_new(store, "DELETE FROM tokens WHERE account = ?1");

    query_bind_integer(&query, 1, row);
    return query_run(&query);
}

int store_token_put(Store *store, const Account *account, const Secret *token)
{
    const SealContext context = token_context(store, account);
    _cleanup_free_ uint8_t *sealed = NULL;
    size_t size = 0;

    if (account->row == 0)
        return -ENOENT;
    if (!token)
        return delete_token(store, account->row);
    int r = store_seal(&context, token, &sealed, &size);
    if (r < 0)
        return r;
    _cleanup_query_ Query query = query_new(store,
        "INSERT INTO tokens (account, sealed, redeeming) VALUES (?1, ?2, 0)"
        " ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, redeeming = 0");
    query_bind_integer(&query, 1, account->row);
    query_bind_blob(&query, 2, sealed, size);
    return query_run(&query);
}

int store_token_set_redeeming(Store *store, const Account *account, bool redeeming)
{
    _cleanup_query_ Query query =
        query_new(store, "UPDATE tokens SET redeeming = ?2 WHERE account = ?1");

    query_bind_integer(&query, 1, account->row);
    query_bind_integer(&query, 2, redeeming ? 1 : 0);
    int r = query_run(&query);
    if (r < 0)
        return r;
    return sqlite3_changes(store->db) == 1 ? 0 : -ENOENT;
}

int store_token_is_redeeming(Store *store, const Account *account)
{
    _cleanup_query_ Query query =
        query_new(store, "SELECT redeeming FROM tokens WHERE account = ?1");

    query_bind_integer(&query, 1, account->row);
    int r = query_step(&query);
    if (r <= 0)
        return r;
    return query_get_integer(&query, 0) != 0;
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* Asked for each group at each publication, so it is prepared once: that takes most of the time. */
int store_number_get(Store *store, const char *owner, uint32_t *ret_number)
{
    if (!store->number_query.statement)
        store->number_query = query_new(store, "SELECT number FROM numbers WHERE owner = ?1");
    Query query = store->number_query;
    if (!query.statement)
        return query.error;
    query.error = store_give_way(store);
    query_bind_text(&query, 1, owner);
    int r = query_step(&query);
    if (r > 0)
        *ret_number = (uint32_t)query_get_integer(&query, 0);
    (void)sqlite3_reset(query.statement);
    (void)sqlite3_clear_bindings(query.statement);
    if (r < 0)
        return r;
    return r > 0 ? 0 : -ENOENT;
}

int store_number_owner(Store *store, uint32_t number, char **ret_owner)
{
    _cleanup_query_ Query query = query_new(store, "SELECT owner FROM numbers WHERE number = ?1");

    query_bind_integer(&query, 1, number);
    int r = query_step(&query);
    if (r < 0)
        return r;
    return r == 0 ? -ENOENT : query_get_text(&query, 0, ret_owner);
}

uint64_t store_numbers_version(const Store *store)
{
    return store->numbers_version;
}

void store_numbers_touch(Store *store)
{
    store->numbers_version += !store->batch_is_running;
}

int store_number_put(Store *store, const char *owner, uint32_t number)
{
    _cleanup_query_ Query query =
        query_new(store, "INSERT INTO numbers (owner, number) VALUES (?1, ?2)");

    store_numbers_touch(store);
    query_bind_text(&query, 1, owner);
    query_bind_integer(&query, 2, number);
    return query_run(&query);
}

/* --- sessions --------------------------------------------------------------------------------- */

static int read_session_texts(Query *query, SessionRow *row)
{
    char **const texts[] = {&row->user, &row->ruser, &row->service, &row->rhost,
                            &row->tty, &row->method, &row->strength};
    _cleanup_free_ char *id = NULL;
    int r = query_get_text(query, 0, &id);

    if (r >= 0 && (!id || strlen(id) >= sizeof(row->id)))
        r = -EUCLEAN;
    if (r >= 0)
        strncpy(row->id, id, sizeof(row->id) - 1);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++) {
        r = query_get_text(query, (int)i + 1, texts[i]);
        if (r >= 0 && !*texts[i])
            r = -EUCLEAN;
    }
    return r;
}

/* A sign-in is of the boot that its session is of. */
static int read_signed_in(Query *query, SessionRow *row)
{
    row->signed_in.wall_usec = (uint64_t)query_get_integer(query, 12);
    row->signed_in.boot_usec = (uint64_t)query_get_integer(query, 13);
    if (row->signed_in.wall_usec == 0)
        return row->signed_in.boot_usec == 0 ? 0 : -EUCLEAN;
    memcpy(row->signed_in.boot_id, row->boot_id, sizeof(row->boot_id));
    return 0;
}

static int pass_session(Query *query, StoreSessionHandler handler, void *userdata)
{
    SessionRow row = {0};
    int r = read_session_texts(query, &row);

    row.leader = (uint32_t)query_get_integer(query, 8);
    row.opened_usec = (uint64_t)query_get_integer(query, 9);
    row.audit_session = (uint32_t)query_get_integer(query, 10);
    if (r >= 0)
        r = query_get_bytes(query, 11, row.boot_id, sizeof(row.boot_id));
    if (r >= 0)
        r = read_signed_in(query, &row);
    if (r >= 0)
        r = handler(&row, userdata);
    free(row.user);
    free(row.ruser);
    free(row.service);
    free(row.rhost);
    free(row.tty);
    free(row.method);
    free(row.strength);
    return r;
}

int store_session_each(Store *store, StoreSessionHandler handler, void *userdata)
{
    _cleanup_query_ Query query = query_new(store,
        "SELECT id, user, ruser, service, rhost, tty, method, strength, leader, opened,"
        " audit_session, boot_id, signed_in_wall, signed_in_boot FROM sessions"
        " WHERE closed IS NULL ORDER BY rowid");
    int r;

    while ((r = query_step(&query)) > 0) {
        r = pass_session(&query, handler, userdata);
        if (r < 0)
            return r;
    }
    return r;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

int store_session_put(Store *store, const SessionRow *row)
{
    _cleanup_query_ Query query = query_new(store,
        "INSERT INTO sessions (id, user, ruser, service, rhost, tty, leader, opened, boot_id,"
        " method, signed_in_wall, signed_in_boot, audit_session, strength)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");

    query_bind_text(&query, 1, row->id);
    query_bind_text(&query, 2, or_empty(row->user));
    query_bind_text(&query, 3, or_empty(row->ruser));
    query_bind_text(&query, 4, or_empty(row->service));
    query_bind_text(&query, 5, or_empty(row->rhost));
    query_bind_text(&query, 6, or_empty(row->tty));
    query_bind_integer(&query, 7, row->leader);
    query_bind_integer(&query, 8, (int64_t)row->opened_usec);
    query_bind_blob(&query, 9, row->boot_id, sizeof(row->boot_id));
    query_bind_text(&query, 10, or_empty(row->method));
    query_bind_integer(&query, 11, (int64_t)row->signed_in.wall_usec);
    query_bind_integer(&query, 12, (int64_t)row->signed_in.boot_usec);
    query_bind_integer(&query, 13, row->audit_session);
    query_bind_text(&query, 14, or_empty(row->strength));
    return query_run(&query);
}

int store_session_set_signed_in(Store *store, const char *id, const Stamp *signed_in,
                                const char *strength)
{
    _cleanup_query_ Query query = query_new(store,
        "UPDATE sessions SET signed_in_wall = ?2, signed_in_boot = ?3, strength = ?4"
        " WHERE id = ?1 AND closed IS NULL");

    query_bind_text(&query, 1, id);
    query_bind_integer(&query, 2, (int64_t)signed_in->wall_usec);
    query_bind_integer(&query, 3, (int64_t)signed_in->boot_usec);
    query_bind_text(&query, 4, or_empty(strength));
    return query_run(&query);
}

static int mark_closed(Store *store, const char *id, const char *how)
{
    _cleanup_query_ Query query =
        query_new(store, "UPDATE sessions SET closed = ?2 WHERE id = ?1 AND closed IS NULL");

    query_bind_text(&query, 1, id);
    query_bind_text(&query, 2, or_empty(how));
    int r = query_run(&query);
    if (r < 0)
        return r;
    return sqlite3_changes(store->db) == 1 ? 0 : -ENOENT;
}

int store_session_close(Store *store, const char *id, const char *how)
{
    int r = store_begin(store);

    if (r < 0)
        return r;
    r = mark_closed(store, id, how);
    /* The access log tells the story; the table only needs to stay small. */
    if (r >= 0)
        r = store_execute(store,
            "DELETE FROM sessions WHERE closed IS NOT NULL AND rowid <="
            " (SELECT max(rowid) FROM sessions) - " CLOSED_SESSIONS_KEPT);
    return store_end(store, r);
}

/* --- small values ----------------------------------------------------------------------------- */

int store_value_get(Store *store, const char *key, uint64_t *ret_value)
{
    _cleanup_query_ Query query = query_new(store, "SELECT value FROM small_values WHERE key = ?1");

    query_bind_text(&query, 1, key);
    int r = query_step(&query);
    if (r < 0)
        return r;
    if (r == 0)
        return -ENOENT;
    *ret_value = (uint64_t)query_get_integer(&query, 0);
    return 0;
}

int store_value_put(Store *store, const char *key, uint64_t value)
{
    _cleanup_query_ Query query = query_new(store,
        "INSERT INTO small_values (key, value) VALUES (?1, ?2)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value");

    query_bind_text(&query, 1, key);
    query_bind_integer(&query, 2, (int64_t)value);
    return query_run(&query);
}
