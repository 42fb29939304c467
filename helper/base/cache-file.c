/*
 * Cached documents on disk. See cache-file.h.
 *
 * No fsync: after a crash the file may be old, or torn, and a torn one does not parse; both only
 * cost a request.
 */
#include "helper/base/cache-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "common/limits.h"
#include "common/write-all.h"

#define HEADER_MAX 4096u
#define MAGIC      "rcpch-cache 1 "

static int open_ours(const char *dir, const char *name, size_t max, int *ret_fd)
{
    struct stat st;
    _cleanup_close_ int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return -errno;
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    if (st.st_size < 0 || (size_t)st.st_size > max)
        return -EMSGSIZE;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int read_all(int fd, Buffer *buffer)
{
    char chunk[16384];

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        int r = buffer_add(buffer, chunk, (size_t)n);
        if (r < 0)
            return r;
    }
}

/* Checks the header line; the document begins behind it. */
static int parse_header(const Buffer *file, const char *url, uint64_t *ret_fetched_usec,
                        size_t *ret_offset)
{
    const char *end = file->data ? memchr(file->data, '\n', file->size) : NULL;
    char *rest = NULL;

    if (!end || strncmp(file->data, MAGIC, sizeof(MAGIC) - 1) != 0)
        return -EBADMSG;
    errno = 0;
    unsigned long long fetched = strtoull(file->data + sizeof(MAGIC) - 1, &rest, 10);
    if (errno != 0 || *rest != ' ' || strlen(url) != (size_t)(end - rest - 1) ||
        memcmp(rest + 1, url, strlen(url)) != 0)
        return -EBADMSG;
    *ret_fetched_usec = fetched;
    *ret_offset = (size_t)(end + 1 - file->data);
    return 0;
}

int cache_file_read(const char *dir, const char *name, const char *url, Buffer *body,
                    uint64_t *ret_fetched_usec)
{
    _cleanup_close_ int fd = -1;
    _cleanup_buffer_ Buffer file = BUFFER_INIT(HTTP_BODY_MAX + HEADER_MAX);
    uint64_t fetched = 0;
    size_t offset = 0;
    int r = open_ours(dir, name, file.max, &fd);

    if (r == 0)
        r = read_all(fd, &file);
    if (r == 0)
        r = parse_header(&file, url, &fetched, &offset);
    if (r < 0)
        return r;
    buffer_clear(body);
    r = buffer_add(body, file.data + offset, file.size - offset);
    if (r == 0)
        *ret_fetched_usec = fetched;
    return r;
}

static int write_temporary(int dir_fd, const char *name, const char *header, const void *data,
                           size_t size)
{
    if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    _cleanup_close_ int fd =
        openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, header, strlen(header));
    return r == 0 ? write_all(fd, data, size) : r;
}

int cache_file_write(const char *dir, const char *name, const char *url, uint64_t fetched_usec,
                     const void *data, size_t size)
{
    char header[HEADER_MAX], temporary[256];
    _cleanup_close_ int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return -errno;
    int n = snprintf(header, sizeof(header), MAGIC "%" PRIu64 " %s\n", fetched_usec, url);
    if (n < 0 || (size_t)n >= sizeof(header))
        return -ENAMETOOLONG;
    n = snprintf(temporary, sizeof(temporary), ".%s.new", name);
    if (n < 0 || (size_t)n >= sizeof(temporary))
        return -ENAMETOOLONG;
    int r = write_temporary(dir_fd, temporary, header, data, size);
    if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(dir_fd, temporary, 0);
    return r;
}
