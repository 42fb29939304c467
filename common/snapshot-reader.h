/*
 * Reading a snapshot (common/snapshot-format.h): mapping it, finding rows, walking them.
 *
 * Nothing in a file can make a reader crash, hang or read outside of it: magic, version, size,
 * tables and checksum are checked once per mapping, every other offset before it is followed.
 * Look-ups make no system call and no allocation.
 *
 * snapshot_open() makes a mapping for one caller; common/snapshot-shared.h has the one that all
 * threads of a process share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/snapshot-format.h"

/* A mapped snapshot whose header has been checked. Plain values; the bytes belong to whoever
 * mapped them. */
typedef struct SnapshotView {
    const uint8_t *base;
    size_t size;
    uint64_t generation;
    uint64_t seed;
    SnapshotTable users, groups, user_names, user_ids, group_names, group_ids;
} SnapshotView;

/* NUL-terminated; `size` without the NUL. Points into the mapping. */
typedef struct SnapshotString {
    const char *text;
    size_t size;
} SnapshotString;

/* The four texts stand side by side in this order, each with its NUL: `text_size` bytes from
 * name.text. */
typedef struct SnapshotUser {
    uint32_t uid, gid;
    SnapshotString name, gecos, home, shell;
    size_t text_size;
    const uint8_t *gids;    /* read with snapshot_user_gid() */
    uint32_t gid_count;
} SnapshotUser;

typedef struct SnapshotGroup {
    uint32_t gid;
    bool is_private;
    SnapshotString name;
    const uint8_t *members; /* read with snapshot_group_member() */
    uint32_t member_count;
} SnapshotGroup;

/* Checks header, the tables' places and checksum of `size` bytes, 8-byte aligned. Returns 0,
 * -EPROTO for another version, -EBADMSG for anything else that is wrong. */
int snapshot_view_init(SnapshotView *ret_view, const void *base, size_t size);

/* Maps the file behind `fd`, shared and read-only, after checking that root owns it, that it is a
 * regular file and that neither its group nor others may write it. Returns 0, -EPERM when owner,
 * type or mode are wrong, what snapshot_view_init() returns, or another negative errno. */
int snapshot_map(int fd, SnapshotView *ret_view);

/* Opens RCPCH_SNAPSHOT_FILE for snapshot_map(). Returns a descriptor or a negative errno. */
int snapshot_open_file(void);

/* Opens and maps RCPCH_SNAPSHOT_FILE for this caller alone; snapshot_unmap() afterwards. Errors as
 * snapshot_map(), -ENOENT when it is missing. */
int snapshot_open(SnapshotView *ret_view);
void snapshot_unmap(SnapshotView *view);

/* Has a newer file been published? */
static inline bool snapshot_is_superseded(const SnapshotView *view)
{
    const volatile uint32_t *word =
        (const volatile uint32_t *)(view->base + offsetof(SnapshotHeader, superseded));

    return *word != 0;
}

/* Each returns 1 and fills *ret_user or *ret_group, 0 when there is no such row, -EBADMSG when an
 * offset leads out of the file; only after 1 do they hold anything. */
int snapshot_user_by_name(const SnapshotView *view, const char *name, SnapshotUser *ret_user);
int snapshot_user_by_uid(const SnapshotView *view, uint32_t uid, SnapshotUser *ret_user);
int snapshot_group_by_name(const SnapshotView *view, const char *name, SnapshotGroup *ret_group);
int snapshot_group_by_gid(const SnapshotView *view, uint32_t gid, SnapshotGroup *ret_group);

/* Row number `row`, ascending by uid or gid. Returns as above, 0 behind the last row. */
int snapshot_user_at(const SnapshotView *view, uint32_t row, SnapshotUser *ret_user);
int snapshot_group_at(const SnapshotView *view, uint32_t row, SnapshotGroup *ret_group);

/* The first row whose uid or gid is at least `number`; the table's count when there is none. */
uint32_t snapshot_user_row_from(const SnapshotView *view, uint64_t number);
uint32_t snapshot_group_row_from(const SnapshotView *view, uint64_t number);

/* Entry `index`, which is below gid_count or member_count. */
uint32_t snapshot_user_gid(const SnapshotUser *user, uint32_t index);
int snapshot_group_member(const SnapshotView *view, const SnapshotGroup *group, uint32_t index,
                          SnapshotString *ret_name); /* 0 or -EBADMSG */
