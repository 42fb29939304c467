/*
 * Whose account is it, with every combination of snapshot, list of tied accounts and /etc/passwd.
 * Root, because the files must be root's; they are laid over in a mount namespace of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/ownership.h"
#include "common/test-place.h"

#define BASE 1879048192u

static const SnapshotUserSpec users[] = {
    {"alice", BASE + 2, BASE + 2, "", "/home/alice", "/bin/bash", NULL, 0},
    {"late", BASE + 3, BASE + 3, "", "/home/late", "/bin/bash", NULL, 0},
};
static const SnapshotSpec sample = {1, users, 2, NULL, 0};

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    PLACE_NEEDS(fd >= 0 && fchmod(fd, mode) == 0);
    PLACE_NEEDS(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* An /etc/passwd of the test's own, in a folder of its own. */
static void make_passwd(void)
{
    write_file("/var/lib/passwd",
               "root:x:0:0::/root:/bin/sh\ndeploy:x:1000:1000::/home/deploy:/bin/sh\n"
               "late:x:1001:1001::/home/late:/bin/sh\nplain:x:1002:1002::/home/plain:/bin/sh\n",
               0644);
    PLACE_NEEDS(mount("/var/lib/passwd", "/etc/passwd", NULL, MS_BIND, NULL) == 0);
}

static int prepare(void **state)
{
    (void)state;
    place_publish(&sample);
    write_file(RCPCH_LOCAL_FILE, "deploy\nother\n", 0644);
    return 0;
}

typedef struct Case {
    const char *user;
    Ownership with, without; /* a valid snapshot */
} Case;

static const Case cases[] = {
    {"alice", OWNERSHIP_OURS, OWNERSHIP_UNKNOWN},
    {"late", OWNERSHIP_NOT_OURS, OWNERSHIP_NOT_OURS}, /* added by useradd since */
    {"deploy", OWNERSHIP_TIED, OWNERSHIP_TIED},
    {"plain", OWNERSHIP_NOT_OURS, OWNERSHIP_NOT_OURS},
    {"root", OWNERSHIP_NOT_OURS, OWNERSHIP_NOT_OURS},
    {"nobody-knows", OWNERSHIP_NOT_OURS, OWNERSHIP_UNKNOWN},
    {"", OWNERSHIP_NOT_OURS, OWNERSHIP_UNKNOWN},
    {"Alice", OWNERSHIP_NOT_OURS, OWNERSHIP_UNKNOWN},
    {"alice ", OWNERSHIP_NOT_OURS, OWNERSHIP_UNKNOWN},
    {"plain:x", OWNERSHIP_NOT_OURS, OWNERSHIP_UNKNOWN},
    {"deploy\nother", OWNERSHIP_NOT_OURS, OWNERSHIP_UNKNOWN},
    {"plai", OWNERSHIP_NOT_OURS, OWNERSHIP_UNKNOWN},
};

/* Whoever else has the name, no other name service is asked about these. */
static void test_may_be_local(void **state)
{
    assert_true(ownership_may_be_local("plain"));
    assert_true(ownership_may_be_local("root"));
    assert_false(ownership_may_be_local("plai"));
    assert_false(ownership_may_be_local("plain:x"));
    assert_false(ownership_may_be_local("alice"));
}

static void assert_cases(bool with_snapshot)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        errno = 33;
        assert_int_equal(ownership_of(cases[i].user),
                         with_snapshot ? cases[i].with : cases[i].without);
        assert_int_equal(errno, 33);
    }
    assert_int_equal(ownership_of(NULL), OWNERSHIP_UNKNOWN);
}

static void test_with_snapshot(void **state)
{
    (void)state;
    assert_cases(true);
}

static void test_without_snapshot(void **state)
{
    (void)state;
    PLACE_NEEDS(unlink(RCPCH_SNAPSHOT_FILE) == 0);
    assert_cases(false);
}

static void test_untrusted_snapshot(void **state)
{
    (void)state;
    PLACE_NEEDS(chown(RCPCH_SNAPSHOT_FILE, 65534, 0) == 0);
    assert_cases(false);
}

/* Every byte flipped, the one mutable word apart: cannot tell. */
static void test_corrupt_snapshot(void **state)
{
    size_t size;
    uint8_t *bytes = place_build(&sample, &size);

    (void)state;
    for (size_t i = 0; i < size; i++) {
        bool word =
            i >= offsetof(SnapshotHeader, superseded) && i < offsetof(SnapshotHeader, file_size);

        bytes[i] ^= 0x10;
        place_publish_bytes(bytes, size);
        assert_int_equal(ownership_of("alice"), word ? OWNERSHIP_OURS : OWNERSHIP_UNKNOWN);
        assert_int_equal(ownership_of("plain"), OWNERSHIP_NOT_OURS);
        bytes[i] ^= 0x10;
    }
    free(bytes);
}

/* Nobody is tied when there is no list; a list that others may write is no list of ours. */
static void test_list(void **state)
{
    (void)state;
    PLACE_NEEDS(chmod(RCPCH_LOCAL_FILE, 0666) == 0);
    assert_int_equal(ownership_of("deploy"), OWNERSHIP_UNKNOWN);
    assert_int_equal(ownership_of("plain"), OWNERSHIP_UNKNOWN);
    assert_int_equal(ownership_of("root"), OWNERSHIP_NOT_OURS);
    PLACE_NEEDS(unlink(RCPCH_LOCAL_FILE) == 0);
    assert_int_equal(ownership_of("deploy"), OWNERSHIP_NOT_OURS);
    assert_int_equal(ownership_of("alice"), OWNERSHIP_OURS);
}

static void test_no_descriptors(void **state)
{
    struct rlimit before, none;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    Ownership alice = ownership_of("alice"), root = ownership_of("root");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(alice, OWNERSHIP_UNKNOWN);
    assert_int_equal(root, OWNERSHIP_NOT_OURS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_may_be_local, prepare),
        cmocka_unit_test_setup(test_with_snapshot, prepare),
        cmocka_unit_test_setup(test_without_snapshot, prepare),
        cmocka_unit_test_setup(test_untrusted_snapshot, prepare),
        cmocka_unit_test_setup(test_corrupt_snapshot, prepare),
        cmocka_unit_test_setup(test_list, prepare),
        cmocka_unit_test_setup(test_no_descriptors, prepare),
    };

    place_make();
    make_passwd();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
