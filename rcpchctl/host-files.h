/*
 * The host's own files, as `doctor` reads them: below a folder, so that tests can make a host.
 */
#pragma once

#include <stdbool.h>
#include "common/cleanup.h"

typedef struct Host {
    const char *root; /* "" for this host; a test's folder, without a slash behind it */
} Host;

/* Reads a whole file of at most HOST_FILE_MAX bytes; the caller frees *ret_text. Returns 0, -EFBIG,
 * -EINVAL for a NUL in it, or a negative errno. */
int host_read(const Host *host, const char *path, char **ret_text);

bool host_exists(const Host *host, const char *path);

/* Opens for reading. Returns a descriptor or a negative errno. */
int host_open(const Host *host, const char *path);

/* Cuts the next line off *rest, without its newline, a comment or blanks around it. NULL at the
 * end. The text is changed. */
char *host_next_line(char **rest);

/* Runs a program of the host with an empty environment; what it says, on both streams, cut at
 * HOST_OUTPUT_MAX, is in *ret_text, which the caller frees. Returns its exit status, -ECHILD when a
 * signal ended it, or a negative errno. */
int host_run(const char *const *words, char **ret_text);
