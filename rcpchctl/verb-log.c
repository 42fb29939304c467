/*
 * `log`: reads the files itself, so that it works with everything else stopped.
 *
 * Wanted lines pass through a ring of the last N; --follow prints the ring and then waits for
 * more by inotify, over logrotate's renames.
 */
#include "rcpchctl/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "common/paths.h"
#include "rcpchctl/cell.h"
#include "rcpchctl/log-entry.h"
#include "rcpchctl/log-files.h"

#define LINES_DEFAULT 100u
#define LINES_MAX     1000000u
#define LINE_MAX_SIZE (1024u * 1024u)

typedef struct View {
    LogFilter filter;
    json_int_t uid_of_user;
    bool json, utc, follow;
    size_t limit;      /* lines to show at most; 0: all */
    char **ring;       /* the last ones, `limit` places */
    size_t seen;       /* lines that went through the ring */
    bool direct;       /* print at once, past the ring */
    char *partial;     /* the part of a line that is not whole yet */
    size_t partial_size;
} View;

static void view_clear(View *view)
{
    for (size_t i = 0; view->ring && i < view->limit; i++)
        free(view->ring[i]);
    free(view->ring);
    free(view->partial);
}

/* --- what is wanted ----------------------------------------------------------------------- */

static uint64_t now_usec(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static ExitCode parse_lines(const char *text, size_t *ret_limit)
{
    char *end = NULL;

    if (strcmp(text, "all") == 0) {
        *ret_limit = 0;
        return EXIT_DONE;
    }
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || number == 0 ||
        number > LINES_MAX) {
        (void)fprintf(stderr, "rcpchctl: --lines takes a number from 1 to %u, or all\n", LINES_MAX);
        return EXIT_USAGE;
    }
    *ret_limit = number;
    return EXIT_DONE;
}

static ExitCode view_set_up(View *view, const Options *options)
{
    const char *since = options->values[OPTION_SINCE], *lines = options->values[OPTION_LINES];

    *view = (View){.json = option_given(options, OPTION_JSON),
                   .utc = option_given(options, OPTION_UTC),
                   .follow = option_given(options, OPTION_FOLLOW),
                   .filter.user = options->values[OPTION_USER],
                   .limit = since ? 0 : LINES_DEFAULT};
    if (since && log_parse_since(since, now_usec(), &view->filter.since_usec) < 0) {
        (void)fputs("rcpchctl: --since takes a time such as \"2026-11-21 18:00\", 18:00, today, "
                    "yesterday, 90min, 2h or 3d\n", stderr);
        return EXIT_USAGE;
    }
    ExitCode code = lines ? parse_lines(lines, &view->limit) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    view->direct = view->limit == 0;
    view->ring = view->direct ? NULL : calloc(view->limit, sizeof(*view->ring));
    return view->direct || view->ring ? EXIT_DONE : EXIT_REFUSED;
}

/* --- lines -------------------------------------------------------------------------------- */

static void show(View *view, char *text)
{
    if (view->direct) {
        (void)puts(text);
        free(text);
        return;
    }
    size_t place = view->seen++ % view->limit;
    free(view->ring[place]);
    view->ring[place] = text;
}

static void show_ring(View *view)
{
    size_t count = view->direct ? 0 : view->seen < view->limit ? view->seen : view->limit;

    for (size_t i = view->seen - count; count > 0 && i < view->seen; i++)
        (void)puts(view->ring[i % view->limit]);
    view->direct = true;
}

/* A whole line, without its newline. What is no JSON (a torn line) is left out: the record behind
 * it tells of it. */
static void take_line(View *view, const char *line, size_t size)
{
    _cleanup_json_ json_t *entry = log_entry_parse(line, size);

    if (!entry || !log_entry_matches(entry, &view->filter, &view->uid_of_user))
        return;
    char *text = view->json ? json_dumps(entry, JSON_COMPACT | JSON_ENSURE_ASCII)
                            : log_entry_format(entry, view->utc);
    if (text)
        show(view, text);
}

/* Adds to the line that is not whole yet; one that never ends is dropped. */
static int keep_partial(View *view, const char *data, size_t size)
{
    if (view->partial_size + size > LINE_MAX_SIZE) {
        view->partial_size = 0;
        return 0;
    }
    char *partial = realloc(view->partial, view->partial_size + size + 1);
    if (!partial)
        return -ENOMEM;
    memcpy(partial + view->partial_size, data, size);
    view->partial = partial;
    view->partial_size += size;
    return 0;
}

static int take_data(View *view, const char *data, size_t size)
{
    while (size > 0) {
        const char *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t)(newline - data) : size;
        int r = keep_partial(view, data, length);
        if (r < 0)
            return r;
        if (newline) {
            take_line(view, view->partial ? view->partial : "", view->partial_size);
            view->partial_size = 0;
            length++;
        }
        data += length;
        size -= length;
    }
    return 0;
}

/* Reads to the present end. */
static int take_stream(View *view, FILE *stream)
{
    char buffer[65536];
    size_t size = 0;

    clearerr(stream);
    while ((size = fread(buffer, 1, sizeof(buffer), stream)) > 0) {
        int r = take_data(view, buffer, size);
        if (r < 0)
            return r;
    }
    return ferror(stream) ? -EIO : 0;
}

/* --- files -------------------------------------------------------------------------------- */

static ExitCode say_unreadable(const char *path, int r)
{
    (void)fprintf(stderr, "rcpchctl: %s: %s\n", path, strerror(-r));
    if (r == -EACCES || r == -EPERM) {
        (void)fputs("The access log is for root and the group adm. Try: sudo rcpchctl log\n",
                    stderr);
        return EXIT_NOT_PERMITTED;
    }
    if (r == -ENOENT)
        (void)fputs("Nothing was logged yet. See: systemctl status rcpch-enforcer\n", stderr);
    return r == -ENOENT ? EXIT_NOT_FOUND : EXIT_REFUSED;
}

/* All that is there. The last file stays open in *ret_current, to be followed. */
static ExitCode show_files(View *view, LogStream *ret_current)
{
    _cleanup_(log_files_clear) LogFiles files = {.paths = NULL};
    int r = log_files_list(RCPCH_ACCESS_LOG, &files);

    if (r == -ENOENT && view->follow)
        return EXIT_DONE;
    if (r < 0)
        return say_unreadable(RCPCH_ACCESS_LOG, r);
    for (size_t i = 0; i < files.count; i++) {
        LogStream stream = {.stream = NULL};
        r = log_stream_open(files.paths[i], &stream);
        if (r >= 0)
            r = take_stream(view, stream.stream);
        if (r < 0 && r != -ENOENT)
            (void)say_unreadable(files.paths[i], r);
        if (i + 1 == files.count)
            *ret_current = stream;
        else
            log_stream_close(&stream);
        view->partial_size = 0;
        if (r == -EACCES || r == -EPERM)
            return EXIT_NOT_PERMITTED;
    }
    show_ring(view);
    return EXIT_DONE;
}

static bool was_renamed(const LogStream *current)
{
    struct stat named, open_one;

    if (!current->stream)
        return true;
    if (stat(RCPCH_ACCESS_LOG, &named) < 0)
        return false;
    return fstat(fileno(current->stream), &open_one) < 0 || named.st_ino != open_one.st_ino ||
           named.st_dev != open_one.st_dev;
}

/* The rest of the old file, then the new one if there is one. */
static int take_news(View *view, LogStream *current)
{
    int r = current->stream ? take_stream(view, current->stream) : 0;

    if (r < 0 || !was_renamed(current))
        return r;
    LogStream next = {.stream = NULL};
    if (log_stream_open(RCPCH_ACCESS_LOG, &next) < 0)
        return 0;
    if (current->stream)
        r = take_stream(view, current->stream);
    log_stream_close(current);
    *current = next;
    view->partial_size = 0;
    return r < 0 ? r : take_stream(view, current->stream);
}

/* Until the reader of our output goes, or Ctrl-C. */
static ExitCode follow(View *view, LogStream *current)
{
    char events[4096];
    _cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (watch < 0 ||
        inotify_add_watch(watch, RCPCH_LOG_DIR, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return say_unreadable(RCPCH_LOG_DIR, -errno);
    for (;;) {
        struct pollfd fds[] = {{.fd = watch, .events = POLLIN},
                               {.fd = STDOUT_FILENO, .events = 0}};
        int r = take_news(view, current);
        if (r < 0)
            return say_unreadable(RCPCH_ACCESS_LOG, r);
        if (fflush(stdout) != 0)
            return EXIT_DONE;
        if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
            return EXIT_REFUSED;
        if (fds[1].revents & (POLLERR | POLLHUP))
            return EXIT_DONE;
        while (read(watch, events, sizeof(events)) > 0)
            continue;
    }
}

ExitCode verb_log(const Invocation *invocation)
{
    _cleanup_(view_clear) View view = {.ring = NULL};
    _cleanup_(log_stream_close) LogStream current = {.stream = NULL};
    ExitCode code = view_set_up(&view, invocation->options);

    if (code == EXIT_DONE)
        code = show_files(&view, &current);
    if (code == EXIT_DONE && view.follow)
        code = follow(&view, &current);
    return code;
}
