/*
 * Reading and writing the file. See identity-file.h. It comes from another host by way of people's
 * hands, so it is read as strictly as what a provider sends.
 */
#include "helper/accounts/identity-file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/base/buffer.h"
#include "helper/base/hostile-text.h"
#include "helper/base/json-strict.h"

#define FORMAT  "rcpch-identity"
#define VERSION 1
#define ROW_MAX (8u * CLAIM_MAX) /* bytes of one, and more */

static const char *const kind_words[_IDENTITY_KIND_COUNT] = {
    [IDENTITY_USER] = "user", [IDENTITY_GROUP] = "group"};

const char *identity_kind_to_word(IdentityKind kind)
{
    unsigned index = (unsigned)kind;

    return index < _IDENTITY_KIND_COUNT ? kind_words[index] : "unknown";
}

static void row_clear(IdentityRow *row)
{
    free(row->issuer);
    free(row->id);
    free(row->name);
    free(row->role);
    *row = (IdentityRow){0};
}
#define _cleanup_row_ _cleanup_(row_clear)

IdentityFile *identity_file_free(IdentityFile *file)
{
    if (!file)
        return NULL;
    for (size_t i = 0; i < file->row_count; i++)
        row_clear(&file->rows[i]);
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

static int compare_numbers(const void *a, const void *b)
{
    const IdentityRow *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* A person with an id is that id, whatever the name. */
static int compare_owners(const void *a, const void *b)
{
    const IdentityRow *x = a, *y = b;
    int order = (int)x->kind - (int)y->kind;

    if (order == 0)
        order = strcmp(x->issuer, y->issuer);
    if (order == 0)
        order = compare_texts(x->id, y->id);
    if (order == 0 && !x->id)
        order = compare_texts(x->name, y->name);
    return order != 0 || x->id ? order : compare_texts(x->role, y->role);
}

/* --- reading ---------------------------------------------------------------------------------- */

typedef struct Reading {
    IdentityFile *file;
    size_t at; /* row, from 1; 0 outside */
    char *reason;
} Reading;

_printf_(2, 3) static int refuse(const Reading *reading, const char *format, ...)
{
    char place[32] = "", text[IDENTITY_REASON_SIZE];
    va_list arguments;

    if (reading->at > 0)
        snprintf(place, sizeof(place), "row %zu: ", reading->at);
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(reading->reason, IDENTITY_REASON_SIZE, "%s%.120s", place, text);
    return -EBADMSG;
}

static int refuse_unknown(const Reading *reading, const json_t *object, const char *const *known)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (!known[i]) {
            char safe[48];
            hostile_text_to_ascii(name, safe, sizeof(safe));
            return refuse(reading, "member \"%s\" is not known", safe);
        }
    }
    return 0;
}

static int read_number(const Reading *reading, const json_t *object, const char *name,
                       uint32_t *ret_number)
{
    const json_t *value = json_object_get(object, name);
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < 1 || number >= UINT32_MAX)
        return refuse(reading, "\"%s\" is no number between 1 and 4294967294", name);
    *ret_number = (uint32_t)number;
    return 0;
}

static bool is_role(const char *text)
{
    return *text && hostile_text_is_clean(text, CLAIM_MAX);
}

static bool is_id(const char *text)
{
    return hostile_text_is_graphic(text, CLAIM_MAX);
}

static bool is_issuer(const char *text)
{
    return hostile_text_is_graphic(text, CLAIM_MAX);
}

/* An absent member is NULL. */
static int read_text(const Reading *reading, const json_t *object, const char *name,
                     bool (*is_valid)(const char *), char **ret_text)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);

    if (!value)
        return 0;
    if (!text || !is_valid(text))
        return refuse(reading, "\"%s\" is not what it should be", name);
    return copy_text(text, ret_text);
}

static int read_kind(const Reading *reading, const json_t *object, IdentityKind *ret_kind)
{
    const char *word = json_string_value(json_object_get(object, "kind"));

    for (unsigned i = 0; word && i < _IDENTITY_KIND_COUNT; i++) {
        if (strcmp(word, kind_words[i]) == 0) {
            *ret_kind = (IdentityKind)i;
            return 0;
        }
    }
    return refuse(reading, "\"kind\" is neither \"user\" nor \"group\"");
}

/* Who is it? A user has an id, a name or both; a group has an id or a role. */
static int check_row(const Reading *reading, const IdentityRow *row)
{
    if (!row->issuer)
        return refuse(reading, "\"issuer\" is missing");
    if (row->kind == IDENTITY_USER) {
        if (row->role)
            return refuse(reading, "a user has no \"role\"");
        return row->id || row->name ? 0 : refuse(reading, "\"id\" or \"name\" is missing");
    }
    if (row->name)
        return refuse(reading, "a group has no \"name\"");
    return !row->id != !row->role ? 0 : refuse(reading, "a group has an \"id\" or a \"role\"");
}

static int read_row(const Reading *reading, const json_t *object)
{
    static const char *const known[] = {"kind", "issuer", "id", "name", "role", "number", NULL};
    _cleanup_row_ IdentityRow row = {0};

    if (!json_is_object(object))
        return refuse(reading, "is no object");
    int r = refuse_unknown(reading, object, known);
    if (r >= 0)
        r = read_kind(reading, object, &row.kind);
    if (r >= 0)
        r = read_number(reading, object, "number", &row.number);
    if (r >= 0)
        r = read_text(reading, object, "issuer", is_issuer, &row.issuer);
    if (r >= 0)
        r = read_text(reading, object, "id", is_id, &row.id);
    if (r >= 0)
        r = read_text(reading, object, "name", name_is_valid_full, &row.name);
    if (r >= 0)
        r = read_text(reading, object, "role", is_role, &row.role);
    if (r >= 0)
        r = check_row(reading, &row);
    if (r >= 0)
        r = identity_file_add(reading->file, &row);
    return r;
}

static int read_rows(Reading *reading, const json_t *root)
{
    const json_t *rows = json_object_get(root, "numbers");
    size_t count = json_array_size(rows);
    int r = 0;

    if (!json_is_array(rows))
        return refuse(reading, "\"numbers\" is no list");
    if (count > IDENTITY_ROWS_MAX)
        return refuse(reading, "\"numbers\" has more than %u rows", IDENTITY_ROWS_MAX);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        reading->at = i + 1;
        r = read_row(reading, json_array_get(rows, i));
    }
    reading->at = 0;
    return r;
}

static int read_head(const Reading *reading, const json_t *root)
{
    static const char *const known[] = {"format", "version", "range", "numbers", NULL};
    static const char *const known_range[] = {"base", "count", NULL};
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *range = json_object_get(root, "range");

    if (!format || strcmp(format, FORMAT) != 0)
        return refuse(reading, "it is no file of \"rcpchctl identity export\"");
    if (json_integer_value(json_object_get(root, "version")) != VERSION)
        return refuse(reading, "its version is not %d", VERSION);
    int r = refuse_unknown(reading, root, known);
    if (r >= 0 && !json_is_object(range))
        r = refuse(reading, "\"range\" is no object");
    if (r >= 0)
        r = refuse_unknown(reading, range, known_range);
    if (r >= 0)
        r = read_number(reading, range, "base", &reading->file->base);
    if (r >= 0)
        r = read_number(reading, range, "count", &reading->file->count);
    return r;
}

/* Of one number, or of one person or group, only one row can be right. */
static int refuse_doubles(const Reading *reading)
{
    IdentityFile *file = reading->file;

    if (file->row_count > 0)
        qsort(file->rows, file->row_count, sizeof(*file->rows), compare_owners);
    for (size_t i = 1; i < file->row_count; i++)
        if (compare_owners(&file->rows[i - 1], &file->rows[i]) == 0)
            return refuse(reading, "two rows are about the same %s: %" PRIu32 " and %" PRIu32,
                          kind_words[file->rows[i].kind], file->rows[i - 1].number,
                          file->rows[i].number);
    if (file->row_count > 0)
        qsort(file->rows, file->row_count, sizeof(*file->rows), compare_numbers);
    for (size_t i = 1; i < file->row_count; i++)
        if (file->rows[i - 1].number == file->rows[i].number)
            return refuse(reading, "two rows have the number %" PRIu32, file->rows[i].number);
    return 0;
}

int identity_file_parse(const char *data, size_t size, IdentityFile **ret_file,
                        char ret_reason[IDENTITY_REASON_SIZE])
{
    _cleanup_(identity_file_freep) IdentityFile *file = calloc(1, sizeof(*file));
    json_auto_t *root = NULL;
    Reading reading = {.file = file, .reason = ret_reason};

    ret_reason[0] = '\0';
    if (!file)
        return -ENOMEM;
    int r = json_read_strict(data, size, IDENTITY_FILE_MAX, &root);
    if (r == -EMSGSIZE)
        return refuse(&reading, "it is larger than %u bytes", IDENTITY_FILE_MAX);
    if (r == -EBADMSG)
        return refuse(&reading, "it is not strict JSON");
    if (r >= 0)
        r = read_head(&reading, root);
    if (r >= 0)
        r = read_rows(&reading, root);
    if (r >= 0)
        r = refuse_doubles(&reading);
    if (r < 0)
        return r;
    *ret_file = TAKE_PTR(file);
    return 0;
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
             "{\"format\": \"" FORMAT "\", \"version\": %d, \"range\": {\"base\": %" PRIu32
             ", \"count\": %" PRIu32 "},\n \"numbers\": [",
             VERSION, file->base, file->count);
    int r = buffer_add_text(&buffer, head);
    if (file->row_count > 0)
        qsort(file->rows, file->row_count, sizeof(*file->rows), compare_numbers);
    for (size_t i = 0; r >= 0 && i < file->row_count; i++)
        r = add_row(&buffer, &file->rows[i], i == 0 ? "\n  " : ",\n  ");
    if (r >= 0)
        r = buffer_add_text(&buffer, "\n ]}\n");
    if (r < 0)
        return r == -EMSGSIZE ? -E2BIG : r;
    *ret_text = strdup(buffer.data);
    return *ret_text ? 0 : -ENOMEM;
}
