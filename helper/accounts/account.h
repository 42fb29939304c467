/*
 * Accounts: who exists on this host, bound to whom, with which verdict (design §4, §5).
 *
 * All accounts are kept in memory (hash by name) and written through to the store. Fields are
 * read freely; they change only through functions, which store before they return.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/cleanup.h"
#include "helper/base/clock.h"

typedef struct Store Store;
typedef struct Config Config;
typedef struct ProviderConfig ProviderConfig;

typedef enum Verdict {
    VERDICT_UNCONFIRMED = 0, /* new accounts: since never */
    VERDICT_ACTIVE,
    VERDICT_AGED,
    VERDICT_REVOKED,
    VERDICT_DISABLED,
    _VERDICT_COUNT,
} Verdict;
const char *verdict_to_word(Verdict verdict); /* "active" … */

typedef enum AccountState { ACCOUNT_ACTIVE = 0, ACCOUNT_FORGOTTEN } AccountState;

typedef struct Account {
    int64_t row;           /* store's key; 0 = not stored yet */
    char *name;            /* on this host, unique */
    char *directory_name;  /* alice@rcpch.ac.uk, folded */
    char *provider;        /* section name */
    char *issuer;          /* as bound; NULL before */
    char *id;              /* immutable id; NULL = not bound */
    uint32_t uid;
    char *gecos, *home, *shell;
    char *phone;           /* as phone.h writes it; "" for none, never NULL */
    char **groups;         /* directory group ids, NULL-terminated, never NULL */
    char **roles;          /* of RolesClaim=, as the last token had them; the same */
    char **claims;         /* of CopyClaims=, "name=value"; the same */
    AccountState state;
    Verdict verdict;
    bool by_administrator; /* DISABLED by `user revoke`: only `user reinstate` lifts it */
    Stamp verdict_since;
    char *evidence;        /* what moved the verdict last; never NULL */
    uint64_t cut_usec;     /* wall clock: no token of theirs that was issued up to then opens
                            * anything, whatever the verdict is now; 0: all do */
    uint64_t learnt_usec;  /* wall clock: groups, roles and claims are as they were then; what a
                            * token from before says of them is old */
    uint64_t expires_usec; /* wall clock: of the access token that they last signed in with; 0: they
                            * signed in otherwise since, or something else vouches for them */
    Stamp confirmed;       /* the provider last vouched for it */
    Stamp signed_in;       /* last interactive sign-in */
    uint64_t added_usec;
    /* SHA-256 of the directory name and of the identity (zero: not bound) that a forgotten account
     * had: nobody else may take its number over. */
    uint8_t former_name[32], former_id[32];

    /* Not stored. The two pointers belong to revocation.c and refresher.c, which free what they
     * hang here. */
    unsigned session_count;
    bool directory_told; /* of its groups, since the configuration was loaded (directories.h) */
    uint32_t token_turn; /* moves when a refresh token that was kept before is worth nothing: a
                          * sign-in brought another, or the account was let in again without one */
    uint32_t directory_uid; /* what UidClaim= said there last; 0: nothing */
    bool is_doubtful; /* added, bound or given groups by something else than its directory, which is
                       * asked about it */
    struct RevocationCase *revocation_case;
    struct RefreshJob *refresh_job;
} Account;

Account *account_free(Account *account);
DEFINE_CLEANUP(Account *, account_free)

typedef struct Accounts Accounts;

/* Loads all from the store (borrowed). */
int accounts_new(Store *store, Accounts **ret_accounts);
Accounts *accounts_free(Accounts *accounts);
DEFINE_CLEANUP(Accounts *, accounts_free)

/* NULL when there is none; exact; forgotten ones are found too. */
Account *accounts_find(Accounts *accounts, const char *name);
Account *accounts_find_uid(Accounts *accounts, uint32_t uid);
Account *accounts_find_identity(Accounts *accounts, const char *issuer, const char *id);
/* The accounts of one person: their own, and local ones that are tied to them. Another one bound to
 * the same identity as `account`, in no order: the one behind `after`, with NULL the first. */
Account *accounts_next_of_person(Accounts *accounts, const Account *account, const Account *after);
size_t accounts_count(const Accounts *accounts);
Account *accounts_next(Accounts *accounts, size_t *iterator); /* start at 0; NULL at the end */

typedef struct AccountOptions {
    const char *id, *shell, *home, *full_name, *phone; /* each may be NULL */
    char *const *groups;                       /* directory group ids, or NULL */
    uint32_t uid;                              /* of UidClaim= (claims.h) */
} AccountOptions;

/* Makes an account of a directory name: local name by NameFormat, number by hash or pin. Or that of
 * a local account which a [user] section ties, when its name on this host is given instead. An
 * Entra id without tenant gets the provider's. `*ret_why` (one clause, borrowed until the next
 * call) on error. Returns 0; -EINVAL name, id, home, shell or full name not allowed; -EEXIST name
 * or identity taken (also by /etc/passwd or /etc/group, or by a forgotten account of somebody
 * else); -EADDRINUSE number taken (collision: the newcomer is refused, loudly); -ENOENT tied to a
 * local account that is not there; -ENOSPC too many accounts. A forgotten account of the same
 * directory name comes back with its number, or with the one that [user] Uid= says. */
int accounts_add(Accounts *accounts, const Config *config, const ProviderConfig *provider,
                 const char *directory_name, const AccountOptions *options, Account **ret_account,
                 const char **ret_why);

/* Could the provider's tokens or directory ever give this id, as `user add --id` takes it? Of ids
 * other than Entra's nothing is known. */
bool account_id_is_possible(const ProviderConfig *provider, const char *id);

/* The directory name behind what accounts_add() is given; borrowed. */
const char *account_directory_name(const Config *config, const char *name);

/* Each stores, then changes memory; on error nothing has changed. bind: -EEXIST when the account is
 * bound to somebody else, when the identity has an account of its own already and none of the two
 * is a tied one, or when the account's number belonged to another identity before it was
 * forgotten. */
int account_bind(Accounts *accounts, const Config *config, Account *account, const char *issuer,
                 const char *id);
/* Who is asked for an account that is not bound yet; -EBUSY when it is. */
int account_set_provider(Accounts *accounts, Account *account, const char *provider);
/* NULL keeps what is known. The phone: as phone.h writes it, "" for none; -EINVAL for no number. */
int account_set_profile(Accounts *accounts, Account *account, const char *full_name);
int account_set_phone(Accounts *accounts, Account *account, const char *phone);
int account_set_groups(Accounts *accounts, Account *account, char *const *ids);
int account_set_roles(Accounts *accounts, Account *account, char *const *roles);
int account_set_claims(Accounts *accounts, Account *account, char *const *claims);
int account_set_signed_in(Accounts *accounts, Account *account, const Stamp *now);
int account_set_confirmed(Accounts *accounts, Account *account, const Stamp *now);
int account_set_expiry(Accounts *accounts, Account *account, uint64_t expires_usec);
int account_set_verdict(Accounts *accounts, Account *account, Verdict verdict,
                        bool by_administrator, const char *evidence, const Stamp *now);
/* What cut_usec is once this verdict stands. */
uint64_t account_cut_usec(const Account *account, Verdict verdict, const Stamp *now);
/* Deletes token, binding and personal data; the number stays. */
int account_forget(Accounts *accounts, Account *account);

/* uid = base + H mod count, H = first 8 bytes, big-endian, of SHA-256(issuer NUL id) (design §4).
 * 0 when OpenSSL fails. */
uint32_t number_of(const char *issuer, const char *id, uint32_t base, uint32_t count);

/* The gid of a configured group: pinned, stored, or hashed at first sight and stored.
 * -EADDRINUSE at a collision. */
typedef struct GroupConfig GroupConfig;
int group_number(Store *store, const Config *config, const GroupConfig *group, const char *issuer,
                 uint32_t *ret_gid);
/* Of the provider whose group it is, without Provider= the only one; NULL when there is none. */
const char *group_issuer(const Config *config, const GroupConfig *group);

/* SHA-256(issuer NUL id). Returns 0, -ENOMEM, -EIO. */
int identity_digest(const char *issuer, const char *id, uint8_t ret_digest[32]);

/* Takes a number for `owner` for good. 0 also when it has it already; -EADDRINUSE: it is somebody
 * else's. */
int number_claim(Store *store, const char *owner, uint32_t number);

/* Does UidClaim= say another number than the one that stands, and that no [user] Uid= gave? */
bool account_number_differs(const Account *account, const Config *config, uint32_t claimed);

/* Is this account a local one that a [user] section ties? It is never published. */
bool account_is_tied(const Account *account, const Config *config);

/* Does root's configuration tie a local account of this name to a person, whether or not it was
 * added? */
bool account_is_to_be_tied(const Config *config, const char *name);

/* May both be bound to one identity? Only one of a person's accounts is not a tied one. */
bool accounts_may_share(const Account *a, const Account *b, const Config *config);

/* Is this account allowed here at all? Empty allows nobody (design §4); nor is anybody allowed
 * whose provider is no longer configured. */
bool account_is_allowed(const Account *account, const Config *config);
/* Which key of [access] allows it, and (unless AllowAll) which of its words; NULL: none does. Both
 * borrowed. */
const char *account_allowed_by(const Account *account, const Config *config,
                               const char **ret_word);
/* Member of the [group NAME] by immutable id or by role? */
bool account_in_group(const Account *account, const Config *config, const char *group_name);
bool account_has_group(const Account *account, const Config *config, const GroupConfig *group);
