/*
 * All directories of the configuration in force. See directories.h; the round of one is in
 * directory.c.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <string.h>

struct Directories {
    Directory *first;
};

static int load_link(Directory *directory)
{
    const char *base = directory->settings->directory_url;
    int r = store_link_get(directory->manager->store, directory->settings->issuer,
                           &directory->link);

    if (r == -ENOENT)
        return 0;
    /* DirectoryUrl= may have changed since. */
    if (r >= 0 && strncmp(directory->link, base, strlen(base)) != 0) {
        free(directory->link);
        directory->link = NULL;
    }
    return r;
}

static Directory *directory_free(Directory *directory)
{
    if (!directory)
        return NULL;
    http_cancel(directory->request);
    sd_event_source_disable_unref(directory->timer);
    directory_token_clear(&directory->token);
    directory_roll_clear(&directory->roll);
    directory_list_clear(&directory->list);
    directory_people_clear(&directory->people);
    directory_refused_clear(&directory->refused);
    free(directory->listed);
    free(directory->lost);
    free(directory->link);
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
    directory->listed = calloc(manager->config->group_count + 1, sizeof(*directory->listed));
    if (!directory->listed)
        return -ENOMEM;
    int r = load_link(directory);
    if (r >= 0)
        r = sd_event_add_time(manager->event, &directory->timer, CLOCK_BOOTTIME, 0, USEC_PER_MSEC,
                              directory_on_timer, directory);
    if (r < 0)
        return r;
    *ret_directory = TAKE_PTR(directory);
    return 0;
}

int directories_new(Manager *manager, bool accept_absence, Directories **ret_directories)
{
    _cleanup_(directories_freep) Directories *directories = calloc(1, sizeof(*directories));

    if (!directories)
        return -ENOMEM;
    for (size_t i = 0; i < manager->config->provider_count; i++) {
        Directory *directory;
        if (!directory_kind(manager->config->providers[i].directory))
            continue;
        int r = directory_new(manager, i, &directory);
        if (r < 0)
            return r;
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

bool directories_has(const Directories *directories, const Account *account)
{
    for (const Directory *one = directories ? directories->first : NULL; one; one = one->next)
        if (strcmp(one->settings->name, account->provider) == 0)
            return true;
    return false;
}
