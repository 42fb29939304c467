/*
 * One line of the access log: a JSON object built from a record's typed fields. jansson writes it;
 * nothing in this program parses JSON.
 */
#pragma once

#include <stdint.h>
#include "common/record.h"

typedef struct LineContext {
    uint64_t time_usec;  /* CLOCK_REALTIME, microseconds since the epoch */
    const char *host;
    const char *source;  /* "helper" or "enforcer": who asked for the line */
    uint64_t sequence;
    const char *prev;    /* hash of the line before */
} LineContext;

/* RFC 3339, UTC, microseconds: "2026-11-21T18:10:15.123456Z". Later than the year 9999 is its
 * end. */
void line_format_time(uint64_t usec, char ret_text[28]);

/* Makes the line without its newline; "sequence" and "prev" are its last members (chain.h reads
 * them there). The caller frees *ret_line. Returns 0, -EINVAL for an unknown event, -ENOMEM. */
int line_format(const LineContext *context, const Record *record, char **ret_line);
