/*
 * Memory: look-ups take none, and initgroups survives its refusal at every single growth. The
 * module's objects are linked in with the allocator wrapped. Root, for the place of the snapshot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <cmocka.h>

#include "nss_rcpch/module.h"
#include "common/test-place.h"

#define BASE   1879048192u
#define GROUPS 300

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned calls;
static unsigned fail_at; /* this call of realloc() fails; 0: none */

void *__wrap_malloc(size_t size)
{
    calls++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    calls++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    calls++;
    return calls == fail_at ? NULL : __real_realloc(old, size);
}

static void publish(void)
{
    static SnapshotGroupSpec groups[GROUPS];
    static char names[GROUPS][16];
    static uint32_t gids[GROUPS];
    const SnapshotUserSpec alice = {"alice",       BASE + 2,    BASE + 2, "Alice",
                                    "/home/alice", "/bin/bash", gids,     GROUPS};
    const SnapshotSpec spec = {1, &alice, 1, groups, GROUPS};

    for (uint32_t i = 0; i < GROUPS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "group%u", i);
        gids[i] = BASE + 1000 + i;
        groups[i] = (SnapshotGroupSpec){.name = names[i], .gid = gids[i]};
    }
    place_publish(&spec);
}

static void test_lookups_take_none(void **state)
{
    gid_t array[512], *gids = array;
    long int start = 0, size = 512;
    struct passwd pw;
    struct group gr;
    char buffer[256];
    int error;

    (void)state;
    calls = fail_at = 0;
    for (int i = 0; i < 3; i++) {
        publish(); /* with a new mapping too */
        calls = 0;
        assert_int_equal(_nss_rcpch_getpwnam_r("alice", &pw, buffer, sizeof(buffer), &error),
                         NSS_STATUS_SUCCESS);
        assert_int_equal(_nss_rcpch_getpwnam_r("bob", &pw, buffer, sizeof(buffer), &error),
                         NSS_STATUS_NOTFOUND);
        assert_int_equal(_nss_rcpch_getpwuid_r(BASE + 2, &pw, buffer, sizeof(buffer), &error),
                         NSS_STATUS_SUCCESS);
        assert_int_equal(_nss_rcpch_getgrnam_r("group7", &gr, buffer, sizeof(buffer), &error),
                         NSS_STATUS_SUCCESS);
        assert_int_equal(_nss_rcpch_getgrgid_r(BASE + 2, &gr, buffer, sizeof(buffer), &error),
                         NSS_STATUS_SUCCESS);
        (void)_nss_rcpch_setpwent(0);
        assert_int_equal(_nss_rcpch_getpwent_r(&pw, buffer, sizeof(buffer), &error),
                         NSS_STATUS_SUCCESS);
        (void)_nss_rcpch_endpwent();
        start = 0;
        assert_int_equal(
            _nss_rcpch_initgroups_dyn("alice", BASE + 2, &start, &size, &gids, -1, &error),
            NSS_STATUS_SUCCESS);
        assert_int_equal(calls, 0);
    }
}

/* Each growth refused in turn: TRYAGAIN, what is in the array stays right, and the next call is
 * well. */
static void test_initgroups_without_memory(void **state)
{
    unsigned growths = 0;

    (void)state;
    publish();
    for (fail_at = 1;; fail_at++) {
        long int start = 1, size = 1;
        gid_t *gids = __real_malloc(sizeof(*gids));
        int error = 0;

        gids[0] = BASE + 2;
        calls = 0;
        enum nss_status status =
            _nss_rcpch_initgroups_dyn("alice", BASE + 2, &start, &size, &gids, -1, &error);

        assert_true(start <= size);
        for (long int i = 1; i < start; i++)
            assert_int_equal(gids[i], BASE + 999 + i);
        free(gids);
        if (status == NSS_STATUS_SUCCESS) {
            assert_int_equal(start, 1 + GROUPS);
            break;
        }
        assert_int_equal(status, NSS_STATUS_TRYAGAIN);
        assert_int_equal(error, ENOMEM);
        growths++;
    }
    fail_at = 0;
    assert_true(growths > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookups_take_none),
        cmocka_unit_test(test_initgroups_without_memory),
    };

    place_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
