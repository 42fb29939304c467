/*
 * Whose account is it? Decided without the message bus (design §2 "Ours, not ours, cannot tell").
 *
 * Tied: in /var/lib/rcpch-nss/local. Ours: in the snapshot, and not a local account: who is added
 * to /etc/passwd after the snapshot was published is local, as NSS says too. Not ours: the snapshot
 * is valid and the name is in neither. Cannot tell (snapshot missing, unreadable, corrupt, no
 * descriptors left): names in /etc/passwd that are not tied are not ours; every other name is
 * unknown, and unknown is denied. When the list of tied accounts is there and cannot be read,
 * everybody but root is unknown.
 */
#pragma once

#include <stdbool.h>

typedef enum Ownership {
    OWNERSHIP_UNKNOWN = 0, /* cannot tell: deny */
    OWNERSHIP_NOT_OURS = 1,
    OWNERSHIP_OURS = 2,    /* in the snapshot */
    OWNERSHIP_TIED = 3,    /* a local account tied to a directory account */
} Ownership;

/* Reads files only; no allocation that outlives the call, no locks, no IPC. */
Ownership ownership_of(const char *user);

/* False only where /etc/passwd can be read and does not hold the name. */
bool ownership_may_be_local(const char *user);
