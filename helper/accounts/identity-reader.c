/*
 * Reading the file. See identity-file.h. It comes from another host by way of people's hands, so it
 * is read as strictly as what a provider sends.
 *
 * jansson reads a text as a whole, which takes a tenth of a second for the largest. So the rows are
 * cut out by their brackets, and each is a text of its own, as is what stands around them.
 */
#include "helper/accounts/identity-file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/base/hostile-text.h"
#include "helper/base/json-strict.h"

#define PART_ROWS 200u

typedef enum ReadingStage {
    READING_HEAD = 0,
    READING_ROWS,
    READING_OWNERS,
    READING_NUMBERS
} ReadingStage;

typedef struct IdentityReader {
    const char *data; /* the whole file */
    size_t size;
    const char *rows, *end; /* what is between the brackets of "numbers"; `rows` moves on */
    IdentityFile *file;
    size_t at; /* row, from 1; 0 outside */
    ReadingStage stage;
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
    *ret_text = strdup(text);
    return *ret_text ? 0 : -ENOMEM;
}

static int read_kind(const Reading *reading, const json_t *object, IdentityKind *ret_kind)
{
    const char *word = json_string_value(json_object_get(object, "kind"));

    for (unsigned i = 0; word && i < _IDENTITY_KIND_COUNT; i++) {
        if (strcmp(word, identity_kind_to_word((IdentityKind)i)) == 0) {
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

/* The closing bracket of what opens at `from`, or NULL. Strings may hold brackets. */
static const char *find_close(const char *from, const char *end)
{
    size_t depth = 0;
    bool in_string = false;

    for (const char *p = from; p < end; p++) {
        if (in_string) {
            if (*p == '\\')
                p += p + 1 < end;
            else
                in_string = *p != '"';
        } else if (*p == '"') {
            in_string = true;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if ((*p == '}' || *p == ']') && --depth == 0) {
            return p;
        }
    }
    return NULL;
}

/* The first list that is a member of the file's object: no other member may be one. */
static void find_rows(Reading *reading)
{
    const char *end = reading->data + reading->size, *p = memchr(reading->data, '{', reading->size);
    bool in_string = false;

    for (p = p ? p + 1 : end; p < end && (in_string || *p != '['); p++) {
        if (in_string && *p == '\\')
            p += p + 1 < end;
        else if (*p == '"')
            in_string = !in_string;
        else if (!in_string && *p == '{' && !(p = find_close(p, end)))
            return;
    }
    const char *close = p < end ? find_close(p, end) : NULL;
    if (close) {
        reading->rows = p + 1;
        reading->end = close;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(Reading *reading)
{
    while (reading->rows < reading->end && is_blank(*reading->rows))
        reading->rows++;
}

static int refuse_json(const Reading *reading, int r)
{
    return r == -EBADMSG ? refuse(reading, "it is not strict JSON") : r;
}

static int read_next(Reading *reading)
{
    json_auto_t *object = NULL;
    const char *close;

    if (++reading->at > IDENTITY_ROWS_MAX) {
        reading->at = 0;
        return refuse(reading, "\"numbers\" has more than %u rows", IDENTITY_ROWS_MAX);
    }
    if (*reading->rows != '{' || !(close = find_close(reading->rows, reading->end)))
        return refuse(reading, "is no object");
    size_t size = (size_t)(close + 1 - reading->rows);
    int r = refuse_json(reading, json_read_strict(reading->rows, size, IDENTITY_FILE_MAX, &object));
    if (r >= 0)
        r = read_row(reading, object);
    reading->rows = close + 1;
    return r;
}

/* Between two rows there is one comma, and none behind the last. 1: there are more. */
static int read_rows(Reading *reading)
{
    int r = 0;

    for (unsigned i = 0; r >= 0 && i < PART_ROWS; i++) {
        skip_blanks(reading);
        if (reading->rows == reading->end && reading->at == 0)
            return 0;
        r = reading->rows == reading->end ? refuse_json(reading, -EBADMSG) : read_next(reading);
        skip_blanks(reading);
        if (r < 0 || reading->rows == reading->end)
            return r;
        if (*reading->rows++ != ',')
            return refuse_json(reading, -EBADMSG);
    }
    return r < 0 ? r : 1;
}

static int read_head(const Reading *reading, const json_t *root)
{
    static const char *const known[] = {"format", "version", "range", "numbers", NULL};
    static const char *const known_range[] = {"base", "count", NULL};
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *range = json_object_get(root, "range");

    if (!format || strcmp(format, IDENTITY_FORMAT) != 0)
        return refuse(reading, "it is no file of \"rcpchctl identity export\"");
    if (json_integer_value(json_object_get(root, "version")) != IDENTITY_VERSION)
        return refuse(reading, "its version is not %d", IDENTITY_VERSION);
    int r = refuse_unknown(reading, root, known);
    if (r >= 0 && !json_is_object(range))
        r = refuse(reading, "\"range\" is no object");
    if (r >= 0)
        r = refuse_unknown(reading, range, known_range);
    if (r >= 0)
        r = read_number(reading, range, "base", &reading->file->base);
    if (r >= 0)
        r = read_number(reading, range, "count", &reading->file->count);
    if (r >= 0 && (!json_is_array(json_object_get(root, "numbers")) || !reading->rows))
        r = refuse(reading, "\"numbers\" is no list");
    return r;
}

/* The file without its rows, in which nothing else is long. */
static int read_around(Reading *reading)
{
    json_auto_t *root = NULL;
    const char *end = reading->data + reading->size;

    if (reading->size > IDENTITY_FILE_MAX)
        return refuse(reading, "it is larger than %u bytes", IDENTITY_FILE_MAX);
    find_rows(reading);
    size_t before = reading->rows ? (size_t)(reading->rows - reading->data) : reading->size;
    size_t after = reading->rows ? (size_t)(end - reading->end) : 0;
    _cleanup_free_ char *text = malloc(before + after + 1);
    if (!text)
        return -ENOMEM;
    memcpy(text, reading->data, before);
    if (after > 0)
        memcpy(text + before, reading->end, after);
    int r = refuse_json(reading, json_read_strict(text, before + after, IDENTITY_FILE_MAX, &root));
    return r < 0 ? r : read_head(reading, root);
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

/* Of one person or group only one row can be right. */
static int refuse_double_owners(const Reading *reading)
{
    IdentityFile *file = reading->file;

    if (file->row_count > 0)
        qsort(file->rows, file->row_count, sizeof(*file->rows), compare_owners);
    for (size_t i = 1; i < file->row_count; i++)
        if (compare_owners(&file->rows[i - 1], &file->rows[i]) == 0)
            return refuse(reading, "two rows are about the same %s: %" PRIu32 " and %" PRIu32,
                          identity_kind_to_word(file->rows[i].kind), file->rows[i - 1].number,
                          file->rows[i].number);
    return 0;
}

static int refuse_double_numbers(const Reading *reading)
{
    IdentityFile *file = reading->file;

    if (file->row_count > 0)
        qsort(file->rows, file->row_count, sizeof(*file->rows), identity_row_compare_numbers);
    for (size_t i = 1; i < file->row_count; i++)
        if (file->rows[i - 1].number == file->rows[i].number)
            return refuse(reading, "two rows have the number %" PRIu32, file->rows[i].number);
    return 0;
}

int identity_reader_new(const char *data, size_t size, IdentityReader **ret_reader)
{
    _cleanup_(identity_reader_freep) IdentityReader *reader = calloc(1, sizeof(*reader));

    if (!reader)
        return -ENOMEM;
    *reader = (IdentityReader){.data = data, .size = size, .file = calloc(1, sizeof(IdentityFile))};
    if (!reader->file)
        return -ENOMEM;
    *ret_reader = TAKE_PTR(reader);
    return 0;
}

IdentityReader *identity_reader_free(IdentityReader *reader)
{
    if (!reader)
        return NULL;
    identity_file_free(reader->file);
    free(reader);
    return NULL;
}

int identity_reader_step(IdentityReader *reader, IdentityFile **ret_file,
                         char ret_reason[IDENTITY_REASON_SIZE])
{
    int r = 0;

    ret_reason[0] = '\0';
    reader->reason = ret_reason;
    if (reader->stage == READING_ROWS) {
        r = read_rows(reader);
        if (r != 0)
            return r;
        reader->at = 0;
    } else {
        r = reader->stage == READING_HEAD     ? read_around(reader)
            : reader->stage == READING_OWNERS ? refuse_double_owners(reader)
                                              : refuse_double_numbers(reader);
    }
    if (r < 0 || reader->stage++ < READING_NUMBERS)
        return r < 0 ? r : 1;
    *ret_file = TAKE_PTR(reader->file);
    return 0;
}

int identity_file_parse(const char *data, size_t size, IdentityFile **ret_file,
                        char ret_reason[IDENTITY_REASON_SIZE])
{
    _cleanup_(identity_reader_freep) IdentityReader *reader = NULL;
    int r = identity_reader_new(data, size, &reader);

    ret_reason[0] = '\0';
    if (r >= 0)
        do
            r = identity_reader_step(reader, ret_file, ret_reason);
        while (r > 0);
    return r;
}

