/*
 * Rows of accounts. A row that does not make sense is a corrupt database, never a half account.
 */
#include "helper/store/store.h"

#include <errno.h>
#include <string.h>

#include "common/names.h"
#include "helper/store/store-sql.h"
#include "helper/store/store-lockout.h"
#include "helper/store/store-totp.h"
#include "helper/store/store-wal.h"
#include "helper/base/text-list.h"

#define COLUMNS                                                                                    \
    "name, directory_name, provider, issuer, subject, uid, gecos, home, shell, groups, state,"     \
    " verdict, by_administrator, evidence, since_wall, since_boot, since_boot_id,"                 \
    " confirmed_wall, confirmed_boot, confirmed_boot_id,"                                          \
    " signed_in_wall, signed_in_boot, signed_in_boot_id, added, former_name,"    \
    " former_id, roles, claims, phone, cut, learnt, expires"

/* The places of COLUMNS in a row; bound parameters are one higher. */
enum {
    COLUMN_NAME = 0,
    COLUMN_DIRECTORY_NAME,
    COLUMN_PROVIDER,
    COLUMN_ISSUER,
    COLUMN_SUBJECT,
    COLUMN_UID,
    COLUMN_GECOS,
    COLUMN_HOME,
    COLUMN_SHELL,
    COLUMN_GROUPS,
    COLUMN_STATE,
    COLUMN_VERDICT,
    COLUMN_BY_ADMINISTRATOR,
    COLUMN_EVIDENCE,
    COLUMN_SINCE,          /* three columns each */
    COLUMN_CONFIRMED = COLUMN_SINCE + 3,
    COLUMN_SIGNED_IN = COLUMN_CONFIRMED + 3,
    COLUMN_ADDED = COLUMN_SIGNED_IN + 3,
    COLUMN_FORMER_NAME,
    COLUMN_FORMER_ID,
    COLUMN_ROLES,
    COLUMN_CLAIMS,
    COLUMN_PHONE,
    COLUMN_CUT,
    COLUMN_LEARNT,
    COLUMN_EXPIRES,
    COLUMN_ROW, /* in SELECT only */
};

static int read_stamp(Query *query, int column, Stamp *stamp)
{
    stamp->wall_usec = (uint64_t)query_get_integer(query, column);
    stamp->boot_usec = (uint64_t)query_get_integer(query, column + 1);
    return query_get_bytes(query, column + 2, stamp->boot_id, sizeof(stamp->boot_id));
}

static void bind_stamp(Query *query, int column, const Stamp *stamp)
{
    query_bind_integer(query, column + 1, (int64_t)stamp->wall_usec);
    query_bind_integer(query, column + 2, (int64_t)stamp->boot_usec);
    query_bind_blob(query, column + 3, stamp->boot_id, sizeof(stamp->boot_id));
}

typedef struct TextColumn {
    int column;
    size_t offset;
    bool needed;
} TextColumn;

static const TextColumn text_columns[] = {
    {COLUMN_NAME, offsetof(Account, name), true},
    {COLUMN_DIRECTORY_NAME, offsetof(Account, directory_name), true},
    {COLUMN_PROVIDER, offsetof(Account, provider), true},
    {COLUMN_ISSUER, offsetof(Account, issuer), false},
    {COLUMN_SUBJECT, offsetof(Account, id), false},
    {COLUMN_GECOS, offsetof(Account, gecos), true},
    {COLUMN_HOME, offsetof(Account, home), true},
    {COLUMN_SHELL, offsetof(Account, shell), true},
    {COLUMN_EVIDENCE, offsetof(Account, evidence), true},
    {COLUMN_PHONE, offsetof(Account, phone), true},
};

static char **text_field(const Account *account, const TextColumn *column)
{
    return (char **)(void *)((char *)(uintptr_t)account + column->offset);
}

typedef struct ListColumn {
    int column;
    size_t offset;
} ListColumn;

/* One entry a line. */
static const ListColumn list_columns[] = {
    {COLUMN_GROUPS, offsetof(Account, groups)},
    {COLUMN_ROLES, offsetof(Account, roles)},
    {COLUMN_CLAIMS, offsetof(Account, claims)},
};

static char ***list_field(const Account *account, const ListColumn *column)
{
    return (char ***)(void *)((char *)(uintptr_t)account + column->offset);
}

static int read_lists(Query *query, Account *account)
{
    for (size_t i = 0; i < ELEMENTSOF(list_columns); i++) {
        _cleanup_free_ char *text = NULL;
        int r = query_get_text(query, list_columns[i].column, &text);
        if (r >= 0)
            r = text ? text_list_split(text, "\n", list_field(account, &list_columns[i]))
                     : -EUCLEAN;
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_texts(Query *query, Account *account)
{
    for (size_t i = 0; i < ELEMENTSOF(text_columns); i++) {
        char **field = text_field(account, &text_columns[i]);
        int r = query_get_text(query, text_columns[i].column, field);
        if (r < 0)
            return r;
        if (text_columns[i].needed && !*field)
            return -EUCLEAN;
    }
    return read_lists(query, account);
}

static int read_numbers(Query *query, Account *account)
{
    int64_t uid = query_get_integer(query, COLUMN_UID);
    int64_t state = query_get_integer(query, COLUMN_STATE);
    int64_t verdict = query_get_integer(query, COLUMN_VERDICT);

    if (uid <= 0 || uid >= UINT32_MAX || state < 0 || state > ACCOUNT_FORGOTTEN || verdict < 0 ||
        verdict >= _VERDICT_COUNT)
        return -EUCLEAN;
    account->row = query_get_integer(query, COLUMN_ROW);
    account->uid = (uint32_t)uid;
    account->state = (AccountState)state;
    account->verdict = (Verdict)verdict;
    account->by_administrator = query_get_integer(query, COLUMN_BY_ADMINISTRATOR) != 0;
    account->added_usec = (uint64_t)query_get_integer(query, COLUMN_ADDED);
    account->cut_usec = (uint64_t)query_get_integer(query, COLUMN_CUT);
    account->learnt_usec = (uint64_t)query_get_integer(query, COLUMN_LEARNT);
    account->expires_usec = (uint64_t)query_get_integer(query, COLUMN_EXPIRES);
    return 0;
}

static int read_account(Query *query, Account **ret_account)
{
    _cleanup_(account_freep) Account *account = calloc(1, sizeof(*account));

    if (!account)
        return -ENOMEM;
    int r = read_numbers(query, account);
    if (r >= 0)
        r = read_texts(query, account);
    if (r >= 0)
        r = read_stamp(query, COLUMN_SINCE, &account->verdict_since);
    if (r >= 0)
        r = read_stamp(query, COLUMN_CONFIRMED, &account->confirmed);
    if (r >= 0)
        r = read_stamp(query, COLUMN_SIGNED_IN, &account->signed_in);
    if (r >= 0)
        r = query_get_bytes(query, COLUMN_FORMER_NAME, account->former_name, 32);
    if (r >= 0)
        r = query_get_bytes(query, COLUMN_FORMER_ID, account->former_id, 32);
    if (r >= 0 && !name_is_valid(account->name))
        r = -EUCLEAN;
    if (r < 0)
        return r;
    *ret_account = TAKE_PTR(account);
    return 0;
}

int store_account_each(Store *store, StoreAccountHandler handler, void *userdata)
{
    _cleanup_query_ Query query =
        query_new(store, "SELECT " COLUMNS ", id FROM accounts ORDER BY id");
    int r;

    while ((r = query_step(&query)) > 0) {
        Account *account = NULL;
        r = read_account(&query, &account);
        if (r >= 0)
            r = handler(account, userdata);
        if (r < 0)
            return r;
    }
    return r;
}

typedef struct Lists {
    char *texts[ELEMENTSOF(list_columns)]; /* in their order */
} Lists;

static void lists_clear(Lists *lists)
{
    for (size_t i = 0; i < ELEMENTSOF(lists->texts); i++)
        free(lists->texts[i]);
}

static int join_lists(const Account *account, Lists *lists)
{
    for (size_t i = 0; i < ELEMENTSOF(list_columns); i++) {
        lists->texts[i] = text_list_join(*list_field(account, &list_columns[i]), '\n');
        if (!lists->texts[i])
            return -ENOMEM;
    }
    return 0;
}

static void bind_account(Query *query, const Account *account, const Lists *lists)
{
    for (size_t i = 0; i < ELEMENTSOF(list_columns); i++)
        query_bind_text(query, list_columns[i].column + 1, lists->texts[i]);
    for (size_t i = 0; i < ELEMENTSOF(text_columns); i++)
        query_bind_text(query, text_columns[i].column + 1, *text_field(account, &text_columns[i]));
    query_bind_integer(query, COLUMN_UID + 1, account->uid);
    query_bind_integer(query, COLUMN_STATE + 1, account->state);
    query_bind_integer(query, COLUMN_VERDICT + 1, account->verdict);
    query_bind_integer(query, COLUMN_BY_ADMINISTRATOR + 1, account->by_administrator ? 1 : 0);
    bind_stamp(query, COLUMN_SINCE, &account->verdict_since);
    bind_stamp(query, COLUMN_CONFIRMED, &account->confirmed);
    bind_stamp(query, COLUMN_SIGNED_IN, &account->signed_in);
    query_bind_integer(query, COLUMN_ADDED + 1, (int64_t)account->added_usec);
    query_bind_integer(query, COLUMN_CUT + 1, (int64_t)account->cut_usec);
    query_bind_integer(query, COLUMN_LEARNT + 1, (int64_t)account->learnt_usec);
    query_bind_integer(query, COLUMN_EXPIRES + 1, (int64_t)account->expires_usec);
    query_bind_blob(query, COLUMN_FORMER_NAME + 1, account->former_name, 32);
    query_bind_blob(query, COLUMN_FORMER_ID + 1, account->former_id, 32);
}

/* The same parameters for both; ?33 is the row. */
static const char insert_sql[] =
    "INSERT INTO accounts (" COLUMNS ") VALUES"
    " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
    " ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)";
static const char update_sql[] =
    "UPDATE accounts SET (" COLUMNS ") ="
    " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
    " ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32) WHERE id = ?33";

static int write_row(Store *store, const Account *account, int64_t *ret_row)
{
    __attribute__((cleanup(lists_clear))) Lists lists = {0};
    _cleanup_query_ Query query = query_new(store, account->row == 0 ? insert_sql : update_sql);

    int r = join_lists(account, &lists);
    if (r < 0)
        return r;
    bind_account(&query, account, &lists);
    if (account->row != 0)
        query_bind_integer(&query, COLUMN_ROW + 1, account->row);
    r = query_run(&query);
    if (r < 0)
        return r;
    if (sqlite3_changes(store->db) != 1)
        return -ENOENT;
    *ret_row = account->row == 0 ? sqlite3_last_insert_rowid(store->db) : account->row;
    return 0;
}

static int delete_secrets(Store *store, const Account *account)
{
    int r = store_token_put(store, account, NULL);

    if (r >= 0)
        r = store_totp_delete(store, account);
    return r < 0 ? r : store_places_delete(store, account);
}

int store_account_save(Store *store, Account *account)
{
    int64_t row = 0;
    int r = store_begin(store);

    if (r < 0)
        return r;
    r = write_row(store, account, &row);
    if (r >= 0 && account->row != 0 && account->state == ACCOUNT_FORGOTTEN)
        r = delete_secrets(store, account);
    r = store_end(store, r);
    if (r < 0)
        return r;
    account->row = row;
    return 0;
}

int store_account_save_confirmed(Store *store, const Account *account)
{
    _cleanup_query_ Query query =
        query_new(store, "UPDATE accounts SET confirmed_wall = ?1, confirmed_boot = ?2,"
                         " confirmed_boot_id = ?3 WHERE id = ?4");

    bind_stamp(&query, 0, &account->confirmed);
    query_bind_integer(&query, 4, account->row);
    return query_run(&query);
}

int store_scrub(Store *store)
{
    int r = store_execute(store, "PRAGMA wal_checkpoint(TRUNCATE)");

    store_wal_reserve(store);
    return r;
}
