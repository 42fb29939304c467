/*
 * The built module when sessions open and close, and the connection that an elevation keeps.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <security/pam_modules.h>

#include "common/cleanup.h"
#include "common/outcome.h"
#include "pam_rcpch/module-host.h"

static void test_session_opens_and_closes(void **state)
{
    Application open = {.user = "alice", .tty = "ssh"}, close = {.user = "alice"};
    char env[64 + 16];

    peer_says(OUTCOME_ALLOW, "");
    assert_int_equal(application_call(&open, fixture_function(host.module, PHASE_OPEN)),
                     PAM_SUCCESS);
    assert_string_equal(open.session, "0f3c-17");
    assert_string_equal(open.claim, "Practitioner/17");
    assert_string_equal(open.evil, ""); /* the module cleans what the helper sends */
    assert_int_equal(host.peer->leader, getpid());

    snprintf(env, sizeof(env), "RCPCH_SESSION=%s", open.session);
    close.env = env;
    host.peer->session[0] = '\0';
    assert_int_equal(application_call(&close, fixture_function(host.module, PHASE_CLOSE)),
                     PAM_SUCCESS);
    assert_string_equal(host.peer->method, "CloseSession");
    assert_string_equal(host.peer->session, "0f3c-17");
}

/* While packages are upgraded the module may be newer than the helper. */
static void test_a_helper_that_tells_no_claims_opens_sessions(void **state)
{
    Application open = {.user = "alice", .tty = "ssh"};

    peer_says(OUTCOME_ALLOW, "");
    host.peer->tells_no_claims = true;
    assert_int_equal(application_call(&open, fixture_function(host.module, PHASE_OPEN)),
                     PAM_SUCCESS);
    host.peer->tells_no_claims = false;
    assert_string_equal(open.session, "0f3c-17");
    assert_string_equal(open.claim, "");
}

/* The helper sees the end of sudo itself; its person need not wait for another call. */
static void test_the_end_of_an_elevation_asks_nobody(void **state)
{
    Application sudo = {.service = "sudo", .user = "root", .ruser = "alice",
                        .env = "RCPCH_SESSION=0f3c-17"};

    peer_says(OUTCOME_ALLOW, "");
    host.peer->session[0] = '\0';
    assert_int_equal(application_call(&sudo, fixture_function(host.module, PHASE_CLOSE)),
                     PAM_SUCCESS);
    assert_string_equal(host.peer->session, "");
}

static void test_sudo_session_is_the_invoking_users(void **state)
{
    Application sudo = {.service = "sudo", .user = "root", .ruser = "alice", .tty = "/dev/pts/3"};
    Application local = {.service = "sudo", .user = "root", .ruser = "bob"};

    peer_says(OUTCOME_ALLOW, "");
    assert_int_equal(application_call(&sudo, fixture_function(host.module, PHASE_OPEN)),
                     PAM_SUCCESS);
    assert_string_equal(host.peer->user, "alice");
    assert_int_equal(application_call(&local, fixture_function(host.module, PHASE_OPEN)),
                     PAM_IGNORE);
    assert_int_equal(host.peer->calls, 1);
}

/* --- the connection that an elevation keeps -------------------------------------------------- */

static char sender_between[64];

static void note_sender(void)
{
    memcpy(sender_between, host.peer->sender, sizeof(sender_between));
}

static void assert_all_succeed(Application *application, void (*between)(void))
{
    peer_says(OUTCOME_ALLOW, "");
    Codes codes = application_run(application, between);
    assert_int_equal(codes.account, PAM_SUCCESS);
    assert_int_equal(codes.session, PAM_SUCCESS);
    assert_int_equal(host.peer->calls, 2);
}

static void test_an_elevation_connects_once(void **state)
{
    Application sudo = {.service = "sudo", .user = "alice", .ruser = "alice", .runas = "root"};
    Application ssh = {.user = "alice"};

    assert_all_succeed(&sudo, note_sender);
    assert_string_equal(host.peer->sender, sender_between);
    assert_all_succeed(&ssh, note_sender);
    assert_string_not_equal(host.peer->sender, sender_between);
}

static unsigned descriptors_between;

static void count_descriptors(void)
{
    descriptors_between = fixture_open_descriptors();
}

/* A connection is worth something to everybody: nobody holds one longer than that. */
static void test_only_an_elevation_keeps_a_connection(void **state)
{
    Application sudo = {.service = "sudo", .user = "alice", .ruser = "alice", .runas = "root"};
    Application ssh = {.user = "alice"};

    assert_all_succeed(&ssh, count_descriptors);
    unsigned before = fixture_open_descriptors();
    assert_all_succeed(&ssh, count_descriptors);
    assert_int_equal(descriptors_between, before);
    assert_all_succeed(&sudo, count_descriptors);
    assert_int_equal(descriptors_between, before + 1);
    peer_says(OUTCOME_DISABLED, "");
    assert_int_equal(application_run(&sudo, count_descriptors).account, PAM_ACCT_EXPIRED);
    assert_int_equal(descriptors_between, before);
    assert_int_equal(fixture_open_descriptors(), before);
}

static void restart_bus(void)
{
    host_down(NULL);
    host.bus = fixture_bus_start(256);
    host.helper = fixture_peer_start(host.peer);
}

/* The child goes on with the session phase; so does the parent, once it has seen it end. */
static pid_t forked;
static int child_status;

static void fork_now(void)
{
    note_sender();
    forked = fork();
    if (forked > 0)
        waitpid(forked, &child_status, 0);
}

static void test_a_kept_connection_is_one_process_s(void **state)
{
    Application sudo = {.service = "sudo", .user = "alice", .ruser = "alice", .runas = "root"};

    peer_says(OUTCOME_ALLOW, "");
    Codes codes = application_run(&sudo, fork_now);
    bool kept = strcmp(host.peer->sender, sender_between) == 0;
    if (forked == 0)
        _exit(codes.session != PAM_SUCCESS ? 1 : kept ? 2 : 0);
    assert_int_equal(child_status, 0);
    assert_int_equal(codes.session, PAM_SUCCESS);
    assert_true(kept);
}

static void test_a_kept_connection_need_not_last(void **state)
{
    Application sudo = {.service = "sudo", .user = "alice", .ruser = "alice", .runas = "root"};

    assert_all_succeed(&sudo, restart_bus);
}

/* Session ids go into the environment: only plain ones are taken, in both directions. */
static void test_strange_session_ids(void **state)
{
    static const char *const ids[] = {"",     "a b",  "a=b",
                                      "a\nb", "../x", "0123456789012345678901234567890123456789"};

    for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
        Application open = {.user = "alice"}, close = {.user = "alice"};
        char env[128];
        peer_says(OUTCOME_ALLOW, "");
        snprintf(host.peer->session, sizeof(host.peer->session), "%s", ids[i]);
        assert_int_equal(application_call(&open, fixture_function(host.module, PHASE_OPEN)),
                         PAM_AUTHINFO_UNAVAIL);
        assert_string_equal(open.session, "");
        snprintf(env, sizeof(env), "RCPCH_SESSION=%s", ids[i]);
        close.env = env;
        host.peer->calls = 0;
        assert_int_equal(application_call(&close, fixture_function(host.module, PHASE_CLOSE)),
                         PAM_SUCCESS);
        assert_int_equal(host.peer->calls, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hosted(test_session_opens_and_closes),
        hosted(test_a_helper_that_tells_no_claims_opens_sessions),
        hosted(test_the_end_of_an_elevation_asks_nobody),
        hosted(test_sudo_session_is_the_invoking_users),
        hosted(test_an_elevation_connects_once),
        hosted(test_only_an_elevation_keeps_a_connection),
        hosted(test_a_kept_connection_is_one_process_s),
        hosted(test_a_kept_connection_need_not_last),
        hosted(test_strange_session_ids),
    };

    host_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
