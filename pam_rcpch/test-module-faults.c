/*
 * The built module when the process has nothing left: every single allocation made to fail in turn,
 * and every number of free descriptors from none upwards.
 *
 * Whatever fails, an account of ours that the helper denies stays denied, nothing of ours is ever
 * ignored (the rest of the stack would decide), and root is untouched.
 *
 * malloc() and its kin are defined here and so stand before libc's for the module, libpam and
 * libsystemd alike.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/outcome.h"
#include "pam_rcpch/module-fixture.h"

#define EXPORT          __attribute__((visibility("default")))
#define ALLOCATIONS_MAX 5000 /* of one call; more means that the loop never ends */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);

static int fail_at; /* the n-th allocation from now fails; 0: none */
static bool failed;

static bool fails_now(void)
{
    if (fail_at == 0 || --fail_at > 0)
        return false;
    failed = true;
    errno = ENOMEM;
    return true;
}

EXPORT void *malloc(size_t size)
{
    return fails_now() ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(count, size);
}

EXPORT void *realloc(void *pointer, size_t size)
{
    return fails_now() ? NULL : __libc_realloc(pointer, size);
}

static struct {
    void *module;
    Peer *peer;
    pid_t bus, helper;
} host;

static int host_up(void **state)
{
    fixture_publish();
    memset(host.peer, 0, sizeof(*host.peer));
    host.bus = fixture_bus_start(256);
    host.helper = fixture_peer_start(host.peer);
    snprintf(host.peer->session, sizeof(host.peer->session), "0f3c-17");
    return 0;
}

static int host_down(void **state)
{
    fixture_kill(host.helper);
    fixture_kill(host.bus);
    return 0;
}

/* The application itself has all it wants: only the module starves. */
static ModuleFunction starving;
static int starve_at;

static int starve_memory(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    failed = false;
    fail_at = starve_at;
    int code = starving(pamh, flags, argc, argv);
    fail_at = 0;
    return code;
}

static int call_starving(const char *user, Phase phase, ModuleFunction how)
{
    Application application = {.user = user, .answer = "", .rhost = "10.99.0.1"};

    starving = fixture_function(host.module, phase);
    return application_call(&application, how);
}

static const Phase phases[] = {PHASE_AUTH, PHASE_ACCOUNT, PHASE_OPEN};

/* Calls with the first, the second … allocation failing, until a call needs no more. */
static void each_allocation(const char *user, Phase phase, void (*check)(int code))
{
    for (starve_at = 1; starve_at < ALLOCATIONS_MAX; starve_at++) {
        int code = call_starving(user, phase, starve_memory);
        check(code);
        if (!failed)
            return;
    }
    fail_msg("no end of allocations");
}

static void is_denial(int code)
{
    assert_int_not_equal(code, PAM_SUCCESS);
    assert_int_not_equal(code, PAM_IGNORE);
}

static void is_no_ignorance(int code)
{
    assert_int_not_equal(code, PAM_IGNORE);
}

static void is_ignored(int code)
{
    assert_int_equal(code, PAM_IGNORE);
}

static void is_no_admission(int code)
{
    assert_int_not_equal(code, PAM_SUCCESS);
}

static void test_no_memory_denied_stays_denied(void **state)
{
    host.peer->outcome = OUTCOME_DISABLED;
    for (size_t p = 0; p < ELEMENTSOF(phases); p++)
        each_allocation("alice", phases[p], is_denial);
}

static void test_no_memory_ours_is_never_ignored(void **state)
{
    host.peer->outcome = OUTCOME_ALLOW;
    for (size_t p = 0; p < ELEMENTSOF(phases); p++) {
        each_allocation("alice", phases[p], is_no_ignorance);
        each_allocation("deploy", phases[p], is_no_ignorance);
    }
}

static void test_no_memory_root_is_untouched(void **state)
{
    for (size_t p = 0; p < ELEMENTSOF(phases); p++) {
        each_allocation("root", phases[p], is_ignored);
        each_allocation("bob", phases[p], is_no_admission);
    }
    assert_int_equal(host.peer->calls, 0);
}

/* Leaves `starve_at` descriptors free while the module runs. */
static int starve_descriptors(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct rlimit before, tight;
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);

    close(lowest);
    getrlimit(RLIMIT_NOFILE, &before);
    tight = before;
    tight.rlim_cur = (rlim_t)(lowest + starve_at);
    setrlimit(RLIMIT_NOFILE, &tight);
    int code = starving(pamh, flags, argc, argv);
    setrlimit(RLIMIT_NOFILE, &before);
    return code;
}

static void test_no_descriptors(void **state)
{
    static const struct {
        const char *user;
        Outcome outcome;
        void (*check)(int code);
    } rows[] = {
        {"alice", OUTCOME_DISABLED, is_denial},  {"alice", OUTCOME_ALLOW, is_no_ignorance},
        {"deploy", OUTCOME_DISABLED, is_denial}, {"root", OUTCOME_ALLOW, is_ignored},
        {"bob", OUTCOME_ALLOW, is_no_admission},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        for (size_t p = 0; p < ELEMENTSOF(phases); p++)
            for (starve_at = 0; starve_at < 12; starve_at++) {
                host.peer->outcome = rows[i].outcome;
                rows[i].check(call_starving(rows[i].user, phases[p], starve_descriptors));
            }
}

/* One descriptor is enough to see that a local account is local. */
static void test_one_descriptor_serves_local_accounts(void **state)
{
    starve_at = 1;
    for (size_t p = 0; p < ELEMENTSOF(phases); p++)
        assert_int_equal(call_starving("bob", phases[p], starve_descriptors), PAM_IGNORE);
}

#define hosted(test) cmocka_unit_test_setup_teardown(test, host_up, host_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        hosted(test_no_memory_denied_stays_denied),
        hosted(test_no_memory_ours_is_never_ignored),
        hosted(test_no_memory_root_is_untouched),
        hosted(test_no_descriptors),
        hosted(test_one_descriptor_serves_local_accounts),
    };

    fixture_enter();
    host.peer = fixture_peer();
    host.module = fixture_module_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
