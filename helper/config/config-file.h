/*
 * Configuration files as bytes: opened safely, split into sections and Key=Value lines.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "helper/config/config-values.h"

typedef struct ConfigFileHandler {
    /* A section heading. `name` is NULL for [type] without one. Returns 0 or -ENOMEM. */
    int (*on_section)(unsigned line, const char *type, const char *name, void *userdata);
    /* Key=Value under the last heading. Returns 0 or -ENOMEM. */
    int (*on_value)(unsigned line, const char *key, const char *value, void *userdata);
    /* A line that is neither. */
    int (*on_error)(unsigned line, const char *text, void *userdata);
} ConfigFileHandler;

/* Reads a whole file. `check_owner`: it must be root's and neither group nor others may write it.
 * Never follows a symbolic link in the last component, never blocks on a pipe. Returns 0 and the
 * NUL-terminated bytes (caller owns), or a negative errno with `why`. */
int config_file_read(const char *path, bool check_owner, char **ret_text, size_t *ret_size,
                     ConfigWhy *why);

/* Owner and mode of a file or folder that configuration points to; the same rule, also allowing
 * `also_owner` (pass 0 for root only); and whether this process may read it. Returns 0 or a
 * negative errno with `why`. */
int config_file_check(const char *path, unsigned also_owner, unsigned forbidden_mode,
                      ConfigWhy *why);

/* Splits. Returns 0 or the first negative errno of a handler. */
int config_file_parse(const char *text, size_t size, const ConfigFileHandler *handler,
                      void *userdata);

/* Names of dir/ *.conf in byte order, without those that begin with a dot. A missing folder is an
 * empty one. Returns 0, or a negative errno with `why`. */
int config_file_list(const char *dir, bool check_owner, char ***ret_names, ConfigWhy *why);
