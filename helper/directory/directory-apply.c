/*
 * What a directory's answers do to the accounts of this host.
 *
 * People are known by the immutable id alone; of whom this host does not know, and who is in none
 * of its groups, nothing is kept. Verdicts move through revocation.h, groups through elevations.h.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/directory/directory-match.h"
#include "helper/provider/provider-type.h"
#include "helper/session/elevations.h"
#include "helper/revocation/revocation.h"
#include "helper/base/text-list.h"
#include "helper/token/claims.h"

#define SLICE_USEC (10 * USEC_PER_MSEC)
#define KEEP_USEC  (300 * USEC_PER_SEC) /* between two times that confirmations are stored */

#define ALARM_HELD    "Directory of %s would take a group from many at once"
#define ALARM_REFUSED "Directory of %s cannot add"
#define ALARM_NUMBER  "Directory of %s gives another number to"
#define ALARM_MISSING "Directory of %s does not find"

/* --- who is who ------------------------------------------------------------------------------- */

/* NULL: this provider's identities have none in front. */
static const char *tenant_of(const Directory *directory)
{
    const ProviderConfig *settings = directory->settings;

    return provider_traits(settings->type)->has_tenant ? settings->tenant : NULL;
}

/* "<tenant>/<object id>" or the id alone, as sign-ins bind it (provider.h). NULL when memory is
 * short. */
static char *identity_of(const Directory *directory, const char *id)
{
    const char *tenant = tenant_of(directory);
    char *identity = NULL;

    if (!tenant)
        return strdup(id);
    return asprintf(&identity, "%s/%s", tenant, id) < 0 ? NULL : identity;
}

const char *directory_person_id(const Account *account)
{
    const char *slash = strrchr(account->id, '/');

    return slash ? slash + 1 : account->id;
}

bool directory_is_ours(const Directory *directory, const Account *account)
{
    const char *tenant = tenant_of(directory);
    size_t size = tenant ? strlen(tenant) : 0;

    return account->state == ACCOUNT_ACTIVE && account->id && account->issuer &&
           strcmp(account->issuer, directory->settings->issuer) == 0 &&
           (!tenant || (strncmp(account->id, tenant, size) == 0 && account->id[size] == '/'));
}

static bool keeps_now(const Directory *directory)
{
    return directory->kept_usec == 0 || directory->started_usec - directory->kept_usec >= KEEP_USEC;
}

static void take_state(Directory *directory, Account *account, DirectoryState state)
{
    Evidence evidence;

    if (directory_sync_evidence(state, &evidence))
        revocation_directory(directory->manager->revocation, account, &evidence,
                             keeps_now(directory));
}

void directory_take_state(Directory *directory, const DirectoryPerson *person)
{
    Accounts *accounts = directory->manager->accounts;
    _cleanup_free_ char *identity = identity_of(directory, person->id);
    Account *first = identity ? accounts_find_identity(accounts, directory->settings->issuer,
                                                       identity)
                              : NULL;

    if (!first)
        return;
    take_state(directory, first, person->state);
    for (Account *other = accounts_next_of_person(accounts, first, NULL); other;
         other = accounts_next_of_person(accounts, first, other))
        take_state(directory, other, person->state);
}

static void take_profile(Directory *directory, Account *account, const DirectoryPerson *person)
{
    Accounts *accounts = directory->manager->accounts;

    (void)account_set_profile(accounts, account, person->full_name);
    (void)account_set_phone(accounts, account, person->phone);
}

/* --- groups ----------------------------------------------------------------------------------- */

static bool keeps_group(const Directory *directory, const RollPerson *person, const char *id)
{
    const Config *config = directory->config;

    for (size_t i = 0; i < config->group_count; i++)
        if (directory->listed[i] && strcmp(config->groups[i].id, id) == 0 &&
            !roll_person_is_in(person, (unsigned)i))
            return false;
    return true;
}

/* Who is disabled may be on no list any more, and then only the question by id tells. */
static void note_lost(Directory *directory, Account *account)
{
    Account **lost = reallocarray(directory->lost, directory->lost_count + 1, sizeof(*lost));

    if (!lost)
        return;
    directory->lost = lost;
    lost[directory->lost_count++] = account;
}

static bool is_lost(const Directory *directory, const Account *account)
{
    for (size_t i = 0; i < directory->lost_count; i++)
        if (directory->lost[i] == account)
            return true;
    return false;
}

/* What the account's groups become: those of other origin or whose list is not whole stay. */
static int new_groups(const Directory *directory, const Account *account, const RollPerson *person,
                      char ***ret_groups)
{
    const Config *config = directory->config;
    _cleanup_text_list_ char **groups = text_list_new();
    int r = groups ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && account->groups[i]; i++)
        if (keeps_group(directory, person, account->groups[i]))
            r = text_list_add(&groups, account->groups[i]);
    for (size_t i = 0; r >= 0 && i < person->count; i++) {
        const char *id = config->groups[person->entries[i].group].id;
        if (!text_list_contains(groups, id))
            r = text_list_add(&groups, id);
    }
    if (r >= 0)
        *ret_groups = TAKE_PTR(groups);
    return r;
}

static size_t count_owned(const Directory *directory, char *const *groups)
{
    const Config *config = directory->config;
    size_t count = 0;

    for (size_t i = 0; i < config->group_count; i++)
        if (directory_owns_group(directory, &config->groups[i]) &&
            text_list_contains(groups, config->groups[i].id))
            count++;
    return count;
}

static void log_groups(const Directory *directory, const Account *account, size_t before,
                       bool was_allowed)
{
    Manager *manager = directory->manager;
    char reason[96];

    snprintf(reason, sizeof(reason), "directory groups: %zu, before %zu",
             text_list_count(account->groups), before);
    manager_log_account(manager, account, "directory", "groups-changed", reason);
    if (was_allowed && !account_is_allowed(account, manager->config))
        manager_log_account(manager, account, "directory", "no-longer-allowed",
                            "new access is refused by [access]");
}

static void set_groups(Directory *directory, Account *account, const RollPerson *person)
{
    Manager *manager = directory->manager;
    bool was_allowed = account_is_allowed(account, manager->config);
    size_t before = text_list_count(account->groups);
    _cleanup_text_list_ char **groups = NULL;
    int r = new_groups(directory, account, person, &groups);

    account->directory_told = r >= 0 && text_list_equal(account->groups, groups);
    if (account->directory_told)
        return;
    if (r >= 0)
        r = elevations_set_groups(manager, account, groups);
    account->directory_told = r >= 0;
    if (r < 0) {
        manager_alarm(manager, "The groups of %s could not be stored", account->name);
        return;
    }
    directory->is_changed = true;
    if (was_allowed && !account_is_allowed(account, manager->config))
        note_lost(directory, account);
    log_groups(directory, account, before, was_allowed);
}

/* --- the hold on mass absence ----------------------------------------------------------------- */

/* Whose new groups cannot be told counts as losing all of them: rather held than believed. */
static void count_account(const Directory *directory, const Account *account, SyncCount *count)
{
    RollPerson person = {0};
    _cleanup_text_list_ char **groups = NULL;
    size_t before = count_owned(directory, account->groups);

    if (before == 0)
        return;
    (void)directory_roll_find(&directory->roll, directory_person_id(account), &person);
    bool is_told = new_groups(directory, account, &person, &groups) >= 0;
    size_t lost = !is_told;
    for (size_t i = 0; is_told && account->groups[i]; i++)
        lost += !text_list_contains(groups, account->groups[i]);
    count->members++;
    count->losing += lost > 0;
    count->emptied += lost > 0 && (!is_told || count_owned(directory, groups) == 0);
}

static SyncCount count_all(const Directory *directory)
{
    SyncCount count = {0};
    size_t iterator = 0;
    const Account *account;

    while ((account = accounts_next(directory->manager->accounts, &iterator)))
        if (directory_is_ours(directory, account))
            count_account(directory, account, &count);
    return count;
}

void directory_apply_begin(Directory *directory)
{
    Manager *manager = directory->manager;

    directory_roll_close(&directory->roll);
    const SyncCount count = count_all(directory);
    directory->is_held = directory_sync_must_hold(&count) && !directory->accepts_absence;
    directory->health.losing = directory->is_held ? count.losing : 0;
    directory->health.members = count.members;
    directory->slice = 0;
    directory->slices_accounts = true;
    directory_refused_begin(&directory->refused);
    directory_refused_begin(&directory->renumbered);
    if (directory->is_held)
        manager_alarm(manager, ALARM_HELD ": %zu of %zu. Nobody's groups are changed, and nobody is "
                      "added. If it is meant so: rcpchctl reload --enforce",
                      directory->settings->name, count.losing, count.members);
    else
        manager_alarm_over(manager, ALARM_HELD, directory->settings->name);
}

/* --- newcomers -------------------------------------------------------------------------------- */

void directory_refuse(Directory *directory, const char *name, const char *why)
{
    Record record = {.event = RECORD_ACCOUNT};

    if (!directory_refused_note(&directory->refused, name, why))
        return;
    record_set(&record, RECORD_USER, name);
    record_set(&record, RECORD_PROVIDER, directory->settings->name);
    record_set(&record, RECORD_ACTOR, "directory");
    record_set(&record, RECORD_ACTION, "add-refused");
    record_set(&record, RECORD_REASON, why);
    manager_log(directory->manager, &record);
}

/* A number that was given stays, whatever is said of it later: files have it. */
static void compare_number(Directory *directory, const Account *account, uint32_t claimed)
{
    static const char why[] = "UidClaim= says so; what they have here stays";
    char reason[96], number[16] = "no number";

    if (!account_number_differs(account, directory->config, claimed) ||
        !directory_refused_note(&directory->renumbered, account->name, why))
        return;
    if (claimed != CLAIMED_UID_NONE)
        snprintf(number, sizeof(number), "%u", claimed);
    snprintf(reason, sizeof(reason), "UidClaim= gives %s; the %u that it has here stays", number,
             account->uid);
    manager_log_account(directory->manager, account, "directory", "number-differs", reason);
}

static void end_refused(Directory *directory)
{
    const char *provider = directory->settings->name;
    char who[DIRECTORY_REFUSED_TEXT_MAX];

    if (directory_refused_end(&directory->refused))
        manager_alarm_over(directory->manager, ALARM_REFUSED, provider);
    if (directory_refused_describe(&directory->refused, who, sizeof(who)))
        manager_alarm(directory->manager, ALARM_REFUSED " %s", provider, who);
    if (directory_refused_end(&directory->renumbered))
        manager_alarm_over(directory->manager, ALARM_NUMBER, provider);
    if (directory_refused_describe(&directory->renumbered, who, sizeof(who)))
        manager_alarm(directory->manager, ALARM_NUMBER " %s", provider, who);
}

void directory_bind(Directory *directory, Account *account, const RollPerson *person,
                    const char *how)
{
    Manager *manager = directory->manager;
    _cleanup_free_ char *identity = identity_of(directory, person->entries[0].person.id);

    if (!identity || account_bind(manager->accounts, manager->config, account,
                                  directory->settings->issuer, identity) < 0) {
        directory_refuse(directory, account->directory_name,
                         "its account here belongs to somebody else");
        return;
    }
    manager_log_account(manager, account, "directory", "bound", how);
    set_groups(directory, account, person);
    take_profile(directory, account, &person->entries[0].person);
    take_state(directory, account, person->state);
}

static bool is_waiting_for(const Directory *directory, const Account *account, const char *name)
{
    return account->state == ACCOUNT_ACTIVE && !account->id &&
           strcmp(account->directory_name, name) == 0 &&
           strcmp(account->provider, directory->settings->name) == 0;
}

/* Local accounts that are tied to the person do not count. */
static bool has_own_account(const Directory *directory, const char *identity)
{
    Accounts *accounts = directory->manager->accounts;
    const Account *first =
        accounts_find_identity(accounts, directory->settings->issuer, identity);

    for (const Account *other = first; other;
         other = accounts_next_of_person(accounts, first, other == first ? NULL : other))
        if (!account_is_tied(other, directory->config))
            return true;
    return false;
}

/* A local account that is tied to somebody who has an account here already. */
static void bind_tied(Directory *directory, Account *account)
{
    size_t iterator = 0;
    RollPerson person;
    const Account *other;

    if (!account_is_tied(account, directory->config) ||
        !is_waiting_for(directory, account, account->directory_name))
        return;
    while ((other = accounts_next(directory->manager->accounts, &iterator))) {
        if (!directory_is_ours(directory, other) ||
            strcmp(other->directory_name, account->directory_name) != 0 ||
            !directory_roll_find(&directory->roll, directory_person_id(other), &person))
            continue;
        const char *name = person.entries[0].person.name;
        if (name && person.state == DIRECTORY_ENABLED &&
            strcmp(name, account->directory_name) == 0) {
            directory_bind(directory, account, &person, "by its name");
            return;
        }
    }
}

/* An administrator added the name; the directory says whose it is. True when one of these is the
 * person's own account. */
static bool bind_waiting(Directory *directory, const RollPerson *person)
{
    Manager *manager = directory->manager;
    const char *name = person->entries[0].person.name;
    size_t iterator = 0;
    bool found = false;
    Account *account;

    while ((account = accounts_next(manager->accounts, &iterator))) {
        if (!is_waiting_for(directory, account, name))
            continue;
        found |= !account_is_tied(account, directory->config);
        directory_bind(directory, account, person, "by its name");
    }
    return found;
}

static void add(Directory *directory, const RollPerson *person, const char *identity)
{
    Manager *manager = directory->manager;
    const DirectoryPerson *first = &person->entries[0].person;
    const Account nobody = {.groups = (char *[]){NULL}};
    _cleanup_text_list_ char **groups = NULL;
    Account *account = NULL;
    const char *why = "out of memory";

    if (new_groups(directory, &nobody, person, &groups) < 0) {
        directory_refuse(directory, first->name, why);
        return;
    }
    const AccountOptions options = {.id = identity, .groups = groups, .uid = first->uid};
    int r = accounts_add(manager->accounts, manager->config, directory->settings, first->name,
                         &options, &account, &why);
    if (r < 0) {
        directory_refuse(directory, first->name, why);
        return;
    }
    manager_alarm_over(manager, ALARM_NOT_ADDED, first->name); /* an administrator's try */
    take_profile(directory, account, first);
    account->directory_told = true;
    directory->is_changed = true;
    manager_log_account(manager, account, "directory", "added", NULL);
    take_state(directory, account, person->state);
}

/* AutoProvision= and, where it narrows that, AutoProvisionGroups=. */
static bool may_add(const Directory *directory, const RollPerson *person)
{
    char *const *narrowed = directory->settings->auto_provision_groups;

    if (directory->settings->adds_nobody)
        return false;
    for (size_t i = 0; i < person->count; i++)
        if (text_list_contains(narrowed, directory->config->groups[person->entries[i].group].name))
            return true;
    return !*narrowed;
}

/* Only who is said to be enabled, and whose name is of this provider's domains. */
static void welcome(Directory *directory, const RollPerson *person)
{
    const DirectoryPerson *first = &person->entries[0].person;
    _cleanup_free_ char *identity = NULL;

    if (person->state != DIRECTORY_ENABLED || !first->name ||
        !config_answers_for(directory->config, directory->settings, first->name))
        return;
    identity = identity_of(directory, first->id);
    if (!identity || has_own_account(directory, identity))
        return;
    if (!bind_waiting(directory, person) && may_add(directory, person))
        add(directory, person, identity);
}

/* --- slices ----------------------------------------------------------------------------------- */

static void apply_to_account(Directory *directory, Account *account)
{
    RollPerson person = {0};
    bool is_listed;

    if (!directory->is_held) {
        bind_tied(directory, account);
        directory_match(directory, account);
    }
    if (!directory_is_ours(directory, account))
        return;
    is_listed = directory_roll_find(&directory->roll, directory_person_id(account), &person);
    if (is_listed) {
        directory->knows_somebody = true;
        take_state(directory, account, person.state);
        compare_number(directory, account, person.entries[0].person.uid);
        if (!directory->is_held)
            take_profile(directory, account, &person.entries[0].person);
    }
    if (!directory->is_held)
        set_groups(directory, account, &person);
}

/* One account, or one person of the roll. False at the end. */
static bool apply_one(Directory *directory)
{
    RollPerson person;
    Account *account;

    if (directory->slices_accounts) {
        account = accounts_next(directory->manager->accounts, &directory->slice);
        if (account) {
            apply_to_account(directory, account);
            return true;
        }
        directory->slices_accounts = false;
        directory->slice = 0;
    }
    if (directory->is_held)
        return false;
    if (!directory_roll_next(&directory->roll, &directory->slice, &person)) {
        end_refused(directory);
        return false;
    }
    welcome(directory, &person);
    return true;
}

bool directory_apply_slice(Directory *directory)
{
    uint64_t until = stamp_now().boot_usec + SLICE_USEC;

    while (apply_one(directory))
        if (stamp_now().boot_usec >= until)
            return true;
    return false;
}

/* --- people whom nobody listed ---------------------------------------------------------------- */

/* Whose confirmation grows old; after beginning anew everybody, because what happened before is
 * unknown. */
static bool must_ask(const Directory *directory, const Account *account, const Stamp *now)
{
    RollPerson person;

    if (!directory_is_ours(directory, account))
        return false;
    if (directory_roll_find(&directory->roll, directory_person_id(account), &person))
        return person.state == DIRECTORY_DOUBTED && account->verdict != VERDICT_DISABLED;
    if (directory->is_fresh && directory_tells_changes(directory))
        return true;
    if ((directory->is_fresh || is_lost(directory, account)) &&
        account->verdict != VERDICT_DISABLED)
        return true;
    if (account->session_count == 0 && !account_is_allowed(account, directory->config))
        return false;
    if (!directory_tells_changes(directory))
        return !account->by_administrator;
    return account->verdict != VERDICT_DISABLED &&
           stamp_age_usec(&account->confirmed, now) >= directory->config->refresh_check_usec;
}

/* People with sessions first. */
static int compare_sessions(const void *a, const void *b)
{
    const Account *const *x = a, *const *y = b;

    return ((*x)->session_count < (*y)->session_count) - ((*x)->session_count > (*y)->session_count);
}

int directory_people_choose(Directory *directory)
{
    Accounts *accounts = directory->manager->accounts;
    PeopleToAsk *people = &directory->people;
    Stamp now = stamp_now();
    size_t iterator = 0;
    Account *account;

    directory_people_clear(people);
    people->accounts = calloc(accounts_count(accounts) + 1, sizeof(Account *));
    people->missing = calloc(accounts_count(accounts) + 1, sizeof(Account *));
    if (!people->accounts || !people->missing)
        return -ENOMEM;
    while ((account = accounts_next(accounts, &iterator)))
        if (must_ask(directory, account, &now))
            people->accounts[people->count++] = account;
    qsort(people->accounts, people->count, sizeof(Account *), compare_sessions);
    if (keeps_now(directory))
        directory->kept_usec = directory->started_usec;
    return 0;
}

void directory_people_missing(Directory *directory)
{
    PeopleToAsk *people = &directory->people;
    Account *account = people->accounts[people->at++];

    /* Who is known to be gone says nothing about how many go now. */
    if (account->verdict != VERDICT_DISABLED)
        people->missing[people->missing_count++] = account;
}

void directory_people_judge(Directory *directory)
{
    const PeopleToAsk *people = &directory->people;
    const Evidence evidence = {
        .meaning = EVIDENCE_DISABLED, .is_explicit = true, .code = "not found"};

    if (people->missing_count > 0 &&
        !directory_sync_believes_missing(people->count, people->missing_count,
                                         directory->knows_somebody)) {
        manager_alarm(directory->manager,
                      ALARM_MISSING " %zu people of this host. Nobody is cut by that.",
                      directory->settings->name, people->missing_count);
        return;
    }
    manager_alarm_over(directory->manager, ALARM_MISSING, directory->settings->name);
    for (size_t i = 0; i < people->missing_count; i++)
        revocation_directory(directory->manager->revocation, people->missing[i], &evidence, false);
}

void directory_people_clear(PeopleToAsk *people)
{
    free(people->accounts);
    free(people->missing);
    *people = (PeopleToAsk){0};
}
