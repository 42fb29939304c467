/*
 * The thread that waits for the disk, so that nobody else has to: it appends to the access log
 * and publishes snapshots, in the order they were asked for. Ending access never waits for it
 * (design §5: a full or slow disk delays no cut).
 *
 * What is waiting is taken as one batch and synced once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/enforcer-protocol.h"
#include "enforcer/log.h"
#include "enforcer/settings.h"

typedef enum WorkKind {
    WORK_APPEND = 1,
    WORK_PUBLISH,
    WORK_REOPEN, /* the log was rotated */
} WorkKind;

typedef struct Work {
    struct Work *next;
    WorkKind kind;
    uint64_t client, serial; /* who waits for it; client 0: nobody */
    const char *source;      /* of WORK_APPEND: "helper" or "enforcer" */
    int fd;                  /* of WORK_PUBLISH; owned */
    int result;              /* filled by the worker, with one of the two below */
    LogReceipt receipt;
    EnforcerPublishReply published;
    size_t size;
    uint8_t record[];        /* of WORK_APPEND: encoded, already checked */
} Work;

/* Copies the record. Returns NULL without memory. */
Work *work_new(WorkKind kind, const void *record, size_t size);
Work *work_free(Work *work);
DEFINE_CLEANUP(Work *, work_free)

typedef struct WorkerPlaces {
    const char *snapshot_dir, *local_file, *passwd, *group;
} WorkerPlaces;

typedef struct Worker Worker;

/* Starts the thread, which inherits the caller's signal mask (all blocked). Takes over `log` and
 * `settings`. Returns 0 or a negative errno (both are freed then, too). */
int worker_new(Log *log, Settings *settings, const WorkerPlaces *places, Worker **ret_worker);

/* Does all that waits, ends the thread, closes the log. */
Worker *worker_free(Worker *worker);
DEFINE_CLEANUP(Worker *, worker_free)

/* Hands work over. Returns 0, or -EAGAIN when too much waits already (the caller keeps it). */
int worker_submit(Worker *worker, Work *work);

/* Readable when work is done. */
int worker_fd(const Worker *worker);

/* All that is done, oldest first; the caller frees each. */
Work *worker_take_done(Worker *worker);
