/*
 * Requests. See request.h.
 */
#include "enforcer/request.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/utf8.h"

typedef struct VerbRow {
    size_t size_min, size_max; /* of the payload */
    bool has_fd;
    int (*parse)(Request *request);
    size_t reply_size;
} VerbRow;

static int parse_end(Request *request)
{
    const size_t behind = request->size - sizeof(request->end);

    memcpy(&request->end, request->payload, sizeof(request->end));
    if (behind % sizeof(request->spared[0]) != 0)
        return -EBADMSG;
    request->spared_count = behind / sizeof(request->spared[0]);
    memcpy(request->spared, request->payload + sizeof(request->end), behind);
    if (request->end.how < ENFORCER_LOOK || request->end.how > ENFORCER_KILL_ELEVATED)
        return -EINVAL;
    return behind > 0 && !enforcer_how_is_elevated(request->end.how) ? -EINVAL : 0;
}

static int parse_publish(Request *request)
{
    return 0;
}

/* Events that are the enforcer's own to state. */
static bool event_is_own(RecordEvent event)
{
    return event == RECORD_PUBLISHED || event == RECORD_RECOVERED || event == RECORD_TOLD;
}

static int parse_append(Request *request)
{
    if (record_decode(request->payload, request->size, &request->record) < 0 ||
        event_is_own(request->record.event))
        return -EINVAL;
    return 0;
}

static int parse_tell(Request *request)
{
    memcpy(&request->tell, request->payload, sizeof(request->tell));
    if (request->tell.text_size != request->size - sizeof(request->tell))
        return -EBADMSG;
    request->text = (const char *)request->payload + sizeof(request->tell);
    return utf8_text_is_harmless(request->text, request->tell.text_size) ? 0 : -EINVAL;
}

static const VerbRow verb_rows[] = {
    [ENFORCER_END] = {sizeof(EnforcerEndRequest),
                      sizeof(EnforcerEndRequest) + ENFORCER_SPARED_MAX * sizeof(int32_t), false,
                      parse_end, sizeof(EnforcerEndReply)},
    [ENFORCER_PUBLISH] = {0, 0, true, parse_publish, sizeof(EnforcerPublishReply)},
    [ENFORCER_APPEND] = {8, ENFORCER_MESSAGE_MAX - sizeof(EnforcerHeader), false, parse_append,
                         sizeof(EnforcerAppendReply)},
    [ENFORCER_TELL] = {sizeof(EnforcerTellRequest) + 1,
                       sizeof(EnforcerTellRequest) + ENFORCER_TELL_MAX, false, parse_tell,
                       sizeof(EnforcerTellReply)},
};

static const VerbRow *verb_row(uint32_t verb)
{
    return verb < ELEMENTSOF(verb_rows) && verb_rows[verb].parse ? &verb_rows[verb] : NULL;
}

size_t request_reply_size(EnforcerVerb verb)
{
    const VerbRow *row = verb_row((uint32_t)verb);

    return row ? row->reply_size : 0;
}

int request_parse(const uint8_t *datagram, size_t size, bool has_fd, Request *ret_request)
{
    EnforcerHeader header;

    if (size < sizeof(header) || size > ENFORCER_MESSAGE_MAX)
        return -EBADMSG;
    memcpy(&header, datagram, sizeof(header));
    const VerbRow *row = verb_row(header.verb);
    if (header.magic != ENFORCER_MAGIC || header.result != 0 || header.reserved != 0 || !row)
        return -EBADMSG;
    if (header.size != size - sizeof(header) || header.size < row->size_min ||
        header.size > row->size_max || has_fd != row->has_fd)
        return -EBADMSG;
    *ret_request = (Request){.verb = (EnforcerVerb)header.verb, .tag = header.tag,
                             .payload = datagram + sizeof(header), .size = header.size};
    return row->parse(ret_request);
}
