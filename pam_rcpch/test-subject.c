/*
 * Whose access is judged: every pairing of users, in every kind of service.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "pam_rcpch/subject.h"

/* Stands before the one of common/: the files are another test's subject. */
Ownership ownership_of(const char *user)
{
    static const struct {
        const char *name;
        Ownership ownership;
    } rows[] = {
        {"alice", OWNERSHIP_OURS},
        {"carol", OWNERSHIP_OURS},
        {"deploy", OWNERSHIP_TIED},
        {"bob", OWNERSHIP_NOT_OURS},
        {"daemon", OWNERSHIP_NOT_OURS},
        {"no.body_knows", OWNERSHIP_NOT_OURS},
        {"No Body", OWNERSHIP_NOT_OURS},
        {"root", OWNERSHIP_OURS /* a lie: root is never asked about */},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (strcmp(rows[i].name, user) == 0)
            return rows[i].ownership;
    return OWNERSHIP_UNKNOWN;
}

bool ownership_may_be_local(const char *user)
{
    return strcmp(user, "bob") == 0;
}

static const struct {
    const char *user, *ruser, *service, *expected;
    Ownership ownership;
    bool elevation;
} rows[] = {
    {"alice", "", "sshd", "alice", OWNERSHIP_OURS, false},
    {"deploy", "", "sshd", "deploy", OWNERSHIP_TIED, false},
    {"bob", "", "sshd", "bob", OWNERSHIP_NOT_OURS, false},
    {"root", "", "sshd", "root", OWNERSHIP_NOT_OURS, false},
    {"ghost", "", "sshd", "ghost", OWNERSHIP_UNKNOWN, false},
    /* Elevation: PAM_USER local, PAM_RUSER ours. */
    {"root", "alice", "sudo", "alice", OWNERSHIP_OURS, true},
    {"root", "alice", "sudo-i", "alice", OWNERSHIP_OURS, true},
    {"root", "alice", "su", "alice", OWNERSHIP_OURS, true},
    {"root", "alice", "su-l", "alice", OWNERSHIP_OURS, true},
    {"bob", "alice", "sudo", "alice", OWNERSHIP_OURS, true},
    {"root", "deploy", "sudo", "deploy", OWNERSHIP_TIED, true},
    {"root", "ghost", "sudo", "ghost", OWNERSHIP_UNKNOWN, true},
    /* The invoking user is the user: nothing is raised yet. */
    {"alice", "alice", "sudo", "alice", OWNERSHIP_OURS, false},
    /* The target is ours: it is judged itself. */
    {"carol", "alice", "su", "carol", OWNERSHIP_OURS, false},
    {"alice", "bob", "su", "alice", OWNERSHIP_OURS, false},
    {"alice", "root", "su", "alice", OWNERSHIP_OURS, false},
    {"ghost", "alice", "su", "ghost", OWNERSHIP_UNKNOWN, false},
    /* Local to local stays untouched. */
    {"root", "bob", "sudo", "root", OWNERSHIP_NOT_OURS, false},
    {"bob", "root", "su", "bob", OWNERSHIP_NOT_OURS, false},
    /* Other services may put anything into PAM_RUSER. */
    {"root", "alice", "sshd", "root", OWNERSHIP_NOT_OURS, false},
    {"root", "alice", "login", "root", OWNERSHIP_NOT_OURS, false},
    {"root", "alice", "cron", "root", OWNERSHIP_NOT_OURS, false},
    {"root", "alice", "sudo2", "root", OWNERSHIP_NOT_OURS, false},
    {"root", "alice", "", "root", OWNERSHIP_NOT_OURS, false},
};

static void test_every_pairing(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Subject subject = subject_of_request(rows[i].user, rows[i].ruser, rows[i].service, 0);
        assert_string_equal(subject.name, rows[i].expected);
        assert_int_equal(subject.ownership, rows[i].ownership);
        assert_int_equal(subject.elevation, rows[i].elevation);
    }
}

/* su without PAM_RUSER: by root as ever, by anybody else not at all. */
static void test_caller_without_a_name(void **state)
{
    Subject subject = subject_of_request("root", "", "su", 0);
    assert_int_equal(subject.ownership, OWNERSHIP_NOT_OURS);
    assert_false(subject.elevation);

    subject = subject_of_request("root", "", "su", 1879048193);
    assert_int_equal(subject.ownership, OWNERSHIP_UNKNOWN);
    subject = subject_of_request("bob", "", "su-l", 1000);
    assert_int_equal(subject.ownership, OWNERSHIP_UNKNOWN);

    subject = subject_of_request("alice", "", "su", 1000);
    assert_int_equal(subject.ownership, OWNERSHIP_OURS);
    subject = subject_of_request("root", "", "sshd", 1000);
    assert_int_equal(subject.ownership, OWNERSHIP_NOT_OURS);
}

static void test_who_is_asked_about(void **state)
{
    for (int ownership = -1; ownership < 6; ownership++) {
        Subject subject = {.name = "x", .ownership = (Ownership)ownership};
        assert_int_equal(subject_is_ours(&subject),
                         ownership == OWNERSHIP_OURS || ownership == OWNERSHIP_TIED);
    }
    assert_int_equal(subject_of_user("root").ownership, OWNERSHIP_NOT_OURS);
}

static void test_who_is_unknown(void **state)
{
    static const struct {
        const char *name;
        bool unknown;
    } names[] = {
        {"no.body_knows", true},
        {"bob", false},     /* in /etc/passwd; no name service is asked */
        {"daemon", false},  /* somebody else's, as getpwnam() says */
        {"No Body", false}, /* ours never look like that */
        {"alice", false},   {"deploy", false}, {"root", false}, {"cannot-tell", false},
    };

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        Subject subject = subject_of_user(names[i].name);
        assert_int_equal(subject_is_unknown(&subject), names[i].unknown);
        assert_false(names[i].unknown && subject_is_ours(&subject));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pairing),
        cmocka_unit_test(test_caller_without_a_name),
        cmocka_unit_test(test_who_is_asked_about),
        cmocka_unit_test(test_who_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
