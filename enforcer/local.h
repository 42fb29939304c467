/*
 * The host's own accounts: /etc/passwd and /etc/group as they are now. Read by ourselves and not
 * through the name service, which would ask our own module back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/cleanup.h"

typedef struct Local Local;

/* Returns 0, -E2BIG, -ENOMEM, or why a file cannot be read. */
int local_read(const char *passwd, const char *group, Local **ret_local);
Local *local_free(Local *local);
DEFINE_CLEANUP(Local *, local_free)

/* Is it the name of a user or of a group? */
bool local_has_name(const Local *local, const char *name);

/* Has any local user, or local group, this number? */
bool local_has_uid(const Local *local, uint32_t uid);
bool local_has_gid(const Local *local, uint32_t gid);

/* Return 0, or -ENOENT when there is no such user, or group. */
int local_uid_of(const Local *local, const char *name, uint32_t *ret_uid);
int local_gid_of(const Local *local, const char *name, uint32_t *ret_gid);
