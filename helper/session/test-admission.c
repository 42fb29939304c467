/*
 * Tests of admission.c: verdict, access, RequireGroups= and MaxAuthAge= together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/session/admission.h"

static char *staff[] = {(char *)"id-staff", NULL};
static char *staff_and_admins[] = {(char *)"id-staff", (char *)"id-admins", NULL};
static char *staff_only[] = {(char *)"audit-staff", NULL};
static char *admins_or_ops[] = {(char *)"audit-admins", (char *)"ops", NULL};

static char *gold[] = {(char *)"gold", NULL};
static char *c1[] = {(char *)"c1", NULL};

static GroupConfig groups[] = {
    {.name = (char *)"audit-staff", .id = (char *)"id-staff"},
    {.name = (char *)"audit-admins", .id = (char *)"id-admins"},
    {.name = (char *)"ops", .id = (char *)"id-ops"},
};
static ServiceConfig services[] = {
    {.name = (char *)"sudo", .require_groups = admins_or_ops},
    {.name = (char *)"vault", .max_auth_age_usec = 600 * USEC_PER_SEC},
    {.name = (char *)"safe", .require_acr = gold, .require_auth_context = c1},
};
static ProviderConfig providers[] = {{.name = (char *)"college"}};
static Config config = {
    .providers = providers, .provider_count = 1, .groups = groups, .group_count = 3,
    .services = services, .service_count = 3, .allow_groups = staff_only,
    .fresh_usec = 30 * USEC_PER_SEC,
    .offline_grace_usec = 3600 * USEC_PER_SEC,
};

static Stamp at_second(uint64_t second)
{
    return (Stamp){.wall_usec = second * USEC_PER_SEC, .boot_usec = second * USEC_PER_SEC};
}

/* Signed in and confirmed at second 1000. */
static Account account_active(void)
{
    return (Account){
        .name = (char *)"alice", .provider = (char *)"college", .id = (char *)"id-alice",
        .groups = staff, .verdict = VERDICT_ACTIVE, .confirmed = at_second(1000),
        .signed_in = at_second(1000),
    };
}

static Outcome judge_at(const Account *account, const char *service, const Stamp *now,
                        const char **ret_rule)
{
    const AdmissionRequest request = {.account = account, .service = service,
                                      .signed_in = account->signed_in,
                                      .enforcer_connected = true};

    return admission_judge(&request, &config, now, ret_rule);
}

static Outcome judge(const Account *account, const char *service, uint64_t second)
{
    Stamp now = at_second(second);

    return judge_at(account, service, &now, NULL);
}

static void test_active_and_allowed(void **state)
{
    Account account = account_active();

    assert_int_equal(judge(&account, "sshd", 1001), OUTCOME_ALLOW);
    account.groups = staff + 1;
    assert_int_equal(judge(&account, "sshd", 1001), OUTCOME_NOT_IN_GROUP);
}

static void test_verdicts_come_first(void **state)
{
    static const struct {
        Verdict verdict;
        Outcome outcome;
    } rows[] = {
        {VERDICT_DISABLED, OUTCOME_DISABLED},
        {VERDICT_REVOKED, OUTCOME_REVOKED},
        {VERDICT_AGED, OUTCOME_SIGN_IN_TOO_OLD},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Account account = account_active();
        account.verdict = rows[i].verdict;
        account.groups = staff + 1; /* in no group either: the verdict is said */
        assert_int_equal(judge(&account, "sshd", 1001), rows[i].outcome);
        assert_int_equal(judge(&account, "sudo", 1001), rows[i].outcome);
    }
}

static void test_required_groups(void **state)
{
    static const char *const elevating[] = {"sudo", "sudo-i"};
    Account account = account_active();
    Stamp now = at_second(1001);
    const char *rule = "untouched";

    for (size_t i = 0; i < ELEMENTSOF(elevating); i++) {
        assert_int_equal(judge_at(&account, elevating[i], &now, &rule), OUTCOME_NOT_IN_GROUP);
        assert_string_equal(rule, "groups");
        assert_string_equal(admission_missing_group(&account, &config, elevating[i]),
                            "audit-admins");
    }
    account.groups = staff_and_admins; /* one of the two is enough */
    assert_int_equal(judge_at(&account, "sudo", &now, &rule), OUTCOME_ALLOW);
    assert_null(rule);
    assert_null(admission_missing_group(&account, &config, "sudo"));
    assert_null(admission_missing_group(&account, &config, "vault"));
}

/* Within the grace people may go on working, but not become root (design §5). */
static void test_elevation_is_never_offline(void **state)
{
    Account account = account_active();

    account.groups = staff_and_admins;
    account.verdict = VERDICT_UNCONFIRMED;
    assert_int_equal(judge(&account, "sshd", 1500), OUTCOME_ALLOW);
    assert_int_equal(judge(&account, "sudo", 1500), OUTCOME_TOO_STALE);
    assert_int_equal(judge(&account, "su", 1500), OUTCOME_ALLOW); /* has no RequireGroups= here */
    assert_int_equal(judge(&account, "sshd", 9000), OUTCOME_TOO_STALE);
}

static void test_age_of_the_sign_in(void **state)
{
    Account account = account_active();

    account.confirmed = at_second(1700);
    assert_int_equal(judge(&account, "vault", 1600), OUTCOME_TOO_STALE); /* of the future */
    account.confirmed = at_second(1599);
    assert_int_equal(judge(&account, "vault", 1600), OUTCOME_ALLOW);
    account.confirmed = at_second(1601);
    assert_int_equal(judge(&account, "vault", 1601), OUTCOME_SIGN_IN_TOO_OLD);
    assert_int_equal(judge(&account, "sshd", 1601), OUTCOME_ALLOW);
    account.signed_in = (Stamp){0};
    assert_int_equal(judge(&account, "vault", 1601), OUTCOME_SIGN_IN_TOO_OLD);
}

/* Who cannot be cut is not let in. */
static void test_no_enforcer_no_admission(void **state)
{
    Account account = account_active();
    Stamp now = at_second(1001);
    const char *rule = NULL;
    const AdmissionRequest request = {.account = &account, .service = "sshd",
                                      .signed_in = account.signed_in};

    assert_int_equal(admission_judge(&request, &config, &now, &rule), OUTCOME_UNAVAILABLE);
    assert_string_equal(rule, "enforcer");
}

static const AdmissionFinding *finding_of(const AdmissionFinding *findings, size_t count,
                                          const char *rule)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(findings[i].rule, rule) == 0)
            return &findings[i];
    fail_msg("no finding about %s", rule);
    return NULL;
}

typedef struct Words {
    const char *rule;
    bool applies;
    Outcome outcome;
    const char *setting, *why;
} Words;

static void assert_words(const Account *account, const char *service, uint64_t second,
                         const Words *words, size_t word_count)
{
    AdmissionFinding findings[ADMISSION_RULES_MAX];
    Stamp now = at_second(second);
    const AdmissionRequest request = {.account = account, .service = service,
                                      .signed_in = account->signed_in,
                                      .enforcer_connected = true};

    size_t count = admission_explain(&request, &config, &now, findings);
    for (size_t i = 0; i < word_count; i++) {
        const AdmissionFinding *finding = finding_of(findings, count, words[i].rule);
        assert_int_equal(finding->applies, words[i].applies);
        assert_int_equal(finding->outcome, words[i].outcome);
        assert_string_equal(finding->setting, words[i].setting);
        assert_string_equal(finding->why, words[i].why);
    }
}

static void test_explained_yes(void **state)
{
    static const Words words[] = {
        {"verdict", true, OUTCOME_ALLOW, "", "active, decided 1m 1s ago, evidence: sign-in"},
        {"confirmation", true, OUTCOME_ALLOW, "[revocation] FreshSec=30s OfflineGrace=1h",
         "the directory last confirmed it 31s ago"},
        {"access", true, OUTCOME_ALLOW, "[access] AllowGroups=audit-staff",
         "member of audit-staff (id-staff)"},
        {"groups", true, OUTCOME_ALLOW, "[service sudo] RequireGroups=audit-admins ops",
         "member of audit-admins (id-admins)"},
        {"sign-in age", false, OUTCOME_ALLOW, "", "last interactive sign-in: 1m 1s ago"},
        {"strength", false, OUTCOME_ALLOW, "", ""},
        {"enforcer", true, OUTCOME_ALLOW, "", "the enforcer answers"},
    };
    Account account = account_active();

    account.groups = staff_and_admins;
    account.verdict_since = at_second(1000);
    account.confirmed = at_second(1030);
    account.evidence = (char *)"sign-in";
    assert_words(&account, "sudo", 1061, words, ELEMENTSOF(words));
}

static void test_explained_no(void **state)
{
    static const Words words[] = {
        {"verdict", true, OUTCOME_ALLOW, "", 
         "unconfirmed, decided less than 1s ago, evidence: held: refresh 5"},
        {"confirmation", true, OUTCOME_TOO_STALE, "[revocation] FreshSec=30s OfflineGrace=1h",
         "the directory last confirmed it 1m 1s ago; a service that needs a group gets no "
         "OfflineGrace"},
        {"access", true, OUTCOME_NOT_IN_GROUP, "[access] AllowGroups=audit-staff",
         "in no group of AllowGroups=, not named by AllowUsers="},
        {"groups", true, OUTCOME_NOT_IN_GROUP, "[service sudo] RequireGroups=audit-admins ops",
         "not a member of audit-admins (id-admins), nor of another one named"},
    };
    static const Words vault[] = {
        {"groups", false, OUTCOME_ALLOW, "", ""},
        {"keys", false, OUTCOME_ALLOW, "", ""},
        {"sign-in age", true, OUTCOME_SIGN_IN_TOO_OLD, "[service vault] MaxAuthAge=10m",
         "last interactive sign-in: never"},
    };
    Account account = account_active();

    account.groups = staff + 1;
    account.verdict = VERDICT_UNCONFIRMED;
    account.verdict_since = at_second(1061);
    account.evidence = (char *)"held: refresh 5";
    assert_words(&account, "sudo-i", 1061, words, ELEMENTSOF(words));
    account.signed_in = (Stamp){0};
    assert_words(&account, "vault", 1061, vault, ELEMENTSOF(vault));
    static const Words sshd[] = {
        {"keys", true, OUTCOME_SIGN_IN_TOO_OLD, "[service sshd] Keys=with-signin",
         "a key works for 12h after a sign-in; the last one: never"},
    };
    assert_words(&account, "sshd", 1061, sshd, ELEMENTSOF(sshd));
}

static Outcome judge_strength(const AdmissionRequest *how, AdmissionFinding *ret_finding)
{
    static const char name[] = "strength";
    AdmissionFinding findings[ADMISSION_RULES_MAX];
    Account account = account_active();
    AdmissionRequest request = *how;
    Stamp now = at_second(1001);
    const char *rule = NULL;

    account.evidence = (char *)"";
    request.account = &account;
    request.service = "safe";
    request.enforcer_connected = true;
    Outcome outcome = admission_judge(&request, &config, &now, &rule);
    size_t i = admission_explain(&request, &config, &now, findings);
    while (i > 0 && strcmp(findings[i - 1].rule, name) != 0)
        i--;
    *ret_finding = findings[i - 1];
    assert_int_equal(outcome, ret_finding->outcome);
    assert_true(outcome == OUTCOME_ALLOW || strcmp(rule, name) == 0);
    return outcome;
}

static void test_strength_is_of_this_sign_in(void **state)
{
    static const struct {
        AdmissionRequest request;
        ProviderType type;
        Outcome outcome;
        const char *why;
    } rows[] = {
        {{.strength = "acr=gold"}, PROVIDER_GENERIC, OUTCOME_ALLOW,
         "the sign-in made for this itself says acr=gold"},
        {{.strength = "acr=gold"}, PROVIDER_ENTRA, OUTCOME_MFA_MISSING,
         "the sign-in made for this itself says acr=gold"},
        {{.strength = "acrs=c1", .session_bound = true}, PROVIDER_ENTRA, OUTCOME_ALLOW,
         "the sign-in made in this login session says acrs=c1"},
        {{.strength = ""}, PROVIDER_GENERIC, OUTCOME_MFA_MISSING,
         "the sign-in made for this itself says nothing of it"},
        {{.session_bound = true}, PROVIDER_GENERIC, OUTCOME_MFA_MISSING,
         "no sign-in was made in this login session"},
        {{.strength = NULL}, PROVIDER_GENERIC, OUTCOME_MFA_MISSING,
         "no sign-in was made for this itself"},
        {{.any_strength = true}, PROVIDER_GENERIC, OUTCOME_ALLOW,
         "no sign-in was made for this itself"},
    };
    AdmissionFinding finding;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        providers[0].type = rows[i].type;
        assert_int_equal(judge_strength(&rows[i].request, &finding), rows[i].outcome);
        assert_true(finding.applies);
        assert_string_equal(finding.setting,
                            "[service safe] RequireAcr=gold RequireAuthContext=c1");
        assert_string_equal(finding.why, rows[i].why);
    }
    services[2].require_auth_context = NULL; /* no sign-in of theirs can have it */
    providers[0].type = PROVIDER_ENTRA;
    assert_int_equal(judge_strength(&rows[6].request, &finding), OUTCOME_MFA_MISSING);
    services[2].require_auth_context = c1;
    providers[0].type = PROVIDER_GENERIC;
}

/* What is explained is what is decided: the first rule that refuses gives the outcome. */
static void test_explanation_and_decision_agree(void **state)
{
    static const char *const names[] = {"sshd", "sudo", "vault"};
    AdmissionFinding findings[ADMISSION_RULES_MAX];
    Stamp now = at_second(1700);

    for (unsigned i = 0; i < 5 * 3 * 4; i++) {
        Account account = account_active();
        const char *rule = NULL;
        account.verdict = (Verdict)(i % 5);
        account.evidence = (char *)"";
        account.groups = i % 4 == 0 ? staff + 1 : i % 4 == 1 ? staff : staff_and_admins;
        account.confirmed = at_second(i % 4 == 3 ? 1699 : 1000);
        const AdmissionRequest request = {.account = &account, .service = names[i / 20],
                                          .signed_in = account.signed_in,
                                          .enforcer_connected = true};
        Outcome outcome = admission_judge(&request, &config, &now, &rule);
        size_t count = admission_explain(&request, &config, &now, findings), first = 0;
        while (first < count && findings[first].outcome == OUTCOME_ALLOW)
            first++;
        assert_int_equal(first < count ? findings[first].outcome : OUTCOME_ALLOW, outcome);
        assert_true(first == count ? rule == NULL : rule == findings[first].rule);
    }
}

/* What opens an sshd session without a sign-in, by policy and by age of the last sign-in. */
static void test_keys(void **state)
{
    static const struct {
        Keys keys;
        unsigned max_auth_age_sec, age_sec;
        bool signed_in_here;
        Outcome outcome;
    } rows[] = {
        {KEYS_WITH_SIGN_IN, 0, 1, false, OUTCOME_ALLOW},
        {KEYS_WITH_SIGN_IN, 0, 12 * 3600, false, OUTCOME_ALLOW},
        {KEYS_WITH_SIGN_IN, 0, 12 * 3600 + 1, false, OUTCOME_SIGN_IN_TOO_OLD},
        {KEYS_WITH_SIGN_IN, 600, 600, false, OUTCOME_ALLOW},
        {KEYS_WITH_SIGN_IN, 600, 601, false, OUTCOME_SIGN_IN_TOO_OLD},
        {KEYS_WITH_SIGN_IN, 0, 13 * 3600, true, OUTCOME_ALLOW},
        {KEYS_DENY, 0, 1, false, OUTCOME_SIGN_IN_NEEDED},
        {KEYS_DENY, 0, 1, true, OUTCOME_ALLOW},
        {KEYS_ALLOW, 0, 99 * 3600, false, OUTCOME_ALLOW},
        {KEYS_ALLOW, 600, 601, false, OUTCOME_SIGN_IN_TOO_OLD}, /* by MaxAuthAge= itself */
        {_KEYS_COUNT, 0, 1, false, OUTCOME_SIGN_IN_NEEDED},
    };
    Account account = account_active();
    ServiceConfig sshd = {.name = (char *)"sshd"};
    Config with_sshd = config;

    with_sshd.services = &sshd;
    with_sshd.service_count = 1;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Stamp now = at_second(1000 + rows[i].age_sec);
        AdmissionRequest request = {.account = &account, .service = "sshd",
                                    .signed_in = account.signed_in,
                                    .signed_in_here = rows[i].signed_in_here,
                                    .enforcer_connected = true};
        account.confirmed = now;
        sshd.keys = rows[i].keys;
        sshd.max_auth_age_usec = rows[i].max_auth_age_sec * USEC_PER_SEC;
        assert_int_equal(admission_judge(&request, &with_sshd, &now, NULL), rows[i].outcome);
        request.service = "cron"; /* keys are sshd's only */
        assert_int_equal(admission_judge(&request, &with_sshd, &now, NULL), OUTCOME_ALLOW);
    }
}

/* No [service sshd] section, never signed in, a clock set back: no key gets in. */
static void test_keys_without_anything(void **state)
{
    Account account = account_active();
    const char *rule = NULL;
    Stamp now = at_second(1700);

    account.confirmed = at_second(1699);
    assert_int_equal(judge_at(&account, "sshd", &now, &rule), OUTCOME_ALLOW);
    account.signed_in = at_second(1701);
    assert_int_equal(judge_at(&account, "sshd", &now, &rule), OUTCOME_SIGN_IN_TOO_OLD);
    account.signed_in = (Stamp){0};
    assert_int_equal(judge_at(&account, "sshd", &now, &rule), OUTCOME_SIGN_IN_TOO_OLD);
    assert_string_equal(rule, "keys");
}

static Outcome judge_from(const Config *with, const char *service, const char *rhost,
                          const char **ret_rule)
{
    Account account = account_active();
    Stamp now = at_second(1001);
    const AdmissionRequest request = {.account = &account, .service = service, .rhost = rhost,
                                      .signed_in = account.signed_in, .enforcer_connected = true};

    return admission_judge(&request, with, &now, ret_rule);
}

/* Without AllowFrom= from anywhere; with it from there only, "local" being a place too. */
static void test_addresses(void **state)
{
    char ten[] = "10.0.0.0/8", local[] = "local";
    char *nets[] = {ten, NULL}, *nets_and_local[] = {ten, local, NULL};
    ServiceConfig both[] = {{.name = (char *)"sshd", .allow_from = nets},
                            {.name = (char *)"sudo", .allow_from = nets_and_local}};
    Config with = config;
    const char *rule = NULL;

    with.services = both;
    with.service_count = 2;
    assert_int_equal(judge_from(&config, "sshd", NULL, NULL), OUTCOME_ALLOW);
    assert_int_equal(judge_from(&config, "sshd", "host.example.org", NULL), OUTCOME_ALLOW);
    assert_int_equal(judge_from(&with, "login", "", NULL), OUTCOME_ALLOW);
    assert_int_equal(judge_from(&with, "sshd", "10.1.2.3", NULL), OUTCOME_ALLOW);
    assert_int_equal(judge_from(&with, "sshd", "11.1.2.3", &rule), OUTCOME_NOT_FROM_HERE);
    assert_string_equal(rule, "address");
    assert_int_equal(judge_from(&with, "sshd", "host.example.org", NULL), OUTCOME_NOT_FROM_HERE);
    assert_int_equal(judge_from(&with, "sshd", "", NULL), OUTCOME_NOT_FROM_HERE);
    assert_int_equal(judge_from(&with, "sshd", NULL, NULL), OUTCOME_NOT_FROM_HERE);
    assert_int_equal(judge_from(&with, "sudo-i", "", NULL), OUTCOME_ALLOW);
    assert_int_equal(judge_from(&with, "sudo", "11.1.2.3", NULL), OUTCOME_NOT_FROM_HERE);
}

static void test_addresses_explained(void **state)
{
    char ten[] = "10.0.0.0/8", local[] = "local";
    char *nets[] = {ten, local, NULL};
    ServiceConfig sshd = {.name = (char *)"sshd", .allow_from = nets};
    static const struct {
        const char *rhost;
        bool any;
        Outcome outcome;
        const char *why;
    } rows[] = {
        {"10.1.2.3", false, OUTCOME_ALLOW, "10.1.2.3 is in one of the networks"},
        {"", false, OUTCOME_ALLOW, "from this host itself"},
        {"11.1.2.3", false, OUTCOME_NOT_FROM_HERE, "the address is in no network of AllowFrom="},
        {NULL, true, OUTCOME_ALLOW, "judged by the address when somebody connects"},
    };
    AdmissionFinding findings[ADMISSION_RULES_MAX];
    Account account = account_active();
    Stamp now = at_second(1001);
    Config with = config;

    account.evidence = (char *)"";
    with.services = &sshd;
    with.service_count = 1;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const AdmissionRequest request = {.account = &account, .service = "sshd",
                                          .rhost = rows[i].rhost, .any_rhost = rows[i].any};
        size_t count = admission_explain(&request, &with, &now, findings);
        const AdmissionFinding *finding = finding_of(findings, count, "address");
        assert_int_equal(finding->outcome, rows[i].outcome);
        assert_string_equal(finding->setting, "[service sshd] AllowFrom=10.0.0.0/8 local");
        assert_string_equal(finding->why, rows[i].why);
    }
}

static void test_which_services_elevate(void **state)
{
    static const char *const yes[] = {"sudo", "sudo-i", "su", "su-l"};
    static const char *const no[] = {"", "sshd", "sud", "sudo ", "Sudo", "login", "su-", "cron"};

    for (size_t i = 0; i < ELEMENTSOF(yes); i++)
        assert_true(service_elevates(yes[i]));
    for (size_t i = 0; i < ELEMENTSOF(no); i++)
        assert_false(service_elevates(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_active_and_allowed),
        cmocka_unit_test(test_verdicts_come_first),
        cmocka_unit_test(test_required_groups),
        cmocka_unit_test(test_elevation_is_never_offline),
        cmocka_unit_test(test_age_of_the_sign_in),
        cmocka_unit_test(test_no_enforcer_no_admission),
        cmocka_unit_test(test_explained_yes),
        cmocka_unit_test(test_explained_no),
        cmocka_unit_test(test_strength_is_of_this_sign_in),
        cmocka_unit_test(test_explanation_and_decision_agree),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_addresses_explained),
        cmocka_unit_test(test_keys_without_anything),
        cmocka_unit_test(test_which_services_elevate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
