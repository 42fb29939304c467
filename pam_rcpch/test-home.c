/*
 * Home folders that root may be made to make. Links and foreign owners need root; what else there
 * is to see is seen without.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "pam_rcpch/home.h"

static void test_a_home_cannot_plant_system_folders(void **state)
{
    static const char *const homes[] = {
        "/etc/systemd/system/no-such-thing.service.d",
        "/etc/no-such-thing",
        "/usr/lib/no-such-thing",
        "/lib/no-such-thing/a",
        "/root/no-such-thing",
        "/run/no-such-thing",
        "/var/lib/no-such-thing",
        "/var/spool/no-such-thing",
        "/bin/no-such-thing",
        "no-such-thing",
        "",
    };

    for (size_t i = 0; i < ELEMENTSOF(homes); i++)
        assert_false(home_is_harmless(homes[i]));
}

static void test_ordinary_homes_may_be_made(void **state)
{
    errno = 42;
    assert_true(home_is_harmless("/home/no-such-person"));
    assert_true(home_is_harmless("/home/no-such-domain/person"));
    assert_true(home_is_harmless("/no-such-folder/person"));
    assert_true(home_is_harmless("/etc-homes/person"));
    assert_int_equal(errno, 42);
}

static void test_what_is_there_is_not_made(void **state)
{
    assert_true(home_is_harmless("/"));
    assert_true(home_is_harmless("/etc"));
    assert_true(home_is_harmless("/tmp"));
}

static void test_a_home_behind_what_others_may_change_is_refused(void **state)
{
    char folder[] = "/tmp/rcpch-home-XXXXXX", path[64], link[64];

    assert_false(home_is_harmless("/tmp/no-such-person"));
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/person", folder);
    assert_false(home_is_harmless(path));
    (void)snprintf(link, sizeof(link), "%s/link", folder);
    (void)snprintf(path, sizeof(path), "%s/link/no-such.service.d", folder);
    assert_int_equal(symlink("/etc/systemd/system", link), 0);
    assert_false(home_is_harmless(path));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_home_cannot_plant_system_folders),
        cmocka_unit_test(test_ordinary_homes_may_be_made),
        cmocka_unit_test(test_what_is_there_is_not_made),
        cmocka_unit_test(test_a_home_behind_what_others_may_change_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
