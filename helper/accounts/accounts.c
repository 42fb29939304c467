/*
 * All accounts in memory, found by name, by number and by identity. Rows are never deleted (a
 * number outlives its account), so the array only grows and an account's address stays.
 */
#include "helper/accounts/accounts-private.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/limits.h"
#include "helper/store/store.h"
#include "helper/base/text-list.h"

typedef enum Index { BY_NAME, BY_UID, BY_IDENTITY, _INDEX_COUNT } Index;

#define NONE UINT32_MAX

typedef struct Slot {
    Account *account;
    uint32_t next[_INDEX_COUNT]; /* in the same bucket */
} Slot;

struct Accounts {
    Store *store;
    Slot *slots;
    size_t count, capacity;           /* capacity is a power of two, and the number of buckets */
    uint32_t *buckets[_INDEX_COUNT];
    uint64_t version;
    char why[ACCOUNTS_WHY_SIZE];
    uint64_t seed; /* names come from outside: nobody may choose the bucket */
};

Account *account_free(Account *account)
{
    if (!account)
        return NULL;
    free(account->name);
    free(account->directory_name);
    free(account->provider);
    free(account->issuer);
    free(account->id);
    free(account->gecos);
    free(account->phone);
    free(account->home);
    free(account->shell);
    text_list_free(account->groups);
    text_list_free(account->roles);
    text_list_free(account->claims);
    free(account->evidence);
    free(account);
    return NULL;
}

/* --- hashing ---------------------------------------------------------------------------------- */

/* FNV-1a over a text and its NUL. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    while (*text++);
    return hash;
}

static size_t bucket_of(const Accounts *accounts, uint64_t hash)
{
    return (size_t)((hash ^ hash >> 32) & (accounts->capacity - 1));
}

static size_t name_bucket(const Accounts *accounts, const char *name)
{
    return bucket_of(accounts, hash_text(accounts->seed, name));
}

static size_t uid_bucket(const Accounts *accounts, uint32_t uid)
{
    return bucket_of(accounts, (accounts->seed ^ uid) * UINT64_C(0x9e3779b97f4a7c15));
}

static size_t identity_bucket(const Accounts *accounts, const char *issuer, const char *id)
{
    return bucket_of(accounts, hash_text(hash_text(accounts->seed, issuer), id));
}

static bool is_bound(const Account *account)
{
    return account->issuer && account->id;
}

static void link_slot(Accounts *accounts, Index index, size_t bucket, uint32_t slot)
{
    accounts->slots[slot].next[index] = accounts->buckets[index][bucket];
    accounts->buckets[index][bucket] = slot;
}

static void link_all(Accounts *accounts, uint32_t slot)
{
    const Account *account = accounts->slots[slot].account;

    link_slot(accounts, BY_NAME, name_bucket(accounts, account->name), slot);
    link_slot(accounts, BY_UID, uid_bucket(accounts, account->uid), slot);
    if (is_bound(account))
        link_slot(accounts, BY_IDENTITY, identity_bucket(accounts, account->issuer, account->id),
                  slot);
}

/* --- growing ---------------------------------------------------------------------------------- */

static int grow(Accounts *accounts, size_t capacity)
{
    Slot *slots = reallocarray(accounts->slots, capacity, sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    accounts->slots = slots;
    /* A longer bucket array is used only once all of them are there. */
    for (size_t i = 0; i < _INDEX_COUNT; i++) {
        uint32_t *buckets = reallocarray(accounts->buckets[i], capacity, sizeof(*buckets));
        if (!buckets)
            return -ENOMEM;
        accounts->buckets[i] = buckets;
    }
    accounts->capacity = capacity;
    for (size_t i = 0; i < _INDEX_COUNT; i++)
        memset(accounts->buckets[i], 0xff, capacity * sizeof(uint32_t));
    for (size_t i = 0; i < accounts->count; i++)
        link_all(accounts, (uint32_t)i);
    return 0;
}

int accounts_reserve(Accounts *accounts)
{
    if (accounts->count >= ACCOUNTS_MAX)
        return -ENOSPC;
    if (accounts->count < accounts->capacity)
        return 0;
    return grow(accounts, accounts->capacity * 2);
}

void accounts_insert(Accounts *accounts, Account *account)
{
    uint32_t slot = (uint32_t)accounts->count++;

    accounts->slots[slot] = (Slot){.account = account};
    accounts->version++;
    link_all(accounts, slot);
}

/* --- what of an account may change ------------------------------------------------------------ */

static uint32_t slot_of(const Accounts *accounts, const Account *account)
{
    uint32_t slot = accounts->buckets[BY_NAME][name_bucket(accounts, account->name)];

    while (slot != NONE && accounts->slots[slot].account != account)
        slot = accounts->slots[slot].next[BY_NAME];
    return slot;
}

static void unlink_slot(Accounts *accounts, Index index, size_t bucket, const Account *account)
{
    uint32_t *link = &accounts->buckets[index][bucket];

    while (*link != NONE && accounts->slots[*link].account != account)
        link = &accounts->slots[*link].next[index];
    if (*link != NONE)
        *link = accounts->slots[*link].next[index];
}

void accounts_unindex_identity(Accounts *accounts, const Account *account)
{
    accounts->version++;
    if (is_bound(account))
        unlink_slot(accounts, BY_IDENTITY,
                    identity_bucket(accounts, account->issuer, account->id), account);
}

void accounts_index_identity(Accounts *accounts, const Account *account)
{
    uint32_t slot = slot_of(accounts, account);

    accounts->version++;
    if (is_bound(account) && slot != NONE)
        link_slot(accounts, BY_IDENTITY, identity_bucket(accounts, account->issuer, account->id),
                  slot);
}

void accounts_unindex_number(Accounts *accounts, const Account *account)
{
    accounts->version++;
    unlink_slot(accounts, BY_UID, uid_bucket(accounts, account->uid), account);
}

void accounts_index_number(Accounts *accounts, const Account *account)
{
    uint32_t slot = slot_of(accounts, account);

    if (slot != NONE)
        link_slot(accounts, BY_UID, uid_bucket(accounts, account->uid), slot);
}

uint64_t accounts_version(const Accounts *accounts)
{
    return accounts->version;
}

char *accounts_why(Accounts *accounts)
{
    return accounts->why;
}

/* --- construction and look-ups ---------------------------------------------------------------- */

static int take_account(Account *account, void *userdata)
{
    Accounts *accounts = userdata;
    int r = accounts_reserve(accounts);

    if (r < 0) {
        account_free(account);
        return r;
    }
    accounts_insert(accounts, account);
    return 0;
}

int accounts_new(Store *store, Accounts **ret_accounts)
{
    _cleanup_(accounts_freep) Accounts *accounts = calloc(1, sizeof(*accounts));

    if (!accounts)
        return -ENOMEM;
    accounts->store = store;
    if (getrandom(&accounts->seed, sizeof(accounts->seed), 0) != sizeof(accounts->seed))
        return -EIO;
    int r = grow(accounts, 64);
    if (r >= 0)
        r = store_account_each(store, take_account, accounts);
    if (r < 0)
        return r;
    *ret_accounts = TAKE_PTR(accounts);
    return 0;
}

Accounts *accounts_free(Accounts *accounts)
{
    if (!accounts)
        return NULL;
    for (size_t i = 0; i < accounts->count; i++)
        account_free(accounts->slots[i].account);
    for (size_t i = 0; i < _INDEX_COUNT; i++)
        free(accounts->buckets[i]);
    free(accounts->slots);
    free(accounts);
    return NULL;
}

Store *accounts_store(const Accounts *accounts)
{
    return accounts->store;
}

Account *accounts_find(Accounts *accounts, const char *name)
{
    uint32_t slot = accounts->buckets[BY_NAME][name_bucket(accounts, name)];

    for (; slot != NONE; slot = accounts->slots[slot].next[BY_NAME]) {
        if (strcmp(accounts->slots[slot].account->name, name) == 0)
            return accounts->slots[slot].account;
    }
    return NULL;
}

Account *accounts_find_uid(Accounts *accounts, uint32_t uid)
{
    uint32_t slot = accounts->buckets[BY_UID][uid_bucket(accounts, uid)];

    for (; slot != NONE; slot = accounts->slots[slot].next[BY_UID]) {
        if (accounts->slots[slot].account->uid == uid)
            return accounts->slots[slot].account;
    }
    return NULL;
}

Account *accounts_find_identity(Accounts *accounts, const char *issuer, const char *id)
{
    uint32_t slot = accounts->buckets[BY_IDENTITY][identity_bucket(accounts, issuer, id)];

    for (; slot != NONE; slot = accounts->slots[slot].next[BY_IDENTITY]) {
        Account *account = accounts->slots[slot].account;
        if (strcmp(account->issuer, issuer) == 0 && strcmp(account->id, id) == 0)
            return account;
    }
    return NULL;
}

Account *accounts_next_of_person(Accounts *accounts, const Account *account, const Account *after)
{
    bool passed = !after;

    if (!is_bound(account))
        return NULL;
    uint32_t slot =
        accounts->buckets[BY_IDENTITY][identity_bucket(accounts, account->issuer, account->id)];
    for (; slot != NONE; slot = accounts->slots[slot].next[BY_IDENTITY]) {
        Account *other = accounts->slots[slot].account;
        if (passed && other != account && strcmp(other->issuer, account->issuer) == 0 &&
            strcmp(other->id, account->id) == 0)
            return other;
        passed |= other == after;
    }
    return NULL;
}

size_t accounts_count(const Accounts *accounts)
{
    return accounts->count;
}

Account *accounts_next(Accounts *accounts, size_t *iterator)
{
    return *iterator < accounts->count ? accounts->slots[(*iterator)++].account : NULL;
}
