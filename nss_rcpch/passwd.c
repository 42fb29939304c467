/*
 * The passwd database: by name, by uid, and one after the other.
 *
 * Each call pins the shared snapshot, copies one row into the caller's buffer and lets go. A walk
 * remembers nothing but the next uid, so it needs no end to free anything, and goes on rightly
 * when the snapshot is replaced in the middle.
 */
#include "nss_rcpch/module.h"

#include <pwd.h>
#include <stdatomic.h>

/* Where the walk is. glibc walks under a lock; the atomic is for callers that go round it. */
static _Atomic uint64_t next_uid;

static enum nss_status fill(const SnapshotUser *user, struct passwd *result, char *buffer,
                            size_t size, int *errnop)
{
    const char *texts = user->name.text;

    if (size < user->text_size + sizeof(NSS_PASSWORD))
        return nss_too_small(errnop);
    memcpy(buffer, texts, user->text_size);
    result->pw_name = buffer;
    result->pw_gecos = buffer + (user->gecos.text - texts);
    result->pw_dir = buffer + (user->home.text - texts);
    result->pw_shell = buffer + (user->shell.text - texts);
    result->pw_passwd = memcpy(buffer + user->text_size, NSS_PASSWORD, sizeof(NSS_PASSWORD));
    result->pw_uid = user->uid;
    result->pw_gid = user->gid;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_rcpch_getpwnam_r(const char *name, struct passwd *result, char *buffer,
                                      size_t size, int *errnop)
{
    _cleanup_(snapshot_release) SnapshotRef ref;
    SnapshotUser user;
    int r = snapshot_acquire(&ref);

    if (r == 0)
        r = snapshot_user_by_name(ref.view, name, &user);
    return r > 0 ? fill(&user, result, buffer, size, errnop) : nss_miss(r, errnop);
}

enum nss_status _nss_rcpch_getpwuid_r(uid_t uid, struct passwd *result, char *buffer, size_t size,
                                      int *errnop)
{
    _cleanup_(snapshot_release) SnapshotRef ref;
    SnapshotUser user;
    int r = snapshot_acquire(&ref);

    if (r == 0)
        r = snapshot_user_by_uid(ref.view, uid, &user);
    return r > 0 ? fill(&user, result, buffer, size, errnop) : nss_miss(r, errnop);
}

enum nss_status _nss_rcpch_setpwent(int stayopen)
{
    atomic_store(&next_uid, 0);
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_rcpch_endpwent(void)
{
    return _nss_rcpch_setpwent(0);
}

enum nss_status _nss_rcpch_getpwent_r(struct passwd *result, char *buffer, size_t size, int *errnop)
{
    _cleanup_(snapshot_release) SnapshotRef ref;
    enum nss_status status;
    SnapshotUser user;
    int r = snapshot_acquire(&ref);

    if (r == 0)
        r = snapshot_user_at(ref.view, snapshot_user_row_from(ref.view, next_uid), &user);
    if (r <= 0)
        return nss_miss(r, errnop);
    status = fill(&user, result, buffer, size, errnop);
    if (status == NSS_STATUS_SUCCESS)
        atomic_store(&next_uid, (uint64_t)user.uid + 1);
    return status;
}
