/*
 * A record as JSON. The order of members is fixed: what a person looks for first comes first,
 * and the chain comes last.
 */
#include "enforcer/line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "common/cleanup.h"

#define DECIMAL_DIGITS_MAX 18u /* fits a json_int_t */

static json_t *object_free(json_t *object)
{
    json_decref(object);
    return NULL;
}
DEFINE_CLEANUP(json_t *, object_free)

void line_format_time(uint64_t usec, char ret_text[28])
{
    const uint64_t last = UINT64_C(253402300799999999);
    if (usec > last)
        usec = last;
    time_t seconds = (time_t)(usec / 1000000);
    struct tm tm = {0};
    char day[20] = "";

    (void)gmtime_r(&seconds, &tm);
    (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(ret_text, 28, "%s.%06uZ", day, (unsigned)(usec % 1000000));
}

static bool field_is_number(RecordField field)
{
    switch (field) {
    case RECORD_UID:
    case RECORD_COUNT:
    case RECORD_LEFT:
    case RECORD_ELAPSED_MS:
    case RECORD_GENERATION:
        return true;
    default:
        return false;
    }
}

/* A numeric field that is not decimal stays text: a line is not lost for it. */
static json_t *value_to_json(RecordField field, const RecordValue *value)
{
    json_int_t number = 0;
    bool decimal = field_is_number(field) && value->size <= DECIMAL_DIGITS_MAX;

    for (size_t i = 0; decimal && i < value->size; i++) {
        decimal = value->text[i] >= '0' && value->text[i] <= '9';
        number = number * 10 + (value->text[i] - '0');
    }
    return decimal ? json_integer(number) : json_stringn(value->text, value->size);
}

static int object_add_fields(json_t *object, const Record *record)
{
    for (size_t i = 1; i < _RECORD_FIELD_COUNT; i++) {
        const RecordValue *value = &record->fields[i];
        if (!value->text)
            continue;
        json_t *json = value_to_json((RecordField)i, value);
        if (json_object_set_new(object, record_field_to_key((RecordField)i), json) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int object_add_chain(json_t *object, const LineContext *context)
{
    json_t *sequence = json_integer((json_int_t)context->sequence);

    if (json_object_set_new(object, "sequence", sequence) < 0 ||
        json_object_set_new(object, "prev", json_string(context->prev)) < 0)
        return -ENOMEM;
    return 0;
}

int line_format(const LineContext *context, const Record *record, char **ret_line)
{
    const char *event = record_event_to_word(record->event);
    char time[28];

    if (!event)
        return -EINVAL;
    line_format_time(context->time_usec, time);
    _cleanup_(object_freep) json_t *object =
        json_pack("{s:s, s:s, s:s, s:s}", "time", time, "host", context->host, "event", event,
                  "source", context->source);
    if (!object || object_add_fields(object, record) < 0 || object_add_chain(object, context) < 0)
        return -ENOMEM;
    char *line = json_dumps(object, JSON_COMPACT);
    if (!line)
        return -ENOMEM;
    *ret_line = line;
    return 0;
}
