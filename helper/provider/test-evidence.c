/*
 * Evidence: every row of the facts about Entra ID and Keycloak as a reply of the wire, what is
 * unknown, and what must never make things worse.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/provider/evidence-table.h"
#include "helper/provider/provider-type.h"
#include "helper/provider/evidence.h"

typedef struct Expected {
    uint32_t code;
    EvidenceMeaning login, refresh;
    bool is_explicit, needs_directory; /* on a refresh */
} Expected;

static Evidence classify(ProviderType type, EvidenceContext context, long status, const char *body)
{
    Evidence evidence;

    evidence_classify(type, false, context, status, body, strlen(body), &evidence);
    for (const char *c = evidence.code; *c; c++)
        assert_true(*c >= 0x20 && *c < 0x7f);
    return evidence;
}

static Evidence entra(EvidenceContext context, const char *error, const char *codes)
{
    char body[512];

    snprintf(body, sizeof(body),
             "{\"error\":\"%s\",\"error_description\":\"AADSTS50057: not to be read\","
             "\"error_codes\":[%s],\"timestamp\":\"2026-01-04 19:44:18Z\",\"trace_id\":\"x\"}",
             error, codes);
    return classify(PROVIDER_ENTRA, context, 400, body);
}

static void test_entra_codes(void **state)
{
    static const Expected rows[] = {
        /* disabled, gone, not assigned, blocked */
        {50057, EVIDENCE_DISABLED, EVIDENCE_DISABLED, true, false},
        {50034, EVIDENCE_WRONG_SECRET, EVIDENCE_DISABLED, false, true},
        {51004, EVIDENCE_POLICY, EVIDENCE_DISABLED, false, true},
        {50020, EVIDENCE_POLICY, EVIDENCE_DISABLED, false, true},
        {50105, EVIDENCE_POLICY, EVIDENCE_DISABLED, false, false},
        {53011, EVIDENCE_POLICY, EVIDENCE_DISABLED, false, false},
        /* revoked */
        {50173, EVIDENCE_REVOKED, EVIDENCE_REVOKED, false, false},
        {50132, EVIDENCE_REVOKED, EVIDENCE_REVOKED, false, false},
        {50133, EVIDENCE_REVOKED, EVIDENCE_REVOKED, false, false},
        /* aged */
        {700082, EVIDENCE_NEUTRAL, EVIDENCE_AGED, false, false},
        {70008, EVIDENCE_CODE_EXPIRED, EVIDENCE_AGED, false, false},
        {70043, EVIDENCE_NEUTRAL, EVIDENCE_AGED, false, false},
        {50078, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        {50089, EVIDENCE_CODE_EXPIRED, EVIDENCE_AGED, false, false},
        {70000, EVIDENCE_NEUTRAL, EVIDENCE_AGED, false, false},
        /* more than a password */
        {50076, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        {50079, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        {50072, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        {50074, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        {50158, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        {50125, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        {16000, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        {65001, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, false, false},
        /* policy: on a refresh it proves nothing */
        {53000, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {53001, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {53002, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {53003, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {530032, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {530035, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {50131, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {50097, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {50129, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        {50155, EVIDENCE_POLICY, EVIDENCE_NEUTRAL, false, false},
        /* passwords */
        {50126, EVIDENCE_WRONG_SECRET, EVIDENCE_NEUTRAL, false, false},
        {50056, EVIDENCE_NEEDS_MORE, EVIDENCE_NEUTRAL, false, false},
        {50055, EVIDENCE_NEEDS_MORE, EVIDENCE_NEUTRAL, false, false},
        {50144, EVIDENCE_NEEDS_MORE, EVIDENCE_NEUTRAL, false, false},
        {50053, EVIDENCE_LOCKED, EVIDENCE_NEUTRAL, false, false},
        /* our configuration */
        {90002, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        {700016, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        {7000112, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        {70001, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        {7000215, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        {7000222, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        {7000218, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        {90094, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        {500011, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, false, false},
        /* again later */
        {50196, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {90055, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {50033, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {50087, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {90006, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {90012, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {90024, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {90033, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {80001, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {80002, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {80005, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        {80014, EVIDENCE_LATER, EVIDENCE_LATER, false, false},
        /* device codes */
        {70016, EVIDENCE_PENDING, EVIDENCE_NEUTRAL, false, false},
        {70018, EVIDENCE_CODE_EXPIRED, EVIDENCE_NEUTRAL, false, false},
        {70019, EVIDENCE_CODE_EXPIRED, EVIDENCE_NEUTRAL, false, false},
        {70020, EVIDENCE_CODE_EXPIRED, EVIDENCE_NEUTRAL, false, false},
        /* in no row */
        {50000, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false, false},
        {999999, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false, false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char codes[16];
        snprintf(codes, sizeof(codes), "%u", rows[i].code);
        Evidence login = entra(EVIDENCE_LOGIN, "invalid_grant", codes);
        Evidence refresh = entra(EVIDENCE_REFRESH, "invalid_grant", codes);
        if (login.meaning != rows[i].login || refresh.meaning != rows[i].refresh)
            fail_msg("%u is %s and %s", rows[i].code, evidence_meaning_to_word(login.meaning),
                     evidence_meaning_to_word(refresh.meaning));
        assert_int_equal(refresh.is_explicit, rows[i].is_explicit);
        assert_int_equal(refresh.needs_directory, rows[i].needs_directory);
        char text[64];
        snprintf(text, sizeof(text), "invalid_grant %u", rows[i].code);
        assert_string_equal(refresh.code, text);
    }
}

static void test_several_codes(void **state)
{
    static const struct {
        const char *codes;
        EvidenceMeaning refresh;
    } rows[] = {
        {"50076,50057", EVIDENCE_DISABLED},
        {"50057,50076", EVIDENCE_DISABLED},
        {"50196,700082", EVIDENCE_AGED},
        {"50173,700082", EVIDENCE_REVOKED},
        {"999999,700082", EVIDENCE_AGED},
        {"700082,999999", EVIDENCE_AGED},
        {"999999,999998", EVIDENCE_NEUTRAL},
        {"53003,999999", EVIDENCE_NEUTRAL},
        {"50196,999999", EVIDENCE_LATER},
        {"", EVIDENCE_NEUTRAL},
        {"\"50057\"", EVIDENCE_NEUTRAL},
        {"50057.0", EVIDENCE_NEUTRAL},
        {"-50057", EVIDENCE_NEUTRAL},
        {"4295017353", EVIDENCE_NEUTRAL}, /* 50057 + 2^32 */
        {"null,true,{},50057", EVIDENCE_DISABLED},
        {"4294967295", EVIDENCE_NEUTRAL},
        {"0", EVIDENCE_NEUTRAL},
        {"1,2,3,4,5,6,7,8,50057", EVIDENCE_NEUTRAL}, /* only so many are looked at */
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (entra(EVIDENCE_REFRESH, "invalid_grant", rows[i].codes).meaning != rows[i].refresh)
            fail_msg("wrong meaning for [%s]", rows[i].codes);
}

static void test_errors(void **state)
{
    static const struct {
        const char *error;
        EvidenceMeaning generic_login, generic_refresh, entra_login, entra_refresh;
    } rows[] = {
        {"authorization_pending", EVIDENCE_PENDING, EVIDENCE_NEUTRAL, EVIDENCE_PENDING,
         EVIDENCE_NEUTRAL},
        {"slow_down", EVIDENCE_SLOW_DOWN, EVIDENCE_NEUTRAL, EVIDENCE_SLOW_DOWN, EVIDENCE_NEUTRAL},
        {"access_denied", EVIDENCE_DECLINED, EVIDENCE_NEUTRAL, EVIDENCE_DECLINED, EVIDENCE_NEUTRAL},
        {"authorization_declined", EVIDENCE_DECLINED, EVIDENCE_NEUTRAL, EVIDENCE_DECLINED,
         EVIDENCE_NEUTRAL},
        {"expired_token", EVIDENCE_CODE_EXPIRED, EVIDENCE_NEUTRAL, EVIDENCE_CODE_EXPIRED,
         EVIDENCE_NEUTRAL},
        {"code_expired", EVIDENCE_CODE_EXPIRED, EVIDENCE_NEUTRAL, EVIDENCE_CODE_EXPIRED,
         EVIDENCE_NEUTRAL},
        {"bad_verification_code", EVIDENCE_CODE_EXPIRED, EVIDENCE_NEUTRAL, EVIDENCE_CODE_EXPIRED,
         EVIDENCE_NEUTRAL},
        {"invalid_grant", EVIDENCE_CODE_EXPIRED, EVIDENCE_AGED, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL},
        {"interaction_required", EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, EVIDENCE_NEEDS_MORE,
         EVIDENCE_AGED},
        {"login_required", EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, EVIDENCE_NEEDS_MORE, EVIDENCE_AGED},
        {"unmet_authentication_requirements", EVIDENCE_NEEDS_MORE, EVIDENCE_NEUTRAL,
         EVIDENCE_NEEDS_MORE, EVIDENCE_NEUTRAL},
        {"consent_required", EVIDENCE_NEEDS_MORE, EVIDENCE_AGED, EVIDENCE_NEEDS_MORE,
         EVIDENCE_AGED},
        {"invalid_client", EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT,
         EVIDENCE_OUR_FAULT},
        {"unauthorized_client", EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT,
         EVIDENCE_OUR_FAULT},
        {"unsupported_grant_type", EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT,
         EVIDENCE_OUR_FAULT},
        {"invalid_scope", EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT,
         EVIDENCE_OUR_FAULT},
        {"invalid_request", EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT, EVIDENCE_OUR_FAULT,
         EVIDENCE_OUR_FAULT},
        {"temporarily_unavailable", EVIDENCE_LATER, EVIDENCE_LATER, EVIDENCE_LATER, EVIDENCE_LATER},
        {"server_error", EVIDENCE_LATER, EVIDENCE_LATER, EVIDENCE_LATER, EVIDENCE_LATER},
        {"user_disabled", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL},
        {"INVALID_GRANT", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL},
        {"", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL},
    };
    char body[128];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        snprintf(body, sizeof(body), "{\"error\":\"%s\"}", rows[i].error);
        assert_int_equal(classify(PROVIDER_GENERIC, EVIDENCE_LOGIN, 400, body).meaning,
                         rows[i].generic_login);
        assert_int_equal(classify(PROVIDER_GENERIC, EVIDENCE_REFRESH, 400, body).meaning,
                         rows[i].generic_refresh);
        assert_int_equal(classify(PROVIDER_ENTRA, EVIDENCE_LOGIN, 400, body).meaning,
                         rows[i].entra_login);
        assert_int_equal(classify(PROVIDER_ENTRA, EVIDENCE_REFRESH, 401, body).meaning,
                         rows[i].entra_refresh);
    }
}

/* A documented word with a code nobody documents: not understood. */
static void test_unknown_code_is_neutral(void **state)
{
    assert_int_equal(entra(EVIDENCE_REFRESH, "interaction_required", "530099").meaning,
                     EVIDENCE_NEUTRAL);
    assert_int_equal(entra(EVIDENCE_LOGIN, "interaction_required", "530099").meaning,
                     EVIDENCE_NEUTRAL);
    assert_int_equal(entra(EVIDENCE_REFRESH, "interaction_required", "50076").meaning,
                     EVIDENCE_AGED);
    assert_int_equal(entra(EVIDENCE_LOGIN, "slow_down", "70016").meaning, EVIDENCE_SLOW_DOWN);
    assert_int_equal(entra(EVIDENCE_LOGIN, "authorization_declined", "70000").meaning,
                     EVIDENCE_DECLINED);
}

/* B2C says its number only at the head of the description. */
static void test_b2c(void **state)
{
    static const struct {
        const char *text;
        EvidenceMeaning login, refresh;
        bool needs_directory;
    } rows[] = {
        {"AADB2C90129: The provided grant has been revoked.", EVIDENCE_REVOKED, EVIDENCE_REVOKED,
         false},
        {"AADB2C90128: The account no longer exists.", EVIDENCE_NEUTRAL, EVIDENCE_DISABLED, true},
        {"AADB2C90080: The grant has expired.", EVIDENCE_CODE_EXPIRED, EVIDENCE_AGED, false},
        {"AADB2C90091: The user has cancelled.", EVIDENCE_DECLINED, EVIDENCE_NEUTRAL, false},
        {"AADB2C99999: Nobody knows.", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false},
        {"AADB2C90129", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false},
        {"AADB2C4295057425: 2^32 more than 90129.", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false},
        {" AADB2C90129: Not at the head.", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false},
        {"AADSTS50057: Not its words.", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false},
        {"", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false},
    };
    char body[256];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        snprintf(body, sizeof(body),
                 "{\"error\":\"invalid_grant\",\"error_codes\":[50057],"
                 "\"error_description\":\"%s\"}",
                 rows[i].text);
        Evidence refresh = classify(PROVIDER_ENTRA_B2C, EVIDENCE_REFRESH, 400, body);
        assert_int_equal(classify(PROVIDER_ENTRA_B2C, EVIDENCE_LOGIN, 400, body).meaning,
                         rows[i].login);
        assert_int_equal(refresh.meaning, rows[i].refresh);
        assert_int_equal(refresh.needs_directory, rows[i].needs_directory);
        assert_false(refresh.is_explicit);
    }
    assert_string_equal(classify(PROVIDER_ENTRA_B2C, EVIDENCE_REFRESH, 400,
                                 "{\"error\":\"invalid_grant\",\"error_description\":"
                                 "\"AADB2C90129: x\"}")
                            .code,
                        "invalid_grant 90129");
}

static void test_keycloak(void **state)
{
    static const struct {
        const char *text;
        EvidenceMeaning login, refresh;
        bool is_explicit, needs_directory;
    } rows[] = {
        {"User disabled", EVIDENCE_DISABLED, EVIDENCE_DISABLED, true, false},
        {"Session not active", EVIDENCE_NEUTRAL, EVIDENCE_AGED, false, false},
        {"Offline user session not found", EVIDENCE_NEUTRAL, EVIDENCE_AGED, false, false},
        {"Maximum allowed refresh token reuse exceeded", EVIDENCE_NEUTRAL, EVIDENCE_AGED, false,
         false},
        {"Stale token", EVIDENCE_NEUTRAL, EVIDENCE_REVOKED, false, false},
        {"Invalid refresh token", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false, true},
        {"Account disabled", EVIDENCE_DISABLED, EVIDENCE_NEUTRAL, false, false},
        {"Device code not valid", EVIDENCE_CODE_EXPIRED, EVIDENCE_NEUTRAL, false, false},
        {"user disabled", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false, false},
        {"User disabled by somebody", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false, false},
        {"Not a User disabled", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false, false},
        {"", EVIDENCE_NEUTRAL, EVIDENCE_NEUTRAL, false, false},
    };
    char body[256];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        snprintf(body, sizeof(body), "{\"error\":\"invalid_grant\",\"error_description\":\"%s\"}",
                 rows[i].text);
        Evidence refresh = classify(PROVIDER_KEYCLOAK, EVIDENCE_REFRESH, 400, body);
        assert_int_equal(classify(PROVIDER_KEYCLOAK, EVIDENCE_LOGIN, 400, body).meaning,
                         rows[i].login);
        assert_int_equal(refresh.meaning, rows[i].refresh);
        assert_int_equal(refresh.is_explicit, rows[i].is_explicit);
        assert_int_equal(refresh.needs_directory, rows[i].needs_directory);
        assert_non_null(strstr(refresh.code, rows[i].text));
        /* Said by another kind of provider it is only text. */
        assert_int_equal(classify(PROVIDER_ENTRA, EVIDENCE_REFRESH, 400, body).meaning,
                         EVIDENCE_NEUTRAL);
        assert_int_equal(classify(PROVIDER_GENERIC, EVIDENCE_REFRESH, 400, body).meaning,
                         EVIDENCE_AGED);
    }
    assert_int_equal(
        classify(PROVIDER_KEYCLOAK, EVIDENCE_REFRESH, 400,
                 "{\"error\":\"server_error\",\"error_description\":\"User disabled\"}")
            .meaning,
        EVIDENCE_LATER);
}

static void test_refused_refresh_is_revoked(void **state)
{
    static const char body[] = "{\"error\":\"invalid_grant\"}";
    Evidence evidence;

    evidence_classify(PROVIDER_GENERIC, true, EVIDENCE_REFRESH, 400, body, strlen(body), &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_REVOKED);
    assert_false(evidence.is_explicit);
    evidence_classify(PROVIDER_GENERIC, true, EVIDENCE_LOGIN, 400, body, strlen(body), &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_CODE_EXPIRED);
    evidence_classify(PROVIDER_KEYCLOAK, true, EVIDENCE_REFRESH, 400, body, strlen(body),
                      &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_NEUTRAL);
    evidence_classify(PROVIDER_ENTRA, true, EVIDENCE_REFRESH, 400, body, strlen(body), &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_NEUTRAL);
}

/* Whatever stands in the body of these, it is not about an account. */
static void test_status(void **state)
{
    static const char disabled[] = "{\"error\":\"invalid_grant\",\"error_codes\":[50057]}";
    static const struct {
        long status;
        const char *body;
        EvidenceMeaning meaning;
    } rows[] = {
        {429, disabled, EVIDENCE_LATER},
        {429, "slow down\n", EVIDENCE_LATER},
        {429, "", EVIDENCE_LATER},
        {500, disabled, EVIDENCE_LATER},
        {502, "<html>", EVIDENCE_LATER},
        {503, "", EVIDENCE_LATER},
        {504, disabled, EVIDENCE_LATER},
        {599, "", EVIDENCE_LATER},
        {408, disabled, EVIDENCE_LATER},
        {200, disabled, EVIDENCE_NEUTRAL},
        {302, disabled, EVIDENCE_NEUTRAL},
        {304, "", EVIDENCE_NEUTRAL},
        {204, "", EVIDENCE_NEUTRAL},
        {404, "<html>", EVIDENCE_NEUTRAL},
        {400, "", EVIDENCE_NEUTRAL},
        {400, "[]", EVIDENCE_NEUTRAL},
        {400, "{}", EVIDENCE_NEUTRAL},
        {400, "{\"error\":5}", EVIDENCE_NEUTRAL},
        {400, "{\"error_codes\":[50057]}", EVIDENCE_NEUTRAL},
        {400, "{\"error\":\"invalid_grant\",\"error\":\"x\",\"error_codes\":[50057]}",
         EVIDENCE_NEUTRAL},
        {200, "{\"access_token\":\"a\"}", EVIDENCE_CONFIRMED},
        {200, "{\"access_token\":\"\"}", EVIDENCE_NEUTRAL},
        {200, "{\"access_token\":\"a\",\"error\":\"x\"}", EVIDENCE_NEUTRAL},
        {200, "{\"access_token\":5}", EVIDENCE_NEUTRAL},
        {200, "<html>", EVIDENCE_NEUTRAL},
        {200, "", EVIDENCE_NEUTRAL},
        {201, "{\"access_token\":\"a\"}", EVIDENCE_NEUTRAL},
        {400, "{\"access_token\":\"a\"}", EVIDENCE_NEUTRAL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Evidence evidence =
            classify(PROVIDER_ENTRA, EVIDENCE_REFRESH, rows[i].status, rows[i].body);
        if (evidence.meaning != rows[i].meaning)
            fail_msg("%ld %s is %s", rows[i].status, rows[i].body,
                     evidence_meaning_to_word(evidence.meaning));
        assert_false(evidence.is_explicit);
    }
}

static void test_null_body(void **state)
{
    Evidence evidence;

    evidence_classify(PROVIDER_ENTRA, false, EVIDENCE_REFRESH, 400, NULL, 0, &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_NEUTRAL);
}

/* What goes to the log is bounded and printable, whatever the provider says. */
static void test_hostile_words(void **state)
{
    static const char *const bodies[] = {
        "{\"error\":\"a\\u001b[2Jb\\n\"}",
        "{\"error\":\"invalid_grant\",\"error_description\":\"\\u202e\\u0007\\r\\nx\"}",
        "{\"error\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
        "\"error_codes\":[4000000001,4000000002,4000000003,4000000004,4000000005,4000000006,"
        "4000000007]}",
        "{\"error\":"
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "\"}",
    };

    for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
        for (unsigned type = 0; type < _PROVIDER_TYPE_COUNT; type++) {
            Evidence evidence = classify((ProviderType)type, EVIDENCE_REFRESH, 400, bodies[i]);
            assert_true(strlen(evidence.code) < sizeof(evidence.code));
            assert_int_equal(evidence.meaning,
                             (type == PROVIDER_GENERIC || type == PROVIDER_OKTA) && i == 1
                                 ? EVIDENCE_AGED
                                 : EVIDENCE_NEUTRAL);
        }
}

static void test_words_and_outcomes(void **state)
{
    Evidence evidence;

    for (unsigned i = 0; i < _EVIDENCE_MEANING_COUNT; i++) {
        assert_non_null(evidence_meaning_to_word((EvidenceMeaning)i));
        assert_int_not_equal(evidence_to_outcome((EvidenceMeaning)i), OUTCOME_ALLOW);
        assert_int_not_equal(evidence_to_outcome((EvidenceMeaning)i), OUTCOME_NOT_OURS);
    }
    assert_int_equal(evidence_to_outcome((EvidenceMeaning)99), OUTCOME_INTERNAL);
    assert_string_equal(evidence_meaning_to_word((EvidenceMeaning)-1), "neutral");
    assert_int_equal(evidence_to_outcome(EVIDENCE_DISABLED), OUTCOME_DISABLED);
    evidence_unreachable("timed out", &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_LATER);
    assert_string_equal(evidence.code, "network: timed out");
}

/* What is about the way of signing in sends people on to the next one; what is about them does
 * not. */
static void test_refused_methods(void **state)
{
    static const struct {
        const char *error;
        unsigned code;
        bool of_method;
    } rows[] = {
        {"access_denied", 53003, true},       {"invalid_grant", 530035, true},
        {"interaction_required", 50076, true}, {"invalid_client", 7000218, true},
        {"unauthorized_client", 999999, true}, {"unsupported_grant_type", 0, true},
        {"invalid_grant", 50057, false},      {"invalid_grant", 50105, false},
        {"invalid_grant", 53011, false},      {"access_denied", 999999, false},
        {"invalid_client", 7000215, false},   {"expired_token", 70020, false},
        {"temporarily_unavailable", 0, false}, {"invalid_grant", 50126, false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char body[128];
        snprintf(body, sizeof(body), "{\"error\":\"%s\",\"error_codes\":[%u]}", rows[i].error,
                 rows[i].code);
        assert_int_equal(classify(PROVIDER_ENTRA, EVIDENCE_LOGIN, 400, body).is_of_method,
                         rows[i].of_method);
        assert_false(classify(PROVIDER_ENTRA, EVIDENCE_REFRESH, 400, body).is_of_method);
    }
}

static void test_an_error_without_a_body(void **state)
{
    Evidence evidence;

    evidence_classify_error(PROVIDER_KEYCLOAK, EVIDENCE_LOGIN, "access_denied", &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_DECLINED);
    assert_string_equal(evidence.code, "access_denied");
    evidence_classify_error(PROVIDER_ENTRA, EVIDENCE_LOGIN, "login_required", &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_NEEDS_MORE);
    assert_true(evidence.is_of_method);
    evidence_classify_error(PROVIDER_GENERIC, EVIDENCE_LOGIN, "unheard_of", &evidence);
    assert_int_equal(evidence.meaning, EVIDENCE_NEUTRAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entra_codes),   cmocka_unit_test(test_several_codes),
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_unknown_code_is_neutral),
        cmocka_unit_test(test_b2c),
        cmocka_unit_test(test_keycloak),      cmocka_unit_test(test_refused_refresh_is_revoked),
        cmocka_unit_test(test_status),        cmocka_unit_test(test_null_body),
        cmocka_unit_test(test_hostile_words), cmocka_unit_test(test_refused_methods),
        cmocka_unit_test(test_an_error_without_a_body),
        cmocka_unit_test(test_words_and_outcomes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
