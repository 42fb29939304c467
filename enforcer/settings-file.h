/*
 * From the configuration's folder to Key=Value lines, with the same meaning as the helper's reader
 * (helper/config/config-file.c): one line is one thing, white space around it does not count, '#'
 * and ';' begin a comment line. The two are separate on purpose: root's process shares no parser
 * with the one that may be compromised, and needs seven keys only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include "common/cleanup.h"

#define SETTINGS_FILES_MAX 1024u
#define SETTINGS_WHY_MAX   256u

/* The main file, then *.conf of the folder in byte order; and which state of them this is. */
typedef struct SettingsFiles {
    char **names;
    size_t count;
} SettingsFiles;

/* Returns 0, -E2BIG, -ENOMEM, -EPERM for a folder that is not `owner`'s alone, or why it cannot be
 * read. */
int settings_files_list(const char *file, const char *dir, uid_t owner, SettingsFiles *ret_files);
void settings_files_clear(SettingsFiles *files);

/* A number that is another one when any of the files came, went or changed. */
uint64_t settings_files_state(const SettingsFiles *files);

/* Called for each Key=Value line; `name` is "" for a section without one. Returns 0 or a negative
 * errno, which ends the reading. */
typedef int (*SettingsLine)(const char *section, const char *name, const char *key,
                            const char *value, void *userdata);

/* Reads one file; one that does not exist is empty. `why` says what is wrong, with file and line.
 * Returns 0; -EPERM when it is not `owner`'s alone to write; -EBADMSG for a line that is neither
 * a section nor Key=Value; -E2BIG; or another negative errno. */
int settings_file_read(const char *path, uid_t owner, SettingsLine handler, void *userdata,
                       char why[SETTINGS_WHY_MAX]);
