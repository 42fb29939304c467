/*
 * The names and numbers of /etc/passwd and /etc/group, read from the files themselves: the name
 * service would also answer for our own accounts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/cleanup.h"

typedef struct LocalNames LocalNames;

#define LOCAL_PASSWD_FILE "/etc/passwd"
#define LOCAL_GROUP_FILE  "/etc/group"

typedef struct LocalUser {
    char *name;
    uint32_t uid, gid;
    char *home, *shell;
} LocalUser;

/* Reads both. Returns 0 or a negative errno; lines that no reader understands are left out. */
int local_names_load(const char *passwd_file, const char *group_file, LocalNames **ret_names);
LocalNames *local_names_free(LocalNames *names);
DEFINE_CLEANUP(LocalNames *, local_names_free)

/* NULL when there is none. Borrowed. */
const LocalUser *local_names_user(const LocalNames *names, const char *name);

/* -ENOENT when there is none. */
int local_names_group(const LocalNames *names, const char *name, uint32_t *ret_gid);

/* In either file, by name or by number (uid or gid). */
bool local_names_has(const LocalNames *names, const char *name);
bool local_names_has_number(const LocalNames *names, uint32_t number);
