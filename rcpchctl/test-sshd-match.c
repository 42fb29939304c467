/*
 * Match blocks: which are about people of ours, and whom sshd is asked about.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/limits.h"
#include "rcpchctl/sshd-match.h"
#include "rcpchctl/test-host.h"

#define CONFIG "/etc/ssh/sshd_config"
#define HERE   ",host=client.example,addr=192.0.2.1,laddr=192.0.2.2,lport=22"

static const char *const alices[] = {"audit-staff", "alice", NULL};
static const char *const bobs[] = {"audit-staff", "contractors", "bob", NULL};
static const SshdPerson people[] = {{"alice", alices}, {"bob", bobs}};

static SshdMatches read_matches(FakeHost *fake)
{
    SshdMatches matches;

    assert_int_equal(sshd_matches_read(&fake->host, people, ELEMENTSOF(people), &matches), 0);
    return matches;
}

static void test_whom_a_block_is_about(void **state)
{
    static const struct {
        const char *line, *connection; /* NULL: nobody of ours */
    } rows[] = {
        {"Match User alice", "user=alice" HERE},
        {"  match\tuser bob # him", "user=bob" HERE},
        {"Match User deploy", NULL},
        {"Match User Alice", NULL},
        {"Match User a*,!alice", NULL},
        {"Match User *,!alice", "user=bob" HERE},
        {"Match User !alice", NULL},
        {"Match Group contractors", "user=bob" HERE},
        {"Match Group wheel,audit-*", "user=alice" HERE},
        {"Match Group audit-*,!contractors", "user=alice" HERE},
        {"Match Group sudo", NULL},
        {"Match User bob Group alice", NULL},
        {"Match all", "user=alice" HERE},
        {"Match User=\"bob\"", "user=bob" HERE},
        {"Match Address 10.1.0.0/16",
         "user=alice,host=client.example,addr=10.1.0.0,laddr=192.0.2.2,lport=22"},
        {"Match Address !10.0.0.0/8,10.*.2.?",
         "user=alice,host=client.example,addr=10.1.2.1,laddr=192.0.2.2,lport=22"},
        {"Match Address !10.0.0.0/8", "user=alice" HERE},
        {"Match Address 2001:db8::/32 User bob",
         "user=bob,host=client.example,addr=2001:db8::,laddr=192.0.2.2,lport=22"},
        {"Match Host *.rcpch.ac.uk LocalPort 2222",
         "user=alice,host=1.rcpch.ac.uk,addr=192.0.2.1,laddr=192.0.2.2,lport=2222"},
        {"Match LocalAddress 10.9.9.9",
         "user=alice,host=client.example,addr=192.0.2.1,laddr=10.9.9.9,lport=22"},
        {"Match", "user=alice" HERE},
        {"Match User", "user=alice" HERE},
        {"MatchUser alice", NULL},
        {"# Match User alice", NULL},
    };
    _cleanup_host_ FakeHost *fake = fake_host_new();

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        fake_host_write(fake, CONFIG, rows[i].line);
        SshdMatches matches = read_matches(fake);
        if (matches.count != (rows[i].connection != NULL))
            fail_msg("%s: %zu", rows[i].line, matches.count);
        if (rows[i].connection) {
            assert_string_equal(matches.rows[0].connection, rows[i].connection);
            assert_string_equal(matches.rows[0].file, CONFIG);
        }
        sshd_matches_clear(&matches);
    }
}

static void test_included_files(void **state)
{
    _cleanup_host_ FakeHost *fake = fake_host_new();

    SshdMatches none = read_matches(fake);
    assert_int_equal(none.count, 0);
    fake_host_write(fake, CONFIG, "Include /etc/ssh/sshd_config.d/*.conf other.conf\nMatch all\n");
    fake_host_write(fake, "/etc/ssh/sshd_config.d/a.conf", "UsePAM yes\nMatch User bob\n");
    fake_host_write(fake, "/etc/ssh/sshd_config.d/a.off", "Match User alice\n");
    fake_host_write(fake, "/etc/ssh/other.conf", "Match User alice\nInclude other.conf\n");
    SshdMatches matches = read_matches(fake);
    assert_string_equal(matches.rows[0].file, "/etc/ssh/sshd_config.d/a.conf");
    assert_string_equal(matches.rows[1].file, "/etc/ssh/other.conf");
    assert_string_equal(matches.rows[matches.count - 1].line, "Match all");
    assert_string_equal(matches.rows[matches.count - 1].file, CONFIG);
    assert_true(matches.count <= SSHD_MATCHES_MAX);
    sshd_matches_clear(&matches);
}

/* Files that include one another come to an end, as many blocks do. */
static void test_ends(void **state)
{
    _cleanup_host_ FakeHost *fake = fake_host_new();

    fake_host_write(fake, CONFIG, "Include a.conf b.conf\n");
    fake_host_write(fake, "/etc/ssh/a.conf", "Match User bob\nInclude a.conf b.conf\n");
    fake_host_write(fake, "/etc/ssh/b.conf", "Match User bob\nInclude a.conf b.conf\n");
    SshdMatches matches = read_matches(fake);
    assert_int_equal(matches.count, SSHD_MATCHES_MAX);
    assert_true(matches.is_cut);
    sshd_matches_clear(&matches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whom_a_block_is_about),
        cmocka_unit_test(test_included_files),
        cmocka_unit_test(test_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
