/*
 * Builder, validator and reader of the snapshot, against each other and against broken files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/snapshot-builder.h"
#include "common/snapshot-reader.h"
#include "common/snapshot-validate.h"

#define BASE 1879048192u

static const uint32_t alice_gids[] = {BASE + 900, 4, BASE + 901, BASE + 900, BASE + 2};
static const char *const staff[] = {"alice", "bob", "deploy"};
static const SnapshotUserSpec users[] = {
    {"bob", BASE + 7, BASE + 7, "", "/home/bob", "/bin/sh", NULL, 0},
    {"alice", BASE + 2, BASE + 2, "Alice", "/home/alice", "/bin/bash", alice_gids, 5},
};
static const SnapshotGroupSpec groups[] = {
    {"audit-staff", BASE + 901, staff, 3},
    {"audit-admins", BASE + 900, staff, 1},
};
static const SnapshotSpec sample = {42, users, 2, groups, 2};

static bool is_adm(uint32_t gid, void *userdata)
{
    (void)userdata;
    return gid == 4;
}

static bool is_pinned(uint32_t uid, void *userdata)
{
    (void)userdata;
    return uid == 5000;
}

static bool is_local_name(const char *name, void *userdata)
{
    (void)userdata;
    return strcmp(name, "deploy") == 0;
}

static const SnapshotPolicy policy = {
    .uid_base = BASE,
    .uid_count = 1000,
    .uid_is_pinned = is_pinned,
    .gid_is_pinned = is_pinned,
    .local_gid_is_allowed = is_adm,
    .name_is_local = is_local_name,
};

/* A private copy of what the builder made, for tests that spoil it. */
typedef struct Image {
    uint8_t *bytes;
    size_t size;
} Image;

static Image build(const SnapshotSpec *spec)
{
    struct stat st;
    Image image;
    int fd = -1;

    assert_int_equal(snapshot_build(spec, &fd), 0);
    assert_int_equal(fstat(fd, &st), 0);
    image.size = (size_t)st.st_size;
    image.bytes = aligned_alloc(32, image.size);
    assert_non_null(image.bytes);
    assert_int_equal(pread(fd, image.bytes, image.size, 0), st.st_size);
    close(fd);
    return image;
}

static int validate(const Image *image, char reason[SNAPSHOT_REASON_MAX])
{
    uint64_t generation = 0;
    int r = snapshot_validate(image->bytes, image->size, &policy, &generation, reason);

    assert_int_equal(r == 0, reason[0] == '\0');
    return r;
}

/* Puts the right sum under spoilt content, as a compromised helper would. */
static void resum(Image *image)
{
    uint64_t sum = htole64(snapshot_checksum(image->bytes + 32, image->size - 32));

    memcpy(image->bytes + offsetof(SnapshotHeader, checksum), &sum, sizeof(sum));
}

static void assert_string(SnapshotString string, const char *text)
{
    assert_string_equal(string.text, text);
    assert_int_equal(string.size, strlen(text));
}

static void test_lookup(void **state)
{
    Image image = build(&sample);
    SnapshotView view;
    SnapshotUser user;
    char reason[SNAPSHOT_REASON_MAX];

    (void)state;
    assert_int_equal(validate(&image, reason), 0);
    assert_int_equal(snapshot_view_init(&view, image.bytes, image.size), 0);
    assert_int_equal(view.generation, 42);
    assert_int_equal(snapshot_user_by_name(&view, "alice", &user), 1);
    assert_int_equal(user.uid, BASE + 2);
    assert_int_equal(user.gid, BASE + 2);
    assert_string(user.name, "alice");
    assert_string(user.gecos, "Alice");
    assert_string(user.home, "/home/alice");
    assert_string(user.shell, "/bin/bash");
    assert_int_equal(user.gid_count, 3); /* once each, without her private group */
    assert_int_equal(snapshot_user_gid(&user, 0), 4);
    assert_int_equal(snapshot_user_gid(&user, 1), BASE + 900);
    assert_int_equal(snapshot_user_by_uid(&view, BASE + 7, &user), 1);
    assert_string(user.name, "bob");
    assert_int_equal(snapshot_user_by_name(&view, "Alice", &user), 0);
    assert_int_equal(snapshot_user_by_name(&view, "", &user), 0);
    assert_int_equal(snapshot_user_by_name(&view, "alic", &user), 0);
    assert_int_equal(snapshot_user_by_uid(&view, 0, &user), 0);
    free(image.bytes);
}

static void test_groups(void **state)
{
    Image image = build(&sample);
    SnapshotView view;
    SnapshotGroup group;
    SnapshotString member;

    (void)state;
    assert_int_equal(snapshot_view_init(&view, image.bytes, image.size), 0);
    assert_int_equal(snapshot_group_by_name(&view, "audit-staff", &group), 1);
    assert_int_equal(group.gid, BASE + 901);
    assert_false(group.is_private);
    assert_int_equal(group.member_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(snapshot_group_member(&view, &group, i, &member), 0);
        assert_string(member, staff[i]);
    }
    assert_int_equal(snapshot_group_by_gid(&view, BASE + 7, &group), 1);
    assert_string(group.name, "bob");
    assert_true(group.is_private);
    assert_int_equal(group.member_count, 0);
    assert_int_equal(snapshot_group_by_name(&view, "deploy", &group), 0);
    free(image.bytes);
}

static void test_order(void **state)
{
    Image image = build(&sample);
    SnapshotView view;
    SnapshotUser user;
    SnapshotGroup group;

    (void)state;
    assert_int_equal(snapshot_view_init(&view, image.bytes, image.size), 0);
    assert_int_equal(snapshot_user_at(&view, 0, &user), 1);
    assert_string(user.name, "alice");
    assert_int_equal(snapshot_user_at(&view, 1, &user), 1);
    assert_string(user.name, "bob");
    assert_int_equal(snapshot_user_at(&view, 2, &user), 0);
    assert_int_equal(snapshot_group_at(&view, 4, &group), 0);
    assert_int_equal(snapshot_user_row_from(&view, 0), 0);
    assert_int_equal(snapshot_user_row_from(&view, BASE + 3), 1);
    assert_int_equal(snapshot_user_row_from(&view, UINT64_C(1) << 32), 2);
    assert_int_equal(snapshot_group_row_from(&view, BASE + 900), 2);
    free(image.bytes);
}

static void test_empty(void **state)
{
    static const SnapshotSpec none = {.generation = 42};
    Image image = build(&none);
    SnapshotView view;
    SnapshotUser user;
    char reason[SNAPSHOT_REASON_MAX];

    (void)state;
    assert_int_equal(validate(&image, reason), 0);
    assert_int_equal(snapshot_view_init(&view, image.bytes, image.size), 0);
    assert_int_equal(snapshot_user_by_name(&view, "alice", &user), 0);
    assert_int_equal(snapshot_user_row_from(&view, 0), 0);
    free(image.bytes);
}

static void test_sealed(void **state)
{
    _cleanup_close_ int fd = -1;

    (void)state;
    assert_int_equal(snapshot_build(&sample, &fd), 0);
    assert_int_equal(fcntl(fd, F_GET_SEALS),
                     F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
}

static int build_user(const SnapshotUserSpec *user)
{
    SnapshotSpec spec = {.users = user, .user_count = 1};
    _cleanup_close_ int fd = -1;

    return snapshot_build(&spec, &fd);
}

static void test_builder_refuses(void **state)
{
    SnapshotUserSpec good = users[0], bad;
    char shell[SHELL_MAX + 2];

    (void)state;
    assert_int_equal(build_user(&good), 0);
#define REFUSED(field, value) (bad = good, bad.field = (value), build_user(&bad))
    memset(shell, 'a', sizeof(shell));
    shell[0] = '/';
    shell[SHELL_MAX + 1] = '\0';
    assert_int_equal(REFUSED(name, "Bob"), -EINVAL);
    assert_int_equal(REFUSED(name, NULL), -EINVAL);
    assert_int_equal(REFUSED(uid, 0), -EINVAL);
    assert_int_equal(REFUSED(gid, BASE + 8), -EINVAL);
    assert_int_equal(REFUSED(gecos, "a:b"), -EINVAL);
    assert_int_equal(REFUSED(home, "home"), -EINVAL);
    assert_int_equal(REFUSED(shell, shell), -EINVAL);
    assert_int_equal(REFUSED(gid_count, GROUPS_PER_USER_MAX + 1), -E2BIG);
#undef REFUSED
}

static void test_builder_twice(void **state)
{
    SnapshotUserSpec pair[2] = {users[0], users[1]};
    SnapshotGroupSpec group = {"bob", BASE + 500, NULL, 0};
    SnapshotSpec spec = {.users = pair, .user_count = 2, .groups = &group, .group_count = 1};
    int fd = -1;

    (void)state;
    assert_int_equal(snapshot_build(&spec, &fd), -EEXIST); /* a group named as a user */
    group.name = "staff";
    group.gid = BASE + 7;
    assert_int_equal(snapshot_build(&spec, &fd), -EEXIST); /* a group numbered as a user */
    group.gid = BASE + 500;
    pair[1].name = "bob";
    assert_int_equal(snapshot_build(&spec, &fd), -EEXIST);
    pair[1] = users[1];
    pair[1].uid = pair[1].gid = BASE + 7;
    assert_int_equal(snapshot_build(&spec, &fd), -EEXIST);
    assert_int_equal(fd, -1);
}

static void test_many(void **state)
{
    enum { COUNT = 5000 };
    SnapshotUserSpec *many = calloc(COUNT, sizeof(*many));
    SnapshotSpec spec = {.generation = 42, .users = many, .user_count = COUNT};
    static const SnapshotPolicy wide = {.uid_base = BASE, .uid_count = COUNT * 7};
    char(*names)[16] = calloc(COUNT, sizeof(*names)), reason[SNAPSHOT_REASON_MAX];
    SnapshotView view;
    SnapshotUser user;
    uint64_t generation;
    Image image;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "user%u", i);
        many[i] =
            (SnapshotUserSpec){.name = names[i], .gecos = "", .home = "/", .shell = "/bin/sh"};
        many[i].uid = many[i].gid = BASE + (i * 7919) % (COUNT * 7);
    }
    image = build(&spec);
    assert_int_equal(snapshot_validate(image.bytes, image.size, &wide, &generation, reason), 0);
    assert_int_equal(snapshot_view_init(&view, image.bytes, image.size), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(snapshot_user_by_name(&view, names[i], &user), 1);
        assert_int_equal(user.uid, many[i].uid);
    }
    free(image.bytes);
    free(many);
    free(names);
}

/* Follows everything there is in a file whose header was accepted. */
static void walk(const SnapshotView *view)
{
    SnapshotUser user;
    SnapshotGroup group;
    SnapshotString member;
    size_t seen = 0;

    for (uint32_t row = 0; row < view->users.count; row++) {
        if (snapshot_user_at(view, row, &user) <= 0)
            continue;
        for (uint32_t i = 0; i < user.gid_count; i++)
            seen += snapshot_user_gid(&user, i);
        seen += strlen(user.name.text) + strlen(user.shell.text);
        (void)snapshot_user_by_name(view, user.name.text, &user);
        (void)snapshot_user_by_uid(view, user.uid, &user);
    }
    for (uint32_t row = 0; row < view->groups.count; row++) {
        if (snapshot_group_at(view, row, &group) <= 0)
            continue;
        for (uint32_t i = 0; i < group.member_count; i++)
            seen += snapshot_group_member(view, &group, i, &member) == 0 ? member.size : 0;
        (void)snapshot_group_by_name(view, group.name.text, &group);
        (void)snapshot_group_by_gid(view, group.gid, &group);
    }
    assert_true(seen < SIZE_MAX);
}

/* One flipped bit anywhere is refused for the sum alone; with a right sum, nothing crashes. */
static void test_every_byte(void **state)
{
    Image image = build(&sample);
    char reason[SNAPSHOT_REASON_MAX];
    SnapshotView view;

    (void)state;
    for (size_t i = 0; i < image.size; i++) {
        uint8_t before[sizeof(SnapshotHeader)], byte = image.bytes[i];

        memcpy(before, image.bytes, sizeof(before));
        image.bytes[i] = (uint8_t)(byte ^ 1u << i % 8);
        assert_int_not_equal(validate(&image, reason), 0);
        image.bytes[i] = (uint8_t)~byte;
        assert_int_not_equal(validate(&image, reason), 0);
        resum(&image);
        (void)validate(&image, reason);
        if (snapshot_view_init(&view, image.bytes, image.size) == 0)
            walk(&view);
        memcpy(image.bytes, before, sizeof(before));
        image.bytes[i] = byte;
    }
    assert_int_equal(validate(&image, reason), 0);
    free(image.bytes);
}

static void test_every_truncation(void **state)
{
    Image image = build(&sample);
    uint64_t generation;
    char reason[SNAPSHOT_REASON_MAX];

    (void)state;
    for (size_t size = 0; size < image.size; size++) {
        uint64_t claimed = htole64(size);
        uint8_t *cut = aligned_alloc(32, (size + 32) / 32 * 32); /* at its own end, for ASan */

        memcpy(cut, image.bytes, size);
        assert_int_not_equal(snapshot_validate(cut, size, &policy, &generation, reason), 0);
        if (size >= sizeof(SnapshotHeader)) {
            Image spoilt = {cut, size};

            memcpy(cut + offsetof(SnapshotHeader, file_size), &claimed, sizeof(claimed));
            if (size % SNAPSHOT_ALIGN == 0)
                resum(&spoilt);
            assert_int_not_equal(snapshot_validate(cut, size, &policy, &generation, reason), 0);
        }
        free(cut);
    }
    free(image.bytes);
}

static void put32(uint8_t *bytes, size_t value)
{
    uint32_t little = htole32((uint32_t)value);

    memcpy(bytes, &little, sizeof(little));
}

/* A slot of the index that leads to `place`. */
static uint8_t *slot_to(Image *image, SnapshotTable index, uint32_t place)
{
    for (uint32_t i = 0; i < index.count; i++) {
        uint8_t *slot = image->bytes + index.offset + (size_t)i * sizeof(SnapshotSlot);

        if (snapshot_get32(slot + offsetof(SnapshotSlot, place)) == place)
            return slot;
    }
    fail_msg("no slot leads to %u", place);
    return NULL;
}

/* A second record of alice, whom only one of the indexes knows, is one that nobody checked. */
static void test_twin_record(void **state)
{
    Image image = build(&sample);
    uint64_t size = htole64(image.size + 128);
    char reason[SNAPSHOT_REASON_MAX];
    uint32_t place;
    SnapshotView view;
    SnapshotUser alice;
    Image twin;

    (void)state;
    twin = (Image){aligned_alloc(32, image.size + 128), image.size + 128};
    assert_int_equal(snapshot_view_init(&view, image.bytes, image.size), 0);
    assert_int_equal(snapshot_user_by_name(&view, "alice", &alice), 1);
    place = (uint32_t)(alice.name.text - (const char *)image.bytes) -
            (uint32_t)sizeof(SnapshotUserRecord);
    for (int i = 0; i < 2; i++) {
        memcpy(twin.bytes, image.bytes, image.size);
        memset(twin.bytes + image.size, 0, 128);
        memcpy(twin.bytes + image.size, image.bytes + place,
               sizeof(SnapshotUserRecord) + alice.text_size);
        memcpy(twin.bytes + offsetof(SnapshotHeader, file_size), &size, sizeof(size));
        put32(slot_to(&twin, i == 0 ? view.user_names : view.user_ids, place) +
                  offsetof(SnapshotSlot, place),
              image.size);
        resum(&twin);
        assert_int_equal(validate(&twin, reason), -EBADMSG);
        assert_non_null(strstr(reason, i == 0 ? "name index" : "number index"));
    }
    free(twin.bytes);
    free(image.bytes);
}

/* The table says one number, the record another: the order of the table would mean nothing. */
static void test_number_of_another_record(void **state)
{
    Image image = build(&sample);
    char reason[SNAPSHOT_REASON_MAX];
    SnapshotView view;
    SnapshotUser user;

    (void)state;
    assert_int_equal(snapshot_view_init(&view, image.bytes, image.size), 0);
    put32(image.bytes + view.users.offset, BASE + 3);
    resum(&image);
    assert_int_equal(snapshot_user_at(&view, 0, &user), -EBADMSG);
    assert_int_equal(validate(&image, reason), -EBADMSG);
    free(image.bytes);
}

static void test_version(void **state)
{
    Image image = build(&sample);
    char reason[SNAPSHOT_REASON_MAX];

    (void)state;
    image.bytes[offsetof(SnapshotHeader, version)] = SNAPSHOT_VERSION + 1;
    assert_int_equal(validate(&image, reason), -EPROTO);
    free(image.bytes);
}

static int validate_users(const SnapshotUserSpec *user, const SnapshotGroupSpec *group)
{
    SnapshotSpec spec = {42, user, 1, group, group ? 1 : 0};
    char reason[SNAPSHOT_REASON_MAX];
    Image image = build(&spec);
    int r = validate(&image, reason);

    free(image.bytes);
    return r;
}

/* What is well-formed but not allowed here. */
static void test_policy(void **state)
{
    SnapshotUserSpec user = users[0];
    SnapshotGroupSpec group = {"staff", BASE + 500, NULL, 0};
    uint32_t gids[] = {4};

    (void)state;
    assert_int_equal(validate_users(&user, &group), 0);
    user.uid = user.gid = BASE - 1;
    assert_int_equal(validate_users(&user, NULL), -EPERM);
    user.uid = user.gid = BASE + 1000;
    assert_int_equal(validate_users(&user, NULL), -EPERM);
    user.uid = user.gid = 5000; /* pinned */
    assert_int_equal(validate_users(&user, NULL), 0);
    user.name = "deploy"; /* a local account */
    assert_int_equal(validate_users(&user, NULL), -EPERM);
    user = users[0];
    user.gids = gids;
    user.gid_count = 1;
    assert_int_equal(validate_users(&user, NULL), 0);
    gids[0] = 27; /* sudo */
    assert_int_equal(validate_users(&user, NULL), -EPERM);
    gids[0] = 0;
    assert_int_equal(validate_users(&user, NULL), -EPERM);
    gids[0] = BASE + 600; /* a number in the range, of no group */
    assert_int_equal(validate_users(&user, NULL), -EPERM);
    user.gid_count = 0;
    group.gid = 27;
    assert_int_equal(validate_users(&user, &group), -EPERM);
    group = (SnapshotGroupSpec){"deploy", BASE + 500, NULL, 0};
    assert_int_equal(validate_users(&user, &group), -EPERM);
}

/* Another person's private group as a supplementary one opens that person's files. */
static void test_private_group_of_another(void **state)
{
    const uint32_t gids[] = {BASE + 2};
    SnapshotUserSpec pair[] = {users[0], users[1]};
    SnapshotSpec spec = {42, pair, 2, groups, 2};
    char reason[SNAPSHOT_REASON_MAX];
    Image image;

    (void)state;
    pair[0].gids = gids;
    pair[0].gid_count = 1;
    image = build(&spec);
    assert_int_equal(validate(&image, reason), -EPERM);
    free(image.bytes);
}

/* Numbers that no configuration can allow. */
static void test_reserved(void **state)
{
    static const SnapshotPolicy everything = {.uid_base = 0, .uid_count = UINT32_MAX};
    static const uint32_t reserved[] = {65534, 65535};
    char reason[SNAPSHOT_REASON_MAX];
    uint64_t generation;

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(reserved); i++) {
        SnapshotUserSpec user = users[0];
        SnapshotSpec spec = {42, &user, 1, NULL, 0};
        Image image;

        user.uid = user.gid = reserved[i];
        image = build(&spec);
        assert_int_equal(
            snapshot_validate(image.bytes, image.size, &everything, &generation, reason), -EPERM);
        free(image.bytes);
    }
}

static void test_superseded(void **state)
{
    Image image = build(&sample);
    char reason[SNAPSHOT_REASON_MAX];
    SnapshotView view;

    (void)state;
    image.bytes[offsetof(SnapshotHeader, superseded)] = 1;
    assert_int_equal(snapshot_view_init(&view, image.bytes, image.size), 0);
    assert_true(snapshot_is_superseded(&view));
    assert_int_equal(validate(&image, reason), -EBADMSG);
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_builder_refuses),
        cmocka_unit_test(test_builder_twice),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_twin_record),
        cmocka_unit_test(test_number_of_another_record),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_private_group_of_another),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_superseded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
