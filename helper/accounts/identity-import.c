/*
 * Numbers from other hosts: judging and carrying out. See identity-import.h.
 */
#include "helper/accounts/identity-import.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/accounts/accounts-private.h"
#include "helper/accounts/local-names.h"
#include "helper/config/config.h"
#include "helper/provider/provider-type.h"
#include "helper/store/store-carried.h"

static const char *const action_words[_IDENTITY_ACTION_COUNT] = {
    [IDENTITY_SAME] = "same",     [IDENTITY_ADD] = "add",
    [IDENTITY_CHANGE] = "change", [IDENTITY_REFUSE] = "refuse"};

const char *identity_action_to_word(IdentityAction action)
{
    unsigned index = (unsigned)action;

    return index < _IDENTITY_ACTION_COUNT ? action_words[index] : "unknown";
}

typedef struct Judging {
    Accounts *accounts;
    const Config *config;
    LocalNames *local;
    const IdentityRow *row;
    const ProviderConfig *provider;
    const char *name; /* on this host, of a user whose name is told */
    IdentityFinding *finding;
} Judging;

/* What a step returns when the row is decided; 0: the next one decides. */
#define DECIDED 1

static int decide(Judging *judging, IdentityAction action)
{
    judging->finding->action = action;
    return DECIDED;
}

_printf_(2, 3) static int refuse(Judging *judging, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(judging->finding->why, sizeof(judging->finding->why), format, arguments);
    va_end(arguments);
    return decide(judging, IDENTITY_REFUSE);
}

/* It has a number here: the same, or it is refused. */
static int decide_by(Judging *judging, uint32_t present, const char *who)
{
    if (present == judging->row->number)
        return decide(judging, IDENTITY_SAME);
    return refuse(judging, "%.64s has the number %" PRIu32 " here, and keeps it", who, present);
}

/* --- whose row it is -------------------------------------------------------------------------- */

static int find_provider(Judging *judging)
{
    const Config *config = judging->config;

    for (size_t i = 0; i < config->provider_count && !judging->provider; i++)
        if (config->providers[i].issuer &&
            strcmp(config->providers[i].issuer, judging->row->issuer) == 0)
            judging->provider = &config->providers[i];
    return judging->provider ? 0 : refuse(judging, "no [provider] of this host has its issuer");
}

/* Ids of a tenant are kept as "<tenant>/<id>", in lower case: another spelling never matches. */
static int check_id(Judging *judging)
{
    const char *id = judging->row->id;
    bool has_upper = false;

    if (judging->row->kind != IDENTITY_USER || !id ||
        !provider_traits(judging->provider->type)->has_tenant)
        return 0;
    for (const char *p = id; *p; p++)
        has_upper |= isupper((unsigned char)*p) != 0;
    return strchr(id, '/') && !has_upper
               ? 0
               : refuse(judging, "its id is not of the form TENANT/OBJECT in lower case");
}

/* The name on this host, into `buffer`. */
static int choose_name(Judging *judging, char buffer[NAME_FULL_MAX + 1])
{
    const char *name = judging->row->name;
    bool is_full = judging->config->name_format == NAME_FORMAT_FULL;

    if (!name)
        return 0;
    snprintf(buffer, NAME_FULL_MAX + 1, "%.*s", (int)(is_full ? strlen(name) : strcspn(name, "@")),
             name);
    if (!name_is_valid(buffer))
        return refuse(judging, "its name is not allowed on this host");
    if (strcmp(buffer, "root") == 0 || local_names_has(judging->local, buffer))
        return refuse(judging, "a local user or group has the name %.64s", buffer);
    if (config_group(judging->config, buffer))
        return refuse(judging, "a [group] section has the name %.64s", buffer);
    judging->name = buffer;
    return 0;
}

/* --- people who are here ---------------------------------------------------------------------- */

/* Their own account, not a local one that is tied to them. */
static const Account *find_bound(const Judging *judging)
{
    const IdentityRow *row = judging->row;
    const Account *first =
        row->id ? accounts_find_identity(judging->accounts, row->issuer, row->id) : NULL;

    for (const Account *account = first; account;
         account = accounts_next_of_person(judging->accounts, first,
                                           account == first ? NULL : account))
        if (!account_is_tied(account, judging->config))
            return account;
    return NULL;
}

static bool is_forgotten_of(const Account *account, const char *directory_name)
{
    uint8_t digest[32];

    return account->state == ACCOUNT_FORGOTTEN &&
           directory_name_digest(directory_name, digest) >= 0 &&
           memcmp(digest, account->former_name, sizeof(digest)) == 0;
}

/* An account that is bound to somebody else has only the same name. */
static const Account *find_named(const Judging *judging)
{
    const IdentityRow *row = judging->row;
    const Account *account =
        judging->name ? accounts_find(judging->accounts, judging->name) : NULL;

    if (!account || is_forgotten_of(account, row->name))
        return account;
    return account->state == ACCOUNT_ACTIVE && strcmp(account->directory_name, row->name) == 0 &&
                   strcmp(account->provider, judging->provider->name) == 0 &&
                   !(account->id && row->id)
               ? account
               : NULL;
}

static int judge_account(Judging *judging)
{
    const Account *account = find_bound(judging);

    if (!account)
        account = find_named(judging);
    return account ? decide_by(judging, account->uid, account->name) : 0;
}

static int judge_pin(Judging *judging)
{
    const UserConfig *user = judging->name ? config_user(judging->config, judging->name) : NULL;

    return user && user->uid != 0 ? decide_by(judging, user->uid, "[user] Uid=") : 0;
}

static int judge_carried(Judging *judging)
{
    _cleanup_carried_ CarriedNumber carried = {0};
    const IdentityRow *row = judging->row;
    int r = store_carried_find(accounts_store(judging->accounts), row->issuer, row->id, row->name,
                               &carried);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (carried.number == row->number)
        return decide(judging, IDENTITY_SAME);
    judging->finding->before = carried.number;
    return 0;
}

/* --- groups that are here --------------------------------------------------------------------- */

static int judge_group_pin(Judging *judging)
{
    const Config *config = judging->config;
    const IdentityRow *row = judging->row;

    for (size_t i = 0; i < config->group_count; i++) {
        const GroupConfig *group = &config->groups[i];
        const char *issuer = group_issuer(config, group);
        bool is_this = row->id ? strcmp(group->id, row->id) == 0
                               : !*group->id && strcmp(group->role, row->role) == 0;
        if (is_this && group->gid != 0 && issuer && strcmp(issuer, row->issuer) == 0)
            return decide_by(judging, group->gid, "[group] Gid=");
    }
    return 0;
}

static int judge_group(Judging *judging)
{
    const IdentityRow *row = judging->row;
    _cleanup_free_ char *owner = NULL;
    uint32_t present = 0;
    int r = group_owner(row->issuer, row->id, row->role, &owner);

    if (r >= 0)
        r = store_number_get(accounts_store(judging->accounts), owner, &present);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return decide_by(judging, present, "the group");
}

/* --- the number ------------------------------------------------------------------------------- */

static int judge_number(Judging *judging)
{
    const Config *config = judging->config;
    uint32_t number = judging->row->number;
    _cleanup_free_ char *owner = NULL;

    if (number < config->uid_base || number - config->uid_base >= config->uid_count)
        return refuse(judging, "%" PRIu32 " is outside [identity] UidBase= and UidCount=", number);
    if (local_names_has_number(judging->local, number))
        return refuse(judging, "%" PRIu32 " belongs to a local user or group", number);
    const Account *holder = accounts_find_uid(judging->accounts, number);
    if (holder)
        return refuse(judging, "%" PRIu32 " belongs to %.64s here", number, holder->name);
    int r = store_number_owner(accounts_store(judging->accounts), number, &owner);
    if (r == -ENOENT)
        return decide(judging, judging->finding->before ? IDENTITY_CHANGE : IDENTITY_ADD);
    return r < 0 ? r : refuse(judging, "%" PRIu32 " was given to somebody else here", number);
}

/* --- all together ----------------------------------------------------------------------------- */

static int judge_row(Judging *judging)
{
    static int (*const users[])(Judging *) = {judge_account, judge_pin, judge_carried, judge_number,
                                              NULL};
    static int (*const groups[])(Judging *) = {judge_group_pin, judge_group, judge_number, NULL};
    int (*const *steps)(Judging *) = judging->row->kind == IDENTITY_USER ? users : groups;
    char name[NAME_FULL_MAX + 1];
    int r = find_provider(judging);

    if (r == 0)
        r = check_id(judging);
    if (r == 0)
        r = choose_name(judging, name);
    while (r == 0 && *steps)
        r = (*steps++)(judging);
    judging->name = NULL;
    return r < 0 ? r : 0;
}

/* --- in parts --------------------------------------------------------------------------------- */

#define PART_ROWS    200u
#define RESTARTS_MAX 20u /* then the rest is one part, so that it comes to an end */

typedef struct IdentityRun {
    Accounts *accounts;
    LocalNames *local;
    const Config *config; /* which it is judged by */
    uint64_t accounts_version, numbers_version;
    unsigned restarts;
    size_t next; /* row */
    bool is_dry, is_judged;
} IdentityRun;

int identity_import_new(Accounts *accounts, IdentityFile *file, bool is_dry,
                        IdentityImport **ret_import)
{
    _cleanup_(identity_import_freep) IdentityImport *import = calloc(1, sizeof(*import));

    if (!import) {
        identity_file_free(file);
        return -ENOMEM;
    }
    import->file = file;
    import->findings = calloc(file->row_count + 1, sizeof(*import->findings));
    import->run = calloc(1, sizeof(*import->run));
    if (import->run)
        *import->run = (IdentityRun){.accounts = accounts, .is_dry = is_dry};
    if (!import->findings || !import->run)
        return -ENOMEM;
    *ret_import = TAKE_PTR(import);
    return 0;
}

IdentityImport *identity_import_free(IdentityImport *import)
{
    if (!import)
        return NULL;
    if (import->run) {
        (void)store_batch_drop(accounts_store(import->run->accounts));
        local_names_free(import->run->local);
    }
    free(import->run);
    free(import->findings);
    identity_file_free(import->file);
    free(import);
    return NULL;
}

/* From the first row, by what is so now. */
static int begin_judging(IdentityImport *import, const Config *config)
{
    IdentityRun *run = import->run;
    const Store *store = accounts_store(run->accounts);

    (void)store_batch_drop(accounts_store(run->accounts));
    memset(import->findings, 0, import->file->row_count * sizeof(*import->findings));
    import->refused = import->changed = run->next = 0;
    run->is_judged = false;
    run->config = config;
    run->accounts_version = accounts_version(run->accounts);
    run->numbers_version = store_numbers_version(store);
    run->local = local_names_free(run->local);
    return local_names_load(LOCAL_PASSWD_FILE, LOCAL_GROUP_FILE, &run->local);
}

static bool is_out_of_date(const IdentityRun *run, const Config *config)
{
    return run->config != config || run->accounts_version != accounts_version(run->accounts) ||
           run->numbers_version != store_numbers_version(accounts_store(run->accounts));
}

static size_t part_end(const IdentityImport *import)
{
    size_t left = import->file->row_count - import->run->next;

    return import->run->next + (left < PART_ROWS ? left : PART_ROWS);
}

/* 0 when there is nothing to be done about what was judged. */
static int judge_part(IdentityImport *import)
{
    IdentityRun *run = import->run;
    size_t end = part_end(import);
    int r = 0;

    for (; r >= 0 && run->next < end; run->next++) {
        IdentityFinding *finding = &import->findings[run->next];
        Judging judging = {.accounts = run->accounts, .config = run->config, .local = run->local,
                           .row = &import->file->rows[run->next], .finding = finding};
        r = judge_row(&judging);
        import->refused += finding->action == IDENTITY_REFUSE;
        import->changed += finding->action == IDENTITY_ADD || finding->action == IDENTITY_CHANGE;
    }
    if (r < 0 || run->next < import->file->row_count)
        return r < 0 ? r : 1;
    run->is_judged = true;
    run->next = 0;
    return !run->is_dry && import->refused == 0 && import->changed > 0;
}

static int apply_row(Store *store, const IdentityRow *row, const IdentityFinding *finding)
{
    const CarriedNumber carried = {
        .number = row->number, .issuer = row->issuer, .id = row->id, .name = row->name};
    _cleanup_free_ char *owner = NULL;
    int r = finding->action == IDENTITY_CHANGE ? store_carried_drop(store, finding->before) : 0;

    if (r < 0 || finding->action == IDENTITY_SAME)
        return r;
    if (row->kind == IDENTITY_USER)
        return store_carried_put(store, &carried);
    r = group_owner(row->issuer, row->id, row->role, &owner);
    return r < 0 ? r : store_number_put(store, owner, row->number);
}

static int apply_part(IdentityImport *import)
{
    IdentityRun *run = import->run;
    Store *store = accounts_store(run->accounts);
    int r = store_batch_enter(store);

    if (r < 0)
        return r;
    if (r > 0) { /* nothing of it is there (any more) */
        run->restarts += run->next > 0;
        run->next = 0;
    }
    size_t end = part_end(import);
    for (r = 0; r >= 0 && run->next < end; run->next++)
        r = apply_row(store, &import->file->rows[run->next], &import->findings[run->next]);
    if (r >= 0 && run->next == import->file->row_count)
        return store_batch_commit(store);
    store_batch_leave(store);
    return r < 0 ? r : 1;
}

int identity_import_step(IdentityImport *import, const Config *config)
{
    IdentityRun *run = import->run;
    bool is_last_try = run->restarts >= RESTARTS_MAX;
    int r = 0;

    if (is_out_of_date(run, config)) {
        run->restarts += run->config != NULL;
        r = begin_judging(import, config);
    }
    do
        r = r < 0 ? r : run->is_judged ? apply_part(import) : judge_part(import);
    while (r > 0 && is_last_try);
    return r;
}

/* --- export ----------------------------------------------------------------------------------- */

typedef struct Exporting {
    Accounts *accounts;
    const Config *config;
    IdentityFile *file;
} Exporting;

static int export_account(const Exporting *exporting, const Account *account)
{
    const ProviderConfig *provider = config_provider(exporting->config, account->provider);
    const char *issuer = account->issuer ? account->issuer : provider ? provider->issuer : NULL;
    const IdentityRow row = {
        .kind = IDENTITY_USER, .issuer = (char *)(uintptr_t)issuer, .id = account->id,
        .name = account->directory_name, .number = account->uid};

    if (!issuer || account->state != ACCOUNT_ACTIVE || account_is_tied(account, exporting->config))
        return 0;
    return identity_file_add(exporting->file, &row);
}

static int export_group(const Exporting *exporting, const GroupConfig *group)
{
    const char *issuer = group_issuer(exporting->config, group);
    IdentityRow row = {.kind = IDENTITY_GROUP, .issuer = (char *)(uintptr_t)issuer};

    if (!issuer)
        return 0;
    int r = group_number(accounts_store(exporting->accounts), exporting->config, group, issuer,
                         &row.number);
    if (r < 0)
        return r == -EADDRINUSE ? 0 : r; /* it has none, alarmed at each publication */
    if (*group->id)
        row.id = group->id;
    else
        row.role = group->role;
    return identity_file_add(exporting->file, &row);
}

/* Who came with another number, a pinned one, is exported with that. */
static int export_carried(const CarriedNumber *carried, void *userdata)
{
    const Exporting *exporting = userdata;
    const IdentityRow row = {.kind = IDENTITY_USER, .issuer = carried->issuer, .id = carried->id,
                             .name = carried->name, .number = carried->number};
    Judging judging = {.accounts = exporting->accounts, .config = exporting->config, .row = &row};

    return find_bound(&judging) ? 0 : identity_file_add(exporting->file, &row);
}

int identity_export(Accounts *accounts, const Config *config, IdentityFile **ret_file)
{
    _cleanup_(identity_file_freep) IdentityFile *file = calloc(1, sizeof(*file));
    Exporting exporting = {.accounts = accounts, .config = config, .file = file};
    const Account *account;
    size_t iterator = 0;
    int r = 0;

    if (!file)
        return -ENOMEM;
    file->base = config->uid_base;
    file->count = config->uid_count;
    while (r >= 0 && (account = accounts_next(accounts, &iterator)))
        r = export_account(&exporting, account);
    for (size_t i = 0; r >= 0 && i < config->group_count; i++)
        r = export_group(&exporting, &config->groups[i]);
    if (r >= 0)
        r = store_carried_each(accounts_store(accounts), export_carried, &exporting);
    if (r < 0)
        return r;
    *ret_file = TAKE_PTR(file);
    return 0;
}
