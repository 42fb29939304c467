/*
 * Tests of Keycloak's replies and addresses: what is taken, and what makes a whole page be refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/directory/keycloak-page.h"
#include "helper/directory/keycloak-request.h"
#include "helper/token/claims.h"

#define TEXT(text) ((char *)(uintptr_t)(text))
#define BASE    "https://sso.test/admin/realms/r"
#define BRIEF   "?briefRepresentation=true"
#define MEMBERS BASE "/groups/g/members" BRIEF "&max=3&first="
#define BELOW   BASE "/groups/g/children" BRIEF "&max=3&first=0"
#define ALICE   "0b1e7a00-0000-4000-8000-00000000a11c"

static char *domains[] = {TEXT("rcpch.ac.uk"), NULL};
static const ProviderConfig plain = {.directory_url = TEXT(BASE), .domains = domains,
                                     .username_claim = TEXT("preferred_username")};

static int parse(const ProviderConfig *settings, const char *text, const char *asked,
                 DirectoryPage **ret_page)
{
    const char *reason = NULL;
    int r = keycloak_page_parse(text, strlen(text), settings, asked, ret_page, &reason);

    if (r == -EBADMSG)
        assert_non_null(reason);
    return r;
}

static void test_a_page_of_people(void **state)
{
    DirectoryPage *page = NULL;

    assert_int_equal(
        parse(&plain,
              "[{\"id\":\"" ALICE "\",\"username\":\"alice@rcpch.ac.uk\",\"enabled\":true,"
              "\"firstName\":\"Alice\\u202e\",\"lastName\":\"Adams\",\"access\":{}},"
              "{\"id\":\"f:1:Bob\",\"username\":\"Bob\",\"enabled\":false}]",
              MEMBERS "0", &page),
        0);
    assert_int_equal(page->count, 2);
    assert_string_equal(page->people[0].id, ALICE);
    assert_string_equal(page->people[0].name, "alice@rcpch.ac.uk");
    assert_string_equal(page->people[0].full_name, "Alice Adams");
    assert_int_equal(page->people[0].state, DIRECTORY_ENABLED);
    assert_string_equal(page->people[1].id, "f:1:Bob");
    assert_string_equal(page->people[1].name, "bob@rcpch.ac.uk");
    assert_int_equal(page->people[1].state, DIRECTORY_DOUBTED); /* may be locked out only */
    assert_null(page->next);
    assert_false(page->overlaps);
    directory_page_free(page);
}

static void test_what_is_not_said_is_unsaid(void **state)
{
    DirectoryPage *page = NULL;

    assert_int_equal(parse(&plain, "[{\"id\":\"a\"},{\"id\":\"b\",\"enabled\":null}]", MEMBERS "0",
                           &page),
                     0);
    for (size_t i = 0; i < page->count; i++) {
        assert_int_equal(page->people[i].state, DIRECTORY_UNSAID);
        assert_true(!page->people[i].name && !page->people[i].full_name);
    }
    directory_page_free(page);
}

/* The next one begins with this one's last entry, which tells whether the list has moved. */
static void test_a_full_page_leads_on_and_overlaps(void **state)
{
    static const char full[] = "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]";
    DirectoryPage *page = NULL;

    assert_int_equal(parse(&plain, full, MEMBERS "0", &page), 0);
    assert_false(page->overlaps);
    assert_string_equal(page->next, MEMBERS "2");
    page = directory_page_free(page);
    assert_int_equal(parse(&plain, full, MEMBERS "2", &page), 0);
    assert_true(page->overlaps);
    assert_string_equal(page->next, MEMBERS "4");
    page = directory_page_free(page);
    assert_int_equal(parse(&plain, "[]", MEMBERS "4", &page), 0);
    assert_true(page->overlaps && page->count == 0 && !page->next);
    directory_page_free(page);
}

static void test_groups_below_a_group(void **state)
{
    DirectoryPage *page = NULL;

    assert_int_equal(parse(&plain, "[{\"id\":\"h\",\"subGroupCount\":1},{\"id\":\"i\"}]", BELOW,
                           &page),
                     0);
    assert_int_equal(page->count, 0);
    assert_string_equal(page->inner[0], "h");
    assert_string_equal(page->inner[1], "i");
    assert_null(page->inner[2]);
    assert_string_equal(page->next, BASE "/groups/g/members" BRIEF "&max=500&first=0");
    page = directory_page_free(page);
    assert_int_equal(parse(&plain, "[]", BELOW, &page), 0);
    assert_non_null(page->next);
    directory_page_free(page);
}

static void test_what_is_refused_as_a_whole(void **state)
{
    static const struct {
        const char *text, *asked;
    } rows[] = {
        {"", MEMBERS "0"},
        {"{}", MEMBERS "0"},
        {"null", MEMBERS "0"},
        {"[{\"id\":\"a\"}", MEMBERS "0"},
        {"[{\"id\":\"a\"}]{\"error\":\"unknown_error\"}", MEMBERS "0"},
        {"[null]", MEMBERS "0"},
        {"[\"a\"]", MEMBERS "0"},
        {"[[]]", MEMBERS "0"},
        {"[{}]", MEMBERS "0"},
        {"[{\"id\":1}]", MEMBERS "0"},
        {"[{\"id\":\"\"}]", MEMBERS "0"},
        {"[{\"id\":\"..\"}]", MEMBERS "0"},
        {"[{\"id\":\".a\"}]", MEMBERS "0"},
        {"[{\"id\":\"a/b\"}]", MEMBERS "0"},
        {"[{\"id\":\"a b\"}]", MEMBERS "0"},
        {"[{\"id\":\"a%2f\"}]", MEMBERS "0"},
        {"[{\"id\":\"a\",\"id\":\"b\"}]", MEMBERS "0"},
        {"[{\"id\":\"a\",\"enabled\":\"false\"}]", MEMBERS "0"},
        {"[{\"id\":\"a\",\"enabled\":0}]", MEMBERS "0"},
        {"[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"},{\"id\":\"d\"}]", MEMBERS "0"},
        {"[{\"id\":\"a\"}]", BASE "/users/a"}, /* no list was asked for */
        {"[{\"name\":\"a\"}]", BELOW},
        {"[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]", BELOW}, /* there may be more */
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        assert_int_equal(parse(&plain, rows[i].text, rows[i].asked, &page), -EBADMSG);
        assert_null(page);
    }
}

/* As sign-ins make it, of what the token would say. */
static void test_the_name_is_the_tokens(void **state)
{
    static char *two[] = {TEXT("a.org"), TEXT("b.org"), NULL};
    static const struct {
        ProviderConfig settings;
        const char *verified, *name;
    } rows[] = {
        {{.username_claim = TEXT("preferred_username"), .domains = domains}, "true",
         "al@rcpch.ac.uk"},
        {{.username_claim = TEXT("preferred_username"), .domains = two}, "true", NULL},
        {{.username_claim = TEXT("email"), .domains = domains}, "true", "a@b.org"},
        {{.username_claim = TEXT("email"), .domains = domains}, "false", NULL},
        {{.username_claim = TEXT("upn"), .domains = domains}, "true", NULL},
        {{.username_template = TEXT("{given}.{family}@x.org"), .domains = domains}, "true",
         "alice.o.neil@x.org"},
    };
    char text[256];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        snprintf(text, sizeof(text),
                 "[{\"id\":\"a\",\"username\":\"Al\",\"email\":\"A@b.org\",\"emailVerified\":%s,"
                 "\"firstName\":\"Alice\",\"lastName\":\"O.Neil\"}]",
                 rows[i].verified);
        assert_int_equal(parse(&rows[i].settings, text, MEMBERS "0", &page), 0);
        if (strcmp(rows[i].verified, "true") == 0)
            assert_string_equal(page->people[0].email, "a@b.org");
        else
            assert_null(page->people[0].email); /* anybody's */
        if (rows[i].name)
            assert_string_equal(page->people[0].name, rows[i].name);
        else
            assert_null(page->people[0].name);
        directory_page_free(page);
    }
}

/* UidClaim= and MatchBy=phone need what is left out otherwise. */
static void test_attributes_are_asked_for_where_they_are_wanted(void **state)
{
    static char *by_phone[] = {TEXT("phone"), NULL};
    static const ProviderConfig rows[] = {
        {.username_claim = TEXT("preferred_username"), .uid_claim = TEXT("uidNumber"),
         .phone_claim = TEXT("phone_number")},
        {.username_claim = TEXT("preferred_username"), .match_by = by_phone,
         .phone_claim = TEXT("phone_number")},
    };
    static const char text[] =
        "[{\"id\":\"a\",\"attributes\":{\"uidNumber\":[\"1879048200\"],"
        "\"phoneNumber\":[\"+44 20 7092 6000\"]}},"
        "{\"id\":\"b\",\"attributes\":{\"uidNumber\":[\"1\",\"2\"],\"phoneNumber\":[7]}},"
        "{\"id\":\"c\"}]";

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        assert_int_equal(parse(&rows[i], "[]", BELOW, &page), 0);
        assert_string_equal(page->next,
                            BASE "/groups/g/members?briefRepresentation=false&max=100&first=0");
        page = directory_page_free(page);
        assert_int_equal(parse(&rows[i], text, MEMBERS "0", &page), 0);
        assert_string_equal(page->people[0].phone, "+442070926000");
        assert_true(!page->people[1].phone && !page->people[2].phone);
        assert_int_equal(page->people[0].uid, rows[i].uid_claim ? 1879048200u : 0);
        assert_int_equal(page->people[1].uid, rows[i].uid_claim ? CLAIMED_UID_NONE : 0);
        assert_int_equal(page->people[2].uid, CLAIMED_UID_UNSAID);
        directory_page_free(page);
    }
}

static void test_one_person(void **state)
{
    static const struct {
        const char *text;
        DirectoryState state;
        const char *next;
    } rows[] = {
        {"{\"id\":\"a\",\"username\":\"al\",\"enabled\":true}", DIRECTORY_ENABLED, NULL},
        {"{\"id\":\"a\",\"username\":\"al b&c\",\"enabled\":false}", DIRECTORY_DOUBTED,
         BASE "/users" BRIEF "&enabled=false&exact=true&username=al%20b%26c&max=2&first=0"},
        {"{\"id\":\"a\",\"enabled\":false}", DIRECTORY_DOUBTED, NULL},
    };
    const char *reason = NULL;
    DirectoryPage *page = NULL;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        assert_int_equal(keycloak_person_parse(rows[i].text, strlen(rows[i].text), &plain, "",
                                               &page, &reason),
                         0);
        assert_int_equal(page->count, 1);
        assert_int_equal(page->people[0].state, rows[i].state);
        if (rows[i].next)
            assert_string_equal(page->next, rows[i].next);
        else
            assert_null(page->next);
        page = directory_page_free(page);
    }
    assert_int_equal(keycloak_person_parse("{}", 2, &plain, "", &page, &reason), -EBADMSG);
    assert_int_equal(keycloak_person_parse("[]", 2, &plain, "", &page, &reason), -EBADMSG);
    assert_null(page);
}

static void test_the_code_of_an_error(void **state)
{
    static const struct {
        const char *body, *code;
    } rows[] = {
        {"{\"error\":\"User not found\"}", "User not found"},
        {"{\"errorMessage\":\"Realm\\u001b does not exist\"}", "Realm? does not exist"},
        {"{\"error\":{}}", ""},
        {"<html>", ""},
    };
    char code[64];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        keycloak_error_code(rows[i].body, strlen(rows[i].body), code, sizeof(code));
        assert_string_equal(code, rows[i].code);
    }
    keycloak_error_code(NULL, 0, code, sizeof(code));
    assert_string_equal(code, "");
}

static void test_the_realms_address_comes_from_the_issuer(void **state)
{
    static const struct {
        const char *issuer, *url;
    } rows[] = {
        {"https://sso.test/realms/r", BASE},
        {"https://sso.test:8443/auth/realms/r", "https://sso.test:8443/auth/admin/realms/r"},
        {"https://sso.test/realms/", NULL},
        {"https://sso.test/realms/r/x", NULL},
        {"https://sso.test/oauth2/default", NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char *url = NULL;
        assert_int_equal(keycloak_url_of_issuer(rows[i].issuer, &url), 0);
        if (rows[i].url)
            assert_string_equal(url, rows[i].url);
        else
            assert_null(url);
        free(url);
    }
}

static void test_addresses_are_escaped(void **state)
{
    char *url = NULL;

    assert_int_equal(keycloak_group_url(BASE, "a/b?c", &url), 0);
    assert_string_equal(url, BASE "/groups/a%2Fb%3Fc/children" BRIEF "&max=500&first=0");
    free(url);
    assert_int_equal(keycloak_person_url(BASE, "f:1:a@b", &url), 0);
    assert_string_equal(url, BASE "/users/f%3A1%3Aa%40b");
    free(url);
    assert_int_equal(keycloak_anybody_url(BASE, &url), 0);
    assert_string_equal(url, BASE "/users" BRIEF "&max=1&first=0");
    free(url);
    /* What a person chose cannot pass for a part of the address. */
    assert_int_equal(keycloak_disabled_url(BASE, "&max=9&first=9/children", &url), 0);
    KeycloakSpan span = keycloak_span(url);
    assert_true(span.first == 0 && span.size == 2);
    free(url);
    url = NULL;
    assert_int_equal(keycloak_members_behind(MEMBERS "0", false, &url), 0);
    assert_null(url);
}

/* Who reads a longer word, or the same in other letters, has not found it. */
static void test_a_role_is_found_by_its_whole_name(void **state)
{
    static const char list[] = "[{\"name\":\"device\"},{\"name\":\"Devices\"},{\"id\":\"x\"}]";
    static const char with[] = "[{\"name\":\"Devices\"},{\"name\":\"Device\"}]";
    char *full = NULL, *url = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&full, &size);

    assert_int_equal(keycloak_find_role(list, strlen(list), "Device"), 0);
    assert_int_equal(keycloak_find_role(with, strlen(with), "Device"), 1);
    assert_int_equal(keycloak_find_role("[]", 2, "Device"), 0);
    assert_int_equal(keycloak_find_role("{}", 2, "Device"), -EBADMSG);
    for (unsigned i = 0; i < KEYCLOAK_PAGE; i++)
        fprintf(file, "%s{\"name\":\"Device-%u\"}", i == 0 ? "[" : ",", i);
    fputs("]", file);
    fclose(file);
    assert_int_equal(keycloak_find_role(full, size, "Device"), -E2BIG);
    free(full);
    assert_int_equal(keycloak_roles_url(BASE, "De&max=1", &url), 0);
    assert_string_equal(url, BASE "/roles" BRIEF "&search=De%26max%3D1&max=500&first=0");
    free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_of_people),
        cmocka_unit_test(test_what_is_not_said_is_unsaid),
        cmocka_unit_test(test_a_full_page_leads_on_and_overlaps),
        cmocka_unit_test(test_groups_below_a_group),
        cmocka_unit_test(test_what_is_refused_as_a_whole),
        cmocka_unit_test(test_the_name_is_the_tokens),
        cmocka_unit_test(test_attributes_are_asked_for_where_they_are_wanted),
        cmocka_unit_test(test_one_person),
        cmocka_unit_test(test_the_code_of_an_error),
        cmocka_unit_test(test_the_realms_address_comes_from_the_issuer),
        cmocka_unit_test(test_addresses_are_escaped),
        cmocka_unit_test(test_a_role_is_found_by_its_whole_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
