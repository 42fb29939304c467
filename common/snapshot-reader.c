/*
 * The reader of the snapshot. See snapshot-reader.h for the promises, snapshot-format.h for bytes.
 *
 * It runs in every process that asks for a name, root's included, so it believes nothing but the
 * numbers that it has compared with the size of the mapping.
 */
#include "common/snapshot-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/paths.h"

/* Are there `count` items of `width` bytes at `offset`? */
static bool holds(const SnapshotView *view, uint32_t offset, uint32_t count, size_t width)
{
    return offset <= view->size && count <= (view->size - offset) / width;
}

static SnapshotTable table_from(SnapshotTable table)
{
    return (SnapshotTable){.count = le32toh(table.count), .offset = le32toh(table.offset)};
}

static bool table_is_valid(const SnapshotView *view, SnapshotTable table, size_t width)
{
    return table.offset >= sizeof(SnapshotHeader) && table.offset % 8 == 0 &&
           holds(view, table.offset, table.count, width);
}

/* A power of two of slots, so that the mask of snapshot_slot_of() stays inside. */
static bool index_is_valid(const SnapshotView *view, SnapshotTable index)
{
    return index.count > 0 && (index.count & (index.count - 1)) == 0 &&
           table_is_valid(view, index, sizeof(SnapshotSlot));
}

static int header_check(const SnapshotHeader *header, size_t size)
{
    static const uint8_t magic[] = SNAPSHOT_MAGIC, zeros[sizeof(header->reserved)];

    if (memcmp(header->magic, magic, sizeof(magic)) != 0)
        return -EBADMSG;
    if (le32toh(header->version) != SNAPSHOT_VERSION)
        return -EPROTO;
    if (le64toh(header->file_size) != size ||
        memcmp(header->reserved, zeros, sizeof(zeros)) != 0)
        return -EBADMSG;
    return 0;
}

int snapshot_view_init(SnapshotView *ret_view, const void *base, size_t size)
{
    const size_t covered_from = offsetof(SnapshotHeader, generation);
    SnapshotHeader header;
    SnapshotView view;
    int r;

    if (size < sizeof(header) || size > SNAPSHOT_SIZE_MAX || size % SNAPSHOT_ALIGN != 0)
        return -EBADMSG;
    memcpy(&header, base, sizeof(header));
    r = header_check(&header, size);
    if (r < 0)
        return r;
    view = (SnapshotView){
        .base = base,
        .size = size,
        .generation = le64toh(header.generation),
        .seed = le64toh(header.seed),
        .users = table_from(header.users),
        .groups = table_from(header.groups),
        .user_names = table_from(header.user_names),
        .user_ids = table_from(header.user_ids),
        .group_names = table_from(header.group_names),
        .group_ids = table_from(header.group_ids),
    };
    if (!table_is_valid(&view, view.users, sizeof(SnapshotSlot)) ||
        !table_is_valid(&view, view.groups, sizeof(SnapshotGroupRow)) ||
        !index_is_valid(&view, view.user_names) || !index_is_valid(&view, view.user_ids) ||
        !index_is_valid(&view, view.group_names) || !index_is_valid(&view, view.group_ids))
        return -EBADMSG;
    if (snapshot_checksum(view.base + covered_from, size - covered_from) !=
        le64toh(header.checksum))
        return -EBADMSG;
    *ret_view = view;
    return 0;
}

int snapshot_map(int fd, SnapshotView *ret_view)
{
    struct stat st;
    void *base;
    int r;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return -EPERM;
    if (st.st_size < (off_t)sizeof(SnapshotHeader) || st.st_size > (off_t)SNAPSHOT_SIZE_MAX)
        return -EBADMSG;
    base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        return -errno;
    r = snapshot_view_init(ret_view, base, (size_t)st.st_size);
    if (r < 0)
        munmap(base, (size_t)st.st_size);
    return r;
}

int snapshot_open_file(void)
{
    int fd = open(RCPCH_SNAPSHOT_FILE,
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

int snapshot_open(SnapshotView *ret_view)
{
    _cleanup_close_ int fd = snapshot_open_file();

    return fd < 0 ? fd : snapshot_map(fd, ret_view);
}

void snapshot_unmap(SnapshotView *view)
{
    if (view->base)
        munmap((void *)(uintptr_t)view->base, view->size);
    *view = (SnapshotView){};
}

/* The string whose offset stands at `field`. */
static int string_in(const SnapshotView *view, const uint8_t *field, SnapshotString *ret_string)
{
    uint32_t offset = snapshot_get32(field);
    size_t size;

    if (!holds(view, offset, 3, 1))
        return -EBADMSG;
    size = snapshot_get16(view->base + offset);
    if (size > view->size - offset - 3 || view->base[offset + 2 + size] != 0)
        return -EBADMSG;
    *ret_string = (SnapshotString){.text = (const char *)view->base + offset + 2, .size = size};
    return 0;
}

/* The text that begins where the one before ends. */
static inline SnapshotString text_behind(SnapshotString before, const uint8_t *size)
{
    return (SnapshotString){.text = before.text + before.size + 1, .size = snapshot_get16(size)};
}

static inline bool is_terminated(SnapshotString string)
{
    return string.text[string.size] == '\0';
}

/* The record at `offset`: its texts and its list lie in the file, each text ends in a NUL. */
static inline int user_in(const SnapshotView *view, uint32_t offset, SnapshotUser *ret_user)
{
    const uint8_t *bytes = view->base + offset;
    uint32_t gids;

    if (!holds(view, offset, 1, sizeof(SnapshotUserRecord)))
        return -EBADMSG;
    ret_user->uid = ret_user->gid = snapshot_get32(bytes + offsetof(SnapshotUserRecord, uid));
    ret_user->name = (SnapshotString){
        .text = (const char *)bytes + sizeof(SnapshotUserRecord),
        .size = snapshot_get16(bytes + offsetof(SnapshotUserRecord, name_size))};
    ret_user->gecos = text_behind(ret_user->name, bytes + offsetof(SnapshotUserRecord, gecos_size));
    ret_user->home = text_behind(ret_user->gecos, bytes + offsetof(SnapshotUserRecord, home_size));
    ret_user->shell = text_behind(ret_user->home, bytes + offsetof(SnapshotUserRecord, shell_size));
    ret_user->text_size =
        (size_t)(ret_user->shell.text - ret_user->name.text) + ret_user->shell.size + 1;
    if (ret_user->text_size > view->size - offset - sizeof(SnapshotUserRecord) ||
        !is_terminated(ret_user->name) || !is_terminated(ret_user->gecos) ||
        !is_terminated(ret_user->home) || !is_terminated(ret_user->shell))
        return -EBADMSG;
    gids = snapshot_get32(bytes + offsetof(SnapshotUserRecord, gids));
    ret_user->gid_count = snapshot_get32(bytes + offsetof(SnapshotUserRecord, gid_count));
    ret_user->gids = view->base + gids;
    return holds(view, gids, ret_user->gid_count, sizeof(uint32_t)) ? 1 : -EBADMSG;
}

int snapshot_user_at(const SnapshotView *view, uint32_t row, SnapshotUser *ret_user)
{
    const uint8_t *slot;
    int r;

    if (row >= view->users.count)
        return 0;
    slot = view->base + view->users.offset + (size_t)row * sizeof(SnapshotSlot);
    r = user_in(view, snapshot_get32(slot + offsetof(SnapshotSlot, place)), ret_user);
    if (r > 0 && ret_user->uid != snapshot_get32(slot + offsetof(SnapshotSlot, key)))
        return -EBADMSG;
    return r;
}

int snapshot_group_at(const SnapshotView *view, uint32_t row, SnapshotGroup *ret_group)
{
    const uint8_t *bytes;
    SnapshotGroup group;
    uint32_t members;

    if (row >= view->groups.count)
        return 0;
    bytes = view->base + view->groups.offset + (size_t)row * sizeof(SnapshotGroupRow);
    group.gid = snapshot_get32(bytes + offsetof(SnapshotGroupRow, gid));
    group.is_private = (snapshot_get32(bytes + offsetof(SnapshotGroupRow, flags)) &
                        SNAPSHOT_GROUP_PRIVATE) != 0;
    group.member_count = snapshot_get32(bytes + offsetof(SnapshotGroupRow, member_count));
    members = snapshot_get32(bytes + offsetof(SnapshotGroupRow, members));
    if (!holds(view, members, group.member_count, sizeof(uint32_t)) ||
        string_in(view, bytes + offsetof(SnapshotGroupRow, name), &group.name) < 0)
        return -EBADMSG;
    group.members = view->base + members;
    *ret_group = group;
    return 1;
}

/* A walk along the slots that may hold `key`. */
typedef struct Probe {
    const SnapshotView *view;
    SnapshotTable index;
    uint32_t key, slot, left;
} Probe;

static inline Probe probe_begin(const SnapshotView *view, SnapshotTable index, uint32_t key)
{
    return (Probe){
        .view = view,
        .index = index,
        .key = key,
        .slot = snapshot_slot_of(key, view->seed, index.count),
        .left = index.count < SNAPSHOT_PROBE_MAX ? index.count : SNAPSHOT_PROBE_MAX,
    };
}

/* Sets *ret_place to the next place filed under the key; false when there is none left. */
static inline bool probe_next(Probe *probe, uint32_t *ret_place)
{
    while (probe->left > 0) {
        const uint8_t *slot = probe->view->base + probe->index.offset +
                              (size_t)probe->slot * sizeof(SnapshotSlot);
        uint32_t key = snapshot_get32(slot), place = snapshot_get32(slot + 4);

        if (place == 0)
            return false;
        probe->slot = (probe->slot + 1) & (probe->index.count - 1);
        probe->left--;
        if (key == probe->key) {
            *ret_place = place;
            return true;
        }
    }
    return false;
}

static bool string_is(SnapshotString string, const char *text, size_t size)
{
    return string.size == size && memcmp(string.text, text, size) == 0;
}

int snapshot_user_by_name(const SnapshotView *view, const char *name, SnapshotUser *ret_user)
{
    size_t size = strnlen(name, NAME_FULL_MAX + 1);
    Probe probe = probe_begin(view, view->user_names, snapshot_name_key(name, size, view->seed));
    uint32_t place;

    if (size > NAME_FULL_MAX)
        return 0;
    while (probe_next(&probe, &place)) {
        int r = user_in(view, place, ret_user);

        if (r < 0 || string_is(ret_user->name, name, size))
            return r;
    }
    return 0;
}

int snapshot_user_by_uid(const SnapshotView *view, uint32_t uid, SnapshotUser *ret_user)
{
    Probe probe = probe_begin(view, view->user_ids, uid);
    uint32_t place;

    while (probe_next(&probe, &place)) {
        int r = user_in(view, place, ret_user);

        if (r < 0 || ret_user->uid == uid)
            return r;
    }
    return 0;
}

int snapshot_group_by_name(const SnapshotView *view, const char *name, SnapshotGroup *ret_group)
{
    size_t size = strnlen(name, NAME_FULL_MAX + 1);
    Probe probe = probe_begin(view, view->group_names, snapshot_name_key(name, size, view->seed));
    uint32_t place;

    if (size > NAME_FULL_MAX)
        return 0;
    while (probe_next(&probe, &place)) {
        if (snapshot_group_at(view, place - 1, ret_group) <= 0)
            return -EBADMSG;
        if (string_is(ret_group->name, name, size))
            return 1;
    }
    return 0;
}

int snapshot_group_by_gid(const SnapshotView *view, uint32_t gid, SnapshotGroup *ret_group)
{
    Probe probe = probe_begin(view, view->group_ids, gid);
    uint32_t place;

    while (probe_next(&probe, &place)) {
        if (snapshot_group_at(view, place - 1, ret_group) <= 0)
            return -EBADMSG;
        if (ret_group->gid == gid)
            return 1;
    }
    return 0;
}

/* Binary search; the number is the first field of a row. */
static uint32_t row_from(const SnapshotView *view, SnapshotTable table, size_t width,
                         uint64_t number)
{
    uint32_t low = 0, high = table.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (snapshot_get32(view->base + table.offset + (size_t)middle * width) < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t snapshot_user_row_from(const SnapshotView *view, uint64_t number)
{
    return row_from(view, view->users, sizeof(SnapshotSlot), number);
}

uint32_t snapshot_group_row_from(const SnapshotView *view, uint64_t number)
{
    return row_from(view, view->groups, sizeof(SnapshotGroupRow), number);
}

uint32_t snapshot_user_gid(const SnapshotUser *user, uint32_t index)
{
    return snapshot_get32(user->gids + (size_t)index * sizeof(uint32_t));
}

int snapshot_group_member(const SnapshotView *view, const SnapshotGroup *group, uint32_t index,
                          SnapshotString *ret_name)
{
    return string_in(view, group->members + (size_t)index * sizeof(uint32_t), ret_name);
}
