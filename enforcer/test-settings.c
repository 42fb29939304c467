/*
 * Root's configuration as the enforcer reads it: what may be ended, published and joined.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "common/limits.h"
#include "enforcer/settings-file.h"
#include "enforcer/settings.h"

typedef struct World {
    char dir[32];
    char file[64], drop_ins[64], passwd[64], group[64], local[64];
    SettingsPaths paths;
    Settings *settings;
} World;

static void write_text(const char *path, const char *text)
{
    _cleanup_fclose_ FILE *stream = fopen(path, "we");

    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
}

static void place(const World *world, char *path, size_t size, const char *name)
{
    (void)snprintf(path, size, "%.31s/%.24s", world->dir, name);
}

static int set_up(void **state)
{
    World *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    (void)snprintf(world->dir, sizeof(world->dir), "/tmp/test-settings-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    place(world, world->file, sizeof(world->file), "rcpch.conf");
    place(world, world->drop_ins, sizeof(world->drop_ins), "rcpch.conf.d");
    place(world, world->passwd, sizeof(world->passwd), "passwd");
    place(world, world->group, sizeof(world->group), "group");
    place(world, world->local, sizeof(world->local), "local");
    assert_int_equal(mkdir(world->drop_ins, 0755), 0);
    write_text(world->passwd, "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n"
                              "deploy:x:1001:1001::/home/deploy:/bin/sh\nbad line\n");
    write_text(world->group, "root:x:0:\nadm:x:4:a,b\nsudo:x:27:\nalias:x:27:\ndocker:x:999:\n");
    world->paths = (SettingsPaths){.file = world->file, .dir = world->drop_ins,
                                   .owner = geteuid()};
    assert_int_equal(settings_new(&world->paths, &world->settings), 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    World *world = *state;
    char path[64];

    (void)settings_free(world->settings);
    place(world, path, sizeof(path), "rcpch.conf.d/50.conf");
    (void)unlink(path);
    (void)unlink(world->file);
    (void)rmdir(world->drop_ins);
    (void)unlink(world->passwd);
    (void)unlink(world->group);
    (void)unlink(world->local);
    assert_int_equal(rmdir(world->dir), 0);
    free(world);
    return 0;
}

static int read_text(World *world, const char *text)
{
    (void)unlink(world->file); /* a new inode: no change goes unnoticed */
    write_text(world->file, text);
    return settings_refresh(world->settings);
}

static Local *local_of(const World *world)
{
    Local *local = NULL;

    assert_int_equal(local_read(world->passwd, world->group, &local), 0);
    return local;
}

static void test_nothing_is_allowed_before_the_first_reading(void **state)
{
    World *world = *state;

    assert_false(settings_owns_uid(world->settings, UID_BASE_DEFAULT));
}

static void test_defaults_without_a_file(void **state)
{
    World *world = *state;

    assert_int_equal(settings_refresh(world->settings), 1);
    assert_true(settings_owns_uid(world->settings, UID_BASE_DEFAULT));
    assert_true(settings_owns_uid(world->settings, UID_BASE_DEFAULT + UID_COUNT_DEFAULT - 1));
    assert_false(settings_owns_uid(world->settings, UID_BASE_DEFAULT - 1));
    assert_false(settings_owns_uid(world->settings, UID_BASE_DEFAULT + UID_COUNT_DEFAULT));
    assert_false(settings_owns_uid(world->settings, 0));
    assert_false(settings_owns_uid(world->settings, UINT32_MAX));
    assert_int_equal(settings_refresh(world->settings), 0);
}

static void test_range_and_pins(void **state)
{
    World *world = *state;

    assert_int_equal(read_text(world, "# comment\n; comment\n\n [ identity ] \r\n"
                                      "UidBase = 60000\nUidCount=10000\n"
                                      "[user bob]\nUid=5150\nShell=/bin/sh\n"
                                      "[group staff]\nGid=6160\nId=x = y\n"
                                      "[group devices]\nRole=Device\n"
                                      "[provider p]\nUid=77\nNonsense=\n"), 1);
    assert_true(settings_owns_uid(world->settings, 60000));
    assert_true(settings_owns_uid(world->settings, 69999));
    assert_false(settings_owns_uid(world->settings, 70000));
    assert_false(settings_owns_uid(world->settings, 65534));
    assert_false(settings_owns_uid(world->settings, 65535));
    assert_true(settings_pins_uid(world->settings, 5150));
    assert_true(settings_owns_uid(world->settings, 5150));
    assert_false(settings_owns_uid(world->settings, 6160));
    assert_false(settings_owns_uid(world->settings, 77));
    assert_true(settings_pins_gid(world->settings, 6160));
    assert_true(settings_names_group(world->settings, "staff"));
    assert_true(settings_names_group(world->settings, "devices")); /* known by its role alone */
    assert_false(settings_names_group(world->settings, "Device"));
    assert_true(settings_pins_gid(world->settings, 5150));
    assert_false(settings_pins_gid(world->settings, 60000));
    assert_int_equal(settings_data(world->settings)->base, 60000);
}

static void test_bad_values_change_nothing(void **state)
{
    static const char *const rows[] = {
        "[identity]\nUidBase=x\n", "[identity]\nUidBase=\n", "[identity]\nUidBase=-1\n",
        "[identity]\nUidBase=0\n", "[identity]\nUidBase=4294967296\n",
        "[identity]\nUidBase=99999999999999999999999\n", "[identity]\nUidBase=4294967295\n",
        "[user a]\nUid=0\n", "[user a]\nUid=65534\n", "[user a]\nUid=65535\n",
        "[user a]\nUid=4294967295\n", "[group a]\nGid=0\n",
        "[group a]\nAllowPrivilegedLocalGroup=perhaps\n",
        "[identity\nUidBase=5\n", "UidBase\n",
        "=5\n", "[user a]\nUid=5\x01\n",
    };
    World *world = *state;

    assert_int_equal(read_text(world, "[user bob]\nUid=5150\n"), 1);
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        assert_true(read_text(world, rows[i]) < 0);
        assert_true(settings_error(world->settings)[0] != '\0');
        assert_true(settings_pins_uid(world->settings, 5150));
        assert_int_equal(settings_refresh(world->settings), 0);
    }
    assert_int_equal(read_text(world, "\n"), 1);
    assert_string_equal(settings_error(world->settings), "");
    assert_false(settings_pins_uid(world->settings, 5150));
}

static void test_the_error_names_file_and_line(void **state)
{
    World *world = *state;
    char expected[128];

    assert_true(read_text(world, "\n\n[user bob]\nUid=none\n") < 0);
    (void)snprintf(expected, sizeof(expected), "%s:4: [user] Uid= has a value that cannot be used",
                   world->file);
    assert_string_equal(settings_error(world->settings), expected);
}

static void test_files_that_others_may_write_are_refused(void **state)
{
    World *world = *state;
    static const mode_t modes[] = {0664, 0646, 0666};

    for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
        write_text(world->file, "[user bob]\nUid=5150\n");
        assert_int_equal(chmod(world->file, modes[i]), 0);
        assert_int_equal(settings_refresh(world->settings), -EPERM);
        assert_false(settings_pins_uid(world->settings, 5150));
    }
    assert_int_equal(chmod(world->file, 0640), 0);
    assert_int_equal(settings_refresh(world->settings), 1);
    assert_int_equal(chmod(world->drop_ins, 0775), 0);
    assert_int_equal(settings_refresh(world->settings), -EPERM);
}

static void test_another_owner_or_kind_is_refused(void **state)
{
    World *world = *state;
    Settings *settings = NULL;
    SettingsPaths paths = world->paths;

    paths.owner = geteuid() + 1;
    assert_int_equal(chmod(world->drop_ins, 0755), 0);
    assert_int_equal(settings_new(&paths, &settings), 0);
    assert_int_equal(settings_refresh(settings), -EPERM);
    (void)settings_free(settings);
    assert_int_equal(symlink(world->passwd, world->file), 0);
    assert_int_equal(settings_refresh(world->settings), -ELOOP);
    assert_int_equal(unlink(world->file), 0);
    assert_int_equal(mkfifo(world->file, 0600), 0);
    assert_int_equal(settings_refresh(world->settings), -EPERM);
}

static void test_drop_ins_come_later_and_are_noticed(void **state)
{
    World *world = *state;
    char path[64];

    place(world, path, sizeof(path), "rcpch.conf.d/50.conf");
    assert_int_equal(read_text(world, "[user bob]\nUid=5150\n"), 1);
    write_text(path, "[user bob]\nUid=5151\n");
    assert_int_equal(settings_refresh(world->settings), 1);
    assert_true(settings_pins_uid(world->settings, 5151));
    assert_false(settings_pins_uid(world->settings, 5150));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(settings_refresh(world->settings), 1);
    assert_true(settings_pins_uid(world->settings, 5150));
}

static void test_lines_that_are_too_long_are_refused(void **state)
{
    World *world = *state;
    _cleanup_free_ char *text = malloc(CONFIG_LINE_MAX + 16);

    assert_non_null(text);
    memset(text, 'x', CONFIG_LINE_MAX + 8);
    memcpy(text, "A=", 2);
    text[CONFIG_LINE_MAX + 8] = '\0';
    assert_int_equal(read_text(world, text), -E2BIG);
}

static void test_ties(void **state)
{
    World *world = *state;
    _cleanup_(local_freep) Local *local = local_of(world);

    assert_int_equal(read_text(world, "[user deploy]\nDirectory=a@b.uk\nUid=7777\n"
                                      "[user toor]\nDirectory=c@b.uk\n"
                                      "[user root]\nDirectory=d@b.uk\n"
                                      "[user gone]\nDirectory=e@b.uk\n"
                                      "[user free]\nUid=5150\n"), 1);
    assert_true(settings_is_tied_uid(world->settings, local, 1001));
    assert_false(settings_is_tied_uid(world->settings, local, 0));
    assert_false(settings_is_tied_uid(world->settings, local, 5150));
    assert_false(settings_owns_uid(world->settings, 1001));
    assert_false(settings_pins_uid(world->settings, 7777));
    assert_int_equal(settings_write_local(world->settings, local, world->local), 0);
    char text[64] = "";
    _cleanup_close_ int fd = open(world->local, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "deploy\ngone\n");
}

/* The last LocalUser= of a section counts. */
static void test_service_accounts(void **state)
{
    World *world = *state;
    _cleanup_(local_freep) Local *local = local_of(world);

    assert_int_equal(read_text(world, "[service-account a]\nClientId=c\nLocalUser=deploy\n"
                                      "[service-account b]\nLocalUser=root\n"), 1);
    assert_true(settings_is_tied_uid(world->settings, local, 1001));
    assert_false(settings_is_tied_uid(world->settings, local, 0));
    assert_int_equal(settings_write_local(world->settings, local, world->local), 0);
    char text[64] = "";
    _cleanup_close_ int fd = open(world->local, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "deploy\n");
    assert_int_equal(read_text(world, "[service-account a]\nLocalUser=deploy\n"
                                      "[service-account a]\nLocalUser=\n"), 1);
    assert_false(settings_is_tied_uid(world->settings, local, 1001));
}

static void test_what_is_ended(void **state)
{
    World *world = *state;
    _cleanup_(local_freep) Local *local = local_of(world);

    assert_int_equal(read_text(world, "[user deploy]\nDirectory=a@b.uk\n"), 1);
    EndRules rules = settings_end_rules(world->settings, local, 1001);
    assert_true(rules.tied);
    assert_false(rules.kill_services);
    assert_int_equal(rules.kill_login_uid, KILL_LOGIN_UID_SESSIONS);
    assert_false(settings_end_rules(world->settings, local, 5150).tied);
    assert_false(settings_end_rules(world->settings, NULL, 1001).tied);
    assert_int_equal(read_text(world, "[user deploy]\nDirectory=a@b.uk\nKillServices=yes\n"
                                      "[user other]\nKillServices=yes\n"
                                      "[revocation]\nKillLoginUid=no\n"), 1);
    rules = settings_end_rules(world->settings, local, 1001);
    assert_true(rules.kill_services);
    assert_int_equal(rules.kill_login_uid, KILL_LOGIN_UID_NO);
    assert_false(settings_end_rules(world->settings, local, 1002).kill_services);
    assert_int_equal(read_text(world, "[revocation]\nKillLoginUid=All\n"), -EBADMSG);
    rules = settings_end_rules(world->settings, local, 1001);
    assert_int_equal(rules.kill_login_uid, KILL_LOGIN_UID_NO);
}

static void test_local_groups(void **state)
{
    World *world = *state;
    _cleanup_(local_freep) Local *local = local_of(world);

    assert_int_equal(read_text(world, "[group a]\nLocalGroup=adm\n[group b]\nLocalGroup=alias\n"
                                      "[group c]\nLocalGroup=root\n"
                                      "[group d]\nLocalGroup=nix\n"), 1);
    assert_true(settings_allows_local_gid(world->settings, local, 4));
    assert_false(settings_allows_local_gid(world->settings, local, 27)); /* sudo's number */
    assert_false(settings_allows_local_gid(world->settings, local, 0));
    assert_false(settings_allows_local_gid(world->settings, local, 999));
    assert_int_equal(read_text(world, "[group b]\nLocalGroup=alias\n"
                                      "AllowPrivilegedLocalGroup=yes\n"), 1);
    assert_true(settings_allows_local_gid(world->settings, local, 27));
    assert_false(settings_allows_local_gid(world->settings, local, 4));
    assert_int_equal(read_text(world, "[group a]\nLocalGroup=adm\nLocalGroup=\n"), 1);
    assert_false(settings_allows_local_gid(world->settings, local, 4));
}

static void test_local_accounts(void **state)
{
    World *world = *state;
    _cleanup_(local_freep) Local *local = local_of(world);
    uint32_t number = 0;

    assert_true(local_has_name(local, "deploy"));
    assert_true(local_has_name(local, "docker"));
    assert_false(local_has_name(local, "dep"));
    assert_false(local_has_name(local, ""));
    assert_true(local_has_uid(local, 1001));
    assert_false(local_has_uid(local, 27));
    assert_true(local_has_gid(local, 27));
    assert_int_equal(local_gid_of(local, "sudo", &number), 0);
    assert_int_equal(number, 27);
    assert_int_equal(local_uid_of(local, "sudo", &number), -ENOENT);
}

static void test_a_long_group_is_read(void **state)
{
    World *world = *state;
    _cleanup_(local_freep) Local *local = NULL;
    FILE *stream = fopen(world->group, "we");

    assert_non_null(stream);
    (void)fputs("many:x:50:m", stream);
    for (unsigned i = 0; i < 5000; i++)
        (void)fprintf(stream, ",member%u", i);
    (void)fputs("\nlast:x:51:\n", stream);
    assert_int_equal(fclose(stream), 0);
    local = local_of(world);
    assert_true(local_has_gid(local, 50));
    assert_true(local_has_gid(local, 51));
}

int main(void)
{
#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_nothing_is_allowed_before_the_first_reading),
        WITH_WORLD(test_defaults_without_a_file),
        WITH_WORLD(test_range_and_pins),
        WITH_WORLD(test_bad_values_change_nothing),
        WITH_WORLD(test_the_error_names_file_and_line),
        WITH_WORLD(test_files_that_others_may_write_are_refused),
        WITH_WORLD(test_another_owner_or_kind_is_refused),
        WITH_WORLD(test_drop_ins_come_later_and_are_noticed),
        WITH_WORLD(test_lines_that_are_too_long_are_refused),
        WITH_WORLD(test_ties),
        WITH_WORLD(test_service_accounts),
        WITH_WORLD(test_what_is_ended),
        WITH_WORLD(test_local_groups),
        WITH_WORLD(test_local_accounts),
        WITH_WORLD(test_a_long_group_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
