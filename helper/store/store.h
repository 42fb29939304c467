/*
 * The state database (design §6): SQLite, WAL, synchronous=FULL, numbered migrations. Everything
 * acknowledged is in it: killing any process at any instant loses none.
 *
 * Secrets are AES-256-GCM with the account and the purpose as associated data.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/secret.h"
#include "helper/accounts/account.h"

typedef struct Store Store;

/* Opens or creates. `key` is 32 bytes (store_load_key()). Returns 0 or a negative errno;
 * -EUCLEAN for a corrupt database, -EPROTO for one of a newer version, -EBUSY when another
 * process has it. */
int store_open(const char *path, const Secret *key, Store **ret_store);
Store *store_free(Store *store);
DEFINE_CLEANUP(Store *, store_free)

/* The key from the systemd credential "state.key" ($CREDENTIALS_DIRECTORY), else from `path`,
 * made on first use (0600). Returns 0; -EUCLEAN for one of another size, -EPERM when others may
 * read it. */
int store_load_key(const char *path, Secret **ret_key);

/* Several writes as one: store_begin(), the writes, store_end() with the first error or 0. Nests;
 * the outermost commits or, on an error, takes everything back. store_end() returns `result` or
 * what the commit failed with. */
int store_begin(Store *store);
int store_end(Store *store, int result);

/* Many numbers as one write, over several turns of the loop: store_batch_enter(), some of them,
 * store_batch_leave(), and so on until store_batch_commit() in place of the last leave. Whoever
 * else writes in between, or reads numbers, finds the store without them: they are taken back, and
 * the next store_batch_enter() says so by returning 1, as the first does: begin anew. 0: what was
 * written is there. All return a negative errno on failure; store_batch_drop() takes back what was
 * left. */
int store_batch_enter(Store *store);
void store_batch_leave(Store *store);
int store_batch_commit(Store *store);
int store_batch_drop(Store *store);

/* Grows whenever a number is given or carried, but by a batch. */
uint64_t store_numbers_version(const Store *store);

/* Empties the write-ahead log, so that deleted personal data leaves the disk now. */
int store_scrub(Store *store);

/* Accounts. store_account_save() writes the whole row (insert when row is 0, which it then
 * sets) in one transaction; a forgotten account's token goes with it. -EEXIST: name, uid or
 * identity taken. */
typedef int (*StoreAccountHandler)(Account *account, void *userdata); /* takes ownership */
int store_account_each(Store *store, StoreAccountHandler handler, void *userdata);
int store_account_save(Store *store, Account *account);

/* Only when the account was confirmed, which is told of many at once. */
int store_account_save_confirmed(Store *store, const Account *account);

/* Refresh token of an account. get: 0 with NULL when there is none; -EBADMSG when it was sealed
 * with another key or for another account: then there is none either, and the person signs in
 * again. put: NULL deletes; clears redeeming. */
int store_token_get(Store *store, const Account *account, Secret **ret_token);
int store_token_put(Store *store, const Account *account, const Secret *token);
/* Rotation-safe redemption: stored before the request is sent (design §5). */
int store_token_set_redeeming(Store *store, const Account *account, bool redeeming);
int store_token_is_redeeming(Store *store, const Account *account); /* 0, 1, negative errno */

/* Numbers, also those of groups and of forgotten accounts: never deleted. owner: "user:<name>" or
 * "group:<issuer> <id>"; "carried:<number>" waits for its person (store-carried.h). put: -EEXIST
 * when the owner has one or somebody else has this one. */
int store_number_get(Store *store, const char *owner, uint32_t *ret_number); /* -ENOENT */
int store_number_owner(Store *store, uint32_t number, char **ret_owner);     /* -ENOENT */
int store_number_put(Store *store, const char *owner, uint32_t number);      /* -EEXIST */

/* Sessions of this and earlier boots. */
#define AUDIT_SESSION_NONE UINT32_MAX /* the kernel's own word for it */
typedef struct SessionRow {
    char id[40];
    char *user, *ruser, *service, *rhost, *tty;
    char *method;          /* "device", "publickey", "publickey,device" …, "" if nothing said so */
    Stamp signed_in;       /* when the person signed in to open this session; unset: did not */
    char *strength;        /* of that sign-in (strength.h), "" when nothing said so */
    uint32_t audit_session;/* the kernel's; AUDIT_SESSION_NONE */
    uint32_t leader;       /* pid, for people; never signalled */
    uint64_t opened_usec;  /* wall clock */
    uint8_t boot_id[16];
} SessionRow;
typedef int (*StoreSessionHandler)(const SessionRow *row, void *userdata);
int store_session_each(Store *store, StoreSessionHandler handler, void *userdata); /* open ones */
int store_session_put(Store *store, const SessionRow *row);
int store_session_set_signed_in(Store *store, const char *id, const Stamp *signed_in,
                                const char *strength);
int store_session_close(Store *store, const char *id, const char *how); /* -ENOENT: not open */

/* Where the changes of a directory go on, by its issuer. put: NULL deletes. */
int store_link_get(Store *store, const char *issuer, char **ret_link); /* -ENOENT */
int store_link_put(Store *store, const char *issuer, const char *link);

/* The same for changes of groups, with what must be known to go on (directory-groups.h). */
typedef struct StoreGroups {
    char *link, *inside;
    uint8_t settings[32];
} StoreGroups;
void store_groups_clear(StoreGroups *groups);
int store_groups_get(Store *store, const char *issuer, StoreGroups *ret_groups); /* -ENOENT */
int store_groups_put(Store *store, const char *issuer, const StoreGroups *groups);

/* Small values: generation counter and the like. */
int store_value_get(Store *store, const char *key, uint64_t *ret_value); /* -ENOENT */
int store_value_put(Store *store, const char *key, uint64_t value);
