/*
 * The configuration's files. See settings-file.h.
 */
#include "enforcer/settings-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "common/limits.h"

/* --- files -------------------------------------------------------------------------------- */

static int files_add(SettingsFiles *files, const char *dir, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s%s%s", dir ? dir : "", dir ? "/" : "", name) < 0)
        return -ENOMEM;
    char **names = reallocarray(files->names, files->count + 1, sizeof(*names));
    if (!names) {
        free(path);
        return -ENOMEM;
    }
    files->names = names;
    files->names[files->count++] = path;
    return 0;
}

void settings_files_clear(SettingsFiles *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->names[i]);
    free(files->names);
    *files = (SettingsFiles){.names = NULL};
}

static bool is_drop_in(const char *name)
{
    size_t size = strlen(name);

    return name[0] != '.' && size > 5 && strcmp(name + size - 5, ".conf") == 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_owners_alone(const struct stat *st, uid_t owner)
{
    return st->st_uid == owner && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static int add_drop_ins(const char *dir, uid_t owner, SettingsFiles *files)
{
    struct stat st;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    _cleanup_closedir_ DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry = NULL;
    int r = 0;

    if (!entries)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(dirfd(entries), &st) < 0)
        return -errno;
    if (!is_owners_alone(&st, owner))
        return -EPERM;
    while (r >= 0 && (entry = readdir(entries)))
        if (is_drop_in(entry->d_name))
            r = files->count > SETTINGS_FILES_MAX ? -E2BIG : files_add(files, dir, entry->d_name);
    return r;
}

int settings_files_list(const char *file, const char *dir, uid_t owner, SettingsFiles *ret_files)
{
    _cleanup_(settings_files_clear) SettingsFiles files = {.names = NULL};
    int r = files_add(&files, NULL, file);

    if (r >= 0)
        r = add_drop_ins(dir, owner, &files);
    if (r < 0)
        return r;
    if (files.count > 2)
        qsort(files.names + 1, files.count - 1, sizeof(*files.names), by_bytes);
    *ret_files = files;
    files = (SettingsFiles){.names = NULL};
    return 0;
}

/* FNV-1a */
static uint64_t mix(uint64_t state, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        state = (state ^ bytes[i]) * UINT64_C(0x100000001b3);
    return state;
}

uint64_t settings_files_state(const SettingsFiles *files)
{
    uint64_t state = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < files->count; i++) {
        struct stat st;
        state = mix(state, files->names[i], strlen(files->names[i]) + 1);
        if (stat(files->names[i], &st) < 0)
            continue;
        state = mix(state, &st.st_dev, sizeof(st.st_dev));
        state = mix(state, &st.st_ino, sizeof(st.st_ino));
        state = mix(state, &st.st_size, sizeof(st.st_size));
        state = mix(state, &st.st_mtim, sizeof(st.st_mtim));
        state = mix(state, &st.st_ctim, sizeof(st.st_ctim));
    }
    return state;
}

/* --- lines -------------------------------------------------------------------------------- */

typedef struct Reader {
    const char *path;
    unsigned line;
    char section[CONFIG_LINE_MAX + 1];
    const char *type, *name; /* in `section` */
    SettingsLine handler;
    void *userdata;
    char *why;
} Reader;

_printf_(3, 4) static int refuse(Reader *reader, int error, const char *format, ...)
{
    va_list args;
    int used = reader->line > 0
                   ? snprintf(reader->why, SETTINGS_WHY_MAX, "%s:%u: ", reader->path, reader->line)
                   : snprintf(reader->why, SETTINGS_WHY_MAX, "%s: ", reader->path);

    if (used < 0 || (size_t)used >= SETTINGS_WHY_MAX)
        return error;
    va_start(args, format);
    (void)vsnprintf(reader->why + used, SETTINGS_WHY_MAX - (size_t)used, format, args);
    va_end(args);
    return error;
}

static char *strip(char *text)
{
    size_t size = strlen(text);

    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        text[--size] = '\0';
    return text + strspn(text, " \t");
}

static int read_section(Reader *reader, char *line)
{
    size_t size = strlen(line);

    if (line[size - 1] != ']')
        return refuse(reader, -EBADMSG, "a section heading ends in ']'");
    line[size - 1] = '\0';
    (void)snprintf(reader->section, sizeof(reader->section), "%s", line + 1);
    char *type = strip(reader->section);
    size_t length = strcspn(type, " \t");
    char *name = type + length;
    if (*name != '\0') {
        *name = '\0';
        name = strip(name + 1);
    }
    reader->type = type;
    reader->name = name;
    return 0;
}

static bool is_harmless(const char *line)
{
    for (const char *c = line; *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return false;
    return true;
}

static int read_line(Reader *reader, char *text)
{
    char *line = strip(text);

    if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
        return 0;
    if (!is_harmless(line))
        return refuse(reader, -EBADMSG, "holds a control character");
    if (line[0] == '[')
        return read_section(reader, line);
    char *equals = strchr(line, '=');
    if (!equals || equals == line)
        return refuse(reader, -EBADMSG, "is neither [section] nor Key=Value");
    *equals = '\0';
    const char *key = strip(line), *value = strip(equals + 1);
    int r = reader->handler(reader->type, reader->name, key, value, reader->userdata);
    return r < 0 ? refuse(reader, r, "[%.60s] %.60s= has a value that cannot be used",
                          reader->type, key) : 0;
}

static int open_config(Reader *reader, uid_t owner, FILE **ret_stream)
{
    struct stat st;
    _cleanup_close_ int fd =
        open(reader->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return refuse(reader, -errno, "cannot be opened: %s", strerrordesc_np(errno));
    if (!S_ISREG(st.st_mode) || !is_owners_alone(&st, owner))
        return refuse(reader, -EPERM, "must be a file of root's that nobody else may write");
    if (st.st_size > (off_t)CONFIG_FILE_MAX)
        return refuse(reader, -E2BIG, "is larger than %u bytes", CONFIG_FILE_MAX);
    FILE *stream = fdopen(fd, "re");
    if (!stream)
        return -errno;
    (void)TAKE_FD(fd);
    *ret_stream = stream;
    return 0;
}

static int read_lines(Reader *reader, FILE *stream)
{
    _cleanup_free_ char *text = NULL;
    size_t room = 0, total = 0;
    ssize_t size = 0;

    while ((size = getline(&text, &room, stream)) > 0) {
        reader->line++;
        total += (size_t)size;
        if ((size_t)size > CONFIG_LINE_MAX || total > CONFIG_FILE_MAX)
            return refuse(reader, -E2BIG, "is too long");
        if (memchr(text, '\0', (size_t)size))
            return refuse(reader, -EBADMSG, "holds a NUL byte");
        if (text[size - 1] == '\n')
            text[--size] = '\0';
        if (size > 0 && text[size - 1] == '\r')
            text[--size] = '\0';
        int r = read_line(reader, text);
        if (r < 0)
            return r;
    }
    return ferror(stream) ? refuse(reader, -EIO, "cannot be read") : 0;
}

int settings_file_read(const char *path, uid_t owner, SettingsLine handler, void *userdata,
                       char why[SETTINGS_WHY_MAX])
{
    _cleanup_fclose_ FILE *stream = NULL;
    Reader reader = {.path = path, .type = "", .name = "", .handler = handler,
                     .userdata = userdata, .why = why};
    int r = open_config(&reader, owner, &stream);

    return r < 0 || !stream ? r : read_lines(&reader, stream);
}
