/*
 * Files and programs of the host. See host-files.h.
 */
#include "rcpchctl/host-files.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/limits.h"
#include "common/read-all.h"

int host_open(const Host *host, const char *path)
{
    _cleanup_free_ char *whole = NULL;

    if (asprintf(&whole, "%s%s", host->root, path) < 0) {
        whole = NULL;
        return -ENOMEM;
    }
    /* O_NONBLOCK: a FIFO in the file's place holds nobody up. */
    int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

/* Up to `max` bytes as a text, to the end or until there is no more room. */
static int read_text(int fd, size_t max, char **ret_text, size_t *ret_size)
{
    _cleanup_free_ char *text = malloc(max + 1);

    if (!text)
        return -ENOMEM;
    ssize_t size = read_all(fd, text, max);
    if (size < 0)
        return (int)size;
    text[size] = '\0';
    *ret_text = TAKE_PTR(text);
    *ret_size = (size_t)size;
    return 0;
}

int host_read(const Host *host, const char *path, char **ret_text)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int fd = host_open(host, path);
    struct stat status;
    size_t size = 0;

    if (fd < 0)
        return fd;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    int r = read_text(fd, HOST_FILE_MAX + 1, &text, &size);
    if (r < 0)
        return r;
    if (size > HOST_FILE_MAX)
        return -EFBIG;
    if (strlen(text) != size)
        return -EINVAL;
    *ret_text = TAKE_PTR(text);
    return 0;
}

bool host_exists(const Host *host, const char *path)
{
    _cleanup_free_ char *whole = NULL;
    struct stat status;

    if (asprintf(&whole, "%s%s", host->root, path) < 0) {
        whole = NULL;
        return false;
    }
    return stat(whole, &status) == 0;
}

char *host_next_line(char **rest)
{
    char *line = strsep(rest, "\n");

    if (!line)
        return NULL;
    line[strcspn(line, "#")] = '\0';
    line += strspn(line, " \t\r");
    size_t size = strlen(line);
    while (size > 0 && strchr(" \t\r", line[size - 1]))
        line[--size] = '\0';
    return line;
}

static int spawn(const char *const *words, int output, pid_t *ret_child)
{
    char *const environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                 (char *)"LC_ALL=C.UTF-8", NULL};
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    if (r == 0)
        r = posix_spawn(ret_child, words[0], &actions, NULL, (char *const *)words, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* What comes behind the cut is read away: a program that cannot write would never end. */
static int take_output(int fd, char **ret_text)
{
    char buffer[4096];
    size_t size = 0;
    int r = read_text(fd, HOST_OUTPUT_MAX, ret_text, &size);

    while (r == 0 && read(fd, buffer, sizeof(buffer)) > 0)
        ;
    return r;
}

int host_run(const char *const *words, char **ret_text)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_close_ int from = -1, to = -1;
    int pipe_ends[2], status = 0;
    pid_t child = 0;

    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return -errno;
    from = pipe_ends[0];
    to = pipe_ends[1];
    int r = spawn(words, to, &child);
    if (r < 0)
        return r;
    (void)close(TAKE_FD(to));
    r = take_output(from, &text);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (r < 0)
        return r;
    *ret_text = TAKE_PTR(text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}
