/*
 * The access log's second home: the same fields in the systemd journal, as RCPCH_EVENT=,
 * RCPCH_USER= and so on (design §6), with a sentence for people in MESSAGE=.
 *
 * Speaks the journal's native protocol itself, because sd_journal_sendv() waits without end for a
 * journald that hangs, and the access log would hang with it.
 */
#pragma once

#include <stdbool.h>
#include "enforcer/line.h"

typedef struct Journal {
    int fd;     /* connected datagram socket, or -1 */
    bool stuck; /* the last record had no room: the next is not waited for */
} Journal;

#define JOURNAL_CLOSED ((Journal){.fd = -1})

/* Returns 0 when the journal took the record; -EAGAIN when it did not within JOURNAL_WAIT_MS, or
 * another negative errno. Connects by itself, and again after journald was restarted. */
int journal_send(Journal *journal, const LineContext *context, const Record *record);

void journal_close(Journal *journal);
