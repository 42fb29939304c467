/*
 * Builds the snapshot. See snapshot-builder.h for the contract, snapshot-format.h for the bytes.
 *
 * Tables and indexes have a size that is known beforehand, so they come first and are filled in
 * place; records, lists and strings are appended behind them. Everything is made in one buffer of
 * memory, which is written to the memory file and sealed at the end.
 */
#include "common/snapshot-builder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/names.h"
#include "common/snapshot-format.h"
#include "common/write-all.h"

/* Seeds to try; one that fills SNAPSHOT_PROBE_MAX slots in a row is one in millions. */
#define SEED_ATTEMPTS 64

/* A group row to be: a directory group, or the private group of a user. */
typedef struct GroupEntry {
    const char *name;
    uint32_t gid;
    const SnapshotGroupSpec *spec; /* NULL: private */
    uint32_t user;                 /* of a private group: place in `users` */
} GroupEntry;

typedef struct Builder {
    const SnapshotSpec *spec;
    const SnapshotUserSpec **users; /* by uid */
    GroupEntry *groups;             /* by gid */
    uint32_t user_count, group_count;
    uint64_t seed;
    SnapshotTable user_table, group_table, user_names, user_ids, group_names, group_ids;
    uint8_t *bytes;
    size_t size, capacity;
} Builder;

static void builder_clear(Builder *builder)
{
    free(builder->users);
    free(builder->groups);
    free(builder->bytes);
}

static int user_check(const SnapshotUserSpec *user)
{
    if (!name_is_valid(user->name) || !gecos_is_valid(user->gecos) || !path_is_valid(user->home) ||
        !path_is_valid(user->shell) || strlen(user->shell) > SHELL_MAX)
        return -EINVAL;
    if (user->uid == 0 || user->uid == UINT32_MAX || user->gid != user->uid)
        return -EINVAL;
    return user->gid_count > GROUPS_PER_USER_MAX ? -E2BIG : 0;
}

static int group_check(const SnapshotGroupSpec *group)
{
    if (!name_is_valid(group->name) || group->gid == 0 || group->gid == UINT32_MAX)
        return -EINVAL;
    if (group->member_count > ACCOUNTS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < group->member_count; i++) {
        if (!name_is_valid(group->members[i]))
            return -EINVAL;
    }
    return 0;
}

static int spec_check(const SnapshotSpec *spec)
{
    int r = 0;

    if (spec->user_count > ACCOUNTS_MAX || spec->group_count > GROUPS_MAX)
        return -E2BIG;
    for (size_t i = 0; r == 0 && i < spec->user_count; i++)
        r = user_check(&spec->users[i]);
    for (size_t i = 0; r == 0 && i < spec->group_count; i++)
        r = group_check(&spec->groups[i]);
    return r;
}

static int compare_users(const void *a, const void *b)
{
    const SnapshotUserSpec *left = *(const SnapshotUserSpec *const *)a;
    const SnapshotUserSpec *right = *(const SnapshotUserSpec *const *)b;

    return (left->uid > right->uid) - (left->uid < right->uid);
}

static int compare_groups(const void *a, const void *b)
{
    const GroupEntry *left = a, *right = b;

    return (left->gid > right->gid) - (left->gid < right->gid);
}

static int sort_users(Builder *builder)
{
    const SnapshotSpec *spec = builder->spec;

    builder->user_count = (uint32_t)spec->user_count;
    builder->users = calloc(spec->user_count + 1, sizeof(*builder->users));
    if (!builder->users)
        return -ENOMEM;
    for (size_t i = 0; i < spec->user_count; i++)
        builder->users[i] = &spec->users[i];
    qsort(builder->users, spec->user_count, sizeof(*builder->users), compare_users);
    return 0;
}

/* Directory groups and private groups together; a number given twice shows here, users' too. */
static int sort_groups(Builder *builder)
{
    const SnapshotSpec *spec = builder->spec;
    uint32_t count = builder->user_count + (uint32_t)spec->group_count;

    builder->group_count = count;
    builder->groups = calloc((size_t)count + 1, sizeof(*builder->groups));
    if (!builder->groups)
        return -ENOMEM;
    for (uint32_t i = 0; i < builder->user_count; i++)
        builder->groups[i] = (GroupEntry){.name = builder->users[i]->name,
                                          .gid = builder->users[i]->gid,
                                          .user = i};
    for (size_t i = 0; i < spec->group_count; i++)
        builder->groups[builder->user_count + i] = (GroupEntry){
            .name = spec->groups[i].name, .gid = spec->groups[i].gid, .spec = &spec->groups[i]};
    qsort(builder->groups, count, sizeof(*builder->groups), compare_groups);
    for (uint32_t i = 1; i < count; i++) {
        if (builder->groups[i - 1].gid == builder->groups[i].gid)
            return -EEXIST;
    }
    return 0;
}

/* Makes room for `size` more bytes, zeroed. Returns their offset or a negative errno. */
static int64_t append(Builder *builder, size_t size)
{
    size_t offset = builder->size;

    if (size > SNAPSHOT_SIZE_MAX - offset)
        return -E2BIG;
    if (offset + size > builder->capacity) {
        size_t capacity = (offset + size) * 2;
        uint8_t *bytes = realloc(builder->bytes, capacity);

        if (!bytes)
            return -ENOMEM;
        builder->bytes = bytes;
        builder->capacity = capacity;
    }
    memset(builder->bytes + offset, 0, size);
    builder->size = offset + size;
    return (int64_t)offset;
}

static int64_t append_aligned(Builder *builder, size_t size, size_t alignment)
{
    int64_t r = append(builder, (alignment - builder->size % alignment) % alignment);

    return r < 0 ? r : append(builder, size);
}

static int append_table(Builder *builder, uint32_t count, size_t width, SnapshotTable *ret_table)
{
    int64_t offset = append_aligned(builder, count * width, 8);

    if (offset < 0)
        return (int)offset;
    *ret_table = (SnapshotTable){.count = count, .offset = (uint32_t)offset};
    return 0;
}

static uint32_t slots_for(uint32_t rows)
{
    uint32_t slots = 4;

    while (slots < rows * 2)
        slots *= 2;
    return slots;
}

static int append_tables(Builder *builder)
{
    uint32_t users = slots_for(builder->user_count), groups = slots_for(builder->group_count);
    int64_t header = append(builder, sizeof(SnapshotHeader));
    int r = header < 0 ? (int)header : 0;

    if (r == 0)
        r = append_table(builder, builder->user_count, sizeof(SnapshotSlot), &builder->user_table);
    if (r == 0)
        r = append_table(builder, builder->group_count, sizeof(SnapshotGroupRow),
                         &builder->group_table);
    if (r == 0)
        r = append_table(builder, users, sizeof(SnapshotSlot), &builder->user_names);
    if (r == 0)
        r = append_table(builder, users, sizeof(SnapshotSlot), &builder->user_ids);
    if (r == 0)
        r = append_table(builder, groups, sizeof(SnapshotSlot), &builder->group_names);
    if (r == 0)
        r = append_table(builder, groups, sizeof(SnapshotSlot), &builder->group_ids);
    return r;
}

static void put32(uint8_t *bytes, uint32_t value)
{
    value = htole32(value);
    memcpy(bytes, &value, sizeof(value));
}

static void put16(uint8_t *bytes, uint16_t value)
{
    value = htole16(value);
    memcpy(bytes, &value, sizeof(value));
}

static void put_slot(uint8_t *bytes, uint32_t key, uint32_t place)
{
    put32(bytes + offsetof(SnapshotSlot, key), key);
    put32(bytes + offsetof(SnapshotSlot, place), place);
}

static int64_t append_string(Builder *builder, const char *text)
{
    uint16_t size = (uint16_t)strlen(text);
    int64_t offset = append(builder, (size_t)size + 3);

    if (offset < 0)
        return offset;
    put16(builder->bytes + offset, size);
    memcpy(builder->bytes + offset + 2, text, size);
    return offset;
}

/* The name at a place, as slots give it, for telling apart two with one key. */
typedef const char *(*NameAt)(const Builder *builder, uint32_t place);

static const char *user_name_at(const Builder *builder, uint32_t place)
{
    return (const char *)builder->bytes + place + sizeof(SnapshotUserRecord);
}

static const char *group_name_at(const Builder *builder, uint32_t place)
{
    return builder->groups[place - 1].name;
}

/* Files a place under its key. Returns 0, -EEXIST when the name is there already, -EAGAIN when the
 * run of full slots is too long for this seed. */
static int file_place(Builder *builder, SnapshotTable index, uint32_t key, uint32_t place,
                      NameAt name_at)
{
    uint32_t slot = snapshot_slot_of(key, builder->seed, index.count);

    for (uint32_t i = 0; i < SNAPSHOT_PROBE_MAX && i < index.count; i++) {
        uint8_t *bytes = builder->bytes + index.offset + (size_t)slot * sizeof(SnapshotSlot);
        uint32_t other = snapshot_get32(bytes + 4);

        if (other == 0) {
            put_slot(bytes, key, place);
            return 0;
        }
        if (name_at && snapshot_get32(bytes) == key &&
            strcmp(name_at(builder, other), name_at(builder, place)) == 0)
            return -EEXIST;
        slot = (slot + 1) & (index.count - 1);
    }
    return -EAGAIN;
}

static size_t user_slot(const Builder *builder, uint32_t i)
{
    return builder->user_table.offset + (size_t)i * sizeof(SnapshotSlot);
}

/* The record of the user with the i-th number. */
static uint32_t user_place(const Builder *builder, uint32_t i)
{
    return snapshot_get32(builder->bytes + user_slot(builder, i) + offsetof(SnapshotSlot, place));
}

static uint32_t key_of(const Builder *builder, const char *name)
{
    return snapshot_name_key(name, strlen(name), builder->seed);
}

/* Files a user or a group under its name and under its number. */
static int file_both(Builder *builder, SnapshotTable names, SnapshotTable ids, uint32_t id,
                     uint32_t place, NameAt name_at)
{
    int r = file_place(builder, names, key_of(builder, name_at(builder, place)), place, name_at);

    return r < 0 ? r : file_place(builder, ids, id, place, NULL);
}

static int file_all(Builder *builder)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < builder->user_count; i++)
        r = file_both(builder, builder->user_names, builder->user_ids, builder->users[i]->uid,
                      user_place(builder, i), user_name_at);
    for (uint32_t i = 0; r == 0 && i < builder->group_count; i++)
        r = file_both(builder, builder->group_names, builder->group_ids, builder->groups[i].gid,
                      i + 1, group_name_at);
    return r;
}

static void clear_index(Builder *builder, SnapshotTable index)
{
    memset(builder->bytes + index.offset, 0, index.count * sizeof(SnapshotSlot));
}

static int fill_indexes(Builder *builder)
{
    int r = -EAGAIN;

    for (int attempt = 0; r == -EAGAIN && attempt < SEED_ATTEMPTS; attempt++) {
        if (getrandom(&builder->seed, sizeof(builder->seed), 0) != sizeof(builder->seed))
            return -EIO;
        clear_index(builder, builder->user_names);
        clear_index(builder, builder->user_ids);
        clear_index(builder, builder->group_names);
        clear_index(builder, builder->group_ids);
        r = file_all(builder);
    }
    return r == -EAGAIN ? -E2BIG : r;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

/* Sorts, drops repetitions and the private group. Returns how many are left. */
static uint32_t tidy_gids(uint32_t *gids, size_t count, uint32_t own)
{
    uint32_t kept = 0;

    qsort(gids, count, sizeof(*gids), compare_numbers);
    for (size_t i = 0; i < count; i++) {
        if (gids[i] != own && (kept == 0 || gids[kept - 1] != gids[i]))
            gids[kept++] = gids[i];
    }
    return kept;
}

static void put_field(Builder *builder, size_t row, size_t field, uint32_t value)
{
    put32(builder->bytes + row + field, value);
}

/* Appends a list of numbers. Returns its offset or a negative errno. */
static int64_t append_list(Builder *builder, const uint32_t *numbers, size_t count)
{
    int64_t offset = append_aligned(builder, count * sizeof(*numbers), sizeof(*numbers));

    for (size_t i = 0; offset >= 0 && i < count; i++)
        put32(builder->bytes + offset + i * sizeof(*numbers), numbers[i]);
    return offset;
}

static int fill_gids(Builder *builder, const SnapshotUserSpec *user, size_t record)
{
    uint32_t gids[GROUPS_PER_USER_MAX], count;
    int64_t offset;

    if (user->gid_count > 0)
        memcpy(gids, user->gids, user->gid_count * sizeof(*gids));
    count = tidy_gids(gids, user->gid_count, user->gid);
    offset = append_list(builder, gids, count);
    if (offset < 0)
        return (int)offset;
    put_field(builder, record, offsetof(SnapshotUserRecord, gids), (uint32_t)offset);
    put_field(builder, record, offsetof(SnapshotUserRecord, gid_count), count);
    return 0;
}

static int fill_string(Builder *builder, size_t row, size_t field, const char *text)
{
    int64_t offset = append_string(builder, text);

    if (offset < 0)
        return (int)offset;
    put_field(builder, row, field, (uint32_t)offset);
    return 0;
}

/* Appends a text and its NUL, and sets the field of the record to its size. */
static int fill_text(Builder *builder, size_t record, size_t field, const char *text)
{
    size_t size = strlen(text);
    int64_t offset = append(builder, size + 1);

    if (offset < 0)
        return (int)offset;
    memcpy(builder->bytes + offset, text, size);
    put16(builder->bytes + record + field, (uint16_t)size);
    return 0;
}

static int fill_texts(Builder *builder, const SnapshotUserSpec *user, size_t record)
{
    int r = fill_text(builder, record, offsetof(SnapshotUserRecord, name_size), user->name);

    if (r == 0)
        r = fill_text(builder, record, offsetof(SnapshotUserRecord, gecos_size), user->gecos);
    if (r == 0)
        r = fill_text(builder, record, offsetof(SnapshotUserRecord, home_size), user->home);
    if (r == 0)
        r = fill_text(builder, record, offsetof(SnapshotUserRecord, shell_size), user->shell);
    return r;
}

static int fill_user(Builder *builder, uint32_t i)
{
    const SnapshotUserSpec *user = builder->users[i];
    int64_t record = append_aligned(builder, sizeof(SnapshotUserRecord), SNAPSHOT_ALIGN);
    int r;

    if (record < 0)
        return (int)record;
    put_slot(builder->bytes + user_slot(builder, i), user->uid, (uint32_t)record);
    put_field(builder, (size_t)record, offsetof(SnapshotUserRecord, uid), user->uid);
    r = fill_texts(builder, user, (size_t)record);
    return r < 0 ? r : fill_gids(builder, user, (size_t)record);
}

/* The name of a user as a string, which its private group and its memberships share. */
static uint32_t name_of_record(uint32_t place)
{
    return place + (uint32_t)offsetof(SnapshotUserRecord, name_size);
}

/* The offset of a member's name: the user's own, or a new string for a local account. */
static int64_t member_offset(Builder *builder, const char *name)
{
    uint32_t key = key_of(builder, name), slots = builder->user_names.count;
    uint32_t slot = snapshot_slot_of(key, builder->seed, slots);

    for (uint32_t i = 0; i < SNAPSHOT_PROBE_MAX; i++, slot = (slot + 1) & (slots - 1)) {
        const uint8_t *bytes = builder->bytes + builder->user_names.offset +
                               (size_t)slot * sizeof(SnapshotSlot);
        uint32_t place = snapshot_get32(bytes + 4);

        if (place == 0)
            break;
        if (snapshot_get32(bytes) == key && strcmp(user_name_at(builder, place), name) == 0)
            return name_of_record(place);
    }
    return append_string(builder, name);
}

static int fill_members(Builder *builder, const SnapshotGroupSpec *spec, size_t row)
{
    _cleanup_free_ uint32_t *members = calloc(spec->member_count + 1, sizeof(*members));
    int64_t offset;

    if (!members)
        return -ENOMEM;
    for (size_t i = 0; i < spec->member_count; i++) {
        offset = member_offset(builder, spec->members[i]);
        if (offset < 0)
            return (int)offset;
        members[i] = (uint32_t)offset;
    }
    offset = append_list(builder, members, spec->member_count);
    if (offset < 0)
        return (int)offset;
    put_field(builder, row, offsetof(SnapshotGroupRow, members), (uint32_t)offset);
    put_field(builder, row, offsetof(SnapshotGroupRow, member_count),
              (uint32_t)spec->member_count);
    return 0;
}

static int fill_group(Builder *builder, uint32_t i)
{
    const GroupEntry *group = &builder->groups[i];
    size_t row = builder->group_table.offset + (size_t)i * sizeof(SnapshotGroupRow);
    int r;

    put_field(builder, row, offsetof(SnapshotGroupRow, gid), group->gid);
    if (!group->spec) {
        put_field(builder, row, offsetof(SnapshotGroupRow, name),
                  name_of_record(user_place(builder, group->user)));
        put_field(builder, row, offsetof(SnapshotGroupRow, flags), SNAPSHOT_GROUP_PRIVATE);
        return 0;
    }
    r = fill_string(builder, row, offsetof(SnapshotGroupRow, name), group->name);
    return r < 0 ? r : fill_members(builder, group->spec, row);
}

static int fill_users(Builder *builder)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < builder->user_count; i++)
        r = fill_user(builder, i);
    return r;
}

static int fill_groups(Builder *builder)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < builder->group_count; i++)
        r = fill_group(builder, i);
    return r;
}

static SnapshotTable table_to(SnapshotTable table)
{
    return (SnapshotTable){.count = htole32(table.count), .offset = htole32(table.offset)};
}

static int fill_header(Builder *builder)
{
    const size_t covered_from = offsetof(SnapshotHeader, generation);
    SnapshotHeader header = {
        .magic = SNAPSHOT_MAGIC,
        .version = htole32(SNAPSHOT_VERSION),
        .generation = htole64(builder->spec->generation),
        .seed = htole64(builder->seed),
        .users = table_to(builder->user_table),
        .groups = table_to(builder->group_table),
        .user_names = table_to(builder->user_names),
        .user_ids = table_to(builder->user_ids),
        .group_names = table_to(builder->group_names),
        .group_ids = table_to(builder->group_ids),
    };
    int64_t end = append_aligned(builder, 0, SNAPSHOT_ALIGN);

    if (end < 0)
        return (int)end;
    header.file_size = htole64(builder->size);
    memcpy(builder->bytes, &header, sizeof(header));
    header.checksum = htole64(
        snapshot_checksum(builder->bytes + covered_from, builder->size - covered_from));
    memcpy(builder->bytes, &header, sizeof(header));
    return 0;
}

static int seal(const Builder *builder, int *ret_fd)
{
    _cleanup_close_ int fd = memfd_create("rcpch-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int r;

    if (fd < 0)
        return -errno;
    r = write_all(fd, builder->bytes, builder->size);
    if (r < 0)
        return r;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int snapshot_build(const SnapshotSpec *spec, int *ret_fd)
{
    _cleanup_(builder_clear) Builder builder = {.spec = spec};
    int r;

    r = spec_check(spec);
    if (r == 0)
        r = sort_users(&builder);
    if (r == 0)
        r = sort_groups(&builder);
    if (r == 0)
        r = append_tables(&builder);
    if (r == 0)
        r = fill_users(&builder);
    if (r == 0)
        r = fill_indexes(&builder);
    if (r == 0)
        r = fill_groups(&builder);
    if (r == 0)
        r = fill_header(&builder);
    return r < 0 ? r : seal(&builder, ret_fd);
}
