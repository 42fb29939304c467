/*
 * The built module while the helper, the bus or the snapshot is gone, late or wrong: an account of
 * ours is denied in time, root and plain local accounts never notice.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <security/pam_modules.h>

#include "common/cleanup.h"
#include "common/outcome.h"
#include "common/paths.h"
#include "pam_rcpch/module-host.h"

static void test_replies_that_make_no_sense(void **state)
{
    static const PeerMood moods[] = {PEER_RETURNS_ERROR, PEER_RETURNS_NOTHING,
                                     PEER_RETURNS_STRINGS};

    for (size_t m = 0; m < ELEMENTSOF(moods); m++)
        for (size_t p = 0; p < ELEMENTSOF(asking_phases); p++) {
            peer_says(OUTCOME_ALLOW, "");
            host.peer->mood = moods[m];
            assert_int_equal(host_call(asking_phases[p], "alice"), PAM_AUTHINFO_UNAVAIL);
        }
}

static void test_helper_dies_in_the_call(void **state)
{
    for (size_t p = 0; p < ELEMENTSOF(asking_phases); p++) {
        peer_says(OUTCOME_ALLOW, "");
        host.peer->mood = PEER_DIES;
        assert_int_equal(host_call(asking_phases[p], "alice"), PAM_AUTHINFO_UNAVAIL);
        waitpid(host.helper, NULL, 0);
        host.helper = fixture_peer_start(host.peer);
    }
}

/* Ours denied, the others as ever; close always succeeds. */
static void all_phases_without_a_helper(double at_most)
{
    for (int phase = 0; phase < _PHASE_COUNT; phase++) {
        Application ours = {.user = "alice", .answer = "", .env = "RCPCH_SESSION=0f3c-17"};
        Application local = {.user = "bob", .answer = ""}, root = {.user = "root", .answer = ""};
        ModuleFunction function = fixture_function(host.module, (Phase)phase);
        int ignored = phase == PHASE_CLOSE ? PAM_SUCCESS : PAM_IGNORE;
        int expected = phase == PHASE_CLOSE || phase == PHASE_SETCRED ? PAM_SUCCESS
                       : phase == PHASE_PASSWORD                      ? PAM_PERM_DENIED
                                                                      : PAM_AUTHINFO_UNAVAIL;
        assert_int_equal(application_call(&ours, function), expected);
        assert_true(ours.seconds < at_most);
        if (expected == PAM_AUTHINFO_UNAVAIL)
            assert_non_null(strstr(ours.shown, "not available at the moment"));
        assert_int_equal(application_call(&local, function), ignored);
        assert_true(local.seconds < 4.0);
        assert_int_equal(application_call(&root, function), ignored);
    }
}

static void test_no_helper(void **state)
{
    fixture_kill(host.helper);
    all_phases_without_a_helper(4.0);
    host.helper = fixture_peer_start(host.peer);
}

static void test_no_bus(void **state)
{
    fixture_kill(host.bus);
    all_phases_without_a_helper(4.0);
    assert_int_equal(unlink("/run/dbus/system_bus_socket"), 0);
    all_phases_without_a_helper(4.0);
    host.bus = fixture_bus_start(256);
    fixture_kill(host.helper);
    host.helper = fixture_peer_start(host.peer);
}

static void test_bus_is_full(void **state)
{
    host_down(state);
    host.bus = fixture_bus_start(1);
    host.helper = fixture_peer_start(host.peer); /* has the one connection */
    all_phases_without_a_helper(4.0);
}

/* Runs the calls at the same time, each in a process of its own, because each takes its whole
 * deadline. */
static void deny_slowly(const Phase *phases, size_t count, double at_least, double at_most)
{
    pid_t children[_PHASE_COUNT];

    for (size_t i = 0; i < count; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] > 0)
            continue;
        Application application = {.user = "alice", .answer = "", .arguments = {"timeout=10"}};
        int code = application_call(&application, fixture_function(host.module, phases[i]));
        bool good = code == PAM_AUTHINFO_UNAVAIL && application.seconds >= at_least &&
                    application.seconds < at_most && strstr(application.shown, "not available");
        if (!good)
            fprintf(stderr, "phase %d: code %d after %.1f s\n", (int)phases[i], code,
                    application.seconds);
        _exit(good ? 0 : 1);
    }
    for (size_t i = 0; i < count; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void test_helper_never_answers(void **state)
{
    peer_says(OUTCOME_ALLOW, "");
    host.peer->mood = PEER_NEVER_ANSWERS;
    deny_slowly(asking_phases, ELEMENTSOF(asking_phases), 4.5, 12.0);
    assert_int_equal(host_call(PHASE_ACCOUNT, "bob"), PAM_IGNORE);
}

static void test_helper_is_stopped(void **state)
{
    Application close = {.user = "alice", .env = "RCPCH_SESSION=0f3c-17"};

    peer_says(OUTCOME_ALLOW, "");
    kill(host.helper, SIGSTOP);
    deny_slowly(asking_phases, ELEMENTSOF(asking_phases), 4.5, 12.0);
    assert_int_equal(application_call(&close, fixture_function(host.module, PHASE_CLOSE)),
                     PAM_SUCCESS);
    assert_true(close.seconds < 4);
    kill(host.helper, SIGCONT);
}

static void test_bus_is_stopped(void **state)
{
    peer_says(OUTCOME_ALLOW, "");
    kill(host.bus, SIGSTOP);
    deny_slowly(asking_phases, ELEMENTSOF(asking_phases), 4.5, 12.0);
    assert_int_equal(host_call(PHASE_OPEN, "bob"), PAM_IGNORE);
    kill(host.bus, SIGCONT);
}

/* Anybody may send signals to any connection of the system bus. */
static void test_flood_of_signals(void **state)
{
    static const Phase one[] = {PHASE_ACCOUNT};

    peer_says(OUTCOME_ALLOW, "");
    host.peer->mood = PEER_FLOODS;
    deny_slowly(one, 1, 0.1, 12.0);
}

/* The helper hangs after BeginLogin: given up a little after `timeout=`. */
static void test_channel_is_silent(void **state)
{
    static const Phase one[] = {PHASE_AUTH};

    peer_says(OUTCOME_ALLOW, "");
    host.peer->channel = CHANNEL_SILENT;
    deny_slowly(one, 1, 9.5, 25.0);
}

static void no_snapshot(void)
{
    static const Phase phases[] = {PHASE_AUTH, PHASE_ACCOUNT, PHASE_OPEN, PHASE_PASSWORD};
    static const char *const unknown[] = {"alice", "nobody-knows", "al\033[2Jice\n"};

    peer_says(OUTCOME_ALLOW, "");
    for (size_t p = 0; p < ELEMENTSOF(phases); p++) {
        for (size_t u = 0; u < ELEMENTSOF(unknown); u++)
            assert_int_equal(host_call(phases[p], unknown[u]), PAM_AUTHINFO_UNAVAIL);
        assert_int_equal(host_call(phases[p], "bob"), PAM_IGNORE);
        assert_int_equal(host_call(phases[p], "root"), PAM_IGNORE);
    }
    assert_int_equal(host_call(PHASE_SETCRED, "alice"), PAM_IGNORE);
    assert_int_equal(host_call(PHASE_CLOSE, "alice"), PAM_SUCCESS);
    assert_int_equal(host.peer->calls, 0);
}

static void test_snapshot_missing(void **state)
{
    fixture_unpublish();
    no_snapshot();
}

static void test_snapshot_corrupt(void **state)
{
    fixture_snapshot("", 0);
    no_snapshot();
    fixture_snapshot("this is no snapshot", 19);
    no_snapshot();
}

static void test_snapshot_of_somebody_else(void **state)
{
    assert_int_equal(chown(RCPCH_SNAPSHOT_FILE, 1000, 0), 0);
    no_snapshot();
    assert_int_equal(chown(RCPCH_SNAPSHOT_FILE, 0, 0), 0);
    assert_int_equal(chmod(RCPCH_SNAPSHOT_FILE, 0666), 0);
    no_snapshot();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hosted(test_replies_that_make_no_sense),
        hosted(test_helper_dies_in_the_call),
        hosted(test_no_helper),
        hosted(test_no_bus),
        hosted(test_bus_is_full),
        hosted(test_helper_never_answers),
        hosted(test_helper_is_stopped),
        hosted(test_bus_is_stopped),
        hosted(test_flood_of_signals),
        hosted(test_channel_is_silent),
        hosted(test_snapshot_missing),
        hosted(test_snapshot_corrupt),
        hosted(test_snapshot_of_somebody_else),
    };

    host_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
