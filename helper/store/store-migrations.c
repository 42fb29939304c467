/*
 * Steps are only ever added at the end: a host may come from any earlier version. The number of
 * steps done is SQLite's user_version, written in the step's own transaction.
 */
#include "helper/store/store-migrations.h"

#include <errno.h>

#include "common/cleanup.h"
#include "helper/store/store-sql.h"
#include "helper/store/store.h"

static const char *const migrations[] = {
    /* 1: everything the first version keeps. */
    "CREATE TABLE accounts ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " directory_name TEXT NOT NULL,"
    " provider TEXT NOT NULL,"
    " issuer TEXT,"
    " subject TEXT,"
    " uid INTEGER NOT NULL UNIQUE CHECK (uid > 0 AND uid < 4294967295),"
    " gecos TEXT NOT NULL,"
    " home TEXT NOT NULL,"
    " shell TEXT NOT NULL,"
    " groups TEXT NOT NULL,"
    " state INTEGER NOT NULL,"
    " verdict INTEGER NOT NULL,"
    " by_administrator INTEGER NOT NULL,"
    " evidence TEXT NOT NULL,"
    " since_wall INTEGER NOT NULL, since_boot INTEGER NOT NULL, since_boot_id BLOB NOT NULL,"
    " confirmed_wall INTEGER NOT NULL, confirmed_boot INTEGER NOT NULL,"
    " confirmed_boot_id BLOB NOT NULL,"
    " signed_in_wall INTEGER NOT NULL, signed_in_boot INTEGER NOT NULL,"
    " signed_in_boot_id BLOB NOT NULL,"
    " added INTEGER NOT NULL,"
    " former_name BLOB NOT NULL,"
    " former_id BLOB NOT NULL,"
    " CHECK ((issuer IS NULL) = (subject IS NULL))"
    ");"
    "CREATE UNIQUE INDEX accounts_identity ON accounts (issuer, subject)"
    " WHERE subject IS NOT NULL;"
    "CREATE TABLE tokens ("
    " account INTEGER PRIMARY KEY REFERENCES accounts (id),"
    " sealed BLOB NOT NULL,"
    " redeeming INTEGER NOT NULL DEFAULT 0"
    ");"
    "CREATE TABLE numbers ("
    " owner TEXT PRIMARY KEY,"
    " number INTEGER NOT NULL UNIQUE CHECK (number > 0 AND number < 4294967295)"
    ");"
    "CREATE TABLE sessions ("
    " id TEXT PRIMARY KEY,"
    " user TEXT NOT NULL, ruser TEXT NOT NULL, service TEXT NOT NULL, rhost TEXT NOT NULL,"
    " tty TEXT NOT NULL,"
    " leader INTEGER NOT NULL,"
    " opened INTEGER NOT NULL,"
    " boot_id BLOB NOT NULL,"
    " closed TEXT"
    ");"
    "CREATE INDEX sessions_open ON sessions (id) WHERE closed IS NULL;"
    "CREATE TABLE small_values ("
    " key TEXT PRIMARY KEY,"
    " value INTEGER NOT NULL"
    ");",
    /* 2: how and when the person of a session signed in. */
    "ALTER TABLE sessions ADD COLUMN method TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sessions ADD COLUMN signed_in_wall INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN signed_in_boot INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN audit_session INTEGER NOT NULL DEFAULT 4294967295;",
    /* 3: one person may have an account of their own and local accounts that are tied to them. */
    ("DROP INDEX accounts_identity;"
     "CREATE INDEX accounts_identity ON accounts (issuer, subject) WHERE subject IS NOT NULL;"),
    /* 4: where the changes of a directory go on. */
    "CREATE TABLE directory_links (issuer TEXT PRIMARY KEY, link TEXT NOT NULL);",
    /* 5: roles and copied claims of an account, one a line. */
    ("ALTER TABLE accounts ADD COLUMN roles TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE accounts ADD COLUMN claims TEXT NOT NULL DEFAULT '';"),
    /* 6: how strongly the person of a session signed in. */
    "ALTER TABLE sessions ADD COLUMN strength TEXT NOT NULL DEFAULT '';",
    /* 7: numbers carried here from another host, until their person comes. */
    ("CREATE TABLE carried_numbers ("
     " number INTEGER PRIMARY KEY,"
     " issuer TEXT NOT NULL,"
     " subject TEXT,"
     " name TEXT,"
     " CHECK (subject IS NOT NULL OR name IS NOT NULL)"
     ");"
     "CREATE UNIQUE INDEX carried_subjects ON carried_numbers (issuer, subject)"
     " WHERE subject IS NOT NULL;"
     "CREATE INDEX carried_names ON carried_numbers (issuer, name) WHERE name IS NOT NULL;"),
    /* 8: telephone numbers. */
    "ALTER TABLE accounts ADD COLUMN phone TEXT NOT NULL DEFAULT '';",
    /* 9: second factors. */
    ("CREATE TABLE totp ("
     " account INTEGER PRIMARY KEY REFERENCES accounts (id),"
     " sealed BLOB NOT NULL,"
     " algorithm INTEGER NOT NULL, digits INTEGER NOT NULL, period INTEGER NOT NULL,"
     " last_step INTEGER NOT NULL, drift INTEGER NOT NULL,"
     " shared INTEGER NOT NULL, enrolled INTEGER NOT NULL, enrolled_by TEXT NOT NULL"
     ");"
     "CREATE TABLE recovery_codes ("
     " account INTEGER NOT NULL REFERENCES accounts (id),"
     " number INTEGER NOT NULL,"
     " hash TEXT NOT NULL,"
     " PRIMARY KEY (account, number)"
     ") WITHOUT ROWID;"),
    /* 10: lock-out, and where people sign in from. */
    ("CREATE TABLE lockouts ("
     " key TEXT NOT NULL PRIMARY KEY,"
     " failures INTEGER NOT NULL, level INTEGER NOT NULL,"
     " window INTEGER NOT NULL, locked_until INTEGER NOT NULL"
     ") WITHOUT ROWID;"
     "CREATE TABLE known_places ("
     " account INTEGER NOT NULL REFERENCES accounts (id),"
     " place TEXT NOT NULL,"
     " last INTEGER NOT NULL,"
     " PRIMARY KEY (account, place)"
     ") WITHOUT ROWID;"),
    /* 11: where the changes of a directory's groups go on, what lay inside them then, and by which
     * settings they had been read. */
    "CREATE TABLE directory_groups ("
    " issuer TEXT PRIMARY KEY, link TEXT NOT NULL, inside TEXT NOT NULL, settings BLOB NOT NULL)"
    " WITHOUT ROWID;",
    /* 12: what people sign in with while the provider cannot be reached. */
    "CREATE TABLE offline_secrets ("
    " account INTEGER PRIMARY KEY REFERENCES accounts (id),"
    " kind INTEGER NOT NULL,"
    " sealed BLOB);",
    /* 13: which tokens are from before the last cut. 3 and 4 are REVOKED and DISABLED. */
    ("ALTER TABLE accounts ADD COLUMN cut INTEGER NOT NULL DEFAULT 0;"
     "UPDATE accounts SET cut = since_wall WHERE verdict IN (3, 4);"),
    /* 14: as of when groups, roles and claims are; so far from the last sign-in, at least. */
    ("ALTER TABLE accounts ADD COLUMN learnt INTEGER NOT NULL DEFAULT 0;"
     "UPDATE accounts SET learnt = signed_in_wall;"),
    /* 15: until when the access token lasts that somebody signed in with. */
    "ALTER TABLE accounts ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;",
};

static int run_step(Store *store, size_t index)
{
    char version[64];
    int r = store_begin(store);

    if (r < 0)
        return r;
    r = store_execute(store, migrations[index]);
    if (r >= 0) {
        snprintf(version, sizeof(version), "PRAGMA user_version = %zu", index + 1);
        r = store_execute(store, version);
    }
    return store_end(store, r);
}

int store_migrate(Store *store)
{
    int64_t version = 0;
    int r = store_read_integer(store, "PRAGMA user_version", &version);

    if (r < 0)
        return r;
    if (version < 0 || (uint64_t)version > ELEMENTSOF(migrations))
        return -EPROTO;
    for (size_t i = (size_t)version; r >= 0 && i < ELEMENTSOF(migrations); i++)
        r = run_step(store, i);
    return r;
}
