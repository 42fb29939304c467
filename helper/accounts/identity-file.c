/*
 * Rows, and writing the file. See identity-file.h.
 */
#include "helper/accounts/identity-file.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/buffer.h"

#define ROW_MAX (8u * CLAIM_MAX) /* bytes of one, and more */

static const char *const kind_words[_IDENTITY_KIND_COUNT] = {
    [IDENTITY_USER] = "user", [IDENTITY_GROUP] = "group"};

const char *identity_kind_to_word(IdentityKind kind)
{
    unsigned index = (unsigned)kind;

    return index < _IDENTITY_KIND_COUNT ? kind_words[index] : "unknown";
}

void identity_row_clear(IdentityRow *row)
{
    free(row->issuer);
    free(row->id);
    free(row->name);
    free(row->role);
    *row = (IdentityRow){0};
}

IdentityFile *identity_file_free(IdentityFile *file)
{
    if (!file)
        return NULL;
    for (size_t i = 0; i < file->row_count; i++)
        identity_row_clear(&file->rows[i]);
    free(file->rows);
    free(file);
    return NULL;
}

/* --- rows ------------------------------------------------------------------------------------- */

static int reserve(IdentityFile *file)
{
    size_t capacity = file->capacity ? 2 * file->capacity : 64;

    if (file->row_count >= IDENTITY_ROWS_MAX)
        return -E2BIG;
    if (file->row_count < file->capacity)
        return 0;
    IdentityRow *rows = reallocarray(file->rows, capacity, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    file->rows = rows;
    file->capacity = capacity;
    return 0;
}

static int copy_text(const char *text, char **ret_copy)
{
    if (!text)
        return 0;
    *ret_copy = strdup(text);
    return *ret_copy ? 0 : -ENOMEM;
}

int identity_file_add(IdentityFile *file, const IdentityRow *row)
{
    _cleanup_row_ IdentityRow copy = {.kind = row->kind, .number = row->number};
    int r = reserve(file);

    if (r >= 0)
        r = copy_text(row->issuer, &copy.issuer);
    if (r >= 0)
        r = copy_text(row->id, &copy.id);
    if (r >= 0)
        r = copy_text(row->name, &copy.name);
    if (r >= 0)
        r = copy_text(row->role, &copy.role);
    if (r < 0)
        return r;
    file->rows[file->row_count++] = copy;
    copy = (IdentityRow){0};
    return 0;
}

int identity_row_compare_numbers(const void *a, const void *b)
{
    const IdentityRow *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* jansson's own buffers are not free()'s. */
static int on_dumped(const char *data, size_t size, void *userdata)
{
    return buffer_add(userdata, data, size) < 0 ? -1 : 0;
}

static int add_row(Buffer *buffer, const IdentityRow *row, const char *before)
{
    const struct {
        const char *name, *text;
    } texts[] = {
        {"issuer", row->issuer}, {"id", row->id}, {"name", row->name}, {"role", row->role}};
    json_auto_t *object =
        json_pack("{s:s}", "kind", identity_kind_to_word(row->kind));
    bool whole = object != NULL;

    for (size_t i = 0; whole && i < ELEMENTSOF(texts); i++)
        if (texts[i].text)
            whole = json_object_set_new(object, texts[i].name, json_string(texts[i].text)) == 0;
    if (whole)
        whole = json_object_set_new(object, "number", json_integer(row->number)) == 0;
    if (!whole)
        return -ENOMEM;
    int r = buffer_add_text(buffer, before);
    if (r >= 0 && json_dump_callback(object, on_dumped, buffer, JSON_ENSURE_ASCII) < 0)
        r = buffer->size + ROW_MAX > buffer->max ? -EMSGSIZE : -ENOMEM;
    return r;
}

int identity_file_write(IdentityFile *file, char **ret_text)
{
    _cleanup_buffer_ Buffer buffer = BUFFER_INIT(IDENTITY_FILE_MAX);
    char head[160];

    snprintf(head, sizeof(head),
             "{\"format\": \"" IDENTITY_FORMAT "\", \"version\": %d, \"range\": {\"base\": %" PRIu32
             ", \"count\": %" PRIu32 "},\n \"numbers\": [",
             IDENTITY_VERSION, file->base, file->count);
    int r = buffer_add_text(&buffer, head);
    if (file->row_count > 0)
        qsort(file->rows, file->row_count, sizeof(*file->rows), identity_row_compare_numbers);
    for (size_t i = 0; r >= 0 && i < file->row_count; i++)
        r = add_row(&buffer, &file->rows[i], i == 0 ? "\n  " : ",\n  ");
    if (r >= 0)
        r = buffer_add_text(&buffer, "\n ]}\n");
    if (r < 0)
        return r == -EMSGSIZE ? -E2BIG : r;
    *ret_text = strdup(buffer.data);
    return *ret_text ? 0 : -ENOMEM;
}
