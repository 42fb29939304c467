/*
 * Records on their way to the access log: kept, in order, until the enforcer says that one is
 * written (design §5 "storage and log, retried until they hold").
 *
 * For everything that has happened and must be told. An admission is not kept here: it waits for
 * its own acknowledgement, because a login whose record nobody takes is refused (design §6).
 */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>
#include "common/cleanup.h"
#include "common/record.h"
#include "helper/enforcer/enforcer-client.h"

typedef struct LogQueue LogQueue;

/* Called when a record had to be given up, or has to wait: `what` is for the journal. */
typedef void (*LogQueueComplaint)(const char *what, int error, void *userdata);

int log_queue_new(sd_event *event, EnforcerClient *enforcer, LogQueueComplaint complaint,
                  void *userdata, LogQueue **ret_queue);
LogQueue *log_queue_free(LogQueue *queue);
DEFINE_CLEANUP(LogQueue *, log_queue_free)

/* Copies the record. Returns 0, -ENOBUFS when too many wait, -ENOMEM, or record_encode()'s error:
 * it is lost then, and the log has how many were as soon as it takes records again. */
int log_queue_append(LogQueue *queue, const Record *record);

size_t log_queue_count(const LogQueue *queue);
