/*
 * One request on the wire: the table of verbs, the exact sizes, and nothing else.
 *
 * The parser takes bytes from a helper that may be compromised; it is what the fuzzer feeds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/enforcer-protocol.h"
#include "common/record.h"

typedef struct Request {
    EnforcerVerb verb;
    uint32_t tag;
    const uint8_t *payload; /* borrowed, behind the header */
    size_t size;
    EnforcerEndRequest end;       /* of ENFORCER_END */
    int32_t spared[ENFORCER_SPARED_MAX]; /* pids behind it */
    size_t spared_count;
    EnforcerTellRequest tell;     /* of ENFORCER_TELL */
    const char *text;             /* of ENFORCER_TELL, tell.text_size bytes, harmless */
    Record record;                /* of ENFORCER_APPEND */
} Request;

/* Parses one datagram. `has_fd`: a descriptor came with it. Returns 0; -EBADMSG when the sender
 * does not speak the protocol, which ends the connection; -EINVAL for a well-formed request whose
 * content is refused (verb and tag are set then, to answer it). */
int request_parse(const uint8_t *datagram, size_t size, bool has_fd, Request *ret_request);

/* Bytes of a verb's reply payload; 0 for an unknown verb. */
size_t request_reply_size(EnforcerVerb verb);
