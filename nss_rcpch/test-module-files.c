/*
 * What the built module answers from files that are broken, missing, not to be trusted, of the
 * future or half replaced: the truth or nothing, and never a crash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "nss_rcpch/test-module-fixture.h"

/* Everything there is to ask. Returns whether anything was found. */
static bool ask_everything(enum nss_status *ret_alice, struct passwd *pw)
{
    static const char *const names[] = {"alice", "bob", "audit-admins", "audit-staff", "nobody"};
    long int start = 0, size = 0;
    char buffer[4096];
    gid_t *gids = NULL;
    struct group gr;
    struct passwd each;
    bool found = false;
    int error;

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        found |=
            nss.getpwnam_r(names[i], &each, buffer, sizeof(buffer), &error) == NSS_STATUS_SUCCESS;
        found |=
            nss.getgrnam_r(names[i], &gr, buffer, sizeof(buffer), &error) == NSS_STATUS_SUCCESS;
        (void)nss.initgroups_dyn(names[i], 0, &start, &size, &gids, 4096, &error);
    }
    found |= nss.getpwuid_r(BASE + 2, &each, buffer, sizeof(buffer), &error) == NSS_STATUS_SUCCESS;
    found |= nss.getgrgid_r(BASE + 901, &gr, buffer, sizeof(buffer), &error) == NSS_STATUS_SUCCESS;
    nss.setpwent(0);
    for (int i = 0;
         i < 50 && nss.getpwent_r(&each, buffer, sizeof(buffer), &error) == NSS_STATUS_SUCCESS; i++)
        found = true;
    nss.setgrent(0);
    for (int i = 0;
         i < 50 && nss.getgrent_r(&gr, buffer, sizeof(buffer), &error) == NSS_STATUS_SUCCESS; i++)
        found = true;
    free(gids);
    *ret_alice = by_name("alice", pw);
    return found;
}

/* A flip anywhere is UNAVAIL; in the word that may change, the answers stay right. */
static void test_every_byte(void **state)
{
    size_t size;
    uint8_t *bytes = place_build(&sample, &size);
    enum nss_status status;
    struct passwd pw;

    (void)state;
    for (size_t i = 0; i < size; i++) {
        bool word =
            i >= offsetof(SnapshotHeader, superseded) && i < offsetof(SnapshotHeader, file_size);

        bytes[i] ^= (uint8_t)(1u << i % 8);
        place_publish_bytes(bytes, size);
        bool found = ask_everything(&status, &pw);

        assert_int_equal(found, word);
        assert_int_equal(status, word ? NSS_STATUS_SUCCESS : NSS_STATUS_UNAVAIL);
        if (word)
            assert_alice(&pw);
        bytes[i] ^= (uint8_t)(1u << i % 8);
    }
    free(bytes);
}

/* The same with a sum that fits, as no accident makes it: any answer but a crash. */
static void test_every_byte_with_sum(void **state)
{
    size_t size;
    uint8_t *bytes = place_build(&sample, &size);
    enum nss_status status;
    struct passwd pw;

    (void)state;
    for (size_t i = offsetof(SnapshotHeader, generation); i < size; i++) {
        for (unsigned flip = 0; flip < 3; flip++) {
            static const uint8_t flips[] = {0x01, 0x80, 0xff};
            uint64_t sum;

            bytes[i] ^= flips[flip];
            sum = htole64(snapshot_checksum(bytes + 32, size - 32));
            memcpy(bytes + offsetof(SnapshotHeader, checksum), &sum, sizeof(sum));
            place_publish_bytes(bytes, size);
            (void)ask_everything(&status, &pw);
            bytes[i] ^= flips[flip];
        }
    }
    free(bytes);
}

static void test_every_truncation(void **state)
{
    size_t size;
    uint8_t *bytes = place_build(&sample, &size);
    enum nss_status status;
    struct passwd pw;

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        place_publish_bytes(bytes, cut);
        assert_false(ask_everything(&status, &pw));
        assert_int_equal(status, NSS_STATUS_UNAVAIL);
    }
    free(bytes);
}

static void assert_unavailable(void)
{
    enum nss_status status;
    struct passwd pw;

    assert_false(ask_everything(&status, &pw));
    assert_int_equal(status, NSS_STATUS_UNAVAIL);
}

static void test_missing(void **state)
{
    struct passwd pw;
    int error = 0;
    char buffer[64];

    (void)state;
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
    place_clear();
    errno = 33;
    assert_int_equal(nss.getpwnam_r("alice", &pw, buffer, sizeof(buffer), &error),
                     NSS_STATUS_UNAVAIL);
    assert_int_equal(error, ENOENT);
    assert_int_equal(errno, 33);
    assert_unavailable();
    place_publish(&sample);
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
}

static void test_untrusted_files(void **state)
{
    size_t size;
    uint8_t *bytes = place_build(&sample, &size);
    struct passwd pw;

    (void)state;
    place_clear();
    place_publish_bytes(bytes, size);
    assert_int_equal(chown(RCPCH_SNAPSHOT_FILE, 65534, 0), 0);
    assert_unavailable();
    assert_int_equal(chown(RCPCH_SNAPSHOT_FILE, 0, 0), 0);
    assert_int_equal(chmod(RCPCH_SNAPSHOT_FILE, 0664), 0);
    assert_unavailable();
    assert_int_equal(chmod(RCPCH_SNAPSHOT_FILE, 0646), 0);
    assert_unavailable();
    assert_int_equal(chmod(RCPCH_SNAPSHOT_FILE, 0644), 0);
    assert_int_equal(rename(RCPCH_SNAPSHOT_FILE, RCPCH_SNAPSHOT_DIR "/elsewhere"), 0);
    assert_int_equal(symlink("elsewhere", RCPCH_SNAPSHOT_FILE), 0);
    assert_unavailable();
    assert_int_equal(unlink(RCPCH_SNAPSHOT_FILE), 0);
    assert_int_equal(mkdir(RCPCH_SNAPSHOT_FILE, 0755), 0);
    assert_unavailable();
    assert_int_equal(rmdir(RCPCH_SNAPSHOT_FILE), 0);
    assert_int_equal(mkfifo(RCPCH_SNAPSHOT_FILE, 0644), 0);
    assert_unavailable();
    assert_int_equal(rename(RCPCH_SNAPSHOT_DIR "/elsewhere", RCPCH_SNAPSHOT_FILE), 0);
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
    free(bytes);
}

static void test_future_version(void **state)
{
    size_t size;
    uint8_t *bytes = place_build(&sample, &size);

    (void)state;
    bytes[offsetof(SnapshotHeader, version)] = SNAPSHOT_VERSION + 1;
    place_publish_bytes(bytes, size);
    assert_unavailable();
    free(bytes);
}

/* A publication that stopped between the word and the rename: right answers, from the old file. */
static void test_stopped_publication(void **state)
{
    const uint32_t word = 1;
    int fd = open(RCPCH_SNAPSHOT_FILE, O_WRONLY | O_CLOEXEC);
    struct passwd pw;

    (void)state;
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
    assert_int_equal(pwrite(fd, &word, sizeof(word), offsetof(SnapshotHeader, superseded)), 4);
    close(fd);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
        assert_alice(&pw);
    }
    place_publish(&(SnapshotSpec){.generation = 44});
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_NOTFOUND);
}

/* With no descriptor left, what is mapped goes on answering, even when it is superseded. */
static void test_no_descriptors(void **state)
{
    struct rlimit before, none;
    struct passwd pw;

    (void)state;
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
    place_publish(&(SnapshotSpec){.generation = 45});
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum nss_status status = by_name("alice", &pw);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, NSS_STATUS_SUCCESS);
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_NOTFOUND);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_byte, prepare),
        cmocka_unit_test_setup(test_every_byte_with_sum, prepare),
        cmocka_unit_test_setup(test_every_truncation, prepare),
        cmocka_unit_test_setup(test_missing, prepare),
        cmocka_unit_test_setup(test_untrusted_files, prepare),
        cmocka_unit_test_setup(test_future_version, prepare),
        cmocka_unit_test_setup(test_stopped_publication, prepare),
        cmocka_unit_test_setup(test_no_descriptors, prepare),
    };

    if (argc != 2)
        return 99;
    place_make();
    load(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
