/*
 * Tests of Okta's replies and addresses: what is taken, and what makes a whole page be refused.
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
#include "helper/directory/okta-page.h"
#include "helper/directory/okta-request.h"
#include "helper/token/claims.h"

#define BASE "https://college.okta.test"

static char *const domains[] = {(char *)(uintptr_t)"rcpch.ac.uk", NULL};
static const ProviderConfig settings = {
    .directory_url = (char *)(uintptr_t)BASE,
    .domains = (char **)(uintptr_t)domains,
};

static int parse(const char *text, DirectoryPage **ret_page)
{
    const char *reason = NULL;
    int r = okta_page_parse(text, strlen(text), &settings, "", ret_page, &reason);

    if (r == -EBADMSG)
        assert_non_null(reason);
    return r;
}

static void test_every_status(void **state)
{
    static const struct {
        const char *status;
        DirectoryState wanted;
    } rows[] = {
        {"ACTIVE", DIRECTORY_ENABLED},      {"PASSWORD_EXPIRED", DIRECTORY_ENABLED},
        {"LOCKED_OUT", DIRECTORY_ENABLED},  {"RECOVERY", DIRECTORY_ENABLED},
        {"PROVISIONED", DIRECTORY_ENABLED}, {"STAGED", DIRECTORY_UNSAID},
        {"SUSPENDED", DIRECTORY_DISABLED},  {"DEPROVISIONED", DIRECTORY_DISABLED},
        {"active", DIRECTORY_UNSAID},       {"", DIRECTORY_UNSAID},
        {"NEWER", DIRECTORY_UNSAID},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char text[64];
        DirectoryPage *page = NULL;
        snprintf(text, sizeof(text), "[{\"id\":\"00u1\",\"status\":\"%s\"}]", rows[i].status);
        assert_int_equal(parse(text, &page), 0);
        assert_int_equal(page->people[0].state, rows[i].wanted);
        directory_page_free(page);
    }
}

static void test_a_page_of_people(void **state)
{
    DirectoryPage *page = NULL;

    assert_int_equal(
        parse("[{\"id\":\"00u1a2B3\",\"status\":\"ACTIVE\",\"profile\":{"
              "\"login\":\"Alice@RCPCH.ac.uk\","
              "\"firstName\":\"Alice\\u202e\",\"lastName\":\"Adams\",\"mobilePhone\":null}},"
              "{\"id\":\"b\",\"profile\":{\"login\":\"bob\",\"displayName\":\"Bob B.\"}},"
              "{\"id\":\"c\",\"profile\":{\"login\":\"-\",\"firstName\":\"C\"}},{\"id\":\"d\"}]",
              &page),
        0);
    assert_int_equal(page->count, 4);
    assert_string_equal(page->people[0].id, "00u1a2B3"); /* case counts */
    assert_string_equal(page->people[0].name, "alice@rcpch.ac.uk");
    assert_string_equal(page->people[0].full_name, "Alice Adams");
    assert_string_equal(page->people[1].name, "bob@rcpch.ac.uk");
    assert_string_equal(page->people[1].full_name, "Bob B.");
    assert_true(!page->people[2].name && !page->people[2].full_name);
    assert_int_equal(page->people[3].state, DIRECTORY_UNSAID);
    directory_page_free(page);
    page = NULL;
    assert_int_equal(parse("[]", &page), 0);
    assert_true(page->count == 0 && !page->next);
    directory_page_free(page);
}

static void test_numbers_of_people(void **state)
{
    static const ProviderConfig with_uid = {.directory_url = (char *)(uintptr_t)BASE,
                                            .domains = (char **)(uintptr_t)domains,
                                            .uid_claim = (char *)(uintptr_t)"uidNumber"};
    static const char text[] = "[{\"id\":\"a\",\"profile\":{\"uidNumber\":\"60001\"}},"
                               "{\"id\":\"b\",\"profile\":{\"uidNumber\":-1}},{\"id\":\"c\"}]";
    const char *reason = NULL;
    DirectoryPage *page = NULL;

    assert_int_equal(okta_page_parse(text, strlen(text), &with_uid, "", &page, &reason), 0);
    assert_int_equal(page->people[0].uid, 60001);
    assert_int_equal(page->people[1].uid, CLAIMED_UID_NONE);
    assert_int_equal(page->people[2].uid, CLAIMED_UID_UNSAID);
    directory_page_free(page);
    page = NULL;
    assert_int_equal(parse(text, &page), 0);
    assert_int_equal(page->people[0].uid, CLAIMED_UID_UNSAID); /* nobody asked for it */
    directory_page_free(page);
}

static void test_what_is_refused_as_a_whole(void **state)
{
    static const char *const rows[] = {
        "", "{}", "null", "[", "[{\"id\":\"a\"}", "[{\"id\":\"a\"}]x", "[null]", "[\"a\"]", "[{}]",
        "[{\"id\":1}]", "[{\"id\":\"\"}]", "[{\"id\":\"a/b\"}]", "[{\"id\":\"..\"}]",
        "[{\"id\":\"a\",\"id\":\"b\"}]", "[{\"id\":\"a\",\"status\":true}]",
        "[{\"id\":\"a\",\"status\":null}]", "{\"errorCode\":\"E0000047\"}",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        assert_int_equal(parse(rows[i], &page), -EBADMSG);
        assert_null(page);
    }
}

static void test_links_that_lead_on_and_elsewhere(void **state)
{
    static const struct {
        const char *link;
        int wanted;
    } rows[] = {
        {NULL, 0},
        {BASE "/api/v1/groups/g/users?after=x&limit=200", 0},
        {"", -EBADMSG}, /* a header that was not understood */
        {BASE, -EBADMSG},
        {BASE ".evil.test/api", -EBADMSG},
        {BASE "@evil.test/api", -EBADMSG},
        {"http://college.okta.test/api", -EBADMSG},
        {"/api/v1/groups", -EBADMSG},
        {BASE "/a b", -EBADMSG},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = calloc(1, sizeof(*page));
        const char *reason = NULL;
        assert_non_null(page);
        assert_int_equal(directory_page_take_link(page, rows[i].link, BASE, &reason),
                         rows[i].wanted);
        assert_int_equal(page->next != NULL, rows[i].wanted == 0 && rows[i].link);
        assert_int_equal(reason != NULL, rows[i].wanted < 0);
        directory_page_free(page);
    }
}

static void test_one_person(void **state)
{
    static const char text[] = "{\"id\":\"00uB\",\"status\":\"DEPROVISIONED\",\"profile\":{}}";
    DirectoryPage *page = NULL;
    const char *reason = NULL;

    assert_int_equal(okta_person_parse(text, strlen(text), &settings, "", &page, &reason), 0);
    assert_int_equal(page->count, 1);
    assert_string_equal(page->people[0].id, "00uB");
    assert_int_equal(page->people[0].state, DIRECTORY_DISABLED);
    directory_page_free(page);
    page = NULL;
    assert_int_equal(okta_person_parse("[]", 2, &settings, "", &page, &reason), -EBADMSG);
    assert_null(page);
}

static void test_the_code_of_an_error(void **state)
{
    static const struct {
        const char *body, *wanted;
    } rows[] = {
        {"{\"errorCode\":\"E0000047\",\"errorSummary\":\"x\",\"errorCauses\":[]}", "E0000047"},
        {"{\"error\":\"invalid_scope\"}", "invalid_scope"},
        {"{\"errorCode\":47}", ""},
        {"<html>", ""},
        {NULL, ""},
    };
    char code[64];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const char *body = rows[i].body;
        okta_error_code(body, body ? strlen(body) : 0, code, sizeof(code));
        assert_string_equal(code, rows[i].wanted);
    }
}

static void test_addresses(void **state)
{
    char *url = NULL, id[HTTP_URL_MAX + 1];

    assert_int_equal(okta_members_url(BASE, "00g/1", &url), 0);
    assert_string_equal(url, BASE "/api/v1/groups/00g%2F1/users?limit=200");
    free(url);
    assert_int_equal(okta_person_url(BASE, "00u?1", &url), 0);
    assert_string_equal(url, BASE "/api/v1/users/00u%3F1");
    free(url);
    assert_int_equal(okta_url_of_issuer(BASE "/oauth2/default", &url), 0);
    assert_string_equal(url, BASE);
    free(url);
    assert_int_equal(okta_url_of_issuer(BASE, &url), 0);
    assert_string_equal(url, BASE);
    free(url);
    memset(id, 'a', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    assert_int_equal(okta_members_url(BASE, id, &url), -EMSGSIZE);
    assert_int_equal(okta_person_url(BASE, id, &url), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_numbers_of_people),
        cmocka_unit_test(test_a_page_of_people),
        cmocka_unit_test(test_what_is_refused_as_a_whole),
        cmocka_unit_test(test_links_that_lead_on_and_elsewhere),
        cmocka_unit_test(test_one_person),
        cmocka_unit_test(test_the_code_of_an_error),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
