/*
 * Tests of SCIM's replies and addresses: what is taken, and what makes a whole page be refused.
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
#include "helper/base/text-list.h"
#include "helper/directory/scim-page.h"
#include "helper/directory/scim-request.h"

#define BASE  "https://scim.test/v2"
#define GROUP "e9e30dba-f08f-4109-8486-d5c6a331660a"
#define IN    "\"groups\":[{\"value\":\"other\"},{\"value\":\"" GROUP "\"}]"
#define BOB   "{\"id\":\"b\"," IN "}"

static char *const domains[] = {(char *)(uintptr_t)"rcpch.ac.uk", NULL};
static const ProviderConfig settings = {
    .directory_url = (char *)(uintptr_t)BASE,
    .domains = (char **)(uintptr_t)domains,
};

static char *url_of(int (*make)(const char *, const char *, char **), const char *id)
{
    char *url = NULL;

    assert_int_equal(make(BASE, id, &url), 0);
    return url;
}

static int parse_as(const char *asked, const char *text, DirectoryPage **ret_page)
{
    const char *reason = NULL;
    int r = scim_page_parse(text, strlen(text), &settings, asked, ret_page, &reason);

    if (r == -EBADMSG)
        assert_non_null(reason);
    return r;
}

/* The answer to the people of the group from `start` on. */
static int parse_people(size_t start, const char *text, DirectoryPage **ret_page)
{
    char *first = url_of(scim_people_url, GROUP), *asked = NULL;

    assert_int_equal(scim_url_from(first, start, &asked), 0);
    int r = parse_as(asked, text, ret_page);
    free(first);
    free(asked);
    return r;
}

static int parse_group(const char *text, DirectoryPage **ret_page)
{
    char *asked = url_of(scim_group_url, GROUP);
    int r = parse_as(asked, text, ret_page);

    free(asked);
    return r;
}

static void test_a_page_of_people(void **state)
{
    static const DirectoryState states[] = {DIRECTORY_ENABLED, DIRECTORY_DISABLED, DIRECTORY_UNSAID,
                                            DIRECTORY_UNSAID};
    DirectoryPage *page = NULL;

    assert_int_equal(
        parse_people(1,
                     "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],"
                     "\"totalResults\":5,\"startIndex\":1,\"itemsPerPage\":4,\"Resources\":["
                     "{\"id\":\"2819c223-7F76\",\"active\":true,\"userName\":\"Alice@RCPCH.ac.uk\","
                     "\"displayName\":\"Alice\\u202e Adams\"," IN "},"
                     "{\"id\":\"b\",\"active\":false,\"userName\":\"bob\"," IN "},"
                     "{\"id\":\"c\",\"active\":null,\"userName\":\"-\"," IN "},"
                     "{\"id\":\"d\"," IN "}]}",
                     &page),
        0);
    assert_int_equal(page->count, ELEMENTSOF(states));
    for (size_t i = 0; i < page->count; i++)
        assert_int_equal(page->people[i].state, states[i]);
    assert_string_equal(page->people[0].id, "2819c223-7F76"); /* case counts */
    assert_string_equal(page->people[0].name, "alice@rcpch.ac.uk");
    assert_string_equal(page->people[0].full_name, "Alice Adams");
    assert_string_equal(page->people[1].name, "bob@rcpch.ac.uk");
    assert_null(page->people[2].name);
    assert_true(page->tells_total && page->total == 5);
    assert_int_equal(scim_url_start(page->next), 5);
    directory_page_free(page);
}

static void test_the_last_page_and_an_empty_list(void **state)
{
    DirectoryPage *page = NULL;

    assert_int_equal(parse_people(3, "{\"totalResults\":3,\"Resources\":[" BOB "]}", &page), 0);
    assert_true(page->count == 1 && !page->next);
    directory_page_free(page);
    page = NULL;
    /* Resources may be left out then, and startIndex be 0 (RFC 7644 §3.4.2.4 asks for 1). */
    assert_int_equal(parse_people(1, "{\"totalResults\":0,\"startIndex\":0}", &page), 0);
    assert_true(page->count == 0 && !page->next && page->total == 0);
    directory_page_free(page);
    page = NULL;
    /* Somebody left meanwhile: for the list to judge. */
    assert_int_equal(parse_people(3, "{\"totalResults\":2}", &page), 0);
    assert_true(page->count == 0 && !page->next && page->total == 2);
    directory_page_free(page);
}

static void test_what_is_refused_as_a_whole(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "{\"Resources\":[]}",
        "{\"totalResults\":\"1\",\"Resources\":[" BOB "]}",
        "{\"totalResults\":-1}",
        "{\"totalResults\":1e3,\"Resources\":[" BOB "]}",
        "{\"totalResults\":400001,\"Resources\":[" BOB "]}",
        "{\"totalResults\":1}",
        "{\"totalResults\":1,\"Resources\":null}",
        "{\"totalResults\":1,\"Resources\":[]}",
        "{\"totalResults\":0,\"Resources\":[" BOB "]}",
        "{\"totalResults\":1,\"Resources\":{}}",
        "{\"totalResults\":1,\"Resources\":[" BOB "]",
        "{\"totalResults\":1,\"Resources\":[" BOB "]}x",
        "{\"totalResults\":2,\"startIndex\":2,\"Resources\":[" BOB "]}",
        "{\"totalResults\":2,\"startIndex\":\"1\",\"Resources\":[" BOB "]}",
        "{\"totalResults\":1,\"Resources\":[null]}",
        "{\"totalResults\":1,\"Resources\":[{" IN "}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"\"," IN "}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"..\"," IN "}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"a b\"," IN "}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":1," IN "}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"a\",\"id\":\"b\"," IN "}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"a\",\"active\":\"true\"," IN "}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"a\"}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"a\",\"groups\":[]}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"a\",\"groups\":\"" GROUP "\"}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"a\",\"groups\":[{\"value\":\"x\"}]}]}",
        "{\"totalResults\":1,\"Resources\":[{\"id\":\"a\",\"groups\":"
        "[{\"value\":\"" GROUP "2\"},{\"value\":\"E9E30DBA-F08F-4109-8486-D5C6A331660A\"}]}]}",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        assert_int_equal(parse_people(1, rows[i], &page), -EBADMSG);
        assert_null(page);
    }
}

static void test_a_group_leads_to_its_people_and_to_groups_inside(void **state)
{
    DirectoryPage *page = NULL;
    char *people = url_of(scim_people_url, GROUP);

    assert_int_equal(
        parse_group("{\"id\":\"" GROUP "\",\"members\":["
                    "{\"value\":\"a\",\"type\":\"User\"},{\"value\":\"b\"},"
                    "{\"value\":\"c\",\"$ref\":\"https://scim.test/v2/Users/c\"},"
                    "{\"value\":\"g1\",\"type\":\"group\"},"
                    "{\"value\":\"g2\",\"$ref\":\"../Groups/g2\"}]}",
                    &page),
        0);
    assert_int_equal(page->count, 0);
    assert_int_equal(page->promised, 3);
    assert_int_equal(text_list_count(page->inner), 2);
    assert_true(text_list_contains(page->inner, "g1") && text_list_contains(page->inner, "g2"));
    assert_string_equal(page->next, people);
    directory_page_free(page);
    page = NULL;
    assert_int_equal(parse_group("{\"id\":\"" GROUP "\"}", &page), 0); /* members are not told */
    assert_true(page->promised == 0 && !page->inner);
    assert_string_equal(page->next, people);
    directory_page_free(page);
    free(people);
}

static void test_groups_that_are_refused(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"id\":\"another\"}",
        "{\"id\":\"" GROUP "\",\"members\":{}}",
        "{\"id\":\"" GROUP "\",\"members\":[{}]}",
        "{\"id\":\"" GROUP "\",\"members\":[\"a\"]}",
        "{\"id\":\"" GROUP "\",\"members\":[{\"value\":\"..\",\"type\":\"Group\"}]}",
        "{\"totalResults\":0}",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        assert_int_equal(parse_group(rows[i], &page), -EBADMSG);
        assert_null(page);
    }
}

static void test_one_person(void **state)
{
    static const char text[] = "{\"id\":\"B\",\"active\":false,\"userName\":\"bob@rcpch.ac.uk\"}";
    DirectoryPage *page = NULL;
    const char *reason = NULL;

    assert_int_equal(scim_person_parse(text, strlen(text), &settings, "", &page, &reason), 0);
    assert_int_equal(page->count, 1);
    assert_string_equal(page->people[0].id, "B");
    assert_int_equal(page->people[0].state, DIRECTORY_DISABLED);
    directory_page_free(page);
    page = NULL;
    assert_int_equal(scim_person_parse("{}", 2, &settings, "", &page, &reason), -EBADMSG);
    assert_null(page);
}

static void test_the_type_of_an_error(void **state)
{
    static const struct {
        const char *body, *wanted;
    } rows[] = {
        {"{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],"
         "\"scimType\":\"invalidFilter\",\"detail\":\"x\",\"status\":\"400\"}",
         "invalidFilter"},
        {"{\"scimType\":\"too\\u0007Many\"}", "too?Many"},
        {"{\"status\":\"404\"}", ""},
        {"<html>", ""},
        {NULL, ""},
    };
    char code[64];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const char *body = rows[i].body;
        scim_error_code(body, body ? strlen(body) : 0, code, sizeof(code));
        assert_string_equal(code, rows[i].wanted);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        int (*make)(const char *, const char *, char **);
        const char *id, *wanted;
    } rows[] = {
        {scim_group_url, "a/b?c", BASE "/Groups/a%2Fb%3Fc?attributes=members"},
        {scim_person_url, "x&y", BASE "/Users/x%26y?attributes=userName,displayName,active"},
        {scim_people_url, "a\"b\\",
         BASE "/Users?filter=groups.value%20eq%20%22a%5C%22b%5C%5C%22"
              "&attributes=userName,displayName,active,groups&count=200&startIndex=1"},
    };
    char *url = NULL, *next = NULL, id[HTTP_URL_MAX + 1];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        assert_int_equal(rows[i].make(BASE, rows[i].id, &url), 0);
        assert_string_equal(url, rows[i].wanted);
        free(url);
    }
    /* A group whose id looks like a place in a list. */
    url = url_of(scim_people_url, "&startIndex=7");
    assert_int_equal(scim_url_start(url), 1);
    assert_int_equal(scim_url_from(url, 201, &next), 0);
    assert_int_equal(scim_url_start(next), 201);
    assert_memory_equal(url, next, strlen(url) - 1);
    assert_false(scim_url_is_group(BASE, url));
    free(url);
    free(next);
    url = url_of(scim_group_url, "g");
    assert_true(scim_url_is_group(BASE, url));
    assert_int_equal(scim_url_start(url), 1);
    free(url);
    memset(id, 'a', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(rows[i].make(BASE, id, &url), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_of_people),
        cmocka_unit_test(test_the_last_page_and_an_empty_list),
        cmocka_unit_test(test_what_is_refused_as_a_whole),
        cmocka_unit_test(test_a_group_leads_to_its_people_and_to_groups_inside),
        cmocka_unit_test(test_groups_that_are_refused),
        cmocka_unit_test(test_one_person),
        cmocka_unit_test(test_the_type_of_an_error),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
