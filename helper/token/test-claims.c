/*
 * Claims by configured names: what holds, what becomes a user name, and what is as good as absent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/token/claims.h"
#include "helper/token/identity.h"
#include "helper/base/text-list.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static json_t *payload_of(const char *text)
{
    json_t *payload = json_loads(text, 0, NULL);

    assert_non_null(payload);
    return payload;
}

static const char person[] =
    "{\"given_name\":\"Mary Ann\",\"family_name\":\"O'Neill\",\"dept\":\"Audit\",\"n\":5,"
    "\"extn\":{\"role\":[\"nurse\",\"lead\"],\"mfa\":true},\"a.b\":\"dotted\",\"empty\":\"\","
    "\"big\":9007199254740993,\"obj\":{\"x\":1},\"umlaut\":\"M\\u00fcller\",\"at\":\"bob@x\","
    "\"x\":1}";

static void test_requirements(void **state)
{
    static const struct {
        const char *requirement;
        bool holds;
    } rows[] = {
        {"dept=Audit", true},      {"dept=audit", false},     {"dept=Audi", false},
        {"dept=Audit ", false},    {"extn.role=nurse", true}, {"extn.role=lead", true},
        {"extn.role=nurse,lead", false}, {"extn.mfa=true", true}, {"extn.mfa=1", false},
        {"n=5", true},             {"n=05", false},           {"a.b=dotted", true},
        {"missing=", false},       {"empty=", true},          {"obj=x", false},
        {"dept", false},           {"=Audit", false},         {"", false},
        {"extn=role", false},
    };
    json_auto_t *payload = payload_of(person);

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (claim_holds(payload, rows[i].requirement) != rows[i].holds)
            fail_msg("%s", rows[i].requirement);
}

static void test_templates(void **state)
{
    static const struct {
        const char *template, *text;
    } rows[] = {
        {"{given}.{family}@rcpch.ac.uk", "maryann.oneill@rcpch.ac.uk"},
        {"x-{dept}-{a.b}", "x-audit-dotted"},
        {"{given}", "maryann"},
        {"{missing}.{family}", NULL},
        {"{empty}x", NULL},
        {"{n}", NULL},
        {"{extn.role}", NULL},
        {"{umlaut}", NULL},
        {"{at}", NULL}, /* nobody chooses their own domain */
    };
    json_auto_t *payload = payload_of(person);

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *text = NULL;
        assert_int_equal(claim_expand(payload, rows[i].template, &text), 0);
        if (rows[i].text)
            assert_string_equal(text, rows[i].text);
        else
            assert_null(text);
    }
}

static void test_template_faults(void **state)
{
    static const char *const bad[] = {"alice", "{}", "{given", "{gi{ven}", "{given}X", "{given} x",
                                      "}{given}", ""};

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_non_null(claim_template_fault(bad[i]));
    assert_null(claim_template_fault("{given}.{family}@rcpch.ac.uk"));
    assert_null(claim_template_fault("{https://claims.example/name}"));
}

/* What of it reaches a login. */
static void test_identity(void **state)
{
    char *requirements[] = {TEXT("dept=Audit"), TEXT("extn.role=nurse"), NULL};
    ProviderConfig config = {
        .issuer = TEXT("https://i"), .id_claim = TEXT("sub"), .name_claim = TEXT("name"),
        .username_claim = TEXT("preferred_username"), .groups_claim = TEXT("groups"),
        .email_claim = TEXT("email"), .require_claims = requirements,
    };
    static const struct {
        const char *text, *email;
        bool lacks;
    } rows[] = {
        {"{\"sub\":\"s\",\"dept\":\"Audit\",\"extn\":{\"role\":\"nurse\"},"
         "\"email\":\"A@B.example\","
         "\"email_verified\":true}", "a@b.example", false},
        {"{\"sub\":\"s\",\"dept\":\"Audit\",\"email\":\"a@b.example\"}", NULL, true},
        {"{\"sub\":\"s\",\"email\":\"a@b.example\",\"email_verified\":false}", NULL, true},
        {"{\"sub\":\"s\",\"email\":\"a@b.example\",\"email_verified\":\"true\"}", NULL, true},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        json_auto_t *payload = payload_of(rows[i].text);
        _cleanup_(identity_freep) Identity *identity = NULL;
        assert_int_equal(identity_from_claims(payload, &config, NULL, &identity), 0);
        assert_int_equal(identity->lacks_claim, rows[i].lacks);
        if (rows[i].email)
            assert_string_equal(identity->email, rows[i].email);
        else
            assert_null(identity->email);
    }
    json_auto_t *payload = payload_of("{\"sub\":\"s\",\"preferred_username\":\"eve@x\","
                                      "\"given_name\":\"Al\",\"family_name\":\"Bee\"}");
    _cleanup_(identity_freep) Identity *identity = NULL;
    config.username_template = TEXT("{given}.{family}@x.example");
    assert_int_equal(identity_from_claims(payload, &config, NULL, &identity), 0);
    assert_string_equal(identity->username, "al.bee@x.example");
}

static void test_copies(void **state)
{
    char *wanted[] = {TEXT("dept:dept"), TEXT("extn.role:roles"), TEXT("extn.mfa:mfa"),
                      TEXT("n:number"), TEXT("a.b:dotted"), TEXT("missing:m"), TEXT("empty:e"),
                      TEXT("obj:o"), TEXT("hostile:h"), TEXT("long:l"), TEXT("urn:x:y:urn"), NULL};
    static const char *const expected[] = {"dept=Audit", "roles=nurse,lead", "mfa=true", "number=5",
                                           "dotted=dotted", "h=ab", "urn=z"};
    char text[1024], letters[CLAIM_COPIED_MAX + 2] = "";
    char **claims = NULL;

    memset(letters, 'l', sizeof(letters) - 1);
    snprintf(text, sizeof(text),
             "%.*s,\"hostile\":\"a\\u001b\\nb\",\"long\":\"%s\",\"urn:x:y\":\"z\"}",
             (int)strlen(person) - 1, person, letters);
    json_auto_t *payload = payload_of(text);
    assert_int_equal(claims_copy(payload, wanted, &claims), 0);
    for (size_t i = 0; i < ELEMENTSOF(expected); i++)
        assert_string_equal(claims[i], expected[i]);
    assert_null(claims[ELEMENTSOF(expected)]);
    text_list_free(claims);
    assert_int_equal(claims_copy(payload, NULL, &claims), 0);
    assert_null(claims[0]);
    text_list_free(claims);
}

static void test_copy_names(void **state)
{
    static const char *const bad[] = {"a", "a:", ":b", "a:b c", "a:b-c", "a:1b", "a:b=c",
                                      "a:nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"};

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        if (claim_copy_is_valid(bad[i]))
            fail_msg("%s", bad[i]);
    assert_true(claim_copy_is_valid("extn.fhirUser:fhirUser"));
    assert_true(claim_copy_is_valid("https://claims.example/x:_x1"));
}

/* Who has no role is sent no claim; what is malformed says nothing. */
static void test_roles(void **state)
{
    static const struct {
        const char *text, *first;
        bool known;
    } rows[] = {
        {"{\"sub\":\"s\",\"realm_access\":{\"roles\":[\"Device\",\"b\"]}}", "Device", true},
        {"{\"sub\":\"s\",\"realm_access\":{\"roles\":\"Device\"}}", "Device", true},
        {"{\"sub\":\"s\",\"realm_access\":{\"roles\":[]}}", NULL, true},
        {"{\"sub\":\"s\"}", NULL, true},
        {"{\"sub\":\"s\",\"realm_access\":{\"roles\":[5]}}", NULL, false},
        {"{\"sub\":\"s\",\"realm_access\":{\"roles\":{\"Device\":1}}}", NULL, false},
        {"{\"sub\":\"s\",\"realm_access\":{\"roles\":[\"a\\nb\"]}}", NULL, false},
    };
    const ProviderConfig config = {
        .issuer = TEXT("https://i"), .id_claim = TEXT("sub"), .name_claim = TEXT("name"),
        .username_claim = TEXT("preferred_username"), .groups_claim = TEXT("groups"),
        .roles_claim = TEXT("realm_access.roles"),
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        json_auto_t *payload = payload_of(rows[i].text);
        _cleanup_(identity_freep) Identity *identity = NULL;
        assert_int_equal(identity_from_claims(payload, &config, NULL, &identity), 0);
        assert_int_equal(identity->roles_known, rows[i].known);
        if (rows[i].first)
            assert_string_equal(identity->roles[0], rows[i].first);
        else if (rows[i].known)
            assert_null(identity->roles[0]);
    }
}

static void test_numbers_of_people(void **state)
{
    static const struct {
        const char *json;
        uint32_t uid;
    } rows[] = {
        {"[60001]", 60001}, {"[\"60001\"]", 60001}, {"[4294967294]", 4294967294u},
        {"[null]", CLAIMED_UID_UNSAID}, {"[]", CLAIMED_UID_UNSAID},
        {"[0]", CLAIMED_UID_NONE}, {"[-1]", CLAIMED_UID_NONE}, {"[4294967295]", CLAIMED_UID_NONE},
        {"[\"4294967296\"]", CLAIMED_UID_NONE}, {"[18446744073709551]", CLAIMED_UID_NONE},
        {"[\"\"]", CLAIMED_UID_NONE}, {"[\"060001\"]", CLAIMED_UID_NONE},
        {"[\"60001 \"]", CLAIMED_UID_NONE}, {"[\"0x10\"]", CLAIMED_UID_NONE},
        {"[\"60001\\u0000\"]", CLAIMED_UID_NONE}, {"[60001.0]", CLAIMED_UID_NONE},
        {"[true]", CLAIMED_UID_NONE}, {"[[60001]]", CLAIMED_UID_NONE}, {"[{}]", CLAIMED_UID_NONE},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        json_auto_t *list = json_loads(rows[i].json, JSON_ALLOW_NUL, NULL);
        assert_non_null(list);
        assert_int_equal(claim_uid(json_array_get(list, 0)), rows[i].uid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_people),
        cmocka_unit_test(test_requirements),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_template_faults),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_copy_names),
        cmocka_unit_test(test_roles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
