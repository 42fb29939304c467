/*
 * For the tests of the built module: it is loaded as glibc loads it, and finds a snapshot of two
 * people and two groups. Each program's one argument is LIBNSS_RCPCH; all need root.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <cmocka.h>

#include "common/test-place.h"
#include "nss_rcpch/module.h"

#define BASE 1879048192u

static const uint32_t alice_gids[] = {4, BASE + 900, BASE + 901};
static const char *const staff[] = {"alice", "bob", "deploy"};
static const SnapshotUserSpec users[] = {
    {"alice", BASE + 2, BASE + 2, "Alice", "/home/alice", "/bin/bash", alice_gids, 3},
    {"bob", BASE + 7, BASE + 7, "", "/home/bob", "/bin/sh", NULL, 0},
};
static const SnapshotGroupSpec groups[] = {
    {"audit-admins", BASE + 900, staff, 1},
    {"audit-staff", BASE + 901, staff, 3},
};
static const SnapshotSpec sample = {42, users, 2, groups, 2};

/* The module's functions, as glibc finds them. */
static struct {
    __typeof__(_nss_rcpch_getpwnam_r) *getpwnam_r;
    __typeof__(_nss_rcpch_getpwuid_r) *getpwuid_r;
    __typeof__(_nss_rcpch_setpwent) *setpwent;
    __typeof__(_nss_rcpch_getpwent_r) *getpwent_r;
    __typeof__(_nss_rcpch_endpwent) *endpwent;
    __typeof__(_nss_rcpch_getgrnam_r) *getgrnam_r;
    __typeof__(_nss_rcpch_getgrgid_r) *getgrgid_r;
    __typeof__(_nss_rcpch_setgrent) *setgrent;
    __typeof__(_nss_rcpch_getgrent_r) *getgrent_r;
    __typeof__(_nss_rcpch_endgrent) *endgrent;
    __typeof__(_nss_rcpch_initgroups_dyn) *initgroups_dyn;
} nss;

static inline void load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!module) {
        fprintf(stderr, "%s\n", dlerror());
        exit(99);
    }
#define LOAD(name)                                                                                 \
    PLACE_NEEDS((nss.name = (__typeof__(nss.name))dlsym(module, "_nss_rcpch_" #name)))
    LOAD(getpwnam_r);
    LOAD(getpwuid_r);
    LOAD(setpwent);
    LOAD(getpwent_r);
    LOAD(endpwent);
    LOAD(getgrnam_r);
    LOAD(getgrgid_r);
    LOAD(setgrent);
    LOAD(getgrent_r);
    LOAD(endgrent);
    LOAD(initgroups_dyn);
#undef LOAD
}

/* One look-up by name with a generous buffer that the answer points into. */
static inline enum nss_status by_name(const char *name, struct passwd *result)
{
    static _Thread_local char buffer[1024];
    int error = 0;

    return nss.getpwnam_r(name, result, buffer, sizeof(buffer), &error);
}

static inline void assert_alice(const struct passwd *pw)
{
    assert_string_equal(pw->pw_name, "alice");
    assert_string_equal(pw->pw_passwd, "*");
    assert_string_equal(pw->pw_gecos, "Alice");
    assert_string_equal(pw->pw_dir, "/home/alice");
    assert_string_equal(pw->pw_shell, "/bin/bash");
    assert_int_equal(pw->pw_uid, BASE + 2);
    assert_int_equal(pw->pw_gid, BASE + 2);
}

static inline int prepare(void **state)
{
    (void)state;
    place_publish(&sample);
    return 0;
}
