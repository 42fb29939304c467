/*
 * All directories of the configuration in force. See directories.h; the round of one is in
 * directory.c.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <string.h>

#include "helper/base/text-list.h"

struct Directories {
    Directory *first;
};

static Directory *directory_free(Directory *directory)
{
    if (!directory)
        return NULL;
    directory_checks_drop(directory);
    http_cancel(directory->request);
    sd_event_source_disable_unref(directory->timer);
    directory_token_clear(&directory->token);
    directory_roll_clear(&directory->roll);
    directory_list_clear(&directory->list);
    directory_people_clear(&directory->people);
    directory_groups_clear(&directory->groups);
    directory_looks_clear(&directory->looks);
    directory_roll_clear(&directory->kept);
    directory_roll_clear(&directory->kept_next);
    directory_refused_clear(&directory->refused);
    directory_refused_clear(&directory->odd_names);
    directory_refused_clear(&directory->renumbered);
    free(directory->lost);
    text_list_free(directory->away);
    free(directory->people_link.link);
    free(directory->group_link.link);
    free(directory->url);
    free(directory);
    return NULL;
}
DEFINE_CLEANUP(Directory *, directory_free)

static int directory_new(Manager *manager, size_t index, Directory **ret_directory)
{
    _cleanup_(directory_freep) Directory *directory = calloc(1, sizeof(*directory));

    if (!directory)
        return -ENOMEM;
    directory->manager = manager;
    directory->config = manager->config;
    directory->settings = &manager->config->providers[index];
    directory->provider = manager->providers[index];
    directory->kind = directory_kind(directory->settings->directory);
    directory->answered_usec = directory_boot_usec(directory);
    directory->is_fresh = !directory_tells_changes(directory);
    int r = directory_groups_init(&directory->groups, directory->config, directory->settings);
    if (r >= 0)
        r = directory_links_load(directory);
    if (r >= 0)
        r = sd_event_add_time(manager->event, &directory->timer, CLOCK_BOOTTIME, 0, USEC_PER_MSEC,
                              directory_on_timer, directory);
    if (r < 0)
        return r;
    *ret_directory = TAKE_PTR(directory);
    return 0;
}

/* There may be other groups now. */
static void forget_what_was_told(Accounts *accounts)
{
    size_t iterator = 0;
    Account *account;

    while ((account = accounts_next(accounts, &iterator)))
        account->directory_told = false;
}

int directories_new(Manager *manager, bool accept_absence, Directories **ret_directories)
{
    _cleanup_(directories_freep) Directories *directories = calloc(1, sizeof(*directories));

    if (!directories)
        return -ENOMEM;
    forget_what_was_told(manager->accounts);
    for (size_t i = 0; i < manager->config->provider_count; i++) {
        Directory *directory;
        if (!directory_kind(manager->config->providers[i].directory))
            continue;
        int r = directory_new(manager, i, &directory);
        if (r < 0)
            return r;
        if (accept_absence)
            directory_groups_want_all(&directory->groups);
        directory->accepts_absence = accept_absence;
        directory->next = directories->first;
        directories->first = directory;
    }
    *ret_directories = TAKE_PTR(directories);
    return 0;
}

Directories *directories_free(Directories *directories)
{
    if (!directories)
        return NULL;
    while (directories->first) {
        Directory *next = directories->first->next;

        directory_free(directories->first);
        directories->first = next;
    }
    free(directories);
    return NULL;
}

static const Directory *of_account(const Directories *directories, const Account *account)
{
    const Directory *one = directories ? directories->first : NULL;

    while (one && strcmp(one->settings->name, account->provider) != 0)
        one = one->next;
    return one;
}

bool directories_has(const Directories *directories, const Account *account)
{
    return of_account(directories, account) != NULL;
}

/* --- groups in tokens ------------------------------------------------------------------------- */

static bool answers_for(const Directory *directory, const char *id)
{
    const DirectoryGroup *group = directory_groups_find(&directory->groups, id);

    return group && strcmp(group->id, id) == 0;
}

/* Those of `from` for which the directory answers, or does not. */
static int add_groups(const Directory *directory, char *const *from, bool answered, char ***groups)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && from[i]; i++)
        if (answers_for(directory, from[i]) == answered)
            r = text_list_add(groups, from[i]);
    return r;
}

int directories_correct_groups(const Directories *directories, const Account *account,
                               char ***groups)
{
    const Directory *directory = of_account(directories, account);
    _cleanup_text_list_ char **corrected = NULL;

    if (!directory || !directory->has_told || !account->directory_told)
        return 0;
    corrected = text_list_new();
    if (!corrected || add_groups(directory, *groups, false, &corrected) < 0 ||
        add_groups(directory, account->groups, true, &corrected) < 0)
        return -ENOMEM;
    text_list_free(*groups);
    *groups = TAKE_PTR(corrected);
    return 0;
}

static Directory *find_knowing(const Directories *directories, const Account *account)
{
    for (Directory *one = directories ? directories->first : NULL; one; one = one->next)
        if (directory_is_ours(one, account) || directory_knows_client(one, account))
            return one;
    return NULL;
}

bool directories_know_client(const Directories *directories, const Account *account)
{
    for (const Directory *one = directories ? directories->first : NULL; one; one = one->next)
        if (directory_knows_client(one, account))
            return true;
    return false;
}

bool directories_know(const Directories *directories, const Account *account)
{
    return find_knowing(directories, account) != NULL;
}

const char *directories_check(Directories *directories, Account *account,
                              DirectoryCheckHandler handler, void *userdata,
                              DirectoryCheck **ret_check)
{
    Directory *directory = find_knowing(directories, account);

    return directory ? directory_check(directory, account, handler, userdata, ret_check)
                     : "no directory knows the account";
}

/* --- status ---------------------------------------------------------------------------------- */

#define MEND_NAME                                                                                  \
    "give them another user name at the directory; or: rcpchctl user add OTHER-NAME --id ID, "     \
    "with the id that the directory has for them"

static size_t count_people(const Directory *directory)
{
    size_t iterator = 0, count = 0;
    const Account *account;

    while ((account = accounts_next(directory->manager->accounts, &iterator)))
        count += directory_is_ours(directory, account);
    return count;
}

bool directories_status(const Directories *directories, const char *provider,
                        DirectoryStatus *ret_status)
{
    for (const Directory *one = directories ? directories->first : NULL; one; one = one->next) {
        if (strcmp(one->settings->name, provider) != 0)
            continue;
        uint64_t silent = directory_boot_usec(one) - one->answered_usec;
        *ret_status = (DirectoryStatus){
            .health = &one->health,
            .people = count_people(one),
            .odd_names = &one->odd_names,
            .mend_name = one->kind->mend_name ? one->kind->mend_name : MEND_NAME,
            .is_stale = directory_health_is_stale(silent, one->config->directory_poll_usec,
                                                  one->round_usec),
        };
        return true;
    }
    return false;
}
