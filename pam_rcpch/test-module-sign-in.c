/*
 * The built module while somebody signs in: what is shown and asked, channels good and bad, and
 * what is told to the helper and carried to the next phases.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <security/pam_modules.h>

#include "common/cleanup.h"
#include "common/outcome.h"
#include "pam_rcpch/module-host.h"

static void test_login_shows_then_asks(void **state)
{
    Application application = {.user = "alice",
                               .rhost = "10.99.0.1",
                               .tty = "ssh",
                               .answer = "done",
                               .arguments = {"no_qr", "timeout=60", "debug", "nonsense"}};

    peer_says(OUTCOME_ALLOW, "Welcome.");
    assert_int_equal(application_call(&application, fixture_function(host.module, PHASE_AUTH)),
                     PAM_SUCCESS);
    assert_string_equal(application.shown,
                        "\nOpen   https://login.example/device\nCode   ABCD-EFGH\n"
                        "Press Enter once you have signed in: \nWelcome.\n");
    assert_string_equal(host.peer->user, "alice");
    assert_string_equal(host.peer->service, "sshd");
    assert_string_equal(host.peer->rhost, "10.99.0.1");
    assert_string_equal(host.peer->tty, "ssh");
    assert_int_equal(host.peer->timeout, 60);
    assert_true(host.peer->no_qr);
    assert_string_equal(host.peer->answer, "done");
}

/* Nobody has that name: it is asked what ours are asked, and nothing admits it. */
static void test_an_unknown_name_is_asked_and_refused(void **state)
{
    for (uint32_t outcome = 0; outcome < _OUTCOME_COUNT + 3; outcome++) {
        peer_says(outcome, "");
        int code = host_call(PHASE_AUTH, "nobody-knows");
        assert_int_not_equal(code, PAM_SUCCESS);
        assert_int_not_equal(code, PAM_IGNORE);
        assert_int_equal(host.peer->calls, 1);
        assert_true(host.peer->unknown);
        assert_string_equal(host.peer->user, "nobody-knows");
        assert_string_equal(host.peer->answer, "");
    }
    peer_says(OUTCOME_ALLOW, "");
    host.peer->unknown = false;
    assert_int_equal(host_call(PHASE_AUTH, "alice"), PAM_SUCCESS);
    assert_false(host.peer->unknown);
}

/* The helper knows no more of it than we do: others in the stack may. */
static void test_an_unknown_name_is_left_to_others_where_no_secret_is_asked_for(void **state)
{
    static const PeerMood moods[] = {PEER_RETURNS_ERROR, PEER_RETURNS_NOTHING,
                                     PEER_RETURNS_STRINGS};

    for (size_t i = 0; i < ELEMENTSOF(moods); i++) {
        Application application = {.user = "nobody-knows", .answer = ""};
        peer_says(OUTCOME_ALLOW, "");
        host.peer->mood = moods[i];
        assert_int_equal(application_call(&application, fixture_function(host.module, PHASE_AUTH)),
                         PAM_IGNORE);
        assert_string_equal(application.shown, "");
        assert_int_equal(host_call(PHASE_AUTH, "alice"), PAM_AUTHINFO_UNAVAIL);
    }
    for (int phase = PHASE_AUTH + 1; phase < _PHASE_COUNT; phase++) {
        peer_says(OUTCOME_ALLOW, "");
        int expected = phase == PHASE_CLOSE ? PAM_SUCCESS : PAM_IGNORE;
        assert_int_equal(host_call((Phase)phase, "nobody-knows"), expected);
        assert_int_equal(host.peer->calls, 0);
    }
}

static void test_channels_good_and_bad(void **state)
{
    static const struct {
        PeerChannel channel;
        int expected; /* with the helper's word ALLOW */
    } rows[_CHANNEL_COUNT] = {
        [CHANNEL_PROPER] = {CHANNEL_PROPER, PAM_SUCCESS},
        [CHANNEL_HIDDEN] = {CHANNEL_HIDDEN, PAM_SUCCESS},
        [CHANNEL_TWO_QUESTIONS] = {CHANNEL_TWO_QUESTIONS, PAM_SUCCESS},
        [CHANNEL_DECIDES_EARLY] = {CHANNEL_DECIDES_EARLY, PAM_SUCCESS},
        [CHANNEL_SILENT] = {CHANNEL_HANGS_UP, PAM_AUTHINFO_UNAVAIL}, /* in the slow test */
        [CHANNEL_HANGS_UP] = {CHANNEL_HANGS_UP, PAM_AUTHINFO_UNAVAIL},
        [CHANNEL_HANGS_UP_AFTER_ANSWER] = {CHANNEL_HANGS_UP_AFTER_ANSWER, PAM_AUTHINFO_UNAVAIL},
        [CHANNEL_GARBAGE] = {CHANNEL_GARBAGE, PAM_AUTHINFO_UNAVAIL},
        [CHANNEL_ESCAPES] = {CHANNEL_ESCAPES, PAM_AUTHINFO_UNAVAIL},
        [CHANNEL_SHOWS_ENDLESSLY] = {CHANNEL_SHOWS_ENDLESSLY, PAM_AUTHINFO_UNAVAIL},
        [CHANNEL_WAITS_ENDLESSLY] = {CHANNEL_WAITS_ENDLESSLY, PAM_AUTHINFO_UNAVAIL},
        [CHANNEL_IS_A_PIPE] = {CHANNEL_IS_A_PIPE, PAM_AUTHINFO_UNAVAIL},
        [CHANNEL_IS_A_STREAM] = {CHANNEL_IS_A_STREAM, PAM_AUTHINFO_UNAVAIL},
        [CHANNEL_IS_A_FILE] = {CHANNEL_IS_A_FILE, PAM_AUTHINFO_UNAVAIL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        peer_says(OUTCOME_ALLOW, "");
        host.peer->channel = rows[i].channel;
        assert_int_equal(host_call(PHASE_AUTH, "alice"), rows[i].expected);
        if (rows[i].expected != PAM_SUCCESS)
            continue;
        peer_says(OUTCOME_WRONG_IDENTITY, "");
        host.peer->channel = rows[i].channel;
        assert_int_equal(host_call(PHASE_AUTH, "alice"), PAM_PERM_DENIED);
    }
}

static void test_conversation_fails(void **state)
{
    static const Application rows[] = {
        {.user = "alice", .answer = NULL}, /* a NULL reply (CVE-2021-31924) */
        {.user = "alice", .answer = "", .deaf = true},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Application application = rows[i];
        peer_says(OUTCOME_ALLOW, "");
        assert_int_equal(application_call(&application, fixture_function(host.module, PHASE_AUTH)),
                         PAM_AUTH_ERR);
    }
}

/* CVE-2024-9313: alice's sign-in must not become another user's. */
static void test_user_changed_while_asked(void **state)
{
    static const char *const users[] = {"root", "bob", "carol", NULL};

    for (size_t i = 0; i < ELEMENTSOF(users); i++) {
        Application application = {.user = "alice", .answer = "", .becomes = users[i]};
        peer_says(OUTCOME_ALLOW, "");
        assert_int_equal(application_call(&application, fixture_function(host.module, PHASE_AUTH)),
                         users[i] ? PAM_SYSTEM_ERR : PAM_SUCCESS);
    }
}

/* From the sign-in to the account phase and the session, and out of the environment with that. */
static void test_the_sign_in_is_carried_to_the_session(void **state)
{
    Application auth = {.user = "alice", .answer = "", .name = "of-an-earlier-try"};
    Application next = {.user = "alice", .name = "5171"};

    peer_says(OUTCOME_ALLOW, "");
    assert_int_equal(application_call(&auth, fixture_function(host.module, PHASE_AUTH)),
                     PAM_SUCCESS);
    assert_string_equal(auth.sign_in, "5171");
    assert_int_equal(application_call(&next, fixture_function(host.module, PHASE_ACCOUNT)),
                     PAM_SUCCESS);
    assert_string_equal(host.peer->sign_in, "5171");
    assert_string_equal(next.sign_in, "5171");
    for (uint32_t outcome = OUTCOME_ALLOW; outcome <= OUTCOME_DISABLED; outcome++) {
        peer_says(outcome, "");
        (void)application_call(&next, fixture_function(host.module, PHASE_OPEN));
        assert_string_equal(host.peer->sign_in, "5171");
        assert_string_equal(next.sign_in, "");
    }
}

static void test_a_refused_sign_in_has_no_name(void **state)
{
    static const char *const bad[] = {"", "a=b", "a b", "../x",
                                      "0123456789012345678901234567890123456789"};
    Application auth = {.user = "alice", .answer = "", .name = "of-an-earlier-try"};

    peer_says(OUTCOME_WRONG_IDENTITY, "");
    assert_int_equal(application_call(&auth, fixture_function(host.module, PHASE_AUTH)),
                     PAM_PERM_DENIED);
    assert_string_equal(auth.sign_in, "");
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        peer_says(OUTCOME_ALLOW, "");
        snprintf(host.peer->given_sign_in, sizeof(host.peer->given_sign_in), "%s", bad[i]);
        assert_int_equal(application_call(&auth, fixture_function(host.module, PHASE_AUTH)),
                         PAM_AUTHINFO_UNAVAIL);
        assert_string_equal(auth.sign_in, "");
    }
}

static uint32_t own_audit_session(void)
{
    _cleanup_fclose_ FILE *file = fopen("/proc/self/sessionid", "re");
    uint32_t number = UINT32_MAX;

    if (file && fscanf(file, "%u", &number) != 1)
        fail();
    return number;
}

static void test_where_the_person_is_is_told(void **state)
{
    static const Phase phases[] = {PHASE_ACCOUNT, PHASE_OPEN};
    Application application = {
        .user = "alice", .answer = "", .env = "SSH_AUTH_INFO_0=publickey x AAAA\n"};

    for (size_t i = 0; i < ELEMENTSOF(phases); i++) {
        peer_says(OUTCOME_ALLOW, "");
        host.peer->auth_info[0] = '\0';
        assert_int_equal(application_call(&application, fixture_function(host.module, phases[i])),
                         PAM_SUCCESS);
        assert_string_equal(host.peer->auth_info, "publickey x AAAA\n");
        assert_string_equal(host.peer->sign_in, "");
        assert_int_equal(host.peer->audit_session, own_audit_session());
    }
}

/* Of a sign-in that su asks for: the helper counts what one person asks for in others' names. */
static void test_a_sign_in_tells_who_runs_su(void **state)
{
    Application su = {.service = "su", .user = "alice", .ruser = "bob", .tty = "/dev/pts/3",
                      .answer = ""};

    peer_says(OUTCOME_ALLOW, "");
    host.peer->ruser[0] = '\0';
    assert_int_equal(application_call(&su, fixture_function(host.module, PHASE_AUTH)),
                     PAM_SUCCESS);
    assert_string_equal(host.peer->ruser, "bob");
}

/* With two methods asked for, sshd says in the second which first one it accepted. */
static void test_a_sign_in_tells_what_came_before(void **state)
{
    Application application = {.user = "alice", .answer = "",
                               .env = "SSH_AUTH_INFO_0=publickey x AAAA\n"};

    peer_says(OUTCOME_ALLOW, "");
    host.peer->auth_info[0] = '\0';
    assert_int_equal(application_call(&application, fixture_function(host.module, PHASE_AUTH)),
                     PAM_SUCCESS);
    assert_string_equal(host.peer->auth_info, "publickey x AAAA\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hosted(test_login_shows_then_asks),
        hosted(test_an_unknown_name_is_asked_and_refused),
        hosted(test_an_unknown_name_is_left_to_others_where_no_secret_is_asked_for),
        hosted(test_channels_good_and_bad),
        hosted(test_conversation_fails),
        hosted(test_user_changed_while_asked),
        hosted(test_the_sign_in_is_carried_to_the_session),
        hosted(test_a_refused_sign_in_has_no_name),
        hosted(test_where_the_person_is_is_told),
        hosted(test_a_sign_in_tells_who_runs_su),
        hosted(test_a_sign_in_tells_what_came_before),
    };

    host_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
