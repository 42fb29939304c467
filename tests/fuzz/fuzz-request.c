/*
 * The enforcer's parser of requests on arbitrary bytes. The first byte says whether a descriptor
 * came along; the rest is one datagram. What is accepted must be within the datagram, harmless,
 * and come back the same when it is encoded again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "enforcer/chain.h"
#include "enforcer/line.h"
#include "enforcer/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool condition)
{
    if (!condition)
        abort();
}

static void check_record(const Record *record)
{
    uint8_t buffer[ENFORCER_MESSAGE_MAX];
    Record again;
    int size = record_encode(record, buffer, sizeof(buffer));

    insist(size > 0 && record_decode(buffer, (size_t)size, &again) == 0);
    insist(again.event == record->event);
    for (size_t i = 0; i < _RECORD_FIELD_COUNT; i++) {
        const RecordValue *a = &record->fields[i], *b = &again.fields[i];
        insist(!a->text == !b->text);
        insist(!a->text || (a->size == b->size && memcmp(a->text, b->text, a->size) == 0));
    }
}

/* A line is one line, and the chain is read from it whatever the values are. */
static void check_line(const Record *record)
{
    Chain chain;
    uint64_t sequence = 0;
    char *line = NULL;

    chain_reset(&chain);
    const LineContext context = {.host = "host", .source = "helper", .sequence = 12345,
                                 .prev = chain.hash};
    insist(line_format(&context, record, &line) == 0);
    insist(utf8_text_is_harmless(line, strlen(line)));
    insist(chain_sequence_of(line, strlen(line), &sequence) == 0 && sequence == 12345);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Request request;

    if (size < 1)
        return 0;
    uint8_t *copy = malloc(size); /* of exactly the size, for the sanitizer to guard */
    if (!copy)
        return 0;
    memcpy(copy, data + 1, size - 1);
    int r = request_parse(copy, size - 1, data[0] & 1, &request);
    if (r == 0 && request.verb == ENFORCER_APPEND) {
        check_record(&request.record);
        check_line(&request.record);
    }
    if (r == 0 && request.verb == ENFORCER_TELL)
        insist(utf8_text_is_harmless(request.text, request.tell.text_size));
    if (r == 0)
        insist(request_reply_size(request.verb) > 0);
    free(copy);
    return 0;
}
