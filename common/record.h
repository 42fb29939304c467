/*
 * A record of the access log as typed fields, before the enforcer makes a line of it (design §6).
 *
 * The helper encodes, the enforcer decodes and checks: unknown events and fields, repeated
 * fields, over-long values, control characters and invalid UTF-8 are refused. Time, host,
 * sequence number and chain are the enforcer's own and no field of a record.
 *
 * Encoded form: u32 event, u32 field count, then per field u16 field, u16 size, bytes (no NUL).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/limits.h"

typedef enum RecordEvent {
    RECORD_LOGIN = 1,         /* an interactive sign-in was decided, for or against */
    RECORD_ACCOUNT_CHECK,     /* the account phase said no (for elevation: RECORD_ELEVATION) */
    RECORD_ELEVATION,         /* sudo or su by one of ours */
    RECORD_SESSION_OPENED,
    RECORD_SESSION_CLOSED,
    RECORD_VERDICT,           /* a verdict moved, with its evidence */
    RECORD_ENDED,             /* running things were ended: counts, milliseconds, survivors */
    RECORD_PUBLISHED,         /* the enforcer's own: a snapshot took effect */
    RECORD_ACCOUNT,           /* added, bound, forgotten, reinstated, number refused */
    RECORD_CONFIGURATION,     /* loaded, reloaded, refused */
    RECORD_ALARM,             /* held evidence, our secret expired, a row left out … */
    RECORD_STARTED,           /* a daemon started */
    RECORD_RECOVERED,         /* the enforcer's own: a torn line was closed */
    RECORD_TOLD,              /* the enforcer's own: text on a terminal */
    _RECORD_EVENT_COUNT,
} RecordEvent;

typedef enum RecordField {
    RECORD_OUTCOME = 1, /* outcome_to_word() */
    RECORD_REASON,      /* free text, one sentence */
    RECORD_EVIDENCE,    /* source and code: "refresh invalid_grant 50057" */
    RECORD_USER,        /* local account name */
    RECORD_IDENTITY,    /* immutable id */
    RECORD_OTHER,       /* the identity that came back instead (WRONG_IDENTITY) */
    RECORD_PROVIDER,
    RECORD_SERVICE,     /* PAM service */
    RECORD_METHOD,      /* device, browser, password, totp, bearer; behind what sshd took:
                         * "publickey,device" */
    RECORD_RHOST,
    RECORD_TTY,
    RECORD_RUSER,       /* who asked for an elevation */
    RECORD_SESSION,
    RECORD_UID,         /* decimal */
    RECORD_VERDICT_OLD, /* verdict words */
    RECORD_VERDICT_NEW,
    RECORD_COUNT,       /* decimal: processes ended, rows published … */
    RECORD_LEFT,        /* decimal: survivors */
    RECORD_ELAPSED_MS,  /* decimal */
    RECORD_SURVIVORS,   /* "pid:command pid:command" */
    RECORD_ACTOR,       /* who ordered it: "root by rcpchctl", "helper" */
    RECORD_ACTION,      /* added, bound, forgotten … */
    RECORD_GENERATION,  /* decimal: of the snapshot */
    _RECORD_FIELD_COUNT,
} RecordField;

typedef struct RecordValue {
    const char *text; /* NULL when the field is absent; not NUL-terminated after decoding */
    size_t size;
} RecordValue;

typedef struct Record {
    RecordEvent event;
    RecordValue fields[_RECORD_FIELD_COUNT]; /* indexed by RecordField */
} Record;

/* The event's word in the line ("session-opened") and in the journal; NULL for an unknown one. */
const char *record_event_to_word(RecordEvent event);

/* The field's key in the line ("verdict_new"), upper-cased behind RCPCH_ in the journal; NULL for
 * an unknown one. */
const char *record_field_to_key(RecordField field);

/* Sets a field to a NUL-terminated text; NULL or "" leaves it absent. The text is borrowed until
 * record_encode(). */
void record_set(Record *record, RecordField field, const char *text);

/* Encodes into `buffer`. Control characters become '?', invalid UTF-8 too, and values are cut at
 * RECORD_FIELD_MAX on a character boundary; where all together are too long for `size`, at 512,
 * 256 … 64 bytes. Returns the size, or -EMSGSIZE when even that does not fit, or -EINVAL for an
 * unknown event. */
int record_encode(const Record *record, uint8_t *buffer, size_t size);

/* Decodes and checks; the values point into `buffer`. Returns 0, -EBADMSG. */
int record_decode(const uint8_t *buffer, size_t size, Record *ret_record);
