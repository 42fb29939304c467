/*
 * Whose account is it? Decided without the message bus (design §2 "Ours, not ours, cannot tell").
 *
 * Ours: in the snapshot, or in /var/lib/rcpch-nss/local. Not ours: the snapshot is valid and the
 * name is in neither. Cannot tell (snapshot missing, unreadable, corrupt, no descriptors left): names in /etc/passwd that are not
 * tied are not ours; every other name is unknown, and unknown is denied.
 */
#pragma once

typedef enum Ownership {
    OWNERSHIP_UNKNOWN = 0, /* cannot tell: deny */
    OWNERSHIP_NOT_OURS = 1,
    OWNERSHIP_OURS = 2,    /* in the snapshot */
    OWNERSHIP_TIED = 3,    /* a local account tied to a directory account */
} Ownership;

/* Reads files only; no allocation that outlives the call, no locks, no IPC. */
Ownership ownership_of(const char *user);
