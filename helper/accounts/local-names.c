/*
 * Local names: two small files, read again when somebody asks, because `useradd` tells nobody.
 */
#include "helper/accounts/local-names.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

typedef struct LocalGroup {
    char *name;
    uint32_t gid;
} LocalGroup;

struct LocalNames {
    LocalUser *users;
    size_t user_count;
    LocalGroup *groups;
    size_t group_count;
};

static int add_user(LocalNames *names, const struct passwd *entry)
{
    LocalUser *grown = reallocarray(names->users, names->user_count + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    names->users = grown;
    LocalUser *user = &grown[names->user_count++];
    *user = (LocalUser){
        .name = strdup(entry->pw_name),
        .uid = entry->pw_uid,
        .gid = entry->pw_gid,
        .home = strdup(entry->pw_dir ? entry->pw_dir : ""),
        .shell = strdup(entry->pw_shell ? entry->pw_shell : ""),
    };
    return user->name && user->home && user->shell ? 0 : -ENOMEM;
}

static int add_group(LocalNames *names, const struct group *entry)
{
    LocalGroup *grown = reallocarray(names->groups, names->group_count + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    names->groups = grown;
    LocalGroup *group = &grown[names->group_count++];
    *group = (LocalGroup){.name = strdup(entry->gr_name), .gid = entry->gr_gid};
    return group->name ? 0 : -ENOMEM;
}

static int read_users(LocalNames *names, const char *path)
{
    _cleanup_fclose_ FILE *stream = fopen(path, "re");
    const struct passwd *entry;
    int r = 0;

    if (!stream)
        return -errno;
    errno = 0;
    while (r >= 0 && (entry = fgetpwent(stream)))
        r = add_user(names, entry);
    if (r >= 0 && ferror(stream))
        r = -EIO;
    return r < 0 ? r : errno == ENOMEM ? -ENOMEM : 0;
}

static int read_groups(LocalNames *names, const char *path)
{
    _cleanup_fclose_ FILE *stream = fopen(path, "re");
    const struct group *entry;
    int r = 0;

    if (!stream)
        return -errno;
    errno = 0;
    while (r >= 0 && (entry = fgetgrent(stream)))
        r = add_group(names, entry);
    if (r >= 0 && ferror(stream))
        r = -EIO;
    return r < 0 ? r : errno == ENOMEM ? -ENOMEM : 0;
}

int local_names_load(const char *passwd_file, const char *group_file, LocalNames **ret_names)
{
    _cleanup_(local_names_freep) LocalNames *names = calloc(1, sizeof(*names));

    if (!names)
        return -ENOMEM;
    int r = read_users(names, passwd_file);
    if (r >= 0)
        r = read_groups(names, group_file);
    if (r < 0)
        return r;
    *ret_names = TAKE_PTR(names);
    return 0;
}

LocalNames *local_names_free(LocalNames *names)
{
    if (!names)
        return NULL;
    for (size_t i = 0; i < names->user_count; i++) {
        free(names->users[i].name);
        free(names->users[i].home);
        free(names->users[i].shell);
    }
    for (size_t i = 0; i < names->group_count; i++)
        free(names->groups[i].name);
    free(names->users);
    free(names->groups);
    free(names);
    return NULL;
}

const LocalUser *local_names_user(const LocalNames *names, const char *name)
{
    for (size_t i = 0; i < names->user_count; i++) {
        if (strcmp(names->users[i].name, name) == 0)
            return &names->users[i];
    }
    return NULL;
}

int local_names_group(const LocalNames *names, const char *name, uint32_t *ret_gid)
{
    for (size_t i = 0; i < names->group_count; i++) {
        if (strcmp(names->groups[i].name, name) == 0) {
            *ret_gid = names->groups[i].gid;
            return 0;
        }
    }
    return -ENOENT;
}

bool local_names_has(const LocalNames *names, const char *name)
{
    uint32_t gid;

    return local_names_user(names, name) || local_names_group(names, name, &gid) >= 0;
}

bool local_names_has_number(const LocalNames *names, uint32_t number)
{
    for (size_t i = 0; i < names->user_count; i++) {
        if (names->users[i].uid == number || names->users[i].gid == number)
            return true;
    }
    for (size_t i = 0; i < names->group_count; i++) {
        if (names->groups[i].gid == number)
            return true;
    }
    return false;
}
