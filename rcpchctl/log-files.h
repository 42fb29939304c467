/*
 * The access log's files: the one that is written and those that logrotate put aside, oldest
 * first, compressed ones through gzip.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include "common/cleanup.h"

typedef struct LogFiles {
    char **paths; /* oldest first; the one that is written is last */
    size_t count;
} LogFiles;

/* Lists `path` and what begins like it in its folder ("access.jsonl.1", ".2.gz", "-20261121").
 * Returns 0; -ENOENT when there is none; or why the folder cannot be read. */
int log_files_list(const char *path, LogFiles *ret_files);
void log_files_clear(LogFiles *files);

typedef struct LogStream {
    FILE *stream;
    int child; /* gzip's pid, or 0 */
} LogStream;

/* Returns 0 or a negative errno. */
int log_stream_open(const char *path, LogStream *ret_stream);
void log_stream_close(LogStream *stream);
