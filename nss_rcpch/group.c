/*
 * The group database: by name, by gid, and one after the other. Directory groups list their
 * members; private groups, as in /etc/group, list nobody.
 */
#include "nss_rcpch/module.h"

#include <grp.h>
#include <stdatomic.h>

/* Where the walk is; see passwd.c. */
static _Atomic uint64_t next_gid;

/* Bytes that the members' names take, each with its NUL. Returns 0 or -EBADMSG. */
static int members_size(const SnapshotView *view, const SnapshotGroup *group, size_t *ret_size)
{
    SnapshotString member;
    size_t size = 0;

    for (uint32_t i = 0; i < group->member_count; i++) {
        if (snapshot_group_member(view, group, i, &member) < 0)
            return -EBADMSG;
        size += member.size + 1;
    }
    *ret_size = size;
    return 0;
}

/* The array of pointers comes first, where it can be aligned; NULL ends it. */
static char **put_members(const SnapshotView *view, const SnapshotGroup *group, char **next)
{
    size_t bytes = ((size_t)group->member_count + 1) * sizeof(char *);
    char **members = (char **)(void *)*next;
    SnapshotString member;

    *next += bytes;
    for (uint32_t i = 0; i < group->member_count; i++) {
        (void)snapshot_group_member(view, group, i, &member); /* members_size() has seen it */
        members[i] = nss_put(next, member.text, member.size);
    }
    members[group->member_count] = NULL;
    return members;
}

static enum nss_status fill(const SnapshotView *view, const SnapshotGroup *group,
                            struct group *result, char *buffer, size_t size, int *errnop)
{
    size_t padding = -(uintptr_t)buffer % _Alignof(char *), names;
    char *next = buffer + padding;
    int r = members_size(view, group, &names);

    if (r < 0)
        return nss_miss(r, errnop);
    if (size < padding + ((size_t)group->member_count + 1) * sizeof(char *) + names +
                   group->name.size + 1 + sizeof(NSS_PASSWORD))
        return nss_too_small(errnop);
    result->gr_mem = put_members(view, group, &next);
    result->gr_name = nss_put(&next, group->name.text, group->name.size);
    result->gr_passwd = nss_put(&next, NSS_PASSWORD, sizeof(NSS_PASSWORD) - 1);
    result->gr_gid = group->gid;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_rcpch_getgrnam_r(const char *name, struct group *result, char *buffer,
                                      size_t size, int *errnop)
{
    _cleanup_(snapshot_release) SnapshotRef ref;
    SnapshotGroup group;
    int r = snapshot_acquire(&ref);

    if (r == 0)
        r = snapshot_group_by_name(ref.view, name, &group);
    return r > 0 ? fill(ref.view, &group, result, buffer, size, errnop) : nss_miss(r, errnop);
}

enum nss_status _nss_rcpch_getgrgid_r(gid_t gid, struct group *result, char *buffer, size_t size,
                                      int *errnop)
{
    _cleanup_(snapshot_release) SnapshotRef ref;
    SnapshotGroup group;
    int r = snapshot_acquire(&ref);

    if (r == 0)
        r = snapshot_group_by_gid(ref.view, gid, &group);
    return r > 0 ? fill(ref.view, &group, result, buffer, size, errnop) : nss_miss(r, errnop);
}

enum nss_status _nss_rcpch_setgrent(int stayopen)
{
    atomic_store(&next_gid, 0);
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_rcpch_endgrent(void)
{
    return _nss_rcpch_setgrent(0);
}

enum nss_status _nss_rcpch_getgrent_r(struct group *result, char *buffer, size_t size, int *errnop)
{
    _cleanup_(snapshot_release) SnapshotRef ref;
    enum nss_status status;
    SnapshotGroup group;
    int r = snapshot_acquire(&ref);

    if (r == 0)
        r = snapshot_group_at(ref.view, snapshot_group_row_from(ref.view, next_gid), &group);
    if (r <= 0)
        return nss_miss(r, errnop);
    status = fill(ref.view, &group, result, buffer, size, errnop);
    if (status == NSS_STATUS_SUCCESS)
        atomic_store(&next_gid, (uint64_t)group.gid + 1);
    return status;
}
