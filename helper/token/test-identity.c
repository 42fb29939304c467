/*
 * From claims to a person: which claims, in which shapes, and that a doubt about groups is
 * "unknown".
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "helper/token/claims.h"
#include "helper/token/identity.h"
#include "helper/base/json-strict.h"

#define TEXT(text) ((char *)(uintptr_t)(text))

static ProviderConfig config = {
    .issuer = TEXT("https://login.example"),
    .username_claim = TEXT("preferred_username"),
    .id_claim = TEXT("sub"),
    .name_claim = TEXT("name"),
    .groups_claim = TEXT("groups"),
};

static Identity *read_claims(const char *text)
{
    json_auto_t *payload = json_loads(text, 0, NULL);
    Identity *identity = NULL;

    assert_non_null(payload);
    int r = identity_from_claims(payload, &config, NULL, &identity);
    assert_int_equal(r, identity ? 0 : IDENTITY_E_NO_ID);
    return identity;
}

static void test_person(void **state)
{
    Identity *identity =
        read_claims("{\"sub\":\"S-1\",\"preferred_username\":\"Alice@RCPCH.ac.uk\",\"name\":"
                    "\"Ms \\u001bA\\u202eB\\u00e9\\n\",\"groups\":[\"g-1\",\"g-2\"]}");

    assert_string_equal(identity->id, "S-1"); /* ids keep their case */
    assert_string_equal(identity->username, "alice@rcpch.ac.uk");
    assert_string_equal(identity->full_name, "Ms AB\xc3\xa9");
    assert_true(identity->groups_known);
    assert_string_equal(identity->groups[0], "g-1");
    assert_string_equal(identity->groups[1], "g-2");
    assert_null(identity->groups[2]);
    identity_free(identity);
}

static void test_id(void **state)
{
    static const char *const refused[] = {
        "{}",
        "{\"sub\":\"\"}",
        "{\"sub\":5}",
        "{\"sub\":[\"a\"]}",
        "{\"sub\":null}",
        "{\"sub\":\"a\\nb\"}",
        "{\"sub\":\"a\\u007f\"}",
        "{\"sub\":\"a\\u0085\"}",
        "{\"sub\":\"a\\u2028b\"}",
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_null(read_claims(refused[i]));
}

/* B2C's emails are a list. */
static void test_username_is_the_first_of_a_list(void **state)
{
    Identity *identity =
        read_claims("{\"sub\":\"s\",\"preferred_username\":[\"A@b.example\",\"c@d.example\"]}");

    assert_string_equal(identity->username, "a@b.example");
    identity_free(identity);
}

static void test_username_is_left_out_when_odd(void **state)
{
    static const char *const rows[] = {
        "{\"sub\":\"s\"}",
        "{\"sub\":\"s\",\"preferred_username\":5}",
        "{\"sub\":\"s\",\"preferred_username\":\"\"}",
        "{\"sub\":\"s\",\"preferred_username\":\"a\\nroot:x:0:0\"}",
        "{\"sub\":\"s\",\"preferred_username\":[]}",
        "{\"sub\":\"s\",\"preferred_username\":[5,\"a\"]}",
        "{\"sub\":\"s\",\"preferred_username\":[[\"a\"]]}",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Identity *identity = read_claims(rows[i]);
        assert_non_null(identity);
        assert_null(identity->username);
        identity_free(identity);
    }
}

static void test_groups(void **state)
{
    static const struct {
        const char *members;
        int count; /* -1: unknown */
        bool has_overage;
    } rows[] = {
        {"", -1},
        {",\"groups\":[]", 0},
        {",\"groups\":\"g\"", 1},
        {",\"groups\":[\"a\",\"b\",\"c\"]", 3},
        {",\"groups\":null", -1},
        {",\"groups\":5", -1},
        {",\"groups\":{}", -1},
        {",\"groups\":\"\"", -1},
        {",\"groups\":[\"a\",5]", -1},
        {",\"groups\":[\"a\",\"\"]", -1},
        {",\"groups\":[\"a\",\"b\\n\"]", -1},
        {",\"groups\":[[\"a\"]]", -1},
        {",\"_claim_names\":{\"groups\":\"src1\"}", -1, true},
        {",\"groups\":[\"a\"],\"_claim_names\":{\"groups\":\"src1\"}", -1, true},
        {",\"groups\":[\"a\"],\"hasgroups\":true", -1, true},
        {",\"groups\":[\"a\"],\"_claim_names\":{\"other\":\"src1\"}", 1},
    };
    char text[512];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "{\"sub\":\"s\"%s}", rows[i].members);
        Identity *identity = read_claims(text);
        assert_non_null(identity);
        assert_int_equal(identity->groups_known, rows[i].count >= 0);
        assert_int_equal(identity->has_overage, rows[i].has_overage);
        for (int k = 0; k < rows[i].count; k++)
            assert_non_null(identity->groups[k]);
        if (rows[i].count >= 0)
            assert_null(identity->groups[rows[i].count]);
        else
            assert_null(identity->groups);
        identity_free(identity);
    }
}

static void test_too_many_groups(void **state)
{
    json_auto_t *payload = json_pack("{s:s, s:[]}", "sub", "s", "groups");
    json_t *groups = json_object_get(payload, "groups");
    Identity *identity = NULL;

    for (unsigned i = 0; i < CLAIM_GROUPS_MAX; i++)
        json_array_append_new(groups, json_string("g"));
    assert_int_equal(identity_from_claims(payload, &config, NULL, &identity), 0);
    assert_true(identity->groups_known);
    identity_free(identity);
    json_array_append_new(groups, json_string("g"));
    assert_int_equal(identity_from_claims(payload, &config, NULL, &identity), 0);
    assert_false(identity->groups_known);
    identity_free(identity);
}

static void test_long_claims(void **state)
{
    char name[CLAIM_MAX + 2];
    json_auto_t *payload = NULL;
    Identity *identity = NULL;

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    payload = json_pack("{s:s, s:s, s:s}", "sub", "s", "name", name, "preferred_username", name);
    assert_int_equal(identity_from_claims(payload, &config, NULL, &identity), 0);
    assert_int_equal(strlen(identity->full_name), CLAIM_MAX); /* for show: cut */
    assert_null(identity->username);                          /* for deciding: left out */
    identity_free(identity);
    json_object_set_new(payload, "sub", json_string(name));
    assert_int_equal(identity_from_claims(payload, &config, NULL, &identity), IDENTITY_E_NO_ID);
}

static void test_claim_paths(void **state)
{
    static const struct {
        const char *name, *found;
    } rows[] = {
        {"a", "1"},        {"b.c", "2"}, {"b.d.e", "3"}, {"https://x.example/role", "4"},
        {"b.x.y", "5"},    {"b", NULL},  {"a.b", NULL},  {"b.c.d", NULL},
        {"", NULL},        {".", NULL},  {"b.", NULL},   {".b", NULL},
        {"nothing", NULL},
    };
    json_auto_t *payload =
        json_loads("{\"a\":\"1\",\"b\":{\"c\":\"2\",\"d\":{\"e\":\"3\"},\"x.y\":\"5\"},"
                   "\"https://x.example/role\":\"4\"}",
                   0, NULL);
    char name[400];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *found = json_string_value(claim_find(payload, rows[i].name));
        if (rows[i].found)
            assert_string_equal(found, rows[i].found);
        else
            assert_null(found);
    }
    memset(name, 'n', sizeof(name));
    memcpy(name + 300, ".a", 3);
    assert_null(claim_find(payload, name));
    assert_null(claim_find(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_person),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_username_is_the_first_of_a_list),
        cmocka_unit_test(test_username_is_left_out_when_odd),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_too_many_groups),
        cmocka_unit_test(test_long_claims),
        cmocka_unit_test(test_claim_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
