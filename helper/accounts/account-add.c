/*
 * A new account, or a forgotten one that comes back (design §4). Every name and number of the host
 * passes here once; what is behind may trust them.
 */
#include "helper/accounts/account.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/accounts/accounts-private.h"
#include "helper/config/config.h"
#include "helper/config/config-values.h"
#include "helper/accounts/local-names.h"
#include "helper/provider/provider-type.h"
#include "helper/store/store.h"
#include "helper/store/store-carried.h"
#include "helper/token/claims.h"
#include "helper/base/phone.h"
#include "helper/base/text-list.h"

#define GUID_SIZE 37 /* and its end */

typedef struct Addition {
    Accounts *accounts;
    const Config *config;
    const ProviderConfig *provider;
    const AccountOptions *options;
    const char *directory_name;
    const UserConfig *user;   /* [user NAME] or NULL */
    bool tied;
    LocalNames *local;
    Account *present;         /* the forgotten account of this name, or NULL */
    Account *account;         /* being made */
    uint32_t carried;         /* the number that another host gave this person, or 0 */
    const char *why;
} Addition;

static void addition_clear(Addition *addition)
{
    local_names_free(addition->local);
    account_free(addition->account);
}

static int refuse(Addition *addition, int error, const char *why)
{
    addition->why = why;
    return error;
}

/* Whose it is, and what mends it. */
static int refuse_number(Addition *addition, const char *verb, const char *whose)
{
    char *why = accounts_why(addition->accounts);

    snprintf(why, ACCOUNTS_WHY_SIZE, "its number %u %s%.64s; pin another one by [user %.64s] Uid=",
             addition->account->uid, verb, whose, addition->account->name);
    return refuse(addition, -EADDRINUSE, why);
}

/* --- names ------------------------------------------------------------------------------------ */

static int check_directory_name(Addition *addition)
{
    for (const char *p = addition->directory_name; *p; p++) {
        if (isupper((unsigned char)*p))
            return refuse(addition, -EINVAL, "the name must be written in lower case");
    }
    if (!name_is_valid_full(addition->directory_name))
        return refuse(addition, -EINVAL, "the name is not of the form alice@rcpch.ac.uk");
    return 0;
}

/* The account's name on this host. */
static int choose_name(Addition *addition)
{
    const char *directory_name = addition->directory_name;
    Account *account = addition->account;

    if (addition->tied)
        account->name = strdup(addition->user->name);
    else if (addition->config->name_format == NAME_FORMAT_FULL)
        account->name = strdup(directory_name);
    else
        account->name = strndup(directory_name, strcspn(directory_name, "@"));
    account->directory_name = strdup(directory_name);
    account->provider = strdup(addition->provider->name);
    if (!account->name || !account->directory_name || !account->provider)
        return -ENOMEM;
    if (!addition->tied)
        addition->user = config_user(addition->config, account->name);
    return 0;
}

static int check_name(Addition *addition)
{
    const char *name = addition->account->name;

    if (!name_is_valid(name))
        return refuse(addition, -EINVAL, "the account's name is not allowed on this host");
    if (strcmp(name, "root") == 0)
        return refuse(addition, -EEXIST, "root is never a directory account");
    if (!addition->tied && addition->user && addition->user->directory)
        return refuse(addition, -EEXIST, "a [user] section ties this name to somebody else");
    if (config_group(addition->config, name))
        return refuse(addition, -EEXIST, "a [group] section has this name");
    if (addition->tied)
        return local_names_user(addition->local, name)
                   ? 0
                   : refuse(addition, -ENOENT, "the local account to be tied does not exist");
    if (local_names_has(addition->local, name))
        return refuse(addition, -EEXIST, "a local user or group has this name");
    return 0;
}

/* --- identity --------------------------------------------------------------------------------- */

static bool id_is_valid(const char *id)
{
    size_t size = strlen(id);

    for (size_t i = 0; i < size; i++) {
        if (id[i] <= ' ' || id[i] >= 0x7f)
            return false;
    }
    return size > 0 && size <= CLAIM_MAX;
}

/* Object ids are GUIDs, and so are tenants, where one stands in front. */
bool account_id_is_possible(const ProviderConfig *provider, const char *id)
{
    const char *slash = strchr(id, '/'), *object = slash ? slash + 1 : id;
    char tenant[GUID_SIZE] = "";

    if (!provider_traits(provider->type)->has_tenant || strcmp(provider->id_claim, "oid") != 0)
        return true;
    if (slash && slash - id == GUID_SIZE - 1)
        memcpy(tenant, id, GUID_SIZE - 1);
    return config_is_guid(object) && (!slash || config_is_guid(tenant));
}

/* Entra's identities are "<tenant>/<object id>", in lower case (helper/provider/provider.h). */
static char *normal_id(const ProviderConfig *provider, const char *id)
{
    char *normal = NULL;

    if (!provider_traits(provider->type)->has_tenant)
        return strdup(id);
    bool bare = !strchr(id, '/') && provider->tenant;
    if (asprintf(&normal, "%s%s%s", bare ? provider->tenant : "", bare ? "/" : "", id) < 0)
        return NULL;
    for (char *p = normal; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return normal;
}

static int check_identity(Addition *addition)
{
    const Account *account = addition->account;
    const Account *first =
        accounts_find_identity(addition->accounts, account->issuer, account->id);

    for (const Account *other = first; other;
         other = accounts_next_of_person(addition->accounts, first, other == first ? NULL : other))
        if (!accounts_may_share(account, other, addition->config))
            return refuse(addition, -EEXIST, "this id belongs to another account");
    return 0;
}

static int choose_identity(Addition *addition)
{
    const char *id = addition->options->id;
    Account *account = addition->account;

    if (!id)
        return 0;
    if (!id_is_valid(id))
        return refuse(addition, -EINVAL, "the id is empty, too long or not printable");
    account->issuer = strdup(addition->provider->issuer);
    account->id = normal_id(addition->provider, id);
    if (!account->issuer || !account->id)
        return -ENOMEM;
    return check_identity(addition);
}

/* --- a forgotten account of this name --------------------------------------------------------- */

/* Only who had the number gets it back. That of a tied account is the local files' business. */
static int check_former(Addition *addition)
{
    const Account *account = addition->account, *present = addition->present;
    uint8_t digest[32];

    if (addition->tied)
        return 0;
    int r = directory_name_digest(account->directory_name, digest);

    if (r < 0)
        return r;
    if (memcmp(digest, present->former_name, 32) != 0)
        return refuse(addition, -EEXIST,
                      "a forgotten account of somebody else had this name and keeps its number");
    if (!account->id || !former_is_set(present->former_id))
        return 0;
    r = identity_digest(account->issuer, account->id, digest);
    if (r < 0)
        return r;
    if (memcmp(digest, present->former_id, 32) != 0)
        return refuse(addition, -EEXIST,
                      "a forgotten account of another id had this name and keeps its number");
    return 0;
}

static int find_present(Addition *addition)
{
    Account *present = accounts_find(addition->accounts, addition->account->name);

    if (!present)
        return 0;
    if (present->state == ACCOUNT_ACTIVE)
        return refuse(addition, -EEXIST, "an account of this name exists");
    addition->present = present;
    return check_former(addition);
}

/* --- number ----------------------------------------------------------------------------------- */

/* Whose number it is elsewhere is not yet proven by a name: only that id can be bound later. */
static int find_carried(Addition *addition)
{
    _cleanup_carried_ CarriedNumber carried = {0};
    Account *account = addition->account;

    if (addition->tied || addition->present)
        return 0;
    int r = store_carried_find(accounts_store(addition->accounts), addition->provider->issuer,
                               account->id, account->directory_name, &carried);
    if (r == -ENOENT)
        return 0;
    if (r >= 0 && carried.id && !account->id)
        r = identity_digest(carried.issuer, carried.id, account->former_id);
    if (r >= 0)
        addition->carried = carried.number;
    return r;
}

/* What the provider says of numbers holds for the whole fleet, or for nobody: no hash stands in for
 * one that cannot be. */
static int take_claimed(Addition *addition)
{
    const Config *config = addition->config;
    uint32_t claimed = addition->options->uid;

    if (claimed == CLAIMED_UID_NONE)
        return refuse(addition, -EINVAL, "what UidClaim= gives is no number");
    if (claimed < config->uid_base || claimed - config->uid_base >= config->uid_count)
        return refuse(addition, -EINVAL,
                      "the number that UidClaim= gives is outside [identity] UidBase= and "
                      "UidCount=");
    addition->account->uid = claimed;
    return 0;
}

static bool is_pinned(const Addition *addition)
{
    return !addition->tied && addition->user && addition->user->uid != 0;
}

/* Who comes back has the number of before, unless a pin says another. While something may still run
 * under the old one, that is the one to be watched. */
static int check_return(Addition *addition)
{
    const Account *present = addition->present;

    if (!present || present->uid == addition->account->uid)
        return 0;
    if (!is_pinned(addition))
        return refuse(addition, -EEXIST, "a forgotten account of this name has another number");
    if (present->verdict == VERDICT_DISABLED || present->session_count > 0)
        return refuse(addition, -EEXIST, "who was forgotten while disabled keeps the number: take "
                      "Uid= away, then user add, user reinstate, and forget once more");
    return 0;
}

static int check_number(Addition *addition)
{
    const Account *holder = accounts_find_uid(addition->accounts, addition->account->uid);

    if (holder && holder != addition->present)
        return refuse_number(addition, "belongs to ", holder->name);
    if (!addition->tied && local_names_has_number(addition->local, addition->account->uid))
        return refuse_number(addition, "belongs to ", "a local user or group");
    return 0;
}

static int choose_number(Addition *addition)
{
    const Config *config = addition->config;
    Account *account = addition->account;
    const char *id = account->id ? account->id : account->directory_name;
    int r = find_carried(addition);

    if (r < 0)
        return r;
    if (addition->tied)
        account->uid = local_names_user(addition->local, account->name)->uid;
    else if (is_pinned(addition))
        account->uid = addition->user->uid;
    else if (addition->present)
        account->uid = addition->present->uid;
    else if (addition->carried != 0)
        account->uid = addition->carried;
    else if (addition->options->uid != CLAIMED_UID_UNSAID)
        r = take_claimed(addition);
    else
        account->uid =
            number_of(addition->provider->issuer, id, config->uid_base, config->uid_count);
    if (r < 0)
        return r;
    if (account->uid == 0)
        return refuse(addition, addition->tied ? -EEXIST : -EIO, "no number could be given");
    r = check_return(addition);
    return r < 0 ? r : check_number(addition);
}

/* --- home, shell, full name ------------------------------------------------------------------- */

static char *expand_home(const char *template, const char *name)
{
    const char *mark = strstr(template, "%u");
    char *home = NULL;

    if (!mark)
        return strdup(template);
    if (asprintf(&home, "%.*s%s%s", (int)(mark - template), template, name, mark + 2) < 0)
        return NULL;
    return home;
}

static const char *first_of(const char *a, const char *b, const char *c)
{
    return a ? a : b ? b : c;
}

static int choose_home(Addition *addition)
{
    const UserConfig *user = addition->user;
    const AccountOptions *options = addition->options;
    Account *account = addition->account;
    const LocalUser *local =
        addition->tied ? local_names_user(addition->local, account->name) : NULL;
    const char *home = first_of(local ? local->home : NULL, options->home,
                                user ? user->home : NULL);
    const char *shell = first_of(local ? local->shell : NULL, options->shell,
                                 user ? user->shell : NULL);

    account->home = home ? strdup(home) : expand_home(addition->config->home_template,
                                                      account->name);
    account->shell = strdup(shell ? shell : addition->config->shell);
    if (!account->home || !account->shell)
        return -ENOMEM;
    if (local)
        return 0;
    if (!path_is_valid(account->home))
        return refuse(addition, -EINVAL, "the home folder is not an absolute, plain path");
    if (!path_is_valid(account->shell) || strlen(account->shell) > SHELL_MAX)
        return refuse(addition, -EINVAL, "the shell is not an absolute, plain path");
    return 0;
}

static int choose_rest(Addition *addition)
{
    const char *full_name = addition->options->full_name, *phone = addition->options->phone;
    Account *account = addition->account;
    char normal[PHONE_SIZE] = "";

    if (full_name && !gecos_is_valid(full_name))
        return refuse(addition, -EINVAL, "the full name holds ':' or control characters");
    if (phone && *phone && !phone_normalise(phone, normal))
        return refuse(addition, -EINVAL, "the telephone number is not like +442070926000");
    account->gecos = strdup(full_name ? full_name : "");
    account->phone = strdup(normal);
    account->evidence = strdup("added");
    account->is_doubtful = true;
    account->roles = text_list_new();
    account->claims = text_list_new();
    account->added_usec = stamp_now().wall_usec;
    if (addition->options->groups)
        account->learnt_usec = account->added_usec;
    if (!account->gecos || !account->phone || !account->evidence || !account->roles ||
        !account->claims)
        return -ENOMEM;
    return text_list_copy(addition->options->groups, &account->groups);
}

/* --- all together ----------------------------------------------------------------------------- */

static int compose(Addition *addition)
{
    int (*const steps[])(Addition *) = {
        check_directory_name, choose_name,   check_name,  choose_identity,
        find_present,         choose_number, choose_home, choose_rest,
    };

    for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
        int r = steps[i](addition);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A tied account's number is the local files' business, not ours. */
static int claim_number(Addition *addition)
{
    Store *store = accounts_store(addition->accounts);
    _cleanup_free_ char *owner = NULL;

    if (addition->tied)
        return 0;
    if (asprintf(&owner, "user:%s", addition->account->name) < 0) {
        owner = NULL;
        return -ENOMEM;
    }
    if (addition->account->uid == addition->carried)
        return store_carried_claim(store, addition->carried, owner);
    /* A pin outweighs what was carried here; that waits for nobody any more. */
    int r = addition->carried != 0 ? store_carried_drop(store, addition->carried) : 0;
    if (r >= 0)
        r = (addition->present ? number_claim_pinned : number_claim)(store, owner,
                                                                     addition->account->uid);
    return r == -EADDRINUSE || r == -EEXIST ? refuse_number(addition, "was given before", "") : r;
}

static int save(Addition *addition)
{
    Store *store = accounts_store(addition->accounts);
    int r = store_begin(store);

    if (r < 0)
        return r;
    r = claim_number(addition);
    if (r >= 0)
        r = store_account_save(store, addition->account);
    return store_end(store, r);
}

/* Row and number are the same; what was left of the old account gives way. A standing DISABLED
 * stays: adding somebody again is not reinstating them. */
static void inherit(Account *account, const Account *present, bool tied)
{
    account->row = present->row;
    account->session_count = present->session_count;
    account->cut_usec = present->cut_usec;
    account->learnt_usec = present->learnt_usec;
    if (present->verdict == VERDICT_DISABLED) {
        account->verdict = present->verdict;
        account->by_administrator = present->by_administrator;
        account->verdict_since = present->verdict_since;
    }
    if (!account->id && !tied)
        memcpy(account->former_id, present->former_id, sizeof(account->former_id));
}

static Account *take_over(Addition *addition)
{
    Account *present = addition->present;

    if (!present) {
        accounts_insert(addition->accounts, addition->account);
        return TAKE_PTR(addition->account);
    }
    /* The address stays, and with it the index of names; the old texts go. */
    accounts_unindex_number(addition->accounts, present);
    Account old = *present;
    *present = *addition->account;
    present->session_count = old.session_count;
    present->revocation_case = old.revocation_case;
    present->refresh_job = old.refresh_job;
    present->token_turn = old.token_turn + 1;
    *addition->account = old;
    accounts_index_number(addition->accounts, present);
    accounts_index_identity(addition->accounts, present);
    return present;
}

int accounts_add(Accounts *accounts, const Config *config, const ProviderConfig *provider,
                 const char *directory_name, const AccountOptions *options, Account **ret_account,
                 const char **ret_why)
{
    static const AccountOptions no_options;
    __attribute__((cleanup(addition_clear))) Addition addition = {
        .accounts = accounts, .config = config, .provider = provider,
        .options = options ? options : &no_options,
        .directory_name = account_directory_name(config, directory_name),
        .account = calloc(1, sizeof(Account)), .why = "the state could not be stored",
    };

    addition.tied = addition.directory_name != directory_name;
    if (addition.tied)
        addition.user = config_user(config, directory_name);
    int r = addition.account ? 0 : -ENOMEM;
    if (r >= 0)
        r = local_names_load(LOCAL_PASSWD_FILE, LOCAL_GROUP_FILE, &addition.local);
    if (r >= 0)
        r = compose(&addition);
    if (r >= 0)
        r = accounts_reserve(accounts);
    if (r >= 0 && addition.present)
        inherit(addition.account, addition.present, addition.tied);
    if (r >= 0)
        r = save(&addition);
    if (r < 0) {
        *ret_why = addition.why;
        return r;
    }
    *ret_account = take_over(&addition);
    return 0;
}
