/*
 * The snapshot's validator and reader on arbitrary bytes: nothing is read outside of them, and what
 * the validator accepts, the reader finds again, row by row.
 *
 * The sum is put right under half of the inputs, because no fuzzer finds it by itself; the first
 * byte of the input chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/snapshot-reader.h"
#include "common/snapshot-validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool yes_number(uint32_t number, void *userdata)
{
    (void)userdata;
    return number % 2 == 0;
}

static const SnapshotPolicy policy = {
    .uid_base = 1879048192u,
    .uid_count = 268304384u,
    .uid_is_pinned = yes_number,
    .gid_is_pinned = yes_number,
    .local_gid_is_allowed = yes_number,
};

static void put_right(uint8_t *bytes, size_t size)
{
    uint64_t claimed = htole64(size), sum;

    memcpy(bytes + offsetof(SnapshotHeader, file_size), &claimed, sizeof(claimed));
    sum = htole64(snapshot_checksum(bytes + 32, size - 32));
    memcpy(bytes + offsetof(SnapshotHeader, checksum), &sum, sizeof(sum));
}

static void insist(bool condition)
{
    if (!condition)
        abort();
}

static size_t walk_users(const SnapshotView *view, bool valid)
{
    SnapshotUser user, again;
    size_t seen = 0;

    for (uint32_t row = 0; row < view->users.count; row++) {
        if (snapshot_user_at(view, row, &user) <= 0) {
            insist(!valid);
            continue;
        }
        for (uint32_t i = 0; i < user.gid_count && i < 2048; i++)
            seen += snapshot_user_gid(&user, i);
        seen += strlen(user.name.text) + strlen(user.gecos.text) + strlen(user.home.text) +
                strlen(user.shell.text);
        int by_name = snapshot_user_by_name(view, user.name.text, &again);
        int by_uid = snapshot_user_by_uid(view, user.uid, &again);
        insist(!valid || (by_name == 1 && by_uid == 1 && again.uid == user.uid && user.uid != 0));
        insist(!valid || snapshot_user_row_from(view, user.uid) == row);
    }
    return seen;
}

static size_t walk_groups(const SnapshotView *view, bool valid)
{
    SnapshotGroup group, again;
    SnapshotString member;
    size_t seen = 0;

    for (uint32_t row = 0; row < view->groups.count; row++) {
        if (snapshot_group_at(view, row, &group) <= 0) {
            insist(!valid);
            continue;
        }
        for (uint32_t i = 0; i < group.member_count && i < 2048; i++) {
            int r = snapshot_group_member(view, &group, i, &member);

            insist(!valid || r == 0);
            seen += r == 0 ? strlen(member.text) : 0;
        }
        int by_name = snapshot_group_by_name(view, group.name.text, &again);
        int by_gid = snapshot_group_by_gid(view, group.gid, &again);
        insist(!valid || (by_name == 1 && by_gid == 1 && again.gid == group.gid && group.gid != 0));
    }
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[SNAPSHOT_REASON_MAX];
    uint64_t generation;
    SnapshotView view;
    uint8_t *bytes;

    if (size < 1)
        return 0;
    size--;
    bytes = malloc(size ? size : 1); /* of its own, so that ASan sees its end */
    if (!bytes)
        return 0;
    memcpy(bytes, data + 1, size);
    if (data[0] % 2 == 0 && size >= sizeof(SnapshotHeader) && size % SNAPSHOT_ALIGN == 0)
        put_right(bytes, size);
    bool valid = snapshot_validate(bytes, size, &policy, &generation, reason) == 0;

    if (snapshot_view_init(&view, bytes, size) == 0) {
        volatile size_t sink = walk_users(&view, valid) + walk_groups(&view, valid);
        (void)sink;
    } else {
        insist(!valid);
    }
    free(bytes);
    return 0;
}
