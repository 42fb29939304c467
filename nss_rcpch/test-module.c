/*
 * The built module, loaded as glibc loads it, against real files: what it answers, what it does
 * with broken ones, with threads, forks and replacement. Usage: test-module LIBNSS_RCPCH (root).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "nss_rcpch/module.h"
#include "common/test-place.h"

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

static void load(const char *path)
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
static enum nss_status by_name(const char *name, struct passwd *result)
{
    static _Thread_local char buffer[1024];
    int error = 0;

    return nss.getpwnam_r(name, result, buffer, sizeof(buffer), &error);
}

static void assert_alice(const struct passwd *pw)
{
    assert_string_equal(pw->pw_name, "alice");
    assert_string_equal(pw->pw_passwd, "*");
    assert_string_equal(pw->pw_gecos, "Alice");
    assert_string_equal(pw->pw_dir, "/home/alice");
    assert_string_equal(pw->pw_shell, "/bin/bash");
    assert_int_equal(pw->pw_uid, BASE + 2);
    assert_int_equal(pw->pw_gid, BASE + 2);
}

static int prepare(void **state)
{
    (void)state;
    place_publish(&sample);
    return 0;
}

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

static size_t count_lines(const char *path, const char *word)
{
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    char line[4096];
    size_t count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        count += strstr(line, word) != NULL;
    return count;
}

/* However often it is replaced, one mapping and no descriptor stay. */
static void test_no_leaks(void **state)
{
    struct passwd pw;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), again;

    (void)state;
    close(fd);
    for (int i = 0; i < 200; i++) {
        place_publish(&sample);
        assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
    }
    assert_int_equal(count_lines("/proc/self/maps", RCPCH_SNAPSHOT_FILE), 1);
    again = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(again, fd);
    close(again);
}

enum { THREADS = 4, REPLACEMENTS = 300 };
static atomic_bool stop;
static _Atomic unsigned long wrong, looked_up;

/* Two generations differ in every text; an answer mixed of both, or none, is wrong. */
static void *look_up(void *unused)
{
    struct passwd pw;

    (void)unused;
    while (!atomic_load(&stop)) {
        bool ok = by_name("alice", &pw) == NSS_STATUS_SUCCESS &&
                  ((strcmp(pw.pw_gecos, "Alice") == 0 && strcmp(pw.pw_dir, "/home/alice") == 0) ||
                   (strcmp(pw.pw_gecos, "Liddell") == 0 && strcmp(pw.pw_dir, "/srv/alice") == 0));

        atomic_fetch_add(ok ? &looked_up : &wrong, 1);
    }
    return NULL;
}

static void start_threads(pthread_t threads[THREADS])
{
    atomic_store(&stop, false);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up, NULL), 0);
}

static void stop_threads(pthread_t threads[THREADS])
{
    atomic_store(&stop, true);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_true(atomic_load(&looked_up) > 0);
}

static void test_replacement_under_threads(void **state)
{
    SnapshotUserSpec other = users[0];
    const SnapshotSpec second = {44, &other, 1, groups, 2};
    pthread_t threads[THREADS];
    struct passwd pw;

    (void)state;
    other.gecos = "Liddell";
    other.home = "/srv/alice";
    start_threads(threads);
    for (int i = 0; i < REPLACEMENTS; i++)
        place_publish(i % 2 ? &sample : &second);
    stop_threads(threads);
    assert_int_equal(by_name("alice", &pw), NSS_STATUS_SUCCESS);
    assert_int_equal(count_lines("/proc/self/maps", RCPCH_SNAPSHOT_FILE), 1);
}

static int child_looks_up(void)
{
    struct passwd pw;

    for (int i = 0; i < 100; i++) {
        if (by_name("alice", &pw) != NSS_STATUS_SUCCESS ||
            by_name("carol", &pw) != NSS_STATUS_NOTFOUND)
            return 1;
    }
    place_publish(&sample); /* what its parent's threads held must not keep it from the new one */
    return by_name("alice", &pw) == NSS_STATUS_SUCCESS ? 0 : 2;
}

static void test_fork_under_threads(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    start_threads(threads);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        int status = 0;

        if (child == 0)
            _exit(child_looks_up());
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    stop_threads(threads);
}

/* From here on, any system call of this thread but the last kills the process. */
static int forbid_system_calls(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = ELEMENTSOF(filter), .filter = filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ? -errno : 0;
}

static void look_up_without_system_calls(void)
{
    static gid_t array[64];
    char buffer[1024];
    struct passwd pw;
    struct group gr;
    int error;

    if (by_name("alice", &pw) != NSS_STATUS_SUCCESS || forbid_system_calls() < 0)
        syscall(SYS_exit_group, 1);
    for (int i = 0; i < 10000; i++) {
        long int start = 1, size = ELEMENTSOF(array);
        gid_t *gids = array;

        (void)nss.getpwnam_r("alice", &pw, buffer, sizeof(buffer), &error);
        (void)nss.getpwnam_r("carol", &pw, buffer, sizeof(buffer), &error);
        (void)nss.getpwnam_r("alice", &pw, buffer, 5, &error);
        (void)nss.getpwuid_r(BASE + 7, &pw, buffer, sizeof(buffer), &error);
        (void)nss.getpwuid_r(1000, &pw, buffer, sizeof(buffer), &error);
        (void)nss.getgrnam_r("audit-staff", &gr, buffer, sizeof(buffer), &error);
        (void)nss.getgrgid_r(4, &gr, buffer, sizeof(buffer), &error);
        (void)nss.initgroups_dyn("alice", BASE + 2, &start, &size, &gids, -1, &error);
        (void)nss.setpwent(0);
        (void)nss.getpwent_r(&pw, buffer, sizeof(buffer), &error);
        (void)nss.setgrent(0);
        (void)nss.getgrent_r(&gr, buffer, sizeof(buffer), &error);
    }
    syscall(SYS_exit_group, pw.pw_uid == BASE + 2 ? 0 : 2);
}

/* That the filter does kill, or the test above would prove nothing. */
static void make_a_system_call(void)
{
    (void)forbid_system_calls();
    (void)syscall(SYS_getppid);
    syscall(SYS_exit_group, 0);
}

static int status_of_child(void (*work)(void))
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        work();
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_no_system_calls(void **state)
{
    int status = status_of_child(look_up_without_system_calls);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    status = status_of_child(make_a_system_call);
    assert_true(WIFSIGNALED(status));
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
        cmocka_unit_test_setup(test_every_byte, prepare),
        cmocka_unit_test_setup(test_every_byte_with_sum, prepare),
        cmocka_unit_test_setup(test_every_truncation, prepare),
        cmocka_unit_test_setup(test_missing, prepare),
        cmocka_unit_test_setup(test_untrusted_files, prepare),
        cmocka_unit_test_setup(test_future_version, prepare),
        cmocka_unit_test_setup(test_stopped_publication, prepare),
        cmocka_unit_test_setup(test_no_descriptors, prepare),
        cmocka_unit_test_setup(test_no_leaks, prepare),
        cmocka_unit_test_setup(test_replacement_under_threads, prepare),
        cmocka_unit_test_setup(test_fork_under_threads, prepare),
        cmocka_unit_test_setup(test_no_system_calls, prepare),
    };

    if (argc != 2)
        return 99;
    place_make();
    load(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
