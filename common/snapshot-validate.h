/*
 * Full validation of a snapshot, before the enforcer publishes it.
 *
 * The helper that built it may be compromised: every row, string, list and index entry is checked,
 * and every number and name against what root's configuration allows (design §1 "publish").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What root allows. The functions may be NULL, which stands for "no" to every question. */
typedef struct SnapshotPolicy {
    uint32_t uid_base, uid_count;                               /* [identity] UidBase= UidCount= */
    bool (*uid_is_pinned)(uint32_t uid, void *userdata);        /* [user] Uid= */
    bool (*gid_is_pinned)(uint32_t gid, void *userdata);        /* [group] Gid= */
    bool (*local_gid_is_allowed)(uint32_t gid, void *userdata); /* that of a [group] LocalGroup= */
    bool (*group_is_foreign)(const char *name, void *userdata); /* no [group] section names it */
    bool (*name_is_local)(const char *name, void *userdata);    /* in /etc/passwd or /etc/group */
    void *userdata;
} SnapshotPolicy;

#define SNAPSHOT_REASON_MAX 128u

/* Checks `size` bytes, 8-byte aligned; they must not change meanwhile (a sealed memory file). Work
 * is bounded by the size. Returns 0; -EPROTO for another version; -EBADMSG for a malformed one;
 * -EPERM for a row that the policy refuses. *ret_generation is set on success, ret_reason (empty on
 * success) says why not, in words for the log, without control characters. */
int snapshot_validate(const void *base, size_t size, const SnapshotPolicy *policy,
                      uint64_t *ret_generation, char ret_reason[SNAPSHOT_REASON_MAX]);
