/*
 * The access log's second home: the same fields in the systemd journal, as RCPCH_EVENT=,
 * RCPCH_USER= and so on (design §6), with a sentence for people in MESSAGE=.
 */
#pragma once

#include "enforcer/line.h"

/* Returns 0 when the journal took the record, or a negative errno. */
int journal_send(const LineContext *context, const Record *record);
