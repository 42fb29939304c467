/*
 * Whose account is it? See ownership.h; design §2 "Ours, not ours, cannot tell".
 *
 * Read by PAM before anything else, so it asks files only. The files are small, or mapped; the
 * mapping is the call's own, because a PAM module may be unloaded at any time.
 */
#include "common/ownership.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/paths.h"
#include "common/snapshot-reader.h"

#define PASSWD_FILE "/etc/passwd"

/* Opens a file that only root may have written. Returns a stream or NULL with errno. */
static FILE *open_trusted(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    FILE *file;

    if (fd < 0 || fstat(fd, &st) < 0)
        return NULL;
    if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        errno = EPERM;
        return NULL;
    }
    file = fdopen(fd, "re");
    if (file)
        (void)TAKE_FD(fd);
    return file;
}

/* Is there a line whose text up to `end` is the name? Returns 1, 0 or a negative errno. */
static int file_names(const char *path, char end, const char *name)
{
    _cleanup_fclose_ FILE *file = open_trusted(path);
    _cleanup_free_ char *line = NULL;
    size_t capacity = 0, size = strlen(name);

    if (!file)
        return -errno;
    if (size == 0 || strpbrk(name, ":\n"))
        return 0;
    errno = 0;
    while (getline(&line, &capacity, file) >= 0) {
        if (strncmp(line, name, size) == 0 && line[size] == end)
            return 1;
    }
    return ferror(file) || errno == ENOMEM ? -EIO : 0;
}

/* 1 tied, 0 not tied, negative errno: cannot tell. No file means that nobody is tied. */
static int is_tied(const char *user)
{
    int r = file_names(RCPCH_LOCAL_FILE, '\n', user);

    return r == -ENOENT ? 0 : r;
}

/* 1, 0, or a negative errno when the snapshot cannot be read. */
static int is_in_snapshot(const char *user)
{
    SnapshotView view;
    SnapshotUser row;
    int r = snapshot_open(&view);

    if (r < 0)
        return r;
    r = snapshot_user_by_name(&view, user, &row);
    snapshot_unmap(&view);
    return r;
}

/* Not in the list of tied accounts, or the list cannot be read. */
static Ownership of_untied(const char *user)
{
    int ours = is_in_snapshot(user);
    int local = ours == 0 ? 0 : file_names(PASSWD_FILE, ':', user);

    if (ours == 0 || local > 0)
        return OWNERSHIP_NOT_OURS;
    return ours > 0 ? OWNERSHIP_OURS : OWNERSHIP_UNKNOWN;
}

bool ownership_may_be_local(const char *user)
{
    int saved = errno;
    int r = file_names(PASSWD_FILE, ':', user);

    errno = saved;
    return r != 0;
}

Ownership ownership_of(const char *user)
{
    int saved = errno, tied;
    Ownership ownership;

    if (!user)
        return OWNERSHIP_UNKNOWN;
    if (strcmp(user, "root") == 0)
        return OWNERSHIP_NOT_OURS;
    tied = is_tied(user);
    if (tied > 0)
        ownership = OWNERSHIP_TIED;
    else if (tied < 0)
        ownership = OWNERSHIP_UNKNOWN;
    else
        ownership = of_untied(user);
    errno = saved;
    return ownership;
}
