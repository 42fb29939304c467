/*
 * The mapping of the snapshot that all threads of a process share.
 *
 * Acquire and release cost two atomic additions: no system call, no allocation, no lock, and
 * nothing that a signal handler or a fork in between could leave half done. The file is opened
 * again when its `superseded` word is set, and looked for when there was none.
 */
#pragma once

#include "common/snapshot-reader.h"

typedef struct SnapshotRef {
    const SnapshotView *view; /* NULL: nothing is held */
    SnapshotView own;         /* used when every shared place is taken */
    int place;                /* -1: `own` */
} SnapshotRef;

/* Pins the present snapshot. Returns 0, or what snapshot_open() returns; *ret_ref may be released
 * in either case. Both functions keep errno. */
int snapshot_acquire(SnapshotRef *ret_ref);
void snapshot_release(SnapshotRef *ref);
