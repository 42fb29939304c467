/*
 * Text on a person's terminals. See tell.h.
 *
 * Root writes to something that the person owns: hence only character devices of the pseudo
 * terminals' major numbers, opened without following links, without taking it as our own
 * terminal and without ever waiting for it.
 */
#include "enforcer/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/utf8.h"

#define PTS_FOLDER      "/dev/pts"
#define PTS_MAJOR_FIRST 136u /* Documentation/admin-guide/devices.txt: UNIX98 PTY slaves */
#define PTS_MAJOR_LAST  143u

static int is_terminal_of(int fd, uint32_t uid)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISCHR(st.st_mode) && major(st.st_rdev) >= PTS_MAJOR_FIRST &&
           major(st.st_rdev) <= PTS_MAJOR_LAST && st.st_uid == uid;
}

/* The owner is asked first: opening a terminal of somebody else has effects. */
static int open_terminal(int dir, const char *name, uint32_t uid)
{
    struct stat st;

    if (strspn(name, "0123456789") != strlen(name))
        return -ENOTTY;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISCHR(st.st_mode) ||
        st.st_uid != uid)
        return -ENOTTY;
    _cleanup_close_ int fd =
        openat(dir, name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return is_terminal_of(fd, uid) > 0 ? TAKE_FD(fd) : -ENOTTY;
}

int tell_terminals(uint32_t uid, const char *text, size_t size, uint32_t *ret_terminals)
{
    char line[ENFORCER_TELL_MAX + 4];
    uint32_t count = 0;

    if (size == 0 || size > ENFORCER_TELL_MAX || !utf8_text_is_harmless(text, size))
        return -EINVAL;
    memcpy(line, "\r\n", 2);
    memcpy(line + 2, text, size);
    memcpy(line + 2 + size, "\r\n", 2);
    _cleanup_closedir_ DIR *entries = opendir(PTS_FOLDER);
    if (!entries)
        return -errno;
    struct dirent *entry = NULL;
    while ((entry = readdir(entries))) {
        _cleanup_close_ int fd = open_terminal(dirfd(entries), entry->d_name, uid);
        if (fd >= 0)
            count += write(fd, line, size + 4) == (ssize_t)(size + 4);
    }
    *ret_terminals = count;
    return 0;
}
