/*
 * The access log's file (design §6): one JSON object a line, appended, synced, then the head.
 *
 * A sequence number is given to every record, whether the file takes it or only the journal
 * does. Whatever interrupted the file (a torn line, a full disk, lines that went missing) is
 * said in it by a "recovered" record as soon as it can be written again; the record's prev is
 * the last whole line that is there.
 *
 * Not thread-safe: it belongs to the worker. Failures to write are results, never fatal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/cleanup.h"
#include "common/record.h"

typedef struct Log Log;

typedef struct LogReceipt {
    uint64_t sequence;
    bool to_file;    /* written; holds only after log_commit() returned 0 */
    bool to_journal;
} LogReceipt;

/* Opens or creates both files (0640, root:`gid`), reads where the chain stands and closes a torn
 * line. A file that cannot be opened is tried again at every append. Returns 0, -ENOMEM. */
int log_new(const char *path, const char *head_path, gid_t gid, Log **ret_log);
Log *log_free(Log *log);
DEFINE_CLEANUP(Log *, log_free)

/* Writes one line; `source` is "helper" or "enforcer". The receipt is always filled. Returns 0,
 * or why neither file nor journal took it. */
int log_append(Log *log, const char *source, const Record *record, LogReceipt *ret_receipt);

/* Syncs what was appended since the last call, then writes the head. On error the appended lines
 * may not be on disk: their receipts' to_file is void. Returns 0 (also with nothing to do). */
int log_commit(Log *log);

/* After logrotate renamed the file: commits and goes on in a new one. The chain goes on. */
int log_reopen(Log *log);
