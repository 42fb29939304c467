/*
 * What the built module does to the process that loads it: no leak however often the snapshot is
 * replaced, right answers under threads and after forks, and no system call for a look-up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "nss_rcpch/test-module-fixture.h"

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
