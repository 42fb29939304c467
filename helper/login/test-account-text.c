/*
 * Tests of account-text.c: what a person reads who was turned away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/login/account-text.h"

#define COMMAND "ssh -o PreferredAuthentications=keyboard-interactive alice@audit01"

static ServiceConfig sshd = {.name = (char *)"sshd"};
static const Config config = {.services = &sshd, .service_count = 1};
static const Stamp now = {.wall_usec = 100000 * USEC_PER_SEC, .boot_usec = 100000 * USEC_PER_SEC};

static const char *text_of(Outcome outcome, const char *rule, uint64_t age_sec)
{
    static char text[ACCOUNT_TEXT_SIZE];
    const Stamp then = {.wall_usec = now.wall_usec - age_sec * USEC_PER_SEC,
                        .boot_usec = now.boot_usec - age_sec * USEC_PER_SEC};

    account_text(&(AccountTextFacts){
        .outcome = outcome, .rule = rule, .user = "alice", .host = "audit01",
        .missing = "audit-admins", .config = &config, .signed_in = then,
        .session_bound = strcmp(rule ? rule : "", "sign-in age") == 0, .now = &now,
    }, text);
    return text;
}

static void test_the_command_is_exact(void **state)
{
    static const Outcome outcomes[] = {OUTCOME_SIGN_IN_NEEDED, OUTCOME_SIGN_IN_TOO_OLD,
                                       OUTCOME_NOT_BOUND, OUTCOME_REVOKED};

    for (size_t i = 0; i < ELEMENTSOF(outcomes); i++) {
        const char *text = text_of(outcomes[i], "verdict", 60), *line = strrchr(text, '\n');
        assert_non_null(line);
        assert_string_equal(line + 1, COMMAND);
    }
    assert_string_equal(strrchr(text_of(OUTCOME_SIGN_IN_NEEDED, "keys", 60), '\n') + 1, COMMAND);
}

static void test_why_a_key_is_too_late(void **state)
{
    assert_string_equal(text_of(OUTCOME_SIGN_IN_TOO_OLD, "keys", 13 * 3600 + 125),
                        "An SSH key works here for 12h after a sign-in; your last one was "
                        "13h 2m ago.\nSign in again:\n" COMMAND);
    sshd.max_auth_age_usec = 5 * USEC_PER_SEC;
    assert_string_equal(text_of(OUTCOME_SIGN_IN_TOO_OLD, "keys", 7),
                        "An SSH key works here for 5s after a sign-in; your last one was 7s ago.\n"
                        "Sign in again:\n" COMMAND);
    sshd.max_auth_age_usec = 0;
}

static void test_whose_a_tied_account_is_to_be_is_not_told(void **state)
{
    const char *text = text_of(OUTCOME_NOT_BOUND, RULE_NOT_ADDED, 60);

    assert_string_equal(text, "Nobody can sign in as this account yet.\n"
                              "Ask the administrator of this host to finish setting it up.");
}

static void test_sudo_asks_for_this_session(void **state)
{
    const char *text = text_of(OUTCOME_SIGN_IN_TOO_OLD, "sign-in age", 7);

    assert_non_null(strstr(text, "made in this login session"));
    assert_string_equal(strrchr(text, '\n') + 1, COMMAND);
}

static void test_a_second_factor_and_what_to_do(void **state)
{
    static const struct {
        const char *rule, *says;
    } rows[] = {
        {"strength", "a key is none. Log in with:\n" COMMAND},
        {"weak sign-in", "confirm with it"},
        {"strength untold", "Tell the administrator of this host."},
    };
    char text[ACCOUNT_TEXT_SIZE];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_non_null(strstr(text_of(OUTCOME_MFA_MISSING, rows[i].rule, 0), rows[i].says));
    account_text(&(AccountTextFacts){.outcome = OUTCOME_MFA_MISSING, .rule = "strength",
                                     .user = "alice", .host = "audit01", .session_bound = true},
                 text);
    assert_non_null(strstr(text, "sudo -k"));
    assert_string_equal(strrchr(text, '\n') + 1, COMMAND);
}

static void test_the_others(void **state)
{
    assert_string_equal(text_of(OUTCOME_ALLOW, NULL, 0), "");
    assert_non_null(strstr(text_of(OUTCOME_NOT_IN_GROUP, "groups", 0), "group audit-admins."));
    for (unsigned i = 0; i < _OUTCOME_COUNT; i++)
        assert_null(strstr(text_of((Outcome)i, NULL, 0), "HOST"));
    assert_string_equal(text_of(OUTCOME_UNAVAILABLE, "enforcer", 0),
                        outcome_to_text(OUTCOME_UNAVAILABLE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_command_is_exact),
        cmocka_unit_test(test_why_a_key_is_too_late),
        cmocka_unit_test(test_whose_a_tied_account_is_to_be_is_not_told),
        cmocka_unit_test(test_sudo_asks_for_this_session),
        cmocka_unit_test(test_a_second_factor_and_what_to_do),
        cmocka_unit_test(test_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
