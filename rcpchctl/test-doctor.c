/*
 * The checks of a host: a host that is well, and each thing that may be broken.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/limits.h"
#include "rcpchctl/doctor.h"
#include "rcpchctl/test-host.h"

#define NSSWITCH "/etc/nsswitch.conf"

/* What one check says of a host: the worst result, and all its texts in a row. */
typedef struct Said {
    FindingResult worst;
    char texts[2048];
    bool has_mend; /* every row that is not ok says what to do */
} Said;

static Said read_findings(Findings *findings)
{
    Said said = {.worst = FINDING_OK, .has_mend = true};
    const json_t *row = NULL;
    size_t i = 0;

    assert_false(findings->failed);
    json_array_foreach(findings->rows, i, row)
    {
        const char *mend = json_string_value(json_object_get(row, "mend"));
        const char *result = json_string_value(json_object_get(row, "result"));
        size_t used = strlen(said.texts);
        (void)snprintf(said.texts + used, sizeof(said.texts) - used, "%s\n",
                       json_string_value(json_object_get(row, "text")));
        said.has_mend = said.has_mend && (mend[0] != '\0') == (strcmp(result, "ok") != 0);
    }
    for (unsigned result = 0; result < _FINDING_RESULT_COUNT; result++)
        if (findings->counts[result] > 0)
            said.worst = (FindingResult)result;
    assert_true(json_array_size(findings->rows) > 0);
    findings_clear(findings);
    return said;
}

static Said check(FakeHost *fake, void (*run)(const Host *, const char *, Findings *))
{
    Findings findings = {.rows = NULL};

    run(&fake->host, "check", &findings);
    return read_findings(&findings);
}

static void assert_says(Said said, FindingResult worst, const char *text)
{
    if (said.worst != worst || !strstr(said.texts, text))
        fail_msg("expected %u and \"%s\", got %u and \"%s\"", worst, text, said.worst, said.texts);
    assert_true(said.has_mend);
}

static void test_nsswitch(void **state)
{
    static const struct {
        const char *file, *text;
        FindingResult worst;
    } rows[] = {
        {"passwd: files systemd rcpch\ngroup:files rcpch\n", "after files", FINDING_OK},
        {"passwd:\tcompat\trcpch # ours\n group : files rcpch", "after files", FINDING_OK},
        {"passwd: files [NOTFOUND=continue] rcpch\ngroup: files rcpch", "after files", FINDING_OK},
        {"passwd: files\ngroup: files rcpch\n", "\"passwd\" does not name", FINDING_ERROR},
        {"passwd: files rcpch\ngroup: files # rcpch\n", "\"group\" does not name", FINDING_ERROR},
        {"passwd: files rcpchx\ngroup: files rcpch\n", "\"passwd\" does not name", FINDING_ERROR},
        {"passwd: files rcpch\n", "\"group\" does not name", FINDING_ERROR},
        {"passwd: files rcpch\ngroup: files rcpch\ninitgroups: files\n", "\"initgroups\"",
         FINDING_ERROR},
        {"passwd: files rcpch\ngroup: files [notfound=return] rcpch\n", "\"group\" stops",
         FINDING_ERROR},
        {"passwd: files [!SUCCESS=return] rcpch\ngroup: files rcpch\n", "\"passwd\" stops",
         FINDING_ERROR},
        {"passwd: rcpch files\ngroup: files rcpch\n", "asks rcpch before files", FINDING_WARNING},
        {"", "\"passwd\" does not name", FINDING_ERROR},
    };
    _cleanup_host_ FakeHost *fake = fake_host_new();

    assert_says(check(fake, doctor_name_service), FINDING_ERROR, "cannot be read");
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        fake_host_write(fake, NSSWITCH, rows[i].file);
        assert_says(check(fake, doctor_name_service), rows[i].worst, rows[i].text);
    }
}

static void test_files_that_must_be_there(void **state)
{
    _cleanup_host_ FakeHost *fake = fake_host_new();

    assert_says(check(fake, doctor_name_module), FINDING_ERROR, "is missing");
    assert_says(check(fake, doctor_pam_module), FINDING_ERROR, "is missing");
    assert_says(check(fake, doctor_snapshot), FINDING_ERROR, "No such file");
    assert_says(check(fake, doctor_name_cache), FINDING_OK, "no nscd");
    fake_host_write(fake, RCPCH_LIBDIR "/libnss_rcpch.so.2", "");
    fake_host_write(fake, RCPCH_PAM_DIR "/pam_rcpch.so", "");
    fake_host_write(fake, "/var/lib/rcpch-nss/snapshot", "no snapshot at all, however long it is");
    fake_host_write(fake, "/run/nscd/socket", "");
    assert_says(check(fake, doctor_name_module), FINDING_OK, "libnss_rcpch.so.2");
    assert_says(check(fake, doctor_pam_module), FINDING_OK, "pam_rcpch.so");
    assert_says(check(fake, doctor_snapshot), FINDING_ERROR, "/var/lib/rcpch-nss/snapshot");
    assert_says(check(fake, doctor_name_cache), FINDING_ERROR, "nscd is running");
}

/* As pam-auth-update writes it. */
#define AUTH                                                                                       \
    "auth [success=2 ignore=ignore default=die] pam_rcpch.so\n"                                    \
    "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n"             \
    "auth required pam_permit.so\n"
#define ACCOUNT                                                                                    \
    "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"                       \
    "account requisite pam_deny.so\naccount required pam_permit.so\n"
#define OUR_ACCOUNT "account required pam_rcpch.so\n"
#define SESSION                                                                                    \
    "session required pam_unix.so\nsession optional pam_systemd.so\n"                              \
    "session requisite pam_rcpch.so\nsession required pam_mkhomedir.so umask=0077\n"

static void test_pam_stack(void **state)
{
    static const struct {
        const char *file, *text;
        FindingResult worst;
    } rows[] = {
        {AUTH ACCOUNT OUR_ACCOUNT SESSION, "asked and obeyed", FINDING_OK},
        {AUTH ACCOUNT SESSION, "sshd, account: pam_rcpch.so is not asked", FINDING_ERROR},
        {AUTH ACCOUNT "account sufficient pam_rcpch.so\n" SESSION, "throws away", FINDING_ERROR},
        {AUTH "account sufficient pam_localuser.so\n" OUR_ACCOUNT SESSION,
         "pam_localuser.so before", FINDING_ERROR},
        {AUTH "account [success=done default=ignore] pam_ldap.so\n" OUR_ACCOUNT SESSION,
         "pam_ldap.so before", FINDING_ERROR},
        {AUTH "account [success=1 default=ignore] pam_ldap.so\n" OUR_ACCOUNT SESSION,
         "pam_ldap.so before", FINDING_ERROR},
        {"auth sufficient pam_unix.so\n" AUTH ACCOUNT OUR_ACCOUNT SESSION,
         "pam_unix.so stands before", FINDING_ERROR},
        {ACCOUNT OUR_ACCOUNT SESSION, "sshd, auth: pam_rcpch.so is not asked", FINDING_ERROR},
        {"auth optional pam_rcpch.so\n" ACCOUNT OUR_ACCOUNT SESSION, "sshd, auth: \"optional\"",
         FINDING_ERROR},
        {AUTH ACCOUNT OUR_ACCOUNT "session required pam_unix.so\n", "sessions are not known",
         FINDING_ERROR},
        {AUTH ACCOUNT OUR_ACCOUNT
         "session required pam_rcpch.so\nsession optional pam_systemd.so\n",
         "pam_systemd.so stands behind", FINDING_ERROR},
        {AUTH ACCOUNT OUR_ACCOUNT
         "session required pam_mkhomedir.so\nsession required pam_rcpch.so\n",
         "makes homes", FINDING_WARNING},
        {"auth include sshd\n", "sshd, auth: cannot be read", FINDING_ERROR},
    };
    _cleanup_host_ FakeHost *fake = fake_host_new();

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        fake_host_write(fake, "/etc/pam.d/sshd", rows[i].file);
        assert_says(check(fake, doctor_pam), rows[i].worst, rows[i].text);
    }
}

/* cron asks nobody for a code, sudo opens no session of its own: each is held to what it does. */
static void test_each_service_to_its_own(void **state)
{
    _cleanup_host_ FakeHost *fake = fake_host_new();

    fake_host_write(fake, "/etc/pam.d/common-account", ACCOUNT OUR_ACCOUNT);
    fake_host_write(fake, "/etc/pam.d/cron", "@include common-account\n" SESSION);
    fake_host_write(fake, "/etc/pam.d/sudo", "@include common-account\n" AUTH);
    assert_says(check(fake, doctor_pam), FINDING_OK, "asked and obeyed");
    fake_host_write(fake, "/etc/pam.d/common-account", ACCOUNT);
    Said said = check(fake, doctor_pam);
    assert_says(said, FINDING_ERROR, "cron, account");
    assert_says(said, FINDING_ERROR, "sudo, account");
}

#define GOOD_SSHD                                                                                  \
    "port 22\nusepam yes\nlogingracetime 330\nkbdinteractiveauthentication yes\n"                  \
    "maxstartups 60:30:200\nauthenticationmethods any\nbanner none\n"

static Said check_sshd(const char *output)
{
    Findings findings = {.rows = NULL};

    doctor_judge_sshd(output, "sshd", &findings);
    return read_findings(&findings);
}

static void test_sshd(void **state)
{
    static const struct {
        const char *output, *text;
        FindingResult worst;
    } rows[] = {
        {GOOD_SSHD, "are on", FINDING_OK},
        {"usepam yes\nlogingracetime 0\nkbdinteractiveauthentication yes\nmaxstartups 60:30:200\n",
         "are on", FINDING_OK},
        {"usepam no\n" GOOD_SSHD, "usepam is no", FINDING_ERROR},
        {"kbdinteractiveauthentication no\n" GOOD_SSHD, "no code can be shown", FINDING_ERROR},
        {"logingracetime 120\n" GOOD_SSHD, "hangs up", FINDING_WARNING},
        {"maxstartups 10:30:100\n" GOOD_SSHD, "few people", FINDING_WARNING},
        {"authenticationmethods publickey\n" GOOD_SSHD, "authenticationmethods is publickey",
         FINDING_ERROR},
        {"authenticationmethods publickey,keyboard-interactive\n" GOOD_SSHD, "are on", FINDING_OK},
        {"", "not known to this sshd", FINDING_ERROR},
        {"usepam\n", "usepam is not known", FINDING_ERROR},
    };
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_says(check_sshd(rows[i].output), rows[i].worst, rows[i].text);
}

/* Only what the block itself makes worse, and only what a block can set. */
static void test_sshd_match(void **state)
{
    static const struct {
        const char *global, *output, *text; /* NULL: nothing is said */
    } rows[] = {
        {"kbdinteractiveauthentication yes\n", "kbdinteractiveauthentication yes\n", NULL},
        {"kbdinteractiveauthentication yes\n", "kbdinteractiveauthentication no\n",
         "for alice, kbdinteractiveauthentication is no: no code can be shown"},
        {"kbdinteractiveauthentication no\n", "kbdinteractiveauthentication no\n", NULL},
        {"kbdinteractiveauthentication yes\n",
         "kbdinteractiveauthentication yes\nauthenticationmethods publickey\n",
         "for alice, authenticationmethods is publickey"},
        {"kbdinteractiveauthentication yes\n",
         "kbdinteractiveauthentication yes\n"
         "authenticationmethods publickey,keyboard-interactive\n", NULL},
        {"kbdinteractiveauthentication yes\nusepam yes\nlogingracetime 330\n",
         "kbdinteractiveauthentication yes\nusepam no\nlogingracetime 1\n", NULL},
    };
    const SshdMatch match = {.file = (char *)(uintptr_t) "/etc/ssh/sshd_config",
                             .line = (char *)(uintptr_t) "Match User alice",
                             .user = (char *)(uintptr_t) "alice"};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Findings findings = {.rows = NULL};
        doctor_judge_sshd_match(rows[i].global, rows[i].output, &match, "sshd", &findings);
        if (rows[i].text)
            assert_says(read_findings(&findings), FINDING_ERROR, rows[i].text);
        else
            assert_null(findings.rows);
        findings_clear(&findings);
    }
}

/* sshd's own lists: only people of ours, and only what is said of them by name or group. */
static void test_sshd_lists(void **state)
{
    static const struct {
        const char *output, *text; /* NULL: nothing is said */
    } rows[] = {
        {GOOD_SSHD, NULL},
        {"allowgroups staff\n", "AllowGroups keeps out 1 of 2 people of ours, alice for one"},
        {"allowgroups staff\nallowgroups audit-*\n", NULL},
        {"allowgroups audit-staff\n", NULL},
        {"allowusers laura\n", "AllowUsers keeps out 2 of 2 people of ours, alice for one"},
        {"allowusers laura\nallowusers alice\n", "AllowUsers keeps out 1 of 2"},
        {"allowusers alice@10.0.0.0/8\nallowusers deploy\n", NULL},
        {"allowusers *\n", NULL},
        {"denyusers alice\n", "DenyUsers keeps out 1 of 2 people of ours, alice for one"},
        {"denyusers alice@10.0.0.1\n", NULL},
        {"denyusers laura\n", NULL},
        {"denygroups audit-staff\n", "DenyGroups keeps out 1 of 2"},
        {"denygroups staff\nallowgroupsx staff\n", NULL},
    };
    static const char *const alices[] = {"audit-staff", "alice", NULL}, *const none[] = {NULL};
    static const SshdPerson people[] = {{"alice", alices}, {"deploy", none}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Findings findings = {.rows = NULL};
        doctor_judge_sshd_lists(rows[i].output, people, ELEMENTSOF(people), "sshd", &findings);
        if (rows[i].text)
            assert_says(read_findings(&findings), FINDING_WARNING, rows[i].text);
        else
            assert_null(findings.rows);
        findings_clear(&findings);
    }
}

static void test_control_groups(void **state)
{
    _cleanup_host_ FakeHost *fake = fake_host_new();

    assert_says(check(fake, doctor_control_groups), FINDING_WARNING, "version 1");
    fake_host_write(fake, "/sys/fs/cgroup/cgroup.controllers", "cpu\n");
    assert_says(check(fake, doctor_control_groups), FINDING_WARNING, "without cgroup.kill");
    fake_host_write(fake, "/sys/fs/cgroup/system.slice/cgroup.kill", "");
    assert_says(check(fake, doctor_control_groups), FINDING_OK, "version 2");
}

#define HASH "$y$j9T$salt$hash"

static void test_local_root(void **state)
{
    static const struct {
        const char *passwd, *shadow, *group, *sudoers, *text;
        FindingResult worst;
    } rows[] = {
        {"root:x:0:0::/root:/bin/bash\n", "root:" HASH ":1::::::\n", "", "", "away: root",
         FINDING_OK},
        {"root:x:0:0::/root:/bin/bash\n", "root:*:1::::::\n", "", "", "no local account",
         FINDING_WARNING},
        {"root:x:0:0::/root:/bin/bash\n", "root:!" HASH ":1::::::\n", "", "", "no local account",
         FINDING_WARNING},
        {"root:x:0:0::/root:/usr/sbin/nologin\n", "root:" HASH ":1::::::\n", "", "",
         "no local account", FINDING_WARNING},
        {"eve:x:1000:1000::/home/eve:/bin/sh", "eve:" HASH ":", "sudo:x:27:adam,eve\n",
         "%sudo ALL=(ALL:ALL) ALL\n", "away: eve", FINDING_OK},
        {"eve:x:1000:27::/home/eve:/bin/sh", "eve:" HASH ":", "sudo:x:27:\n",
         "%sudo\tALL=(ALL:ALL) ALL\n", "away: eve", FINDING_OK},
        {"eve:x:1000:1000::/home/eve:/bin/sh", "eve:" HASH ":", "sudo:x:27:adam\n",
         "%sudo ALL=(ALL:ALL) ALL\n", "no local account", FINDING_WARNING},
        {"eve:x:1000:1000::/home/eve:/bin/sh", "eve:" HASH ":", "sudo:x:27:eve\n",
         "# %sudo ALL=(ALL:ALL) ALL\n", "no local account", FINDING_WARNING},
        {"eve:x:1000:1000::/home/eve:/bin/sh", "eve:" HASH ":", "",
         "eve ALL=(root) NOPASSWD: ALL\n", "away: eve", FINDING_OK},
        {"kim:x:1001:1001::/home/kim:/bin/sh", "kim:!:", "", "kim ALL=(ALL) ALL\n", "away: kim",
         FINDING_OK}, /* has a key */
        {"tom:x:1002:1002::/home/tom:/bin/sh", "tom:" HASH ":", "", "tom ALL=(ALL) ALL\n",
         "no local account", FINDING_WARNING}, /* tied */
        {"short:x:0\n:::::\n", "", "", "", "no local account", FINDING_WARNING},
    };
    _cleanup_host_ FakeHost *fake = fake_host_new();

    fake_host_write(fake, "/home/kim/.ssh/authorized_keys", "ssh-ed25519 AAAAC3Nz kim\n");
    fake_host_write(fake, "/var/lib/rcpch-nss/local", "tom\n");
    fake_host_write(fake, "/etc/sudoers.d/old.bak", "eve ALL=(ALL) ALL\n");
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        fake_host_write(fake, "/etc/passwd", rows[i].passwd);
        fake_host_write(fake, "/etc/shadow", rows[i].shadow);
        fake_host_write(fake, "/etc/group", rows[i].group);
        fake_host_write(fake, "/etc/sudoers", i % 2 ? "" : rows[i].sudoers);
        fake_host_write(fake, "/etc/sudoers.d/local", i % 2 ? rows[i].sudoers : "");
        assert_says(check(fake, doctor_local_root), rows[i].worst, rows[i].text);
    }
}

/* What comes from a file reaches no terminal as a control, and programs get valid JSON. */
static void test_findings_are_harmless(void **state)
{
    Findings findings = {.rows = NULL};

    findings_add(&findings, "x", FINDING_ERROR, "do\x1b[2J", "bad \x1b[2J \xff");
    findings_add_row(&findings, "x", "unheard-of", NULL, NULL);
    assert_false(findings.failed);
    assert_int_equal(findings.counts[FINDING_ERROR], 2);
    const json_t *row = json_array_get(findings.rows, 0);
    assert_string_equal(json_string_value(json_object_get(row, "text")), "bad \\x1b[2J \\xff");
    assert_string_equal(json_string_value(json_object_get(row, "mend")), "do\\x1b[2J");
    findings_clear(&findings);
}

static void test_programs_of_the_host(void **state)
{
    static const char *const hello[] = {"/bin/sh", "-c", "echo out; echo err >&2; exit 3", NULL};
    static const char *const much[] = {"/bin/sh", "-c", "yes | head -c 1000000", NULL};
    static const char *const none[] = {"/nonexistent", NULL};
    static const char *const killed[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
    _cleanup_free_ char *first = NULL, *second = NULL, *third = NULL, *fourth = NULL;

    assert_int_equal(host_run(hello, &first), 3);
    assert_string_equal(first, "out\nerr\n");
    assert_int_equal(host_run(much, &second), 0);
    assert_int_equal(strlen(second), HOST_OUTPUT_MAX);
    assert_true(host_run(none, &third) != 0);
    assert_true(host_run(killed, &fourth) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nsswitch),
        cmocka_unit_test(test_files_that_must_be_there),
        cmocka_unit_test(test_pam_stack),
        cmocka_unit_test(test_each_service_to_its_own),
        cmocka_unit_test(test_sshd),
        cmocka_unit_test(test_sshd_match),
        cmocka_unit_test(test_sshd_lists),
        cmocka_unit_test(test_control_groups),
        cmocka_unit_test(test_local_root),
        cmocka_unit_test(test_findings_are_harmless),
        cmocka_unit_test(test_programs_of_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
