/*
 * Tests of the Manager interface over a direct connection: what each method answers, what it
 * refuses and by which name, and that what it acknowledges has happened.
 */
#include "helper/accounts/test-world.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "common/paths.h"
#include "helper/bus/explain.h"
#include "helper/revocation/revocation-case.h"
#include "helper/session/sessions.h"

typedef struct Desk {
    World *world;
    sd_bus *client;
    GroupConfig group;
    unsigned revoked_signals;
} Desk;

/* A call's answer, once it came. */
typedef struct Reply {
    sd_bus_message *message;
} Reply;

static int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    ((Reply *)userdata)->message = sd_bus_message_ref(message);
    return 0;
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    if (sd_bus_message_is_signal(message, RCPCH_BUS_MANAGER, "AccountRevoked"))
        ((Desk *)userdata)->revoked_signals++;
    return 0;
}

/* Both ends of one connection; its peer is whoever this process is now. */
static void connect_desk(Desk *desk)
{
    Manager *manager = &desk->world->manager;
    sd_id128_t id = {0};
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_true(sd_bus_new(&manager->bus) >= 0);
    assert_true(sd_bus_set_fd(manager->bus, pair[0], pair[0]) >= 0);
    assert_true(sd_bus_set_server(manager->bus, 1, id) >= 0);
    assert_true(sd_bus_start(manager->bus) >= 0);
    assert_true(sd_bus_attach_event(manager->bus, manager->event, 0) >= 0);
    assert_int_equal(manager_bus_attach(manager), 0);
    assert_true(sd_bus_new(&desk->client) >= 0);
    assert_true(sd_bus_set_fd(desk->client, pair[1], pair[1]) >= 0);
    assert_true(sd_bus_start(desk->client) >= 0);
    assert_true(sd_bus_attach_event(desk->client, manager->event, 0) >= 0);
    assert_true(sd_bus_add_filter(desk->client, NULL, on_signal, desk) >= 0);
}

static int setup(void **state)
{
    static char issuer[] = "https://provider.test", domain[] = "provider.test";
    static char *domains[] = {domain, NULL};
    static Provider *providers[1]; /* configured, but never set up */
    static char group_name[] = "rt-staff", group_id[] = "g-1";
    Desk *desk = calloc(1, sizeof(*desk));
    Manager *manager;

    assert_non_null(desk);
    desk->world = world_new();
    manager = &desk->world->manager;
    desk->world->provider.issuer = issuer;
    desk->world->provider.domains = domains;
    desk->group = (GroupConfig){.name = group_name, .id = group_id};
    manager->config->providers = &desk->world->provider;
    manager->config->provider_count = 1;
    manager->providers = providers;
    manager->config->groups = &desk->group;
    manager->config->group_count = 1;
    assert_int_equal(sessions_new(manager, &manager->sessions), 0);

    connect_desk(desk);
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    Desk *desk = *state;
    Manager *manager = &desk->world->manager;

    sd_bus_close_unref(desk->client);
    manager->bus = sd_bus_close_unref(manager->bus);
    manager->sessions = sessions_free(manager->sessions);
    manager->config->providers = NULL;
    manager->config->provider_count = 0;
    manager->config->groups = NULL;
    manager->config->group_count = 0;
    world_free(desk->world);
    free(desk);
    return 0;
}

/* The answer is the caller's. */
static sd_bus_message *call(Desk *desk, const char *method, const char *types, ...)
{
    sd_bus_message *message = NULL;
    Reply reply = {0};
    va_list arguments;

    assert_true(sd_bus_message_new_method_call(desk->client, &message, NULL, RCPCH_BUS_PATH,
                                               RCPCH_BUS_MANAGER, method) >= 0);
    va_start(arguments, types);
    assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    va_end(arguments);
    assert_true(sd_bus_call_async(desk->client, NULL, message, on_reply, &reply, 0) >= 0);
    sd_bus_message_unref(message);
    assert_true(WORLD_UNTIL(desk->world, 12000, reply.message != NULL));
    return reply.message;
}

static void assert_error(sd_bus_message *reply, const char *name)
{
    assert_true(sd_bus_message_is_method_error(reply, NULL));
    assert_string_equal(sd_bus_message_get_error(reply)->name, name);
    assert_true(strlen(sd_bus_message_get_error(reply)->message) > 10);
    sd_bus_message_unref(reply);
}

static void assert_fine(sd_bus_message *reply)
{
    if (sd_bus_message_is_method_error(reply, NULL))
        print_error("%s\n", sd_bus_message_get_error(reply)->message);
    assert_false(sd_bus_message_is_method_error(reply, NULL));
    sd_bus_message_unref(reply);
}

/* A property of an a{sv} that the reply stands before, as text; "" when it is not there. */
static void property(sd_bus_message *reply, const char *key, char *out, size_t size)
{
    const char *name, *type, *text;
    uint32_t number;
    int flag;

    out[0] = '\0';
    assert_true(sd_bus_message_rewind(reply, 1) >= 0);
    assert_true(sd_bus_message_enter_container(reply, 'a', "{sv}") >= 0);
    while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
        assert_true(sd_bus_message_read(reply, "s", &name) >= 0);
        assert_true(sd_bus_message_peek_type(reply, NULL, &type) >= 0);
        if (strcmp(name, key) != 0)
            assert_true(sd_bus_message_skip(reply, "v") >= 0);
        else if (strcmp(type, "s") == 0 && sd_bus_message_read(reply, "v", "s", &text) >= 0)
            snprintf(out, size, "%s", text);
        else if (strcmp(type, "u") == 0 && sd_bus_message_read(reply, "v", "u", &number) >= 0)
            snprintf(out, size, "%u", number);
        else if (strcmp(type, "b") == 0 && sd_bus_message_read(reply, "v", "b", &flag) >= 0)
            snprintf(out, size, "%s", flag ? "yes" : "no");
        else
            assert_true(sd_bus_message_skip(reply, "v") >= 0);
        assert_true(sd_bus_message_exit_container(reply) >= 0);
    }
}

static void assert_property(sd_bus_message *reply, const char *key, const char *value)
{
    char text[256];

    property(reply, key, text, sizeof(text));
    assert_string_equal(text, value);
}

static sd_bus_message *add(Desk *desk, const char *name)
{
    return call(desk, "AddUser", "sa{sv}", name, 1, "id", "s", name);
}

/* --- who may ---------------------------------------------------------------------------------- */

static void test_everybody_but_root_is_refused(void **state)
{
    Desk *desk = *state;

    sd_bus_close_unref(desk->client);
    sd_bus_close_unref(desk->world->manager.bus);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    connect_desk(desk);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    world_account(desk->world, "rt-kept");
    assert_error(call(desk, "GetStatus", ""), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "ListUsers", ""), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "GetUser", "s", "rt-kept"), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(add(desk, "rt-new@provider.test"), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "RevokeUser", "ss", "rt-kept", ""), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "ReinstateUser", "s", "rt-kept"), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "ForgetUser", "s", "rt-kept"), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "RefreshUser", "s", "rt-kept"), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "ListSessions", ""), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "ListGroups", ""), SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "ExplainAccess", "sss", "rt-kept", "sshd", ""),
                 SD_BUS_ERROR_ACCESS_DENIED);
    assert_error(call(desk, "Reload", "b", 0), SD_BUS_ERROR_ACCESS_DENIED);
    assert_int_equal(accounts_count(desk->world->manager.accounts), 1);
}

/* --- looking ---------------------------------------------------------------------------------- */

static void test_status_and_lists(void **state)
{
    Desk *desk = *state;
    sd_bus_message *reply;

    (void)WORLD_UNTIL(desk->world, 2000, enforcer_client_connected(desk->world->manager.enforcer));
    world_account(desk->world, "rt-list");
    reply = call(desk, "GetStatus", "");
    assert_property(reply, "version", RCPCH_VERSION);
    assert_property(reply, "configuration", "ok");
    assert_property(reply, "accounts", "1");
    assert_property(reply, "enforcer", "yes");
    assert_property(reply, "log_waiting", "0");
    sd_bus_message_unref(reply);
    assert_fine(call(desk, "ListUsers", ""));
    assert_fine(call(desk, "ListGroups", ""));
    assert_fine(call(desk, "ListSessions", ""));
    reply = call(desk, "GetUser", "s", "rt-list");
    assert_property(reply, "name", "rt-list");
    assert_property(reply, "id", "id-of-rt-list");
    assert_property(reply, "verdict", "active");
    assert_property(reply, "token", "no");
    assert_property(reply, "state", "active");
    sd_bus_message_unref(reply);
}

static const AdmissionFinding *explained(const Explanation *explanation, const char *rule)
{
    for (size_t i = 0; i < explanation->finding_count; i++)
        if (strcmp(explanation->findings[i].rule, rule) == 0)
            return &explanation->findings[i];
    fail_msg("no finding about %s", rule);
    return NULL;
}

/* Held evidence is said as such; while what ran is being ended, a sign-in has to wait. */
static void test_explanations_of_what_is_under_way(void **state)
{
    Desk *desk = *state;
    Manager *manager = &desk->world->manager;
    Account *held = world_account(desk->world, "rt-held"),
            *ending = world_account(desk->world, "rt-ending");
    Evidence refused = evidence_of(EVIDENCE_REVOKED, true, "sessions revoked");
    Explanation explanation;

    assert_true(
        WORLD_UNTIL(desk->world, 2000, enforcer_client_connected(manager->enforcer)));
    revocation_move(manager->revocation, held, VERDICT_UNCONFIRMED, false, "held: refresh 1");
    explain_access(manager, &(Question){"rt-held", "sshd", NULL}, NULL, &explanation);
    assert_non_null(strstr(explained(&explanation, "verdict")->why, "held: refresh 1"));
    assert_false(explained(&explanation, "ending")->applies);
    fake_account(desk->world->fake, ending->uid)->ignores_term = true;
    revocation_evidence(manager->revocation, ending, "refresh", &refused);
    explain_access(manager, &(Question){"rt-ending", "sshd", NULL}, NULL, &explanation);
    assert_int_equal(explained(&explanation, "verdict")->outcome, OUTCOME_REVOKED);
    assert_true(explained(&explanation, "ending")->applies);
    assert_true(WORLD_UNTIL(desk->world, 8000, !revocation_is_ending(ending)));
    explain_access(manager, &(Question){"rt-ending", "sshd", NULL}, NULL, &explanation);
    assert_false(explained(&explanation, "ending")->applies);
}

static void test_unknown_names_are_not_found(void **state)
{
    Desk *desk = *state;
    static char huge[4000];

    memset(huge, 'a', sizeof(huge) - 1);
    assert_error(call(desk, "GetUser", "s", "rt-nobody"), "uk.ac.rcpch.Error.NotFound");
    assert_error(call(desk, "RevokeUser", "ss", "rt-nobody", ""), "uk.ac.rcpch.Error.NotFound");
    assert_error(call(desk, "ReinstateUser", "s", "rt-nobody"), "uk.ac.rcpch.Error.NotFound");
    assert_error(call(desk, "ForgetUser", "s", "rt-nobody"), "uk.ac.rcpch.Error.NotFound");
    assert_error(call(desk, "RefreshUser", "s", "rt-nobody"), "uk.ac.rcpch.Error.NotFound");
    assert_error(call(desk, "GetUser", "s", huge), "uk.ac.rcpch.Error.InvalidArgument");
    assert_error(call(desk, "AddUser", "sa{sv}", huge, 0), "uk.ac.rcpch.Error.InvalidArgument");
}

/* --- adding ----------------------------------------------------------------------------------- */

static void test_add_answers_after_its_publication(void **state)
{
    Desk *desk = *state;
    sd_bus_message *reply;

    (void)WORLD_UNTIL(desk->world, 2000, enforcer_client_connected(desk->world->manager.enforcer));
    reply = add(desk, "rt-add@provider.test");
    assert_property(reply, "name", "rt-add");
    assert_property(reply, "directory_name", "rt-add@provider.test");
    assert_property(reply, "verdict", "unconfirmed");
    sd_bus_message_unref(reply);
    assert_non_null(fake_find(desk->world->fake, ENFORCER_PUBLISH, 0, 0));
    assert_true(
        WORLD_UNTIL(desk->world, 2000,
                    fake_record(desk->world->fake, RECORD_ACCOUNT, "action=added", "actor=uid 0")));
    assert_error(add(desk, "rt-add@provider.test"), "uk.ac.rcpch.Error.Exists");
}

static void test_bad_names_are_refused(void **state)
{
    Desk *desk = *state;
    static const char *const names[] = {
        "rt:x@provider.test", "rt\nx@provider.test", "../rt@provider.test",
        "-rf@provider.test",  "r t@provider.test",   "#rt@provider.test",
        "RT-X@provider.test", "@provider.test",      "rt@@provider.test",
    };

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        sd_bus_message *reply = add(desk, names[i]);

        assert_true(sd_bus_message_is_method_error(reply, NULL));
        sd_bus_message_unref(reply);
    }
    assert_error(add(desk, "root@provider.test"), "uk.ac.rcpch.Error.Exists");
    assert_error(add(desk, "daemon@provider.test"), "uk.ac.rcpch.Error.Exists");
    assert_error(add(desk, "rt-x@elsewhere.test"), "uk.ac.rcpch.Error.InvalidArgument");
    assert_int_equal(accounts_count(desk->world->manager.accounts), 0);
}

static void test_bad_options_are_refused(void **state)
{
    Desk *desk = *state;

    assert_error(call(desk, "AddUser", "sa{sv}", "rt-o@provider.test", 1, "colour", "s", "red"),
                 "uk.ac.rcpch.Error.InvalidArgument");
    assert_error(call(desk, "AddUser", "sa{sv}", "rt-o@provider.test", 1, "id", "u", 7u),
                 "uk.ac.rcpch.Error.InvalidArgument");
    assert_error(call(desk, "AddUser", "sa{sv}", "rt-o@provider.test", 1, "provider", "s", "none"),
                 "uk.ac.rcpch.Error.InvalidArgument");
    assert_error(call(desk, "AddUser", "sa{sv}", "rt-o@provider.test", 1, "home", "s", "../x"),
                 "uk.ac.rcpch.Error.InvalidName");
    assert_int_equal(accounts_count(desk->world->manager.accounts), 0);
}

/* --- ending ----------------------------------------------------------------------------------- */

static void test_revoke_tells_what_it_ended(void **state)
{
    Desk *desk = *state;
    Account *account = world_account(desk->world, "rt-revoke");
    sd_bus_message *reply = call(desk, "RevokeUser", "ss", "rt-revoke", "left the college");

    assert_property(reply, "ended", "3");
    assert_property(reply, "left", "0");
    sd_bus_message_unref(reply);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_true(account->by_administrator);
    assert_true(WORLD_UNTIL(desk->world, 2000, desk->revoked_signals == 1));
    assert_true(WORLD_UNTIL(
        desk->world, 2000,
        fake_record(desk->world->fake, RECORD_ACCOUNT, "action=revoked", "left the college")));
}

static void test_reinstate_needs_a_new_sign_in(void **state)
{
    Desk *desk = *state;
    Account *account = world_account(desk->world, "rt-back");
    sd_bus_message *reply;
    uint32_t outcome = 0;

    assert_error(call(desk, "ReinstateUser", "s", "rt-back"), "uk.ac.rcpch.Error.NotAllowed");
    assert_fine(call(desk, "RevokeUser", "ss", "rt-back", ""));
    reply = call(desk, "RefreshUser", "s", "rt-back");
    assert_true(sd_bus_message_read(reply, "us", &outcome, NULL) >= 0);
    assert_int_equal(outcome, OUTCOME_DISABLED);
    sd_bus_message_unref(reply);
    assert_fine(call(desk, "ReinstateUser", "s", "rt-back"));
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    reply = call(desk, "RefreshUser", "s", "rt-back");
    assert_true(sd_bus_message_read(reply, "us", &outcome, NULL) >= 0);
    assert_int_equal(outcome, OUTCOME_REVOKED);
    sd_bus_message_unref(reply);
}

static void test_forget_ends_and_leaves_the_number(void **state)
{
    Desk *desk = *state;
    Account *account = world_account(desk->world, "rt-gone");
    uint32_t uid = account->uid;
    sd_bus_message *reply;

    (void)WORLD_UNTIL(desk->world, 2000, enforcer_client_connected(desk->world->manager.enforcer));
    assert_fine(call(desk, "ForgetUser", "s", "rt-gone"));
    assert_int_equal(fake_account(desk->world->fake, uid)->processes, 0);
    assert_int_equal(account->state, ACCOUNT_FORGOTTEN);
    assert_error(call(desk, "GetUser", "s", "rt-gone"), "uk.ac.rcpch.Error.NotFound");
    reply = call(desk, "AddUser", "sa{sv}", "rt-gone@provider.test", 1, "id", "s", "id-of-rt-gone");
    assert_property(reply, "verdict", "unconfirmed");
    sd_bus_message_unref(reply);
    account = accounts_find(desk->world->manager.accounts, "rt-gone");
    assert_int_equal(account->uid, uid);
    assert_int_equal(revocation_signed_in(desk->world->manager.revocation, account), 0);
    assert_fine(call(desk, "RevokeUser", "ss", "rt-gone", "again"));
}

static void test_forgetting_and_adding_lifts_no_revocation(void **state)
{
    Desk *desk = *state;
    sd_bus_message *reply;

    (void)WORLD_UNTIL(desk->world, 2000, enforcer_client_connected(desk->world->manager.enforcer));
    world_account(desk->world, "rt-bad");
    assert_fine(call(desk, "RevokeUser", "ss", "rt-bad", ""));
    assert_fine(call(desk, "ForgetUser", "s", "rt-bad"));
    reply = call(desk, "AddUser", "sa{sv}", "rt-bad@provider.test", 1, "id", "s", "id-of-rt-bad");
    assert_property(reply, "verdict", "disabled");
    sd_bus_message_unref(reply);
}

static void test_without_an_enforcer_nothing_is_claimed(void **state)
{
    Desk *desk = *state;

    world_run(desk->world, 50);
    fake_down(desk->world->fake);
    assert_error(add(desk, "rt-dark@provider.test"), "uk.ac.rcpch.Error.Unavailable");
}

static void test_forget_without_an_enforcer_forgets_nobody_who_still_runs(void **state)
{
    Desk *desk = *state;
    Account *account = world_account(desk->world, "rt-runs");

    world_run(desk->world, 50);
    fake_down(desk->world->fake);
    desk->world->manager.revocation->wait_usec = USEC_PER_SEC;
    assert_error(call(desk, "ForgetUser", "s", "rt-runs"), "uk.ac.rcpch.Error.Unavailable");
    assert_int_equal(account->state, ACCOUNT_ACTIVE);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_int_equal(fake_up(desk->world->fake), 0);
    assert_true(WORLD_UNTIL(desk->world, 6000,
                            fake_account(desk->world->fake, account->uid)->processes == 0));
}

static void test_forget_with_an_enforcer_that_refuses_forgets_nobody(void **state)
{
    Desk *desk = *state;
    Account *account = world_account(desk->world, "rt-odd");

    (void)WORLD_UNTIL(desk->world, 2000, enforcer_client_connected(desk->world->manager.enforcer));
    desk->world->fake->refuses_end = -EPERM;
    assert_error(call(desk, "ForgetUser", "s", "rt-odd"), "uk.ac.rcpch.Error.Unavailable");
    assert_int_equal(account->state, ACCOUNT_ACTIVE);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
}

static void test_revoke_without_an_enforcer_claims_no_end(void **state)
{
    Desk *desk = *state;
    Account *account = world_account(desk->world, "rt-claim");

    world_run(desk->world, 50);
    fake_down(desk->world->fake);
    desk->world->manager.revocation->wait_usec = USEC_PER_SEC;
    assert_error(call(desk, "RevokeUser", "ss", "rt-claim", ""), "uk.ac.rcpch.Error.Unavailable");
    assert_int_equal(account->verdict, VERDICT_DISABLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest for_all[] = {
        TEST(test_everybody_but_root_is_refused),
    };
    const struct CMUnitTest for_root[] = {
        TEST(test_everybody_but_root_is_refused),
        TEST(test_status_and_lists),
        TEST(test_explanations_of_what_is_under_way),
        TEST(test_unknown_names_are_not_found),
        TEST(test_add_answers_after_its_publication),
        TEST(test_bad_names_are_refused),
        TEST(test_bad_options_are_refused),
        TEST(test_revoke_tells_what_it_ended),
        TEST(test_reinstate_needs_a_new_sign_in),
        TEST(test_forget_ends_and_leaves_the_number),
        TEST(test_forgetting_and_adding_lifts_no_revocation),
        TEST(test_without_an_enforcer_nothing_is_claimed),
        TEST(test_forget_without_an_enforcer_forgets_nobody_who_still_runs),
        TEST(test_forget_with_an_enforcer_that_refuses_forgets_nobody),
        TEST(test_revoke_without_an_enforcer_claims_no_end),
    };

    /* Only root may do the rest; the connection's peer is this process. */
    if (geteuid() != 0)
        return cmocka_run_group_tests(for_all, NULL, NULL);
    return cmocka_run_group_tests(for_root, NULL, NULL);
}
