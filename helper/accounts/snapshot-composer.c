/*
 * Composes the snapshot (design §4). The enforcer refuses a whole snapshot for one bad row, so
 * every rule it has is applied here first, row by row: one `useradd` on the host, or one range
 * changed in the configuration, must not stop everybody else's changes.
 */
#include "helper/accounts/snapshot-composer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "common/snapshot-builder.h"
#include "helper/config/config.h"

/* One [group] section. */
typedef struct GroupRow {
    const GroupConfig *config;
    bool published;     /* has a row of its own */
    bool is_marked;     /* the present account may be in it */
    uint32_t gid;
    bool has_local;     /* LocalGroup= is there */
    uint32_t local_gid;
    const char **members;
    size_t member_count, member_capacity;
} GroupRow;

/* An id or a role, and the section that names it. */
typedef struct Word {
    const char *text;
    GroupRow *row;
} Word;

typedef struct Composition {
    const ComposerInput *input;
    GroupRow *groups;
    size_t group_count;
    Word *words; /* sorted */
    size_t word_count;
    GroupRow **marked; /* those that the present account may be in */
    size_t marked_count;
    SnapshotUserSpec *users;
    uint32_t **gids; /* of each user; owned */
    size_t user_count;
    SnapshotGroupSpec *specs;
    size_t spec_count;
} Composition;

static void composition_clear(Composition *composition)
{
    for (size_t i = 0; i < composition->group_count; i++)
        free(composition->groups[i].members);
    for (size_t i = 0; i < composition->user_count; i++)
        free(composition->gids[i]);
    free(composition->groups);
    free(composition->users);
    free(composition->gids);
    free(composition->specs);
    free(composition->words);
    free(composition->marked);
}

static _printf_(2, 3) void alarm_about(const Composition *composition, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (composition->input->alarm)
        composition->input->alarm(text, composition->input->userdata);
}

static bool in_identity_range(const Config *config, uint32_t number)
{
    return number >= config->uid_base && number - config->uid_base < config->uid_count;
}

/* --- groups ----------------------------------------------------------------------------------- */

static const ProviderConfig *provider_of(const Config *config, const GroupConfig *group)
{
    if (group->provider)
        return config_provider(config, group->provider);
    return config->provider_count == 1 ? &config->providers[0] : NULL;
}

/* Why a group gets no row; NULL when it gets one. */
static const char *group_fault(const ComposerInput *input, const GroupRow *row)
{
    const Account *account = accounts_find(input->accounts, row->config->name);

    if (local_names_has(input->local, row->config->name))
        return "a local user or group has its name";
    if (account && account->state == ACCOUNT_ACTIVE)
        return "an account has its name";
    if (local_names_has_number(input->local, row->gid))
        return "a local user or group has its number";
    if (row->gid != row->config->gid && !in_identity_range(input->config, row->gid))
        return "its number is outside [identity] UidBase= and UidCount= and not pinned";
    return NULL;
}

/* Returns a negative errno only for what a retry may mend. */
static int number_group(Composition *composition, GroupRow *row)
{
    const ComposerInput *input = composition->input;
    const ProviderConfig *provider = provider_of(input->config, row->config);
    const char *fault = "its provider is not configured";
    int r = -ENOENT;

    if (provider) {
        r = group_number(input->store, input->config, row->config, provider->issuer, &row->gid);
        if (r == -EADDRINUSE)
            fault = "its number was given to somebody else before; pin one by Gid=";
        else if (r < 0)
            return r;
        else
            fault = group_fault(input, row);
    }
    row->published = fault == NULL;
    if (fault)
        alarm_about(composition, "Group %s is left out: %s", row->config->name, fault);
    return 0;
}

/* Also under another name: the number is what counts. */
static bool is_privileged_gid(const LocalNames *local, uint32_t gid)
{
    bool found = gid == 0;

    for (size_t i = 0; !found && config_privileged_groups[i]; i++) {
        uint32_t privileged;
        found = local_names_group(local, config_privileged_groups[i], &privileged) >= 0 &&
                privileged == gid;
    }
    return found;
}

static void find_local_group(Composition *composition, GroupRow *row)
{
    const LocalNames *local = composition->input->local;
    const GroupConfig *config = row->config;

    if (!config->local_group)
        return;
    if (local_names_group(local, config->local_group, &row->local_gid) < 0)
        alarm_about(composition, "LocalGroup=%s of [group %s] is not in " LOCAL_GROUP_FILE,
                    config->local_group, config->name);
    else if (is_privileged_gid(local, row->local_gid) && !config->allow_privileged)
        alarm_about(composition, "LocalGroup=%s of [group %s] is a privileged group by number",
                    config->local_group, config->name);
    else
        row->has_local = true;
}

static int compose_groups(Composition *composition)
{
    const Config *config = composition->input->config;

    composition->groups = calloc(config->group_count + 1, sizeof(*composition->groups));
    if (!composition->groups)
        return -ENOMEM;
    for (size_t i = 0; i < config->group_count; i++) {
        GroupRow *row = &composition->groups[composition->group_count++];
        row->config = &config->groups[i];
        int r = number_group(composition, row);
        if (r < 0)
            return r;
        find_local_group(composition, row);
    }
    return 0;
}

/* --- users ------------------------------------------------------------------------------------ */

static bool is_pinned(const Config *config, const Account *account)
{
    const UserConfig *user = config_user(config, account->name);

    return user && user->uid == account->uid;
}

/* Why an account gets no row; NULL when it gets one. */
static const char *account_fault(const ComposerInput *input, const Account *account)
{
    if (local_names_has(input->local, account->name))
        return "a local user or group has its name";
    if (local_names_has_number(input->local, account->uid))
        return "a local user or group has its number";
    if (!in_identity_range(input->config, account->uid) && !is_pinned(input->config, account))
        return "its number is outside [identity] UidBase= and UidCount= and not pinned";
    if (!name_is_valid(account->name) || !gecos_is_valid(account->gecos) ||
        !path_is_valid(account->home) || !path_is_valid(account->shell))
        return "its name, home or shell is not allowed";
    return NULL;
}

static int add_member(GroupRow *row, const char *name)
{
    if (row->member_count == row->member_capacity) {
        size_t capacity = row->member_capacity ? row->member_capacity * 2 : 16;
        const char **grown = reallocarray(row->members, capacity, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        row->members = grown;
        row->member_capacity = capacity;
    }
    row->members[row->member_count++] = name;
    return 0;
}

static void add_gid(uint32_t *gids, size_t *count, uint32_t gid)
{
    for (size_t i = 0; i < *count; i++) {
        if (gids[i] == gid)
            return;
    }
    if (*count < GROUPS_PER_USER_MAX)
        gids[(*count)++] = gid;
}

static int compare_words(const void *a, const void *b)
{
    const Word *x = a, *y = b;

    return strcmp(x->text, y->text);
}

/* Of thousands of accounts and hundreds of groups, each is looked for where it can be. */
static int index_words(Composition *composition)
{
    composition->words = calloc(composition->group_count * 2 + 1, sizeof(*composition->words));
    composition->marked = calloc(composition->group_count + 1, sizeof(*composition->marked));
    if (!composition->words || !composition->marked)
        return -ENOMEM;
    for (size_t i = 0; i < composition->group_count; i++) {
        GroupRow *row = &composition->groups[i];
        if (row->config->id)
            composition->words[composition->word_count++] = (Word){row->config->id, row};
        if (row->config->role)
            composition->words[composition->word_count++] = (Word){row->config->role, row};
    }
    if (composition->word_count > 0)
        qsort(composition->words, composition->word_count, sizeof(Word), compare_words);
    return 0;
}

static void mark(Composition *composition, GroupRow *row)
{
    if (!row->is_marked)
        composition->marked[composition->marked_count++] = row;
    row->is_marked = true;
}

/* The rows that one of an account's ids or roles may mean. */
static void mark_rows(Composition *composition, char *const *texts)
{
    for (; texts && *texts; texts++) {
        size_t low = 0, high = composition->word_count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (strcmp(composition->words[middle].text, *texts) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < composition->word_count &&
               strcmp(composition->words[low].text, *texts) == 0; low++)
            mark(composition, composition->words[low].row);
    }
}

/* All rows lie in one array. */
static int compare_rows(const void *a, const void *b)
{
    const GroupRow *const *x = a, *const *y = b;

    return (*x > *y) - (*x < *y);
}

/* In the order of the configuration: of too many groups the first are taken. */
static void mark_account(Composition *composition, const Account *account)
{
    while (composition->marked_count > 0)
        composition->marked[--composition->marked_count]->is_marked = false;
    mark_rows(composition, account->groups);
    mark_rows(composition, account->roles);
    qsort(composition->marked, composition->marked_count, sizeof(GroupRow *), compare_rows);
}

static int join_groups(const Composition *composition, const Account *account, uint32_t *gids,
                       size_t *ret_count)
{
    for (size_t i = 0; i < composition->marked_count; i++) {
        GroupRow *row = composition->marked[i];
        if (!account_has_group(account, composition->input->config, row->config))
            continue;
        if (row->published) {
            int r = add_member(row, account->name);
            if (r < 0)
                return r;
            add_gid(gids, ret_count, row->gid);
        }
        if (row->has_local)
            add_gid(gids, ret_count, row->local_gid);
    }
    return 0;
}

static int add_user(Composition *composition, const Account *account)
{
    size_t count = 0;

    mark_account(composition, account);
    /* Two for each section: its own gid and the local group's. */
    _cleanup_free_ uint32_t *gids = calloc(composition->marked_count * 2 + 1, sizeof(*gids));
    if (!gids)
        return -ENOMEM;
    int r = join_groups(composition, account, gids, &count);
    if (r < 0)
        return r;
    composition->users[composition->user_count] = (SnapshotUserSpec){
        .name = account->name, .uid = account->uid, .gid = account->uid, .gecos = account->gecos,
        .home = account->home, .shell = account->shell, .gids = gids, .gid_count = count,
    };
    composition->gids[composition->user_count++] = TAKE_PTR(gids);
    return 0;
}

static int compose_user(Composition *composition, const Account *account)
{
    const ComposerInput *input = composition->input;

    if (account->state != ACCOUNT_ACTIVE || account_is_tied(account, input->config))
        return 0;
    const char *fault = account_fault(input, account);
    if (fault) {
        alarm_about(composition, "Account %s is left out: %s", account->name, fault);
        return 0;
    }
    return add_user(composition, account);
}

static int compose_users(Composition *composition)
{
    Accounts *accounts = composition->input->accounts;
    size_t iterator = 0, capacity = accounts_count(accounts) + 1;
    const Account *account;
    int r = 0;

    composition->users = calloc(capacity, sizeof(*composition->users));
    composition->gids = calloc(capacity, sizeof(*composition->gids));
    if (!composition->users || !composition->gids)
        return -ENOMEM;
    while (r >= 0 && (account = accounts_next(accounts, &iterator)))
        r = compose_user(composition, account);
    return r;
}

/* --- all together ----------------------------------------------------------------------------- */

static int list_groups(Composition *composition)
{
    composition->specs = calloc(composition->group_count + 1, sizeof(*composition->specs));
    if (!composition->specs)
        return -ENOMEM;
    for (size_t i = 0; i < composition->group_count; i++) {
        const GroupRow *row = &composition->groups[i];
        if (!row->published)
            continue;
        composition->specs[composition->spec_count++] = (SnapshotGroupSpec){
            .name = row->config->name, .gid = row->gid, .members = row->members,
            .member_count = row->member_count,
        };
    }
    return 0;
}

int snapshot_compose(const ComposerInput *input, int *ret_fd)
{
    __attribute__((cleanup(composition_clear))) Composition composition = {.input = input};

    int r = compose_groups(&composition);
    if (r >= 0)
        r = index_words(&composition);
    if (r >= 0)
        r = compose_users(&composition);
    if (r >= 0)
        r = list_groups(&composition);
    if (r < 0)
        return r;
    const SnapshotSpec spec = {
        .generation = input->generation,
        .users = composition.users, .user_count = composition.user_count,
        .groups = composition.specs, .group_count = composition.spec_count,
    };
    return snapshot_build(&spec, ret_fd);
}
