/*
 * The files of the configuration: drop-ins and their order, owners and modes, what is no such file,
 * and bytes that nobody meant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/base/text-list.h"
#include "helper/config/test-config-fixture.h"

static void drop_ins_in_byte_order(void **state)
{
    Fixture *fixture = *state;

    write_drop_in(fixture, "20-b.conf", "[identity]\nShell=/bin/b\n[access]\nAllowUsers=bob\n");
    write_drop_in(fixture, "10-a.conf", "[identity]\nShell=/bin/a\n[access]\nAllowUsers=amy\n");
    write_drop_in(fixture, "5-c.conf", "[provider p]\nClientId=other\n");
    write_drop_in(fixture, "99-no.txt", "[identity]\nShell=/bin/no\n");
    write_drop_in(fixture, ".hidden.conf", "[identity]\nShell=/bin/no\n");
    _cleanup_(config_freep) Config *config = read_good(fixture, PROVIDER);
    assert_string_equal(config->shell, "/bin/b");
    assert_int_equal(config->provider_count, 1);
    assert_string_equal(config->providers[0].client_id, "other");
    assert_int_equal(text_list_count(config->allow_users), 2);
    assert_string_equal(config->allow_users[0], "amy");

    write_drop_in(fixture, "30-d.conf", "[access]\nAllowUsers=\nAllowUsers=eve\n");
    _cleanup_(config_freep) Config *reset = read_good(fixture, PROVIDER);
    assert_int_equal(text_list_count(reset->allow_users), 1);
    assert_string_equal(reset->allow_users[0], "eve");

    write_drop_in(fixture, "40-e.conf", "AllowUsers=x\n");
    assert_refused(fixture, PROVIDER, "conf.d/40-e.conf:1: 'AllowUsers' stands before");
}

static void long_lines(void **state)
{
    Fixture *fixture = *state;
    char text[CONFIG_LINE_MAX * 2], name[NAME_FULL_MAX + 1];

    /* inih by itself cuts section names at 49 bytes and lines at 200. */
    memset(name, 'a', sizeof(name));
    memcpy(name + 150, "@example.org", 13);
    snprintf(text, sizeof(text), "[user %s]\nUid=1900000001\n", name);
    _cleanup_(config_freep) Config *config = read_good(fixture, text);
    assert_int_equal(config_user(config, name)->uid, 1900000001);

    memset(text, 'x', sizeof(text));
    memcpy(text, "[access]\nAllowUsers=", 20);
    text[sizeof(text) - 2] = '\n';
    text[sizeof(text) - 1] = '\0';
    assert_refused(fixture, text, "rcpch.conf:2: is too long");
}

static void owner_and_mode(void **state)
{
    Fixture *fixture = *state;
    ConfigMessages messages = {0};
    _cleanup_(config_freep) Config *config = NULL;

    write_file(fixture->file, PROVIDER);
    assert_int_equal(chmod(fixture->file, 0664), 0);
    assert_int_equal(config_read(fixture->file, NULL, true, &config, &messages), -EBADMSG);
    assert_message(&messages, geteuid() == 0 ? "has mode 0664, which lets too many in: chmod 0644"
                                             : "not to root");
    config_messages_clear(&messages);
    if (geteuid() != 0)
        return;
    assert_int_equal(chmod(fixture->file, 0640), 0);
    assert_int_equal(config_read(fixture->file, NULL, true, &config, &messages), 0);
    config_messages_clear(&messages);
    assert_int_equal(chown(fixture->file, 1, 0), 0);
    assert_int_equal(config_read(fixture->file, NULL, true, &config, &messages), -EBADMSG);
    assert_message(&messages, "belongs to user 1, not to root: chown root:rcpch");
    config_messages_clear(&messages);
    assert_int_equal(chown(fixture->file, 0, 0), 0);
    assert_int_equal(chmod(fixture->drop_ins, 0777), 0);
    assert_int_equal(config_read(fixture->file, fixture->drop_ins, true, &config, &messages),
                     -EBADMSG);
    assert_message(&messages, "conf.d: has mode 0777, which lets too many in: chmod 0755");
    config_messages_clear(&messages);
}

static void odd_files(void **state)
{
    Fixture *fixture = *state;
    ConfigMessages messages = {0};
    Config *config = NULL;
    char target[96];

    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "cannot be opened: No such file");
    config_messages_clear(&messages);

    snprintf(target, sizeof(target), "%s/target", fixture->dir);
    write_file(target, PROVIDER);
    assert_int_equal(symlink(target, fixture->file), 0);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "is a symbolic link");
    config_messages_clear(&messages);

    assert_int_equal(unlink(fixture->file), 0);
    assert_int_equal(mkfifo(fixture->file, 0600), 0);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "is not a regular file");
    config_messages_clear(&messages);

    assert_int_equal(unlink(fixture->file), 0);
    write_bytes(fixture->file, "[access]\0\n", 10);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "holds a NUL byte");
    config_messages_clear(&messages);

    char *big = calloc(1, CONFIG_FILE_MAX + 1);
    assert_non_null(big);
    memset(big, '\n', CONFIG_FILE_MAX + 1);
    write_bytes(fixture->file, big, CONFIG_FILE_MAX + 1);
    free(big);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "is larger than");
    config_messages_clear(&messages);
    assert_null(config);
}

/* --- bytes that nobody meant ------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Changes some bytes of a good file, cuts some out or repeats some. */
static size_t mutate(char *text, size_t size, size_t capacity, uint32_t *seed)
{
    static const char bytes[] = "=[]#;:\n\r\t \\\"'%/@-\x01\x7f\xff\xc3" "aZ09";
    unsigned changes = 1 + next_random(seed) % 4;

    for (unsigned i = 0; i < changes && size > 8; i++) {
        size_t at = next_random(seed) % (size - 4), count = 1 + next_random(seed) % 4;
        unsigned kind = next_random(seed) % 3;
        if (kind == 0) {
            text[at] = bytes[next_random(seed) % (sizeof(bytes) - 1)];
        } else if (kind == 1) {
            memmove(text + at, text + at + count, size - at - count);
            size -= count;
        } else if (size + count < capacity) {
            memmove(text + at + count, text + at, size - at);
            size += count;
        }
    }
    return size;
}

static void mutated_files(void **state)
{
    static const char good[] =
        PROVIDER "Domains=a.example b.example\nMethods=device\nCaFile=/etc/ca.pem\n" GROUPS
        "[user bob]\nUid=1900000001\nHome=/home/bob\n[service sudo]\nRequireGroups=admins\n"
        "MaxAuthAge=8h\n[access]\nAllowGroups=staff\nAllowUsers=bob\nShowQr=utf8\n"
        "[identity]\nUidBase=1879048192\nUidCount=1000\nHomeTemplate=/home/%u\n"
        "[revocation]\nOnRevoked=grace:15m\nFreshSec=1min 30s\nEndOnExpiry=yes\n";
    Fixture *fixture = *state;
    uint32_t seed = 20261121;
    unsigned accepted = 0;
    char text[sizeof(good) + 64];

    for (unsigned i = 0; i < 3000; i++) {
        ConfigMessages messages = {0};
        Config *config = NULL;
        memcpy(text, good, sizeof(good));
        write_bytes(fixture->file, text, mutate(text, sizeof(good) - 1, sizeof(text), &seed));
        int r = config_read(fixture->file, NULL, false, &config, &messages);
        assert_true(r == 0 || r == -EBADMSG);
        assert_true((r == 0) == (config != NULL));
        assert_true(r == 0 || messages.count > 0); /* never refused without a word */
        accepted += r == 0;
        config_free(config);
        config_messages_clear(&messages);
    }
    assert_true(accepted > 0 && accepted < 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(drop_ins_in_byte_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owner_and_mode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mutated_files, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
