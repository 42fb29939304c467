/*
 * /etc/passwd and /etc/group. See local.h.
 */
#include "enforcer/local.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#define LOCAL_ROWS_MAX   100000u
#define LOCAL_LINE_START 4096u
#define LOCAL_LINE_MAX   (1024u * 1024u) /* one group with very many members */

typedef struct Row {
    char *name;
    uint32_t number;
} Row;

typedef struct Rows {
    Row *items; /* sorted by name */
    size_t count, room;
} Rows;

struct Local {
    Rows users, groups;
};

static void rows_clear(Rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->items[i].name);
    free(rows->items);
}

static int rows_add(Rows *rows, const char *name, uint32_t number)
{
    if (rows->count >= LOCAL_ROWS_MAX)
        return -E2BIG;
    if (rows->count == rows->room) {
        size_t room = rows->room ? 2 * rows->room : 64;
        Row *items = reallocarray(rows->items, room, sizeof(*items));
        if (!items)
            return -ENOMEM;
        rows->items = items;
        rows->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    rows->items[rows->count++] = (Row){.name = copy, .number = number};
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Row *)a)->name, ((const Row *)b)->name);
}

static void rows_sort(Rows *rows)
{
    if (rows->count > 1)
        qsort(rows->items, rows->count, sizeof(*rows->items), by_name);
}

static const Row *rows_find(const Rows *rows, const char *name)
{
    const Row key = {.name = (char *)name};

    return rows->count > 0
               ? bsearch(&key, rows->items, rows->count, sizeof(*rows->items), by_name)
               : NULL;
}

static bool rows_have_number(const Rows *rows, uint32_t number)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].number == number)
            return true;
    return false;
}

/* Reads one entry: 1 when there was one, 0 at the end, -ERANGE when the buffer is too small. */
typedef int (*ReadEntry)(FILE *stream, char *buffer, size_t size, Rows *rows);

static int read_user(FILE *stream, char *buffer, size_t size, Rows *rows)
{
    struct passwd entry, *found = NULL;
    int r = fgetpwent_r(stream, &entry, buffer, size, &found);

    if (r != 0)
        return r == ENOENT ? 0 : -r;
    r = rows_add(rows, found->pw_name, found->pw_uid);
    return r < 0 ? r : 1;
}

static int read_group(FILE *stream, char *buffer, size_t size, Rows *rows)
{
    struct group entry, *found = NULL;
    int r = fgetgrent_r(stream, &entry, buffer, size, &found);

    if (r != 0)
        return r == ENOENT ? 0 : -r;
    r = rows_add(rows, found->gr_name, found->gr_gid);
    return r < 0 ? r : 1;
}

/* glibc puts the stream back to the start of an entry that did not fit. */
static int read_entries(const char *path, ReadEntry read_entry, Rows *rows)
{
    _cleanup_fclose_ FILE *stream = fopen(path, "re");
    size_t size = LOCAL_LINE_START;
    _cleanup_free_ char *buffer = malloc(size);

    if (!stream)
        return -errno;
    if (!buffer)
        return -ENOMEM;
    for (;;) {
        int r = read_entry(stream, buffer, size, rows);
        if (r == -ERANGE && size < LOCAL_LINE_MAX) {
            free(buffer);
            size *= 2;
            buffer = malloc(size);
            if (!buffer)
                return -ENOMEM;
        } else if (r <= 0) {
            return r;
        }
    }
}

int local_read(const char *passwd, const char *group, Local **ret_local)
{
    _cleanup_(local_freep) Local *local = calloc(1, sizeof(*local));

    if (!local)
        return -ENOMEM;
    int r = read_entries(passwd, read_user, &local->users);
    if (r >= 0)
        r = read_entries(group, read_group, &local->groups);
    if (r < 0)
        return r;
    rows_sort(&local->users);
    rows_sort(&local->groups);
    *ret_local = TAKE_PTR(local);
    return 0;
}

Local *local_free(Local *local)
{
    if (!local)
        return NULL;
    rows_clear(&local->users);
    rows_clear(&local->groups);
    free(local);
    return NULL;
}

bool local_has_name(const Local *local, const char *name)
{
    return rows_find(&local->users, name) || rows_find(&local->groups, name);
}

bool local_has_uid(const Local *local, uint32_t uid)
{
    return rows_have_number(&local->users, uid);
}

bool local_has_gid(const Local *local, uint32_t gid)
{
    return rows_have_number(&local->groups, gid);
}

static int number_of(const Rows *rows, const char *name, uint32_t *ret_number)
{
    const Row *row = rows_find(rows, name);

    if (!row)
        return -ENOENT;
    *ret_number = row->number;
    return 0;
}

int local_uid_of(const Local *local, const char *name, uint32_t *ret_uid)
{
    return number_of(&local->users, name, ret_uid);
}

int local_gid_of(const Local *local, const char *name, uint32_t *ret_gid)
{
    return number_of(&local->groups, name, ret_gid);
}
