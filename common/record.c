/*
 * Records between the helper and the enforcer: encoding makes anything acceptable, decoding
 * accepts nothing else. Root's process builds log lines only from what passed record_decode().
 */
#include "common/record.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/utf8.h"

static const char *const event_words[_RECORD_EVENT_COUNT] = {
    [RECORD_LOGIN] = "login",
    [RECORD_ACCOUNT_CHECK] = "account-check",
    [RECORD_ELEVATION] = "elevation",
    [RECORD_SESSION_OPENED] = "session-opened",
    [RECORD_SESSION_CLOSED] = "session-closed",
    [RECORD_VERDICT] = "verdict",
    [RECORD_ENDED] = "ended",
    [RECORD_PUBLISHED] = "published",
    [RECORD_ACCOUNT] = "account",
    [RECORD_CONFIGURATION] = "configuration",
    [RECORD_ALARM] = "alarm",
    [RECORD_STARTED] = "started",
    [RECORD_RECOVERED] = "recovered",
    [RECORD_TOLD] = "told",
};

static const char *const field_keys[_RECORD_FIELD_COUNT] = {
    [RECORD_OUTCOME] = "outcome",
    [RECORD_REASON] = "reason",
    [RECORD_EVIDENCE] = "evidence",
    [RECORD_USER] = "user",
    [RECORD_IDENTITY] = "identity",
    [RECORD_OTHER] = "other_identity",
    [RECORD_PROVIDER] = "provider",
    [RECORD_SERVICE] = "service",
    [RECORD_METHOD] = "method",
    [RECORD_RHOST] = "rhost",
    [RECORD_TTY] = "tty",
    [RECORD_RUSER] = "ruser",
    [RECORD_SESSION] = "session",
    [RECORD_UID] = "uid",
    [RECORD_VERDICT_OLD] = "verdict_old",
    [RECORD_VERDICT_NEW] = "verdict_new",
    [RECORD_COUNT] = "count",
    [RECORD_LEFT] = "left",
    [RECORD_ELAPSED_MS] = "elapsed_ms",
    [RECORD_SURVIVORS] = "survivors",
    [RECORD_ACTOR] = "actor",
    [RECORD_ACTION] = "action",
    [RECORD_GENERATION] = "generation",
};

/* Strangers choose some values (rhost, tty, the name they knock with). A record of many long ones
 * is written with shorter values rather than lost. */
#define FIELD_LIMIT_LEAST 64u

_Static_assert(_RECORD_FIELD_COUNT - 1 <= RECORD_FIELDS_MAX, "every field fits into one record");

const char *record_event_to_word(RecordEvent event)
{
    unsigned index = (unsigned)event;

    return index < ELEMENTSOF(event_words) ? event_words[index] : NULL;
}

const char *record_field_to_key(RecordField field)
{
    unsigned index = (unsigned)field;

    return index < ELEMENTSOF(field_keys) ? field_keys[index] : NULL;
}

void record_set(Record *record, RecordField field, const char *text)
{
    if (!record_field_to_key(field))
        return;
    size_t size = text ? strlen(text) : 0;
    record->fields[field] = (RecordValue){.text = size > 0 ? text : NULL, .size = size};
}

/* Writes at most `limit` bytes of harmless UTF-8; every byte or character that is not becomes
 * one '?', so the output is never longer than the input. Returns the bytes written. */
static size_t value_clean(const RecordValue *value, size_t limit, uint8_t *out)
{
    size_t from = 0, to = 0;

    while (from < value->size) {
        uint32_t code = 0;
        int r = utf8_next(value->text + from, value->size - from, &code);
        size_t length = r < 0 ? 1 : (size_t)r;
        bool keep = r > 0 && utf8_is_harmless(code);
        if (to + (keep ? length : 1) > limit)
            break;
        if (keep)
            memcpy(out + to, value->text + from, length);
        else
            out[to] = '?';
        to += keep ? length : 1;
        from += length;
    }
    return to;
}

/* Bounded appending: once something did not fit, nothing more is written. */
typedef struct Writer {
    uint8_t *next;
    size_t room;
    bool full;
} Writer;

static void writer_put(Writer *writer, const void *data, size_t size)
{
    if (writer->full || size > writer->room) {
        writer->full = true;
        return;
    }
    memcpy(writer->next, data, size);
    writer->next += size;
    writer->room -= size;
}

static void writer_put_field(Writer *writer, RecordField field, const RecordValue *value,
                             size_t limit)
{
    uint8_t clean[RECORD_FIELD_MAX];
    uint16_t number = (uint16_t)field, size = (uint16_t)value_clean(value, limit, clean);

    writer_put(writer, &number, sizeof(number));
    writer_put(writer, &size, sizeof(size));
    writer_put(writer, clean, size);
}

static int encode_limited(const Record *record, size_t limit, uint8_t *buffer, size_t size)
{
    Writer writer = {.next = buffer, .room = size < INT32_MAX ? size : INT32_MAX};
    uint32_t event = (uint32_t)record->event, count = 0;

    for (size_t i = 1; i < _RECORD_FIELD_COUNT; i++)
        count += record->fields[i].text != NULL;
    writer_put(&writer, &event, sizeof(event));
    writer_put(&writer, &count, sizeof(count));
    for (size_t i = 1; i < _RECORD_FIELD_COUNT; i++)
        if (record->fields[i].text)
            writer_put_field(&writer, (RecordField)i, &record->fields[i], limit);
    return writer.full ? -EMSGSIZE : (int)(writer.next - buffer);
}

int record_encode(const Record *record, uint8_t *buffer, size_t size)
{
    if (!record_event_to_word(record->event))
        return -EINVAL;
    for (size_t limit = RECORD_FIELD_MAX; limit >= FIELD_LIMIT_LEAST; limit /= 2) {
        int r = encode_limited(record, limit, buffer, size);
        if (r != -EMSGSIZE)
            return r;
    }
    return -EMSGSIZE;
}

/* Takes `size` bytes off the front. */
static int reader_take(const uint8_t **next, size_t *left, size_t size, const uint8_t **ret_bytes)
{
    if (size > *left)
        return -EBADMSG;
    *ret_bytes = *next;
    *next += size;
    *left -= size;
    return 0;
}

static int reader_take_number(const uint8_t **next, size_t *left, void *ret_number, size_t size)
{
    const uint8_t *bytes = NULL;
    int r = reader_take(next, left, size, &bytes);

    if (r >= 0)
        memcpy(ret_number, bytes, size);
    return r;
}

static int reader_take_field(const uint8_t **next, size_t *left, Record *record)
{
    uint16_t field = 0, size = 0;
    const uint8_t *bytes = NULL;

    if (reader_take_number(next, left, &field, sizeof(field)) < 0 ||
        reader_take_number(next, left, &size, sizeof(size)) < 0 ||
        reader_take(next, left, size, &bytes) < 0)
        return -EBADMSG;
    if (!record_field_to_key((RecordField)field) || record->fields[field].text)
        return -EBADMSG;
    if (size == 0 || size > RECORD_FIELD_MAX ||
        !utf8_text_is_harmless((const char *)bytes, size))
        return -EBADMSG;
    record->fields[field] = (RecordValue){.text = (const char *)bytes, .size = size};
    return 0;
}

int record_decode(const uint8_t *buffer, size_t size, Record *ret_record)
{
    Record record = {0};
    uint32_t event = 0, count = 0;

    if (reader_take_number(&buffer, &size, &event, sizeof(event)) < 0 ||
        reader_take_number(&buffer, &size, &count, sizeof(count)) < 0)
        return -EBADMSG;
    if (event >= _RECORD_EVENT_COUNT || !record_event_to_word((RecordEvent)event) ||
        count > RECORD_FIELDS_MAX)
        return -EBADMSG;
    record.event = (RecordEvent)event;
    for (uint32_t i = 0; i < count; i++)
        if (reader_take_field(&buffer, &size, &record) < 0)
            return -EBADMSG;
    if (size > 0)
        return -EBADMSG;
    *ret_record = record;
    return 0;
}
