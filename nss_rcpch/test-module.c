/*
 * What the built module answers, by name, by number and one after another, into buffers of any
 * size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "nss_rcpch/test-module-fixture.h"

static void test_passwd(void **state)
{
    struct passwd pw;
    char buffer[256];
    int error = 77;

    (void)state;
    errno = 33;
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
    assert_alice(&pw);
    assert_int_equal(nss.getpwuid_r(BASE + 7, &pw, buffer, sizeof(buffer), &error),
                     NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "bob");
    assert_string_equal(pw.pw_gecos, "");
    assert_int_equal(nss.getpwuid_r(0, &pw, buffer, sizeof(buffer), &error), NSS_STATUS_NOTFOUND);
    assert_int_equal(error, 77);
    assert_int_equal(errno, 33);
}

/* Names that no account can have are simply not found. */
static void test_odd_names(void **state)
{
    static const char *const odd[] = {
        "",     "root",     "Alice", "alice ",      "alic",       "alicee", "a:b",
        "a\nb", "../alice", "-rf",   "#1879048194", "1879048194", "*"};
    char long_name[5000];
    struct passwd pw;

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(odd); i++)
        assert_int_equal(by_name(odd[i], &pw), NSS_STATUS_NOTFOUND);
    memset(long_name, 'a', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(by_name(long_name, &pw), NSS_STATUS_NOTFOUND);
}

static void test_group(void **state)
{
    struct group gr;
    char buffer[256];
    int error = 0;

    (void)state;
    assert_int_equal(nss.getgrnam_r("audit-staff", &gr, buffer, sizeof(buffer), &error),
                     NSS_STATUS_SUCCESS);
    assert_int_equal(gr.gr_gid, BASE + 901);
    assert_string_equal(gr.gr_passwd, "*");
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(gr.gr_mem[i], staff[i]);
    assert_null(gr.gr_mem[3]);
    assert_int_equal(nss.getgrgid_r(BASE + 2, &gr, buffer, sizeof(buffer), &error),
                     NSS_STATUS_SUCCESS);
    assert_string_equal(gr.gr_name, "alice");
    assert_null(gr.gr_mem[0]);
    assert_int_equal(nss.getgrnam_r("adm", &gr, buffer, sizeof(buffer), &error),
                     NSS_STATUS_NOTFOUND);
    assert_int_equal(nss.getgrgid_r(4, &gr, buffer, sizeof(buffer), &error), NSS_STATUS_NOTFOUND);
}

static void test_enumeration(void **state)
{
    static const char *const names[] = {"alice", "bob", "audit-admins", "audit-staff"};
    struct passwd pw;
    struct group gr;
    char buffer[256];
    int error = 0;

    (void)state;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(nss.setpwent(0), NSS_STATUS_SUCCESS);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(nss.getpwent_r(&pw, buffer, 3, &error), NSS_STATUS_TRYAGAIN);
            assert_int_equal(error, ERANGE);
            assert_int_equal(nss.getpwent_r(&pw, buffer, sizeof(buffer), &error),
                             NSS_STATUS_SUCCESS);
            assert_string_equal(pw.pw_name, names[i]);
        }
        assert_int_equal(nss.getpwent_r(&pw, buffer, sizeof(buffer), &error), NSS_STATUS_NOTFOUND);
        assert_int_equal(nss.endpwent(), NSS_STATUS_SUCCESS);
        assert_int_equal(nss.setgrent(0), NSS_STATUS_SUCCESS);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(nss.getgrent_r(&gr, buffer, 3, &error), NSS_STATUS_TRYAGAIN);
            assert_int_equal(nss.getgrent_r(&gr, buffer, sizeof(buffer), &error),
                             NSS_STATUS_SUCCESS);
            assert_string_equal(gr.gr_name, names[i]);
        }
        assert_int_equal(nss.getgrent_r(&gr, buffer, sizeof(buffer), &error), NSS_STATUS_NOTFOUND);
        assert_int_equal(nss.endgrent(), NSS_STATUS_SUCCESS);
    }
}

/* A walk that sees a new snapshot half-way goes on behind the last one it returned. */
static void test_enumeration_over_replacement(void **state)
{
    SnapshotUserSpec more[] = {users[0], users[1], users[1]};
    SnapshotSpec spec = {43, more, 3, groups, 2};
    struct passwd pw;
    char buffer[256];
    int error = 0;

    (void)state;
    more[2].name = "aaron";
    more[2].uid = more[2].gid = BASE + 1;
    nss.setpwent(0);
    assert_int_equal(nss.getpwent_r(&pw, buffer, sizeof(buffer), &error), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "alice");
    place_publish(&spec);
    assert_int_equal(nss.getpwent_r(&pw, buffer, sizeof(buffer), &error), NSS_STATUS_SUCCESS);
    assert_string_equal(pw.pw_name, "bob");
    assert_int_equal(nss.getpwent_r(&pw, buffer, sizeof(buffer), &error), NSS_STATUS_NOTFOUND);
}

/* What a call must leave alone is filled with this. */
#define UNTOUCHED 0x5a

static bool is_untouched(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < size; i++) {
        if (p[i] != UNTOUCHED)
            return false;
    }
    return true;
}

/* Too small by any number of bytes: ERANGE, and nothing was written. */
static void test_every_buffer_size_for_a_user(void **state)
{
    const size_t exact = sizeof("alice") + sizeof("*") + sizeof("Alice") + sizeof("/home/alice") +
                         sizeof("/bin/bash");
    struct passwd pw;
    char buffer[256];
    int error;

    (void)state;
    for (size_t size = 0; size <= exact; size++) {
        memset(buffer, UNTOUCHED, sizeof(buffer));
        memset(&pw, UNTOUCHED, sizeof(pw));
        error = 0;
        enum nss_status status = nss.getpwnam_r("alice", &pw, buffer, size, &error);

        assert_true(is_untouched(buffer + size, sizeof(buffer) - size));
        if (size == exact) {
            assert_int_equal(status, NSS_STATUS_SUCCESS);
            assert_alice(&pw);
            break;
        }
        assert_int_equal(status, NSS_STATUS_TRYAGAIN);
        assert_int_equal(error, ERANGE);
        assert_true(is_untouched(buffer, sizeof(buffer)) && is_untouched(&pw, sizeof(pw)));
    }
}

/* The smallest size that is enough for a group when the buffer begins at `buffer`. */
static size_t smallest_for_a_group(char *buffer, size_t room, struct group *gr)
{
    for (size_t size = 0; size <= room; size++) {
        int error = 0;

        memset(buffer, UNTOUCHED, room);
        memset(gr, UNTOUCHED, sizeof(*gr));
        enum nss_status status = nss.getgrnam_r("audit-staff", gr, buffer, size, &error);

        assert_true(is_untouched(buffer + size, room - size));
        if (status == NSS_STATUS_SUCCESS)
            return size;
        assert_int_equal(status, NSS_STATUS_TRYAGAIN);
        assert_int_equal(error, ERANGE);
        assert_true(is_untouched(buffer, room) && is_untouched(gr, sizeof(*gr)));
    }
    return SIZE_MAX;
}

static void test_every_buffer_size_for_a_group(void **state)
{
    char buffer[256];
    struct group gr;

    (void)state;
    for (size_t shift = 0; shift < sizeof(char *); shift++) {
        assert_in_range(smallest_for_a_group(buffer + shift, sizeof(buffer) - shift, &gr), 50, 100);
        assert_int_equal((uintptr_t)gr.gr_mem % sizeof(char *), 0);
        assert_string_equal(gr.gr_name, "audit-staff");
        for (size_t i = 0; i < 3; i++)
            assert_string_equal(gr.gr_mem[i], staff[i]);
    }
}

static void test_initgroups(void **state)
{
    long int start = 1, size = 1;
    gid_t *gids = malloc(sizeof(*gids));
    int error = 0;

    (void)state;
    gids[0] = BASE + 2;
    assert_int_equal(nss.initgroups_dyn("alice", BASE + 900, &start, &size, &gids, -1, &error),
                     NSS_STATUS_SUCCESS);
    assert_int_equal(start, 3); /* grown; without the one that was given */
    assert_true(size >= 3);
    assert_int_equal(gids[0], BASE + 2);
    assert_int_equal(gids[1], 4);
    assert_int_equal(gids[2], BASE + 901);
    assert_int_equal(nss.initgroups_dyn("bob", BASE + 7, &start, &size, &gids, -1, &error),
                     NSS_STATUS_SUCCESS);
    assert_int_equal(start, 3);
    assert_int_equal(nss.initgroups_dyn("root", 0, &start, &size, &gids, -1, &error),
                     NSS_STATUS_NOTFOUND);
    free(gids);
}

static void test_initgroups_limit(void **state)
{
    int error = 0;

    (void)state;
    for (long int limit = 1; limit < 6; limit++) {
        long int start = 1, size = 1, wanted = limit < 4 ? limit : 4;
        gid_t *gids = malloc(sizeof(*gids));

        gids[0] = BASE + 2;
        assert_int_equal(nss.initgroups_dyn("alice", BASE + 2, &start, &size, &gids, limit, &error),
                         NSS_STATUS_SUCCESS);
        assert_int_equal(start, wanted);
        assert_true(size <= limit || size == 1);
        free(gids);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_passwd, prepare),
        cmocka_unit_test_setup(test_odd_names, prepare),
        cmocka_unit_test_setup(test_group, prepare),
        cmocka_unit_test_setup(test_enumeration, prepare),
        cmocka_unit_test_setup(test_enumeration_over_replacement, prepare),
        cmocka_unit_test_setup(test_every_buffer_size_for_a_user, prepare),
        cmocka_unit_test_setup(test_every_buffer_size_for_a_group, prepare),
        cmocka_unit_test_setup(test_initgroups, prepare),
        cmocka_unit_test_setup(test_initgroups_limit, prepare),
    };

    if (argc != 2)
        return 99;
    place_make();
    load(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
