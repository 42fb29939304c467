/*
 * Home folders that root is to make. See home.h.
 *
 * Only folders that root alone can change are walked through, so what was looked at is what
 * pam_mkhomedir finds a moment later.
 */
#include "pam_rcpch/home.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/snapshot-reader.h"

/* Where a folder of somebody's own would be read as configuration or run as a program. */
static const char *const system_folders[] = {
    "/bin",  "/boot", "/dev",  "/etc",      "/lib",     "/lib32",   "/lib64",     "/libx32",
    "/proc", "/root", "/run",  "/sbin",     "/sys",     "/usr",     "/var/cache", "/var/lib",
    "/var/log", "/var/spool",
};

static bool is_in(const char *path, const char *folder)
{
    size_t size = strlen(folder);

    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

static bool is_in_system(const char *path)
{
    for (size_t i = 0; i < ELEMENTSOF(system_folders); i++)
        if (is_in(path, system_folders[i]))
            return true;
    return false;
}

/* A link is root's when its folder is; what it leads to is walked by itself. */
static bool is_roots(const struct stat *st)
{
    mode_t others = st->st_gid == 0 ? S_IWOTH : S_IWGRP | S_IWOTH;

    if (st->st_uid != 0)
        return false;
    return S_ISLNK(st->st_mode) || (S_ISDIR(st->st_mode) && (st->st_mode & others) == 0);
}

/* Walks down as far as there is something, and cuts `path` behind the last of it. */
static bool walk(char *path)
{
    struct stat st;
    char *end = path;

    while (*end) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char kept = *end;
        *end = '\0';
        int r = lstat(path, &st);
        if (r < 0) {
            char *parent = strrchr(path, '/');
            parent[parent == path] = '\0';
            return errno == ENOENT;
        }
        if (!is_roots(&st))
            return false;
        *end = kept;
    }
    return true;
}

static bool may_be_made(const char *home)
{
    _cleanup_free_ char *copy = strdup(home);

    if (!copy || home[0] != '/' || is_in_system(home) || !walk(copy))
        return false;
    _cleanup_free_ char *real = realpath(copy, NULL);
    return real && !is_in_system(real) && walk(real);
}

bool home_is_harmless(const char *home)
{
    struct stat st;
    int saved_errno = errno;

    bool harmless = stat(home, &st) == 0 || errno != ENOENT || may_be_made(home);
    errno = saved_errno;
    return harmless;
}

bool home_of_account_is_harmless(const char *user)
{
    SnapshotView view;
    SnapshotUser row;

    if (snapshot_open(&view) < 0)
        return false;
    bool harmless =
        snapshot_user_by_name(&view, user, &row) > 0 && home_is_harmless(row.home.text);
    snapshot_unmap(&view);
    return harmless;
}

bool home_check(const Subject *subject, Decision *decision)
{
    if (subject->elevation || subject->ownership != OWNERSHIP_OURS)
        return true;
    if (home_of_account_is_harmless(subject->name))
        return true;
    decision_set(decision, OUTCOME_INTERNAL, NULL);
    snprintf(decision->detail, sizeof(decision->detail),
             "the home folder would be made in a folder of the system's or of somebody else");
    return false;
}
