/*
 * Builds a snapshot (common/snapshot-format.h) in a memory file, sealed against writing,
 * shrinking and growing. Lives in common because the tests of the readers need the real thing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct SnapshotUserSpec {
    const char *name;
    uint32_t uid;
    uint32_t gid;            /* the private group, same number (design §4) */
    const char *gecos;
    const char *home;
    const char *shell;
    const uint32_t *gids;    /* supplementary ones, LocalGroup's included; private one not needed */
    size_t gid_count;
} SnapshotUserSpec;

typedef struct SnapshotGroupSpec {
    const char *name;
    uint32_t gid;
    const char *const *members; /* user names */
    size_t member_count;
} SnapshotGroupSpec;

typedef struct SnapshotSpec {
    uint64_t generation;
    const SnapshotUserSpec *users;
    size_t user_count;
    const SnapshotGroupSpec *groups; /* directory groups; the builder adds the private ones */
    size_t group_count;
} SnapshotSpec;

/* Returns 0 and a sealed memory file that the caller owns; -EINVAL for a name, path or number
 * that no policy of snapshot-validate allows; -EEXIST for a name or number given twice; -E2BIG;
 * -ENOMEM. */
int snapshot_build(const SnapshotSpec *spec, int *ret_fd);
