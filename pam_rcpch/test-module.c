/*
 * The built module in an application's place: every entry point, whose account it is, and
 * everything that may go wrong on the bus. An account of ours is admitted by ALLOW and by nothing
 * else; root and plain local accounts never touch the bus.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
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
#include "pam_rcpch/module-fixture.h"

static struct {
    void *module;
    Peer *peer;
    pid_t bus, helper;
} host;

static const Phase asking_phases[] = {PHASE_AUTH, PHASE_ACCOUNT, PHASE_OPEN};

static int host_up(void **state)
{
    fixture_publish();
    memset(host.peer, 0, sizeof(*host.peer));
    host.bus = fixture_bus_start(256);
    host.helper = fixture_peer_start(host.peer);
    return 0;
}

static int host_down(void **state)
{
    fixture_kill(host.helper);
    fixture_kill(host.bus);
    return 0;
}

static void peer_says(uint32_t outcome, const char *text)
{
    host.peer->mood = PEER_ANSWERS;
    host.peer->channel = CHANNEL_PROPER;
    host.peer->outcome = outcome;
    host.peer->calls = 0;
    host.peer->cancelled = false;
    snprintf(host.peer->text, sizeof(host.peer->text), "%s", text);
    snprintf(host.peer->session, sizeof(host.peer->session), "0f3c-17");
    snprintf(host.peer->given_sign_in, sizeof(host.peer->given_sign_in), "5171");
    host.peer->sign_in[0] = '\0';
    host.peer->audit_session = UINT32_MAX;
}

static int call(Phase phase, const char *user)
{
    Application application = {.user = user, .answer = ""};

    return application_call(&application, fixture_function(host.module, phase));
}

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
                assert_int_equal(call(asking_phases[p], users[u]), expected);
                assert_int_equal(host.peer->calls, 1);
            }
}

static void test_local_accounts_never_touch_the_bus(void **state)
{
    static const char *const users[] = {"root",    "bob",     "nobody-knows", "",
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
        assert_int_equal(call((Phase)phase, longest), expected);
    }
    assert_int_equal(host.peer->calls, 0);
}

static void test_setcred(void **state)
{
    peer_says(OUTCOME_DISABLED, "");
    assert_int_equal(call(PHASE_SETCRED, "alice"), PAM_SUCCESS);
    assert_int_equal(call(PHASE_SETCRED, "deploy"), PAM_SUCCESS);
    assert_int_equal(call(PHASE_SETCRED, "bob"), PAM_IGNORE);
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
        assert_int_equal(call(PHASE_AUTH, "alice"), rows[i].expected);
        if (rows[i].expected != PAM_SUCCESS)
            continue;
        peer_says(OUTCOME_WRONG_IDENTITY, "");
        host.peer->channel = rows[i].channel;
        assert_int_equal(call(PHASE_AUTH, "alice"), PAM_PERM_DENIED);
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
    Application application = {.user = "alice", .answer = "", .env = "SSH_AUTH_INFO_0=publickey x AAAA\n"};

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
    assert_int_equal(call(PHASE_ACCOUNT, "alice"), PAM_SUCCESS);
    assert_int_not_equal(call(PHASE_ACCOUNT, "mallory"), PAM_SUCCESS);
    assert_int_not_equal(call(PHASE_ACCOUNT, "mallory"), PAM_IGNORE);
    /* sudo -u mallory: only the session phase hears of the target */
    assert_int_equal(call(PHASE_OPEN, "alice"), PAM_SUCCESS);
    assert_int_not_equal(call(PHASE_OPEN, "mallory"), PAM_SUCCESS);
    assert_int_not_equal(call(PHASE_OPEN, "mallory"), PAM_IGNORE);
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

/* --- the connection that an elevation keeps ------------------------------------------------------ */

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

static void test_replies_that_make_no_sense(void **state)
{
    static const PeerMood moods[] = {PEER_RETURNS_ERROR, PEER_RETURNS_NOTHING,
                                     PEER_RETURNS_STRINGS};

    for (size_t m = 0; m < ELEMENTSOF(moods); m++)
        for (size_t p = 0; p < ELEMENTSOF(asking_phases); p++) {
            peer_says(OUTCOME_ALLOW, "");
            host.peer->mood = moods[m];
            assert_int_equal(call(asking_phases[p], "alice"), PAM_AUTHINFO_UNAVAIL);
        }
}

static void test_helper_dies_in_the_call(void **state)
{
    for (size_t p = 0; p < ELEMENTSOF(asking_phases); p++) {
        peer_says(OUTCOME_ALLOW, "");
        host.peer->mood = PEER_DIES;
        assert_int_equal(call(asking_phases[p], "alice"), PAM_AUTHINFO_UNAVAIL);
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

/* The address is ours, not the environment's. */
static void test_environment_is_not_asked(void **state)
{
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
    setenv("DBUS_STARTER_ADDRESS", "unix:path=/nonexistent", 1);
    setenv("SYSTEMD_BUS_TIMEOUT", "1us", 1);
    peer_says(OUTCOME_ALLOW, "");
    assert_int_equal(call(PHASE_ACCOUNT, "alice"), PAM_SUCCESS);
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
    unsetenv("DBUS_STARTER_ADDRESS");
    unsetenv("SYSTEMD_BUS_TIMEOUT");
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
    assert_int_equal(call(PHASE_ACCOUNT, "bob"), PAM_IGNORE);
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
    assert_int_equal(call(PHASE_OPEN, "bob"), PAM_IGNORE);
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
            assert_int_equal(call(phases[p], unknown[u]), PAM_AUTHINFO_UNAVAIL);
        assert_int_equal(call(phases[p], "bob"), PAM_IGNORE);
        assert_int_equal(call(phases[p], "root"), PAM_IGNORE);
    }
    assert_int_equal(call(PHASE_SETCRED, "alice"), PAM_IGNORE);
    assert_int_equal(call(PHASE_CLOSE, "alice"), PAM_SUCCESS);
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

/* What a login leaves behind in the application: nothing. */
static void test_nothing_is_left_behind(void **state)
{
    struct sigaction pipe_before, pipe_after;

    peer_says(OUTCOME_ALLOW, "");
    for (int phase = 0; phase < _PHASE_COUNT; phase++)
        call((Phase)phase, "alice"); /* what libraries open once is open now */
    sigaction(SIGPIPE, NULL, &pipe_before);
    unsigned before = fixture_open_descriptors();
    for (int round = 0; round < 20; round++)
        for (int phase = 0; phase < _PHASE_COUNT; phase++) {
            host.peer->channel = (PeerChannel)(round % CHANNEL_SILENT);
            host.peer->outcome = round % 2 ? OUTCOME_ALLOW : OUTCOME_DISABLED;
            call((Phase)phase, "alice");
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
        assert_int_equal(call(PHASE_ACCOUNT, "alice"), PAM_SUCCESS);
    }
    assert_int_equal(fixture_open_descriptors(), before);
}

#define hosted(test) cmocka_unit_test_setup_teardown(test, host_up, host_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        hosted(test_every_outcome_in_every_phase),
        hosted(test_local_accounts_never_touch_the_bus),
        hosted(test_setcred),
        hosted(test_password_phase_points_elsewhere),
        hosted(test_login_shows_then_asks),
        hosted(test_channels_good_and_bad),
        hosted(test_conversation_fails),
        hosted(test_user_changed_while_asked),
        hosted(test_the_sign_in_is_carried_to_the_session),
        hosted(test_a_refused_sign_in_has_no_name),
        hosted(test_where_the_person_is_is_told),
        hosted(test_a_sign_in_tells_who_runs_su),
        hosted(test_a_sign_in_tells_what_came_before),
        hosted(test_account_tells_how_and_for_whom),
        hosted(test_a_home_cannot_plant_system_folders),
        hosted(test_items_that_are_not_text),
        hosted(test_messages),
        hosted(test_session_opens_and_closes),
        hosted(test_a_helper_that_tells_no_claims_opens_sessions),
        hosted(test_the_end_of_an_elevation_asks_nobody),
        hosted(test_sudo_session_is_the_invoking_users),
        hosted(test_an_elevation_connects_once),
        hosted(test_only_an_elevation_keeps_a_connection),
        hosted(test_a_kept_connection_is_one_process_s),
        hosted(test_a_kept_connection_need_not_last),
        hosted(test_strange_session_ids),
        hosted(test_replies_that_make_no_sense),
        hosted(test_helper_dies_in_the_call),
        hosted(test_no_helper),
        hosted(test_no_bus),
        hosted(test_bus_is_full),
        hosted(test_environment_is_not_asked),
        hosted(test_helper_never_answers),
        hosted(test_helper_is_stopped),
        hosted(test_bus_is_stopped),
        hosted(test_flood_of_signals),
        hosted(test_channel_is_silent),
        hosted(test_snapshot_missing),
        hosted(test_snapshot_corrupt),
        hosted(test_snapshot_of_somebody_else),
        hosted(test_nothing_is_left_behind),
        hosted(test_module_can_be_unloaded),
    };

    fixture_enter();
    host.peer = fixture_peer();
    host.module = fixture_module_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
