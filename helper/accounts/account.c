/*
 * Changes to one account: a changed copy is stored, and only then becomes the account. So what
 * the helper believes is never newer than what a crash would leave behind.
 */
#include "helper/accounts/account.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/accounts/accounts-private.h"
#include "helper/config/config.h"
#include "helper/store/store.h"
#include "helper/token/claims.h"
#include "helper/base/phone.h"
#include "helper/base/text-list.h"

static const char *const verdict_words[_VERDICT_COUNT] = {
    [VERDICT_UNCONFIRMED] = "unconfirmed", [VERDICT_ACTIVE] = "active",
    [VERDICT_AGED] = "aged",               [VERDICT_REVOKED] = "revoked",
    [VERDICT_DISABLED] = "disabled",
};

const char *verdict_to_word(Verdict verdict)
{
    unsigned index = (unsigned)verdict;

    return index < _VERDICT_COUNT ? verdict_words[index] : "unknown";
}

bool former_is_set(const uint8_t former[32])
{
    static const uint8_t unset[32];

    return memcmp(former, unset, 32) != 0;
}

int directory_name_digest(const char *directory_name, uint8_t ret_digest[32])
{
    return identity_digest("directory-name", directory_name, ret_digest);
}

/* --- binding ---------------------------------------------------------------------------------- */

static int check_binding(Accounts *accounts, const Config *config, const Account *account,
                         const char *issuer, const char *id)
{
    uint8_t digest[32];
    const Account *first = accounts_find_identity(accounts, issuer, id);

    if (account->id)
        return -EEXIST;
    for (const Account *other = first; other;
         other = accounts_next_of_person(accounts, first, other == first ? NULL : other))
        if (!accounts_may_share(account, other, config))
            return -EEXIST;
    if (!former_is_set(account->former_id))
        return 0;
    int r = identity_digest(issuer, id, digest);
    if (r < 0)
        return r;
    return memcmp(digest, account->former_id, sizeof(digest)) == 0 ? 0 : -EEXIST;
}

static bool is_bound_to(const Account *account, const char *issuer, const char *id)
{
    return account->issuer && account->id && strcmp(account->issuer, issuer) == 0 &&
           strcmp(account->id, id) == 0;
}

int account_bind(Accounts *accounts, const Config *config, Account *account, const char *issuer,
                 const char *id)
{
    if (is_bound_to(account, issuer, id))
        return 0;
    int r = check_binding(accounts, config, account, issuer, id);
    if (r < 0)
        return r;
    _cleanup_free_ char *new_issuer = strdup(issuer), *new_id = strdup(id);
    if (!new_issuer || !new_id)
        return -ENOMEM;
    Account changed = *account;
    changed.issuer = new_issuer;
    changed.id = new_id;
    changed.directory_told = false;
    memset(changed.former_id, 0, sizeof(changed.former_id));
    memset(changed.former_name, 0, sizeof(changed.former_name));
    r = store_account_save(accounts_store(accounts), &changed);
    if (r < 0)
        return r;
    *account = changed;
    (void)TAKE_PTR(new_issuer);
    (void)TAKE_PTR(new_id);
    account->is_doubtful = true;
    accounts_index_identity(accounts, account);
    return 0;
}

/* --- profile and groups ----------------------------------------------------------------------- */

/* A provider may put anything into a name; a passwd line may not hold it. Cut between letters. */
static char *gecos_of(const char *full_name)
{
    size_t size = strlen(full_name);

    if (size > GECOS_MAX) {
        size = GECOS_MAX;
        while (size > 0 && ((unsigned char)full_name[size] & 0xc0) == 0x80)
            size--;
    }
    char *gecos = strndup(full_name, size);
    for (char *p = gecos; p && *p; p++) {
        if (*p == ':' || (unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    }
    return gecos;
}

/* Stores a copy of the account with one text changed, then takes the text over. */
static int change_text(Accounts *accounts, Account *account, size_t offset, char **text)
{
    Account changed = *account;
    char **field = (char **)(void *)((char *)&changed + offset);

    *field = *text;
    int r = store_account_save(accounts_store(accounts), &changed);
    if (r < 0)
        return r;
    field = (char **)(void *)((char *)account + offset);
    free(*field);
    *field = TAKE_PTR(*text);
    return 0;
}

int account_set_provider(Accounts *accounts, Account *account, const char *provider)
{
    if (account->id)
        return -EBUSY;
    _cleanup_free_ char *copy = strdup(provider);
    return copy ? change_text(accounts, account, offsetof(Account, provider), &copy) : -ENOMEM;
}

int account_set_profile(Accounts *accounts, Account *account, const char *full_name)
{
    if (!full_name)
        return 0;
    _cleanup_free_ char *gecos = gecos_of(full_name);
    if (!gecos)
        return -ENOMEM;
    if (!gecos_is_valid(gecos))
        return -EINVAL;
    if (strcmp(gecos, account->gecos) == 0)
        return 0;
    return change_text(accounts, account, offsetof(Account, gecos), &gecos);
}

int account_set_phone(Accounts *accounts, Account *account, const char *phone)
{
    char normal[PHONE_SIZE] = "";

    if (!phone)
        return 0;
    if (*phone && !phone_normalise(phone, normal))
        return -EINVAL;
    if (strcmp(normal, account->phone) == 0)
        return 0;
    _cleanup_free_ char *copy = strdup(normal);
    return copy ? change_text(accounts, account, offsetof(Account, phone), &copy) : -ENOMEM;
}

/* One list of the account, at `offset`. Lines of the database hold it, so no entry holds one. */
static int change_list(Accounts *accounts, Account *account, size_t offset, char *const *texts)
{
    _cleanup_text_list_ char **list = NULL;
    Account changed = *account;
    char ***known = (char ***)(void *)((char *)account + offset);

    if (text_list_equal(*known, texts))
        return 0;
    if (text_list_count(texts) > CLAIM_GROUPS_MAX)
        return -E2BIG;
    for (size_t i = 0; texts && texts[i]; i++) {
        if (!*texts[i] || strchr(texts[i], '\n'))
            return -EINVAL;
    }
    int r = text_list_copy(texts, &list);
    if (r < 0)
        return r;
    *(char ***)(void *)((char *)&changed + offset) = list;
    changed.learnt_usec = stamp_now().wall_usec;
    r = store_account_save(accounts_store(accounts), &changed);
    if (r < 0)
        return r;
    account->learnt_usec = changed.learnt_usec;
    text_list_free(*known);
    *known = TAKE_PTR(list);
    return 0;
}

int account_set_groups(Accounts *accounts, Account *account, char *const *ids)
{
    account->is_doubtful = account->is_doubtful || !text_list_equal(account->groups, ids);
    return change_list(accounts, account, offsetof(Account, groups), ids);
}

int account_set_roles(Accounts *accounts, Account *account, char *const *roles)
{
    return change_list(accounts, account, offsetof(Account, roles), roles);
}

int account_set_claims(Accounts *accounts, Account *account, char *const *claims)
{
    return change_list(accounts, account, offsetof(Account, claims), claims);
}

/* --- stamps and verdicts ---------------------------------------------------------------------- */

int account_set_signed_in(Accounts *accounts, Account *account, const Stamp *now)
{
    Account changed = *account;

    changed.signed_in = *now;
    int r = store_account_save(accounts_store(accounts), &changed);
    if (r >= 0)
        account->signed_in = *now;
    return r;
}

int account_set_confirmed(Accounts *accounts, Account *account, const Stamp *now)
{
    Account changed = *account;

    changed.confirmed = *now;
    int r = store_account_save(accounts_store(accounts), &changed);
    if (r >= 0)
        account->confirmed = *now;
    return r;
}

int account_set_expiry(Accounts *accounts, Account *account, uint64_t expires_usec)
{
    Account changed = *account;

    if (account->expires_usec == expires_usec)
        return 0;
    changed.expires_usec = expires_usec;
    int r = store_account_save(accounts_store(accounts), &changed);
    if (r >= 0)
        account->expires_usec = expires_usec;
    return r;
}

/* A thief's token is as good as its owner's: the sign-in that makes the account ACTIVE again must
 * not bring it back to life. Who was disabled and is reinstated has to fetch a new one, too. */
uint64_t account_cut_usec(const Account *account, Verdict verdict, const Stamp *now)
{
    bool cuts = verdict == VERDICT_REVOKED || verdict == VERDICT_DISABLED;
    bool reinstates = account->verdict == VERDICT_DISABLED && verdict == VERDICT_UNCONFIRMED;

    return cuts || reinstates ? now->wall_usec : account->cut_usec;
}

int account_set_verdict(Accounts *accounts, Account *account, Verdict verdict,
                        bool by_administrator, const char *evidence, const Stamp *now)
{
    _cleanup_free_ char *text = strdup(evidence ? evidence : "");
    Account changed = *account;

    if (!text)
        return -ENOMEM;
    changed.cut_usec = account_cut_usec(account, verdict, now);
    changed.verdict = verdict;
    changed.by_administrator = by_administrator;
    changed.verdict_since = *now;
    changed.evidence = text;
    int r = store_account_save(accounts_store(accounts), &changed);
    if (r < 0)
        return r;
    free(account->evidence);
    *account = changed;
    (void)TAKE_PTR(text);
    return 0;
}

/* --- forgetting ------------------------------------------------------------------------------- */

typedef struct Remains {
    char *directory_name, *gecos, *phone;
    char **groups, **roles, **claims;
} Remains;

static int make_remains(Remains *remains)
{
    remains->directory_name = strdup("");
    remains->gecos = strdup("");
    remains->phone = strdup("");
    remains->groups = text_list_new();
    remains->roles = text_list_new();
    remains->claims = text_list_new();
    return remains->directory_name && remains->gecos && remains->phone && remains->groups &&
                   remains->roles && remains->claims
               ? 0
               : -ENOMEM;
}

static void remains_clear(Remains *remains)
{
    free(remains->directory_name);
    free(remains->gecos);
    free(remains->phone);
    text_list_free(remains->groups);
    text_list_free(remains->roles);
    text_list_free(remains->claims);
}

/* The copy of the account that stays: number, name, verdict, and digests that say whose it was. */
static int forget_copy(Account *changed, const Remains *remains)
{
    int r = directory_name_digest(changed->directory_name, changed->former_name);

    if (r >= 0 && changed->id)
        r = identity_digest(changed->issuer, changed->id, changed->former_id);
    changed->state = ACCOUNT_FORGOTTEN;
    changed->directory_name = remains->directory_name;
    changed->gecos = remains->gecos;
    changed->phone = remains->phone;
    changed->groups = remains->groups;
    changed->roles = remains->roles;
    changed->claims = remains->claims;
    changed->issuer = NULL;
    changed->id = NULL;
    changed->confirmed = (Stamp){0};
    changed->signed_in = (Stamp){0};
    return r;
}

int account_forget(Accounts *accounts, Account *account)
{
    __attribute__((cleanup(remains_clear))) Remains remains = {0};
    Account changed = *account;

    if (account->state == ACCOUNT_FORGOTTEN)
        return 0;
    int r = make_remains(&remains);
    if (r >= 0)
        r = forget_copy(&changed, &remains);
    if (r >= 0)
        r = store_account_save(accounts_store(accounts), &changed);
    if (r < 0)
        return r;
    accounts_unindex_identity(accounts, account);
    remains = (Remains){account->directory_name, account->gecos, account->phone, account->groups,
                        account->roles, account->claims};
    free(account->issuer);
    free(account->id);
    *account = changed;
    /* The row is gone from the tables; a full log only keeps its old pages somewhat longer. */
    (void)store_scrub(accounts_store(accounts));
    return 0;
}

/* --- who may ---------------------------------------------------------------------------------- */

bool account_is_tied(const Account *account, const Config *config)
{
    const UserConfig *user = config_user(config, account->name);

    return user && user->directory;
}

bool account_is_to_be_tied(const Config *config, const char *name)
{
    const UserConfig *user = config_user(config, name);

    return user && user->directory && !user->is_service;
}

bool account_number_differs(const Account *account, const Config *config, uint32_t claimed)
{
    const UserConfig *user = config_user(config, account->name);

    if (claimed == CLAIMED_UID_UNSAID || claimed == account->uid)
        return false;
    return !user || (!user->directory && user->uid != account->uid);
}

bool accounts_may_share(const Account *a, const Account *b, const Config *config)
{
    return account_is_tied(a, config) || account_is_tied(b, config);
}

const char *account_directory_name(const Config *config, const char *name)
{
    const UserConfig *user = strchr(name, '@') ? NULL : config_user(config, name);

    return user && user->directory ? user->directory : name;
}

/* Root may have tied a local account to somebody else since: for whom it was added is not let
 * in. */
static bool tie_holds(const Account *account, const Config *config)
{
    const UserConfig *user = config_user(config, account->name);

    return !user || !user->directory || strcmp(user->directory, account->directory_name) == 0;
}

/* A group without Provider= is that of the only provider. An account whose provider is no longer
 * configured is in no group: nobody could tell any more. */
static bool same_provider(const Account *account, const Config *config, const GroupConfig *group)
{
    if (group->provider)
        return strcmp(group->provider, account->provider) == 0;
    return config->provider_count == 1 &&
           strcmp(config->providers[0].name, account->provider) == 0;
}

bool account_in_group(const Account *account, const Config *config, const char *group_name)
{
    const GroupConfig *group = config_group(config, group_name);

    return group && account_has_group(account, config, group);
}

bool account_has_group(const Account *account, const Config *config, const GroupConfig *group)
{
    if (account->state != ACCOUNT_ACTIVE || !same_provider(account, config, group))
        return false;
    return (group->id && text_list_contains(account->groups, group->id)) ||
           (group->role && text_list_contains(account->roles, group->role));
}

const char *account_allowed_by(const Account *account, const Config *config,
                               const char **ret_word)
{
    *ret_word = NULL;
    if (account->state != ACCOUNT_ACTIVE || !config_provider(config, account->provider) ||
        !tie_holds(account, config))
        return NULL;
    if (config->allow_all)
        return "AllowAll";
    if (text_list_contains(config->allow_users, account->name)) {
        *ret_word = account->name;
        return "AllowUsers";
    }
    for (size_t i = 0; config->allow_groups && config->allow_groups[i]; i++) {
        if (account_in_group(account, config, config->allow_groups[i])) {
            *ret_word = config->allow_groups[i];
            return "AllowGroups";
        }
    }
    return NULL;
}

bool account_is_allowed(const Account *account, const Config *config)
{
    const char *word = NULL;

    return account_allowed_by(account, config, &word) != NULL;
}
