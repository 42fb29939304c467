/*
 * Tests of strength.c: what a token says of a sign-in, in which shapes, and whether that is enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/token/strength.h"

#define TEXT(text) ((char *)(uintptr_t)(text))

static const char *read_text(const char *json)
{
    static char text[STRENGTH_MAX + 1];
    json_auto_t *payload = json_loads(json, JSON_ALLOW_NUL, NULL);
    _cleanup_free_ char *strength = NULL;

    assert_non_null(payload);
    assert_int_equal(strength_from_claims(payload, &strength), 0);
    snprintf(text, sizeof(text), "%s", strength);
    return text;
}

static void test_what_is_said(void **state)
{
    assert_string_equal(read_text("{\"acr\":\"gold\",\"amr\":[\"pwd\",\"mfa\"],\"acrs\":[\"c1\","
                                  "\"c3\"]}"),
                        "acr=gold acrs=c1 acrs=c3 amr=pwd amr=mfa");
    assert_string_equal(read_text("{}"), "");
    assert_string_equal(read_text("{\"acr\":\"\",\"amr\":[],\"acrs\":[]}"), "");
}

/* Each of them is a lie, a mistake or an attempt to make one word of two. */
static void test_wrong_shapes_say_nothing(void **state)
{
    static const char *const rows[] = {
        "{\"acrs\":\"c1\"}",
        "{\"acrs\":[\"c1\",7]}",
        "{\"acrs\":[\"c2 acrs=c1\"]}",
        "{\"acrs\":[\"c1\",\"\"]}",
        "{\"acrs\":{\"c1\":true}}",
        "{\"acrs\":null}",
        "{\"acr\":[\"gold\"]}",
        "{\"acr\":1}",
        "{\"acr\":\"silver acr=gold\"}",
        "{\"acr\":\"gold\\u0000\"}",
        "{\"acr\":\"gold\\n\"}",
        "{\"acr\":\"g\\u00f6ld\"}",
        "{\"amr\":\"mfa\"}",
        "{\"amr\":[\"mfa\",{}]}",
        "{\"nested\":{\"acr\":\"gold\"}}",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_string_equal(read_text(rows[i]), "");
}

static void test_no_bound_is_passed(void **state)
{
    char json[8 * STRENGTH_MAX], word[STRENGTH_WORD_MAX + 2];

    memset(word, 'x', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    snprintf(json, sizeof(json), "{\"acr\":\"%s\"}", word);
    assert_string_equal(read_text(json), "");
    snprintf(json, sizeof(json), "{\"acr\":\"%s\"}", word + 1);
    assert_int_equal(strlen(read_text(json)), strlen("acr=") + STRENGTH_WORD_MAX);
    size_t size = (size_t)snprintf(json, sizeof(json), "{\"acrs\":[\"c1\"");
    for (size_t i = 0; i < STRENGTH_MAX; i++)
        size += (size_t)snprintf(json + size, sizeof(json) - size, ",\"c2\"");
    snprintf(json + size, sizeof(json) - size, "]}");
    assert_string_equal(read_text(json), ""); /* not a part of it, which would be another claim */
}

static void test_words_are_whole(void **state)
{
    static const char strength[] = "acr=gold acrs=c1 acrs=c12 amr=mfa";

    assert_true(strength_has(strength, "acr", "gold"));
    assert_true(strength_has(strength, "acrs", "c12"));
    assert_true(strength_has(strength, "amr", "mfa"));
    assert_false(strength_has(strength, "acrs", "c"));
    assert_false(strength_has(strength, "acrs", "c2"));
    assert_false(strength_has(strength, "acr", "c1"));
    assert_false(strength_has(strength, "acr", "Gold"));
    assert_false(strength_has(strength, "acr", ""));
    assert_false(strength_has("", "acr", ""));
    assert_false(strength_has(NULL, "acr", "gold"));
}

static char *classes[] = {TEXT("gold"), TEXT("urn:x:2"), TEXT("amr:hwk"), NULL};
static char *contexts[] = {TEXT("c1"), TEXT("c7"), NULL};
static const ServiceConfig both = {.require_acr = classes, .require_auth_context = contexts};

static void test_one_of_what_the_type_tells_is_enough(void **state)
{
    static const struct {
        const char *strength;
        bool entra, others;
    } rows[] = {
        {NULL, false, false},
        {"", false, false},
        {"acr=gold", false, true},
        {"acr=urn:x:2 amr=pwd", false, true},
        {"acr=silver amr=hwk", false, true},
        {"acr=amr:hwk", false, false},
        {"acr=c1", false, false},
        {"acrs=gold", false, false},
        {"acrs=c1", true, false},
        {"acrs=c2 acrs=c7", true, false},
        {"acrs=c2", false, false},
        {"acrs=c11", false, false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        assert_int_equal(strength_meets(rows[i].strength, &both, PROVIDER_ENTRA), rows[i].entra);
        assert_int_equal(strength_meets(rows[i].strength, &both, PROVIDER_KEYCLOAK),
                         rows[i].others);
        assert_int_equal(strength_meets(rows[i].strength, &both, PROVIDER_GENERIC),
                         rows[i].others);
    }
}

static void test_what_the_type_never_tells_nobody_has(void **state)
{
    static const char all[] = "acr=gold acrs=c1 amr=hwk";
    const ServiceConfig acr_only = {.require_acr = classes};
    const ServiceConfig context_only = {.require_auth_context = contexts};
    const ServiceConfig nothing = {0};

    assert_false(strength_meets(all, &acr_only, PROVIDER_ENTRA));
    assert_false(strength_meets(all, &context_only, PROVIDER_OKTA));
    assert_null(strength_wanted(&acr_only, PROVIDER_ENTRA_EXTERNAL_ID));
    assert_null(strength_wanted(&context_only, PROVIDER_ENTRA_B2C));
    assert_true(strength_meets(NULL, &nothing, PROVIDER_ENTRA));
    assert_true(strength_meets(NULL, NULL, PROVIDER_ENTRA));
    assert_false(strength_is_required(&nothing));
    assert_true(strength_is_required(&context_only));
}

static void test_contexts(void **state)
{
    static const char *const good[] = {"c1", "c9", "c10", "c99"};
    static const char *const bad[] = {"", "c", "c0", "c01", "c100", "C1", "1", "c1 ", "c1x", "p1"};

    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        assert_true(strength_is_context(good[i]));
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_false(strength_is_context(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said),
        cmocka_unit_test(test_wrong_shapes_say_nothing),
        cmocka_unit_test(test_no_bound_is_passed),
        cmocka_unit_test(test_words_are_whole),
        cmocka_unit_test(test_one_of_what_the_type_tells_is_enough),
        cmocka_unit_test(test_what_the_type_never_tells_nobody_has),
        cmocka_unit_test(test_contexts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
