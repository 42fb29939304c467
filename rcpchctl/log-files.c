/*
 * Files of the access log. See log-files.h.
 */
#include "rcpchctl/log-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define GZIP "/usr/bin/gzip"

typedef struct Found {
    char *path;
    struct timespec modified;
    bool current;
} Found;

typedef struct FoundList {
    Found *items;
    size_t count;
} FoundList;

static void found_clear(FoundList *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
}

/* The order in which they were written: by their last change, the present one last. */
static int by_age(const void *a, const void *b)
{
    const Found *x = a, *y = b;

    if (x->current != y->current)
        return x->current ? 1 : -1;
    if (x->modified.tv_sec != y->modified.tv_sec)
        return x->modified.tv_sec < y->modified.tv_sec ? -1 : 1;
    if (x->modified.tv_nsec != y->modified.tv_nsec)
        return x->modified.tv_nsec < y->modified.tv_nsec ? -1 : 1;
    return strcmp(x->path, y->path);
}

static int found_add(FoundList *list, const char *folder, const char *name, bool current)
{
    _cleanup_free_ char *path = NULL;
    struct stat st;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return -ENOMEM;
    if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    Found *items = reallocarray(list->items, list->count + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    list->items = items;
    items[list->count++] = (Found){.path = TAKE_PTR(path), .modified = st.st_mtim,
                                   .current = current};
    return 0;
}

static int search(const char *folder, const char *name, FoundList *list)
{
    _cleanup_closedir_ DIR *entries = opendir(folder);
    size_t length = strlen(name);
    struct dirent *entry = NULL;
    int r = 0;

    if (!entries)
        return -errno;
    while (r >= 0 && (entry = readdir(entries))) {
        if (strncmp(entry->d_name, name, length) != 0)
            continue;
        char next = entry->d_name[length];
        if (next == '\0' || next == '.' || next == '-')
            r = found_add(list, folder, entry->d_name, next == '\0');
    }
    return r;
}

int log_files_list(const char *path, LogFiles *ret_files)
{
    _cleanup_(found_clear) FoundList list = {.items = NULL};
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *folder = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");

    if (!folder)
        return -ENOMEM;
    int r = search(folder, slash ? slash + 1 : path, &list);
    if (r < 0)
        return r;
    if (list.count == 0)
        return -ENOENT;
    qsort(list.items, list.count, sizeof(*list.items), by_age);
    char **paths = calloc(list.count, sizeof(*paths));
    if (!paths)
        return -ENOMEM;
    for (size_t i = 0; i < list.count; i++)
        paths[i] = TAKE_PTR(list.items[i].path);
    *ret_files = (LogFiles){.paths = paths, .count = list.count};
    return 0;
}

void log_files_clear(LogFiles *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
}

/* gzip reads the file that is already open as its standard input: no name passes through it. */
static int start_gzip(int file, int *ret_out, int *ret_child)
{
    char *const words[] = {(char *)GZIP, (char *)"-dc", NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t child = 0;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = posix_spawn_file_actions_init(&actions);
    if (r == 0) {
        r = posix_spawn_file_actions_adddup2(&actions, file, STDIN_FILENO);
        if (r == 0)
            r = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        if (r == 0)
            r = posix_spawn(&child, GZIP, &actions, NULL, words, environment);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (r != 0) {
        close(ends[0]);
        return -r;
    }
    *ret_out = ends[0];
    *ret_child = child;
    return 0;
}

int log_stream_open(const char *path, LogStream *ret_stream)
{
    size_t length = strlen(path);
    bool compressed = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    int child = 0;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    if (compressed) {
        int out = -1;
        int r = start_gzip(fd, &out, &child);
        if (r < 0)
            return r;
        close(fd);
        fd = out;
    }
    FILE *stream = fdopen(fd, "re");
    if (!stream)
        return -errno;
    (void)TAKE_FD(fd);
    *ret_stream = (LogStream){.stream = stream, .child = child};
    return 0;
}

void log_stream_close(LogStream *stream)
{
    if (stream->stream)
        fclose(stream->stream);
    if (stream->child > 0)
        while (waitpid(stream->child, NULL, 0) < 0 && errno == EINTR)
            continue;
    *stream = (LogStream){.stream = NULL};
}
