/*
 * Where changes go on, over restarts.
 *
 * A link is stored only once all that was told on the way to it is in force and stored: a crash
 * repeats rather than forgets. One behind which nothing changed can wait, the older one tells the
 * same.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <string.h>

#include "helper/revocation/revocation.h"

#define KEEP_USEC (300 * USEC_PER_SEC) /* between two links behind which nothing changed */

/* DirectoryUrl= may have changed since. */
static bool leads_here(const Directory *directory, const char *link)
{
    const char *base = directory->settings->directory_url;
    size_t size = strlen(base);

    return strncmp(link, base, size) == 0 && link[size] == '/';
}

static int load_people_link(Directory *directory)
{
    ChangeLink *link = &directory->people_link;
    int r = store_link_get(directory->manager->store, directory->settings->issuer, &link->link);

    if (r >= 0 && !leads_here(directory, link->link)) {
        free(link->link);
        link->link = NULL;
    }
    return r == -ENOENT ? 0 : r;
}

/* Read by other settings, the lists of then do not tell who is to be here now. */
static int load_group_link(Directory *directory)
{
    __attribute__((cleanup(store_groups_clear))) StoreGroups known = {0};
    uint8_t settings[32];
    int r = store_groups_get(directory->manager->store, directory->settings->issuer, &known);

    if (r >= 0)
        r = directory_groups_digest(&directory->groups, directory->config, directory->settings,
                                    settings);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (!leads_here(directory, known.link) ||
        memcmp(settings, known.settings, sizeof(settings)) != 0)
        return 0;
    directory->group_link.link = TAKE_PTR(known.link);
    return directory_groups_from_text(&directory->groups, known.inside,
                                      directory_boot_usec(directory));
}

int directory_links_load(Directory *directory)
{
    int r = load_people_link(directory);

    return r >= 0 ? load_group_link(directory) : r;
}

static bool all_verdicts_are_stored(const Directory *directory)
{
    size_t iterator = 0;
    const Account *account;

    while ((account = accounts_next(directory->manager->accounts, &iterator)))
        if (!revocation_is_stored(directory->manager->revocation, account))
            return false;
    return true;
}

/* After beginning anew everybody must have been asked for. */
static void keep_people_link(Directory *directory)
{
    ChangeLink *link = &directory->people_link;

    if (!directory->is_fresh && store_link_put(directory->manager->store,
                                               directory->settings->issuer, link->link) >= 0)
        link->is_unkept = link->was_told = false;
}

static int put_groups(const Directory *directory)
{
    StoreGroups groups = {.link = directory->group_link.link};
    int r = directory_groups_digest(&directory->groups, directory->config, directory->settings,
                                    groups.settings);

    if (r >= 0)
        r = directory_groups_to_text(&directory->groups, &groups.inside);
    if (r >= 0)
        r = store_groups_put(directory->manager->store, directory->settings->issuer, &groups);
    free(groups.inside);
    return r;
}

static void keep_group_link(Directory *directory)
{
    ChangeLink *link = &directory->group_link;

    if (directory_groups_wants(&directory->groups) || directory->looks.count > 0 ||
        put_groups(directory) < 0)
        return;
    link->is_unkept = link->was_told = directory->groups.is_changed = false;
}

static bool is_due(const ChangeLink *link, bool is_time)
{
    return link->link && link->is_unkept && (link->was_told || is_time);
}

void directory_links_keep(Directory *directory)
{
    uint64_t now = directory_boot_usec(directory);
    bool is_time =
        directory->links_kept_usec == 0 || now - directory->links_kept_usec >= KEEP_USEC;
    bool of_people = is_due(&directory->people_link, is_time);
    bool of_groups = is_due(&directory->group_link, is_time || directory->groups.is_changed);

    if ((!of_people && !of_groups) || !all_verdicts_are_stored(directory))
        return;
    if (of_people)
        keep_people_link(directory);
    if (of_groups)
        keep_group_link(directory);
    if (!directory->people_link.is_unkept && !directory->group_link.is_unkept)
        directory->links_kept_usec = now;
}

void directory_link_take(ChangeLink *link, char **new_link)
{
    bool is_same = link->link && strcmp(link->link, *new_link) == 0;

    free(link->link);
    link->link = TAKE_PTR(*new_link);
    link->is_unkept |= !is_same;
}

static void forget(ChangeLink *link)
{
    free(link->link);
    *link = (ChangeLink){0};
}

void directory_forget_people_link(Directory *directory)
{
    forget(&directory->people_link);
    (void)store_link_put(directory->manager->store, directory->settings->issuer, NULL);
}

void directory_forget_group_link(Directory *directory)
{
    forget(&directory->group_link);
    (void)store_groups_put(directory->manager->store, directory->settings->issuer, NULL);
    directory_groups_want_all(&directory->groups);
}
