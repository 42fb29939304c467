/*
 * A user's supplementary groups, as initgroups(3) and id(1) ask for them.
 *
 * glibc lets each service append to one array that may be too small: it is grown here, up to the
 * limit that the caller gave (glibc manual, "NSS Module Function Internals").
 */
#include "nss_rcpch/module.h"

#include <grp.h>
#include <string.h>

/* The caller's array: `start` entries are in use, `size` fit. */
typedef struct GidArray {
    gid_t **gids;
    long int *start, *size;
    long int limit; /* 0 or less: none */
} GidArray;

static bool is_full(const GidArray *array)
{
    return array->limit > 0 && *array->start >= array->limit;
}

/* Makes room for one more. Returns 0 or -ENOMEM, and then the array is as it was. */
static int make_room(GidArray *array)
{
    long int size = *array->size < 8 ? 16 : *array->size * 2;
    gid_t *gids;

    if (*array->start < *array->size)
        return 0;
    if (array->limit > 0 && size > array->limit)
        size = array->limit;
    gids = realloc(*array->gids, (size_t)size * sizeof(*gids));
    if (!gids)
        return -ENOMEM;
    *array->gids = gids;
    *array->size = size;
    return 0;
}

/* Returns 0, also when the limit was reached, or -ENOMEM. */
static int add_gids(GidArray *array, const SnapshotUser *user, gid_t skip)
{
    for (uint32_t i = 0; i < user->gid_count && !is_full(array); i++) {
        gid_t gid = snapshot_user_gid(user, i);

        if (gid == skip)
            continue;
        if (make_room(array) < 0)
            return -ENOMEM;
        (*array->gids)[(*array->start)++] = gid;
    }
    return 0;
}

enum nss_status _nss_rcpch_initgroups_dyn(const char *name, gid_t skip, long int *start,
                                          long int *size, gid_t **gids, long int limit, int *errnop)
{
    _cleanup_(snapshot_release) SnapshotRef ref;
    GidArray array = {.gids = gids, .start = start, .size = size, .limit = limit};
    SnapshotUser user;
    int r = snapshot_acquire(&ref);

    if (r == 0)
        r = snapshot_user_by_name(ref.view, name, &user);
    if (r <= 0)
        return nss_miss(r, errnop);
    if (add_gids(&array, &user, skip) < 0) {
        *errnop = ENOMEM;
        return NSS_STATUS_TRYAGAIN;
    }
    return NSS_STATUS_SUCCESS;
}
