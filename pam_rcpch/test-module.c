/*
 * The built module in an application's place: every entry point, and whose account it is. An
 * account of ours is admitted by ALLOW and by nothing else; root and plain local accounts never
 * touch the bus.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <security/pam_modules.h>

#include "common/cleanup.h"
#include "common/outcome.h"
#include "pam_rcpch/module-host.h"

static void test_every_outcome_in_every_phase(void **state)
{
    static const char *const users[] = {"alice", "deploy"};

    for (uint32_t outcome = 0; outcome < _OUTCOME_COUNT + 3; outcome++)
        for (size_t p = 0; p < ELEMENTSOF(asking_phases); p++)
            for (size_t u = 0; u < ELEMENTSOF(users); u++) {
                peer_says(outcome, "");
                int expected = outcome == OUTCOME_NOT_OURS
                                   ? PAM_SYSTEM_ERR
                                   : outcome_to_pam(outcome_from_number(outcome));
                assert_int_equal(host_call(asking_phases[p], users[u]), expected);
                assert_int_equal(host.peer->calls, 1);
            }
}

static void test_local_accounts_never_touch_the_bus(void **state)
{
    static const char *const users[] = {"root",    "bob",     "nobody knows", "",
                                        "alice ",  "ALICE",   "-rf",          "../alice",
                                        "alice:x", "alice\n", "al\033[2Jice", "#1879048193"};
    char longest[301];

    memset(longest, 'a', sizeof(longest));
    longest[300] = '\0';
    peer_says(OUTCOME_ALLOW, "");
    for (int phase = 0; phase < _PHASE_COUNT; phase++) {
        int expected = phase == PHASE_CLOSE ? PAM_SUCCESS : PAM_IGNORE;
        for (size_t u = 0; u < ELEMENTSOF(users); u++) {
            Application application = {.user = users[u], .answer = "", .env = "RCPCH_SESSION=x"};
            assert_int_equal(
                application_call(&application, fixture_function(host.module, (Phase)phase)),
                expected);
            assert_string_equal(application.shown, "");
        }
        assert_int_equal(host_call((Phase)phase, longest), expected);
    }
    assert_int_equal(host.peer->calls, 0);
}

static void test_setcred(void **state)
{
    peer_says(OUTCOME_DISABLED, "");
    assert_int_equal(host_call(PHASE_SETCRED, "alice"), PAM_SUCCESS);
    assert_int_equal(host_call(PHASE_SETCRED, "deploy"), PAM_SUCCESS);
    assert_int_equal(host_call(PHASE_SETCRED, "bob"), PAM_IGNORE);
    assert_int_equal(host.peer->calls, 0);
}

static void test_password_phase_points_elsewhere(void **state)
{
    static const int passes[] = {PAM_PRELIM_CHECK, PAM_UPDATE_AUTHTOK,
                                 PAM_PRELIM_CHECK | PAM_CHANGE_EXPIRED_AUTHTOK};

    for (size_t i = 0; i < ELEMENTSOF(passes); i++) {
        Application application = {.user = "alice", .flags = passes[i]};
        assert_int_equal(
            application_call(&application, fixture_function(host.module, PHASE_PASSWORD)),
            PAM_PERM_DENIED);
        assert_non_null(strstr(application.shown, "your organisation's directory"));
    }
    assert_int_equal(host.peer->calls, 0);
}

static void test_account_tells_how_and_for_whom(void **state)
{
    Application ssh = {.user = "alice",
                       .rhost = "10.99.0.1",
                       .env = "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n"};
    Application sudo = {.service = "sudo", .user = "root", .ruser = "alice", .tty = "/dev/pts/3"};

    peer_says(OUTCOME_ALLOW, "");
    assert_int_equal(application_call(&ssh, fixture_function(host.module, PHASE_ACCOUNT)),
                     PAM_SUCCESS);
    assert_string_equal(host.peer->method, "CheckAccount");
    assert_string_equal(host.peer->auth_info, "publickey ssh-ed25519 AAAA\n");
    assert_string_equal(host.peer->target, "");
    assert_string_equal(ssh.shown, "");

    peer_says(OUTCOME_NOT_IN_GROUP, "");
    assert_int_equal(application_call(&sudo, fixture_function(host.module, PHASE_ACCOUNT)),
                     PAM_PERM_DENIED);
    assert_string_equal(host.peer->user, "alice");
    assert_string_equal(host.peer->ruser, "alice");
    assert_string_equal(host.peer->target, "root");
    assert_non_null(strstr(sudo.shown, "not in a group"));
}

/* Items as no decent application sets them: the bus would refuse them as they are. */
static void test_items_that_are_not_text(void **state)
{
    char longest[5000];
    Application application = {
        .user = "alice", .rhost = "\xFF\xFE\033[2J\nhost", .ruser = longest, .tty = "\x80"};

    memset(longest, 'r', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    peer_says(OUTCOME_ALLOW, "");
    assert_int_equal(application_call(&application, fixture_function(host.module, PHASE_ACCOUNT)),
                     PAM_SUCCESS);
    assert_string_equal(host.peer->rhost, "???[2J?host");
}

/* A helper that lies could else have root make that folder, and give it to its owner. */
static void test_a_home_cannot_plant_system_folders(void **state)
{
    peer_says(OUTCOME_ALLOW, "");
    assert_int_equal(host_call(PHASE_ACCOUNT, "alice"), PAM_SUCCESS);
    assert_int_not_equal(host_call(PHASE_ACCOUNT, "mallory"), PAM_SUCCESS);
    assert_int_not_equal(host_call(PHASE_ACCOUNT, "mallory"), PAM_IGNORE);
    /* sudo -u mallory: only the session phase hears of the target */
    assert_int_equal(host_call(PHASE_OPEN, "alice"), PAM_SUCCESS);
    assert_int_not_equal(host_call(PHASE_OPEN, "mallory"), PAM_SUCCESS);
    assert_int_not_equal(host_call(PHASE_OPEN, "mallory"), PAM_IGNORE);
}

static void test_messages(void **state)
{
    Application quiet = {.user = "alice", .flags = (int)PAM_SILENT}, loud = {.user = "alice"},
                deaf = {.user = "alice", .deaf = true};
    ModuleFunction account = fixture_function(host.module, PHASE_ACCOUNT);

    peer_says(OUTCOME_ALLOW, "Your sign-in ends in an hour.\033[31m");
    assert_int_equal(application_call(&loud, account), PAM_SUCCESS);
    assert_string_equal(loud.shown, "Your sign-in ends in an hour.?[31m\n");
    assert_int_equal(application_call(&quiet, account), PAM_SUCCESS);
    assert_string_equal(quiet.shown, "");
    assert_int_equal(application_call(&deaf, account), PAM_SUCCESS);

    peer_says(OUTCOME_DISABLED, "");
    assert_int_equal(application_call(&quiet, account), PAM_ACCT_EXPIRED);
    assert_non_null(strstr(quiet.shown, "disabled"));
    assert_int_equal(application_call(&deaf, account), PAM_ACCT_EXPIRED);
}

/* The address is ours, not the environment's. */
static void test_environment_is_not_asked(void **state)
{
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
    setenv("DBUS_STARTER_ADDRESS", "unix:path=/nonexistent", 1);
    setenv("SYSTEMD_BUS_TIMEOUT", "1us", 1);
    peer_says(OUTCOME_ALLOW, "");
    assert_int_equal(host_call(PHASE_ACCOUNT, "alice"), PAM_SUCCESS);
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
    unsetenv("DBUS_STARTER_ADDRESS");
    unsetenv("SYSTEMD_BUS_TIMEOUT");
}

/* What a login leaves behind in the application: nothing. */
static void test_nothing_is_left_behind(void **state)
{
    struct sigaction pipe_before, pipe_after;

    peer_says(OUTCOME_ALLOW, "");
    for (int phase = 0; phase < _PHASE_COUNT; phase++)
        host_call((Phase)phase, "alice"); /* what libraries open once is open now */
    sigaction(SIGPIPE, NULL, &pipe_before);
    unsigned before = fixture_open_descriptors();
    for (int round = 0; round < 20; round++)
        for (int phase = 0; phase < _PHASE_COUNT; phase++) {
            host.peer->channel = (PeerChannel)(round % CHANNEL_SILENT);
            host.peer->outcome = round % 2 ? OUTCOME_ALLOW : OUTCOME_DISABLED;
            host_call((Phase)phase, "alice");
        }
    assert_int_equal(fixture_open_descriptors(), before);
    sigaction(SIGPIPE, NULL, &pipe_after);
    assert_ptr_equal(pipe_before.sa_handler, pipe_after.sa_handler);
}

static void test_module_can_be_unloaded(void **state)
{
    unsigned before = fixture_open_descriptors();

    for (int round = 0; round < 20; round++) {
        dlclose(host.module);
        host.module = fixture_module_open();
        peer_says(OUTCOME_ALLOW, "");
        assert_int_equal(host_call(PHASE_ACCOUNT, "alice"), PAM_SUCCESS);
    }
    assert_int_equal(fixture_open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hosted(test_every_outcome_in_every_phase),
        hosted(test_local_accounts_never_touch_the_bus),
        hosted(test_setcred),
        hosted(test_password_phase_points_elsewhere),
        hosted(test_account_tells_how_and_for_whom),
        hosted(test_a_home_cannot_plant_system_folders),
        hosted(test_items_that_are_not_text),
        hosted(test_messages),
        hosted(test_environment_is_not_asked),
        hosted(test_nothing_is_left_behind),
        hosted(test_module_can_be_unloaded),
    };

    host_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
