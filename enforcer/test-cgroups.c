/*
 * Paths of control groups: whose they are, and what people's names for groups may not fake.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/test-folder.h"
#include "enforcer/cgroups.h"

static void test_which_groups_are_services(void **state)
{
    static const struct {
        const char *path;
        CgroupsPlace place;
    } rows[] = {
        {"/", CGROUPS_ELSEWHERE},
        {"", CGROUPS_ELSEWHERE},
        {"/system.slice/nginx.service", CGROUPS_SERVICE},
        {"/system.slice/nginx.service/worker", CGROUPS_SERVICE},
        {"/system.slice/system-getty.slice/getty@tty1.service", CGROUPS_SERVICE},
        {"/system.slice/ssh.service", CGROUPS_SESSION_SERVICE},
        {"/system.slice/sshd.service", CGROUPS_SESSION_SERVICE},
        {"/system.slice/system-ssh.slice/ssh@3-10.0.0.1:22-10.0.0.2:5000.service",
         CGROUPS_SESSION_SERVICE},
        {"/system.slice/cron.service", CGROUPS_SESSION_SERVICE},
        {"/system.slice/crond.service", CGROUPS_SESSION_SERVICE},
        {"/system.slice/atd.service", CGROUPS_SESSION_SERVICE},
        {"/system.slice/sshguard.service", CGROUPS_SERVICE},
        {"/system.slice/xssh.service", CGROUPS_SERVICE},
        {"/user.slice/user-1000.slice/session-3.scope", CGROUPS_ELSEWHERE},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", CGROUPS_ELSEWHERE},
        {"/user.slice/user-1000.slice/user@1000.service/.hidden", CGROUPS_ELSEWHERE},
        {"/user.slicer/x.service", CGROUPS_SERVICE},
        {"/system.slice/docker-0123.scope", CGROUPS_ELSEWHERE},
        {"/.service", CGROUPS_ELSEWHERE},
        {"/machine.slice/x.service.d", CGROUPS_ELSEWHERE},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(cgroups_place_of(rows[i].path), rows[i].place);
}

static void test_path_of_a_process(void **state)
{
    char unified[] = "0::/system.slice/ssh.service\n";
    char hybrid[] = "12:pids:/x\n1:name=systemd:/user.slice/y.scope\n0::/user.slice/y.scope\n";
    char legacy[] = "12:pids:/x\n1:name=systemd:/user.slice/y.scope\n0::/\n";
    char inner[] = "12:pids:/\n1:name=systemd:/\n0::/system.slice/ssh.service\n";
    char deceit[] = "12:pids:/\n1:name=systemd:/user.slice/0::/a.service/1:name=systemd:/b\n0::/\n";
    char root[] = "0::/\n";
    char other[] = "4:memory:/x\n";

    assert_string_equal(cgroups_path_of(unified), "/system.slice/ssh.service");
    assert_string_equal(cgroups_path_of(hybrid), "/user.slice/y.scope");
    assert_string_equal(cgroups_path_of(legacy), "/user.slice/y.scope");
    assert_string_equal(cgroups_path_of(inner), "/system.slice/ssh.service");
    assert_string_equal(cgroups_path_of(deceit),
                        "/user.slice/0::/a.service/1:name=systemd:/b");
    assert_string_equal(cgroups_path_of(root), "/");
    assert_null(cgroups_path_of(other));
}

static void test_what_is_below_a_slice(void **state)
{
    char slice[CGROUPS_PATH_MAX];

    cgroups_slice_path(4294967294u, slice);
    assert_string_equal(slice, "/user.slice/user-4294967294.slice");
    cgroups_slice_path(100, slice);
    assert_true(cgroups_path_is_below("/user.slice/user-100.slice", slice));
    assert_true(cgroups_path_is_below("/user.slice/user-100.slice/a/b.scope", slice));
    assert_false(cgroups_path_is_below("/user.slice/user-1001.slice/a", slice));
    assert_false(cgroups_path_is_below("/user.slice/user-100.slices", slice));
    assert_false(cgroups_path_is_below("/user.slice", slice));
    assert_false(cgroups_path_is_below("/x/user.slice/user-100.slice", slice));
}

static void test_no_group_outside_is_opened(void **state)
{
    assert_int_equal(cgroups_open("/"), -ENOENT);
    assert_int_equal(cgroups_open(""), -ENOENT);
    assert_int_equal(cgroups_open("user.slice"), -ENOENT);
    assert_int_equal(cgroups_open("/../system.slice"), -ENOENT);
    assert_int_equal(cgroups_open("/no such group"), -ENOENT);
}

/* A folder that looks like a group with one process. */
static void make_group(int parent, const char *name, unsigned pid)
{
    char path[64];

    assert_int_equal(mkdirat(parent, name, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/cgroup.procs", name);
    int fd = openat(parent, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0 && dprintf(fd, "%u\n", pid) > 0);
    close(fd);
}

/* Somebody with a million groups would keep the enforcer from everybody's ends. */
static void test_groups_that_people_make_are_read_in_bounds(void **state)
{
    static const struct {
        unsigned made, read;
    } rows[] = {{10, 10}, {CGROUPS_BELOW_MAX + 10, CGROUPS_BELOW_MAX}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char root[64], name[16];
        Pids pids = {.items = NULL};
        test_folder_make(root, "cgroups");
        _cleanup_close_ int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        for (unsigned n = 0; n < rows[i].made; n++) {
            (void)snprintf(name, sizeof(name), "g%u", n);
            make_group(fd, name, 1000 + n);
        }
        assert_int_equal(cgroups_pids(fd, true, &pids), 0);
        assert_int_equal(pids.count, rows[i].read);
        pids_clear(&pids);
        test_folder_remove(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_groups_are_services),
        cmocka_unit_test(test_path_of_a_process),
        cmocka_unit_test(test_what_is_below_a_slice),
        cmocka_unit_test(test_no_group_outside_is_opened),
        cmocka_unit_test(test_groups_that_people_make_are_read_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
