/*
 * From a path to Key=Value lines. inih splits key from value; what it would do silently (cut long
 * lines and section names, drop text behind " ;", join indented lines, skip empty sections) is
 * decided here instead, line by line, so that a file means the same with every build of inih.
 */
#include "helper/config/config-file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "common/limits.h"
#include "common/read-all.h"
#include "helper/base/text-list.h"

#define MODE_WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)

static _printf_(3, 4) int refuse(ConfigWhy *why, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why->text, sizeof(why->text), format, arguments);
    va_end(arguments);
    return error;
}

static const char *describe(int error)
{
    return error == EACCES ? "Permission denied; user rcpch reads it: root:rcpch, mode 0640"
                           : strerror(error);
}

static int check_stat(const struct stat *st, unsigned also_owner, unsigned forbidden_mode,
                      ConfigWhy *why)
{
    if (st->st_uid != 0 && st->st_uid != also_owner)
        return refuse(why, -EPERM, "belongs to user %u, not to root: chown root:rcpch",
                      (unsigned)st->st_uid);
    if (st->st_mode & forbidden_mode)
        return refuse(why, -EPERM, "has mode %04o, which lets too many in: chmod %04o",
                      st->st_mode & 07777u, st->st_mode & 07777u & ~forbidden_mode);
    return 0;
}

int config_file_check(const char *path, unsigned also_owner, unsigned forbidden_mode,
                      ConfigWhy *why)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return refuse(why, -errno, "cannot be read: %s", strerror(errno));
    int r = check_stat(&st, also_owner, forbidden_mode, why);
    if (r == 0 && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)
        return refuse(why, -errno, "cannot be read: %s", describe(errno));
    return r;
}

static int open_regular(const char *path, bool check_owner, struct stat *ret_st, ConfigWhy *why)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && errno == ELOOP)
        return refuse(why, -ELOOP, "is a symbolic link");
    if (fd < 0 || fstat(fd, ret_st) < 0)
        return refuse(why, -errno, "cannot be opened: %s", describe(errno));
    if (!S_ISREG(ret_st->st_mode))
        return refuse(why, -EINVAL, "is not a regular file");
    int r = check_owner ? check_stat(ret_st, 0, MODE_WRITABLE_BY_OTHERS, why) : 0;
    if (r < 0)
        return r;
    return TAKE_FD(fd);
}

int config_file_read(const char *path, bool check_owner, char **ret_text, size_t *ret_size,
                     ConfigWhy *why)
{
    struct stat st;
    _cleanup_close_ int fd = open_regular(path, check_owner, &st, why);

    if (fd < 0)
        return fd;
    _cleanup_free_ char *text = malloc(CONFIG_FILE_MAX + 2u);
    if (!text)
        return -ENOMEM;
    ssize_t size = read_all(fd, text, CONFIG_FILE_MAX + 1u);
    if (size < 0)
        return refuse(why, (int)size, "cannot be read: %s", strerror((int)-size));
    if ((size_t)size > CONFIG_FILE_MAX)
        return refuse(why, -EINVAL, "is larger than %u bytes", CONFIG_FILE_MAX);
    if (memchr(text, '\0', (size_t)size))
        return refuse(why, -EINVAL, "holds a NUL byte");
    text[size] = '\0';
    *ret_text = TAKE_PTR(text);
    *ret_size = (size_t)size;
    return 0;
}

typedef struct Reader {
    const char *next, *end;
    unsigned line;
    const ConfigFileHandler *handler;
    void *userdata;
    int error; /* the first of a handler; nothing is read after it */
} Reader;

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Cuts the next line off, without the white space around it. */
static bool take_line(Reader *reader, const char **ret_start, size_t *ret_size)
{
    if (reader->next >= reader->end)
        return false;
    const char *start = reader->next;
    const char *stop = memchr(start, '\n', (size_t)(reader->end - start));

    if (!stop)
        stop = reader->end;
    reader->next = stop < reader->end ? stop + 1 : stop;
    reader->line++;
    if (stop > start && stop[-1] == '\r')
        stop--;
    while (start < stop && is_space(*start))
        start++;
    while (stop > start && is_space(stop[-1]))
        stop--;
    *ret_start = start;
    *ret_size = (size_t)(stop - start);
    return true;
}

static int complain(Reader *reader, const char *text)
{
    return reader->handler->on_error(reader->line, text, reader->userdata);
}

/* "[type]" or "[type name]". */
static int read_section(Reader *reader, char *line)
{
    size_t size = strlen(line);

    if (line[size - 1] != ']')
        return complain(reader, "a section heading ends in ']'");
    line[size - 1] = '\0';
    char *type = line + 1 + strspn(line + 1, " \t");
    char *stop = type + strcspn(type, " \t");
    char *name = stop + strspn(stop, " \t");
    bool named = *name != '\0';
    *stop = '\0';
    if (named) {
        for (char *p = name + strlen(name); p > name && is_space(p[-1]); p--)
            p[-1] = '\0';
    }
    return reader->handler->on_section(reader->line, type, named ? name : NULL, reader->userdata);
}

/* What is wrong with a Key=Value line before it is split; NULL when nothing is. */
static const char *line_fault(const char *line)
{
    size_t key = strcspn(line, "=:");

    if (strncmp(line, "\xef\xbb\xbf", 3) == 0)
        return "begins with a byte-order mark; save the file without it";
    for (const char *p = line; *p; p++) {
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
            return "holds a control character";
        if (p > line && *p == ';' && is_space(p[-1]))
            return "a comment needs a line of its own";
    }
    if (line[key] != '=' || key == 0)
        return "is neither [section] nor Key=Value";
    if (line[strlen(line) - 1] == '\\')
        return "a value cannot go on in the next line";
    return NULL;
}

/* Handles one line itself, or returns true: it is a Key=Value line for inih. */
static bool digest_line(Reader *reader, char *line)
{
    if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
        return false;
    if (line[0] == '[') {
        reader->error = read_section(reader, line);
        return false;
    }
    const char *fault = line_fault(line);
    if (fault) {
        reader->error = complain(reader, fault);
        return false;
    }
    return true;
}

/* The fgets() that inih calls: gives it the next Key=Value line. */
static char *next_value_line(char *buffer, int capacity, void *userdata)
{
    Reader *reader = userdata;
    const char *start;
    size_t size;

    while (reader->error >= 0 && take_line(reader, &start, &size)) {
        if (capacity < 3 || size > (size_t)capacity - 3 || size > CONFIG_LINE_MAX) {
            reader->error = complain(reader, "is too long");
            continue;
        }
        memcpy(buffer, start, size);
        buffer[size] = '\0';
        if (digest_line(reader, buffer))
            return buffer;
    }
    return NULL;
}

static int pass_value(void *userdata, const char *section, const char *key, const char *value)
{
    Reader *reader = userdata;

    reader->error = reader->handler->on_value(reader->line, key, value, reader->userdata);
    return reader->error >= 0;
}

int config_file_parse(const char *text, size_t size, const ConfigFileHandler *handler,
                      void *userdata)
{
    Reader reader = {
        .next = text, .end = text + size, .handler = handler, .userdata = userdata};

#ifdef HAVE_INI_MAX_LINE
    /* Debian's build takes its line length from variables; elsewhere it is 200. */
    ini_max_line = CONFIG_LINE_MAX + 4;
    ini_initial_alloc = CONFIG_LINE_MAX + 4;
    ini_use_stack = false;
#endif
    int r = ini_parse_stream(next_value_line, &reader, pass_value, &reader);
    if (r == -2)
        return -ENOMEM;
    return reader.error;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_drop_in(const char *name)
{
    size_t size = strlen(name);

    return name[0] != '.' && size > 5 && strcmp(name + size - 5, ".conf") == 0;
}

static int collect_names(DIR *stream, char ***ret_names, ConfigWhy *why)
{
    _cleanup_text_list_ char **names = text_list_new();
    size_t count = 0;

    if (!names)
        return -ENOMEM;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry && errno != 0)
            return refuse(why, -errno, "cannot be read: %s", strerror(errno));
        if (!entry)
            break;
        if (!is_drop_in(entry->d_name))
            continue;
        if (++count > CONFIG_FILES_MAX)
            return refuse(why, -EINVAL, "holds more than %u files", CONFIG_FILES_MAX);
        int r = text_list_add(&names, entry->d_name);
        if (r < 0)
            return r;
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    *ret_names = TAKE_PTR(names);
    return 0;
}

int config_file_list(const char *dir, bool check_owner, char ***ret_names, ConfigWhy *why)
{
    struct stat st;
    _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT) {
        *ret_names = text_list_new();
        return *ret_names ? 0 : -ENOMEM;
    }
    if (fd < 0 || fstat(fd, &st) < 0)
        return refuse(why, -errno, "cannot be opened: %s", strerror(errno));
    int r = check_owner ? check_stat(&st, 0, MODE_WRITABLE_BY_OTHERS, why) : 0;
    if (r < 0)
        return r;
    _cleanup_closedir_ DIR *stream = fdopendir(fd);
    if (!stream)
        return -errno;
    (void)TAKE_FD(fd);
    return collect_names(stream, ret_names, why);
}
