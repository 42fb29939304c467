/*
 * Tests of Graph's replies and addresses: what is taken, and what makes a whole page be refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/directory/graph-page.h"
#include "helper/directory/graph-request.h"

#define BASE  "https://graph.test"
#define ALICE "0b1e7a00-0000-4000-8000-00000000a11c"

static const ProviderConfig settings = {.directory_url = (char *)(uintptr_t)BASE};

static int parse(const char *text, DirectoryPage **ret_page)
{
    const char *reason = NULL;
    int r = graph_page_parse(text, strlen(text), &settings, "", ret_page, &reason);

    if (r == -EBADMSG)
        assert_non_null(reason);
    return r;
}

static void test_a_page_of_people(void **state)
{
    static const DirectoryState states[] = {DIRECTORY_ENABLED, DIRECTORY_DISABLED,
                                            DIRECTORY_UNSAID,  DIRECTORY_UNSAID,
                                            DIRECTORY_REMOVED, DIRECTORY_UNSAID};
    DirectoryPage *page = NULL;

    assert_int_equal(
        parse("{\"@odata.context\":\"x\",\"value\":["
              "{\"id\":\"0B1E7A00-0000-4000-8000-00000000A11C\",\"accountEnabled\":true,"
              "\"userPrincipalName\":\"Alice@RCPCH.ac.uk\",\"displayName\":\"Alice\\u202e Adams\"},"
              "{\"id\":\"b\",\"accountEnabled\":false},{\"id\":\"c\",\"accountEnabled\":null},"
              "{\"id\":\"d\"},"
              "{\"id\":\"e\",\"accountEnabled\":true,\"@removed\":{\"reason\":\"changed\"}},"
              "{\"id\":\"f\",\"userPrincipalName\":\"x_y.org#EXT#@rcpch.ac.uk\"}],"
              "\"@odata.nextLink\":\"" BASE "/v1.0/users/delta?$skiptoken=1\"}",
              &page),
        0);
    assert_int_equal(page->count, ELEMENTSOF(states));
    for (size_t i = 0; i < page->count; i++)
        assert_int_equal(page->people[i].state, states[i]);
    assert_string_equal(page->people[0].id, ALICE);
    assert_string_equal(page->people[0].name, "alice@rcpch.ac.uk");
    assert_string_equal(page->people[0].full_name, "Alice Adams");
    assert_null(page->people[5].name);
    assert_string_equal(page->next, BASE "/v1.0/users/delta?$skiptoken=1");
    assert_null(page->link);
    directory_page_free(page);
}

/* --- groups ----------------------------------------------------------------------------------- */

static int parse_changes(const char *text, DirectoryPage **ret_page)
{
    const char *reason = NULL;

    return graph_group_changes_parse(text, strlen(text), &settings, "", ret_page, &reason);
}

static void test_groups_among_the_members(void **state)
{
    DirectoryPage *page = NULL;

    assert_int_equal(
        parse("{\"value\":["
              "{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"a\",\"accountEnabled\":true},"
              "{\"@odata.type\":\"#microsoft.graph.group\",\"id\":\"G-1\",\"displayName\":\"in\"},"
              "{\"@odata.type\":\"#microsoft.graph.device\",\"id\":\"d\",\"accountEnabled\":true},"
              "{\"@odata.type\":\"#microsoft.graph.servicePrincipal\",\"id\":null}]}",
              &page),
        0);
    assert_int_equal(page->count, 1);
    assert_string_equal(page->people[0].id, "a");
    assert_string_equal(page->groups[0], "g-1");
    assert_null(page->groups[1]);
    directory_page_free(page);
}

static void test_the_groups_of_a_person(void **state)
{
    static const char text[] = "{\"value\":[{\"id\":\"A\"},{\"id\":\"b\",\"@odata.type\":\"x\"}],"
                               "\"@odata.nextLink\":\"" BASE "/v1.0/x?$skiptoken=1\"}";
    DirectoryPage *page = NULL;
    const char *reason = NULL;

    assert_int_equal(graph_groups_parse(text, strlen(text), &settings, "", &page, &reason), 0);
    assert_string_equal(page->groups[0], "a");
    assert_string_equal(page->groups[1], "b");
    assert_null(page->groups[2]);
    assert_non_null(page->next);
    directory_page_free(page);
}

static void test_changes_of_groups(void **state)
{
    DirectoryPage *page = NULL;

    assert_int_equal(
        parse_changes("{\"value\":["
                      "{\"id\":\"G\",\"members@delta\":["
                      "{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"A\"},"
                      "{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"b\","
                      "\"@removed\":{\"reason\":\"deleted\"}},"
                      "{\"@odata.type\":\"#microsoft.graph.device\",\"id\":\"d\"}]},"
                      "{\"id\":\"h\",\"members@delta\":["
                      "{\"@odata.type\":\"#microsoft.graph.group\",\"id\":\"i\"}]},"
                      "{\"id\":\"j\",\"members@delta\":[{\"id\":\"k\"}]},"
                      "{\"id\":\"l\",\"displayName\":\"no member moved\"},"
                      "{\"id\":\"m\",\"@removed\":{\"reason\":\"changed\"}}],"
                      "\"@odata.deltaLink\":\"" BASE "/v1.0/groups/delta?$deltatoken=2\"}",
                      &page),
        0);
    assert_int_equal(page->change_count, 5);
    assert_string_equal(page->changes[0].group, "g");
    assert_string_equal(page->changes[0].people[0], "a");
    assert_string_equal(page->changes[0].people[1], "b");
    assert_null(page->changes[0].people[2]);
    for (size_t i = 0; i < page->change_count; i++) {
        assert_int_equal(page->changes[i].has_groups, i == 1 || i == 2);
        assert_int_equal(page->changes[i].is_removed, i == 4);
        assert_true(i == 0 || !*page->changes[i].people);
    }
    assert_string_equal(page->link, BASE "/v1.0/groups/delta?$deltatoken=2");
    directory_page_free(page);
}

static void test_changes_of_groups_that_are_refused(void **state)
{
    static const char *const rows[] = {
        "{\"value\":[{}]}",
        "{\"value\":[{\"id\":\"../x\"}]}",
        "{\"value\":[[]]}",
        "{\"value\":[{\"id\":\"a\",\"@removed\":true}]}",
        "{\"value\":[{\"id\":\"a\",\"members@delta\":{}}]}",
        "{\"value\":[{\"id\":\"a\",\"members@delta\":[1]}]}",
        "{\"value\":[{\"id\":\"a\",\"members@delta\":[{\"@odata.type\":1,\"id\":\"b\"}]}]}",
        "{\"value\":[{\"id\":\"a\",\"members@delta\":["
        "{\"@odata.type\":\"#microsoft.graph.user\",\"id\":\"?\"}]}]}",
        "{\"value\":[],\"@odata.deltaLink\":\"https://elsewhere.test/v1.0/groups/delta\"}",
        "{\"value\":[],\"@odata.deltaLink\":\"" BASE ".evil/v1.0/groups/delta\"}",
        "{\"value\":[],\"@odata.nextLink\":\"http://graph.test/v1.0/groups/delta\"}",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        assert_int_equal(parse_changes(rows[i], &page), -EBADMSG);
        assert_null(page);
    }
}

static void test_an_empty_page_is_a_page(void **state)
{
    DirectoryPage *page = NULL;

    assert_int_equal(
        parse("{\"value\":[],\"@odata.deltaLink\":\"" BASE "/v1.0/users/delta?$deltatoken=2\"}",
              &page),
        0);
    assert_int_equal(page->count, 0);
    assert_string_equal(page->link, BASE "/v1.0/users/delta?$deltatoken=2");
    directory_page_free(page);
}

static void test_what_is_refused_as_a_whole(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "{\"value\":{}}",
        "{\"value\":null}",
        "{\"value\":[{\"id\":\"a\"}]",
        "{\"value\":[{\"id\":\"a\"}]}x",
        "{\"value\":[null]}",
        "{\"value\":[\"a\"]}",
        "{\"value\":[{}]}",
        "{\"value\":[{\"id\":1}]}",
        "{\"value\":[{\"id\":\"\"}]}",
        "{\"value\":[{\"id\":\"a/b\"}]}",
        "{\"value\":[{\"id\":\"..\"}]}",
        "{\"value\":[{\"id\":\"a b\"}]}",
        "{\"value\":[{\"id\":\"a\",\"id\":\"b\"}]}",
        "{\"value\":[{\"id\":\"a\",\"accountEnabled\":\"true\"}]}",
        "{\"value\":[{\"id\":\"a\",\"accountEnabled\":1}]}",
        "{\"value\":[{\"id\":\"a\",\"@removed\":true}]}",
        "{\"value\":[],\"@odata.nextLink\":\"https://evil.test/v1.0/users\"}",
        "{\"value\":[],\"@odata.nextLink\":\"" BASE ".evil.test/v1.0\"}",
        "{\"value\":[],\"@odata.nextLink\":\"" BASE "@evil.test/v1.0\"}",
        "{\"value\":[],\"@odata.nextLink\":\"http://graph.test/v1.0\"}",
        "{\"value\":[],\"@odata.nextLink\":\"" BASE "/v1.0/a b\"}",
        "{\"value\":[],\"@odata.nextLink\":\"\"}",
        "{\"value\":[],\"@odata.nextLink\":7}",
        "{\"value\":[],\"@odata.nextLink\":null}",
        "{\"value\":[],\"@odata.nextLink\":\"" BASE "/1\",\"@odata.deltaLink\":\"" BASE "/2\"}",
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        assert_int_equal(parse(rows[i], &page), -EBADMSG);
        assert_null(page);
    }
}

/* A page of so many people; the caller frees it. */
static char *page_of(size_t count)
{
    static const char person[] = "{\"id\":\"a\"},";
    char *text = malloc(count * sizeof(person) + 32), *p = text;

    assert_non_null(text);
    p = stpcpy(p, "{\"value\":[");
    for (size_t i = 0; i < count; i++)
        p = stpcpy(p, person);
    strcpy(p - 1, "]}");
    return text;
}

static void test_too_many_people_on_a_page_are_refused(void **state)
{
    DirectoryPage *page = NULL;
    char *most = page_of(DIRECTORY_PAGE_MAX), *more = page_of(DIRECTORY_PAGE_MAX + 1);

    assert_int_equal(parse(more, &page), -EBADMSG);
    assert_int_equal(parse(most, &page), 0);
    directory_page_free(page);
    free(most);
    free(more);
}

static void test_one_person(void **state)
{
    static const char text[] = "{\"id\":\"" ALICE "\",\"accountEnabled\":false}";
    DirectoryPage *page = NULL;
    const char *reason = NULL;

    assert_int_equal(graph_person_parse(text, strlen(text), &settings, "", &page, &reason), 0);
    assert_int_equal(page->count, 1);
    assert_string_equal(page->people[0].id, ALICE);
    assert_int_equal(page->people[0].state, DIRECTORY_DISABLED);
    directory_page_free(page);
    page = NULL;
    assert_int_equal(graph_person_parse("{}", 2, &settings, "", &page, &reason), -EBADMSG);
    assert_null(page);
}

static void test_the_code_of_an_error(void **state)
{
    static const char text[] =
        "{\"error\":{\"code\":\"Authorization_RequestDenied\",\"message\":\"\"}}";
    char code[64];

    graph_error_code(text, strlen(text), code, sizeof(code));
    assert_string_equal(code, "Authorization_RequestDenied");
    graph_error_code("<html>", 6, code, sizeof(code));
    assert_string_equal(code, "");
    graph_error_code(NULL, 0, code, sizeof(code));
    assert_string_equal(code, "");
    graph_error_code("{\"error\":\"x\"}", 13, code, sizeof(code));
    assert_string_equal(code, "");
}

static void test_addresses_escape_and_always_select(void **state)
{
    static const struct {
        int (*make)(const char *, const char *, char **);
        const char *id, *wanted;
    } rows[] = {
        {graph_members_url, "a/b?c",
         BASE "/v1.0/groups/a%2Fb%3Fc/transitiveMembers?"},
        {graph_person_url, "x#EXT#@y", BASE "/v1.0/users/x%23EXT%23%40y?"},
        {graph_person_url, "100%'", BASE "/v1.0/users/100%25%27?"},
        {graph_person_url, "$x@y", BASE "/v1.0/users('%24x%40y')?"},
    };
    char *url = NULL;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        assert_int_equal(rows[i].make(BASE, rows[i].id, &url), 0);
        assert_memory_equal(url, rows[i].wanted, strlen(rows[i].wanted));
        assert_non_null(strstr(url, "$select=id,userPrincipalName,displayName,accountEnabled"));
        free(url);
    }
    assert_int_equal(graph_changes_url(BASE, &url), 0);
    assert_non_null(strstr(url, "/users/delta?$deltatoken=latest&$select=id,"));
    free(url);
}

/* Nothing is asked of people that the configuration has no use for. */
static void test_more_is_asked_only_where_it_is_wanted(void **state)
{
    static char *neither[] = {NULL};
    static char *email[] = {(char *)(uintptr_t)"email", NULL};
    static char *both[] = {(char *)(uintptr_t)"phone", (char *)(uintptr_t)"email", NULL};
    const struct {
        char **match_by;
        const char *wanted;
    } rows[] = {
        {neither, ",accountEnabled&$top=999"},
        {email, ",accountEnabled,mail&$top=999"},
        {both, ",accountEnabled,mail,mobilePhone&$top=999"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const ProviderConfig config = {.match_by = rows[i].match_by};
        char *url = NULL;
        assert_int_equal(graph_members_url(BASE, "g", &url), 0);
        assert_int_equal(graph_ask_more(&config, &url), 0);
        assert_non_null(strstr(url, rows[i].wanted));
        free(url);
        assert_int_equal(graph_group_changes_url(BASE, &url), 0);
        assert_int_equal(graph_ask_more(&config, &url), 0);
        assert_null(strstr(url, "mail"));
        free(url);
    }
}

static void test_the_property_of_uid_claim(void **state)
{
    static const struct {
        const char *claim, *property, *asked;
    } rows[] = {
        {NULL, NULL, ",accountEnabled&"},
        {"employeeId", "employeeId", ",accountEnabled,employeeId&"},
        {"extn.uidNumber", "extension_0b1e7a000000_uidNumber",
         ",accountEnabled,extension_0b1e7a000000_uidNumber&"},
        {"onPremisesExtensionAttributes.extensionAttribute1",
         "onPremisesExtensionAttributes.extensionAttribute1",
         ",accountEnabled,onPremisesExtensionAttributes&"},
        {"x&$top=1", NULL, ",accountEnabled&"},
        {"https://x.example/uid", NULL, ",accountEnabled&"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const ProviderConfig config = {.uid_claim = (char *)(uintptr_t)rows[i].claim,
                                       .client_id = (char *)(uintptr_t)"0b1e7a00-0000"};
        char name[GRAPH_PROPERTY_SIZE], *url = NULL;
        assert_int_equal(graph_uid_property(&config, name), rows[i].property != NULL);
        assert_true(!rows[i].property || strcmp(name, rows[i].property) == 0);
        assert_int_equal(graph_members_url(BASE, "g", &url), 0);
        assert_int_equal(graph_ask_more(&config, &url), 0);
        assert_non_null(strstr(url, rows[i].asked));
        free(url);
    }
}

/* "identities" of a local account: what Microsoft made, and what the person signs in with. */
static void test_the_name_that_people_of_external_tenants_sign_in_with(void **state)
{
    static const struct {
        const char *entry, *external, *inside;
    } rows[] = {
        {"\"identities\":[{\"signInType\":\"userPrincipalName\",\"issuerAssignedId\":\"x@y.org\"},"
         "{\"signInType\":\"emailAddress\",\"issuerAssignedId\":\"Alice@Clinic.org\"}]",
         "alice@clinic.org", "made@t.onmicrosoft.com"},
        {"\"identities\":[{\"signInType\":\"userName\",\"issuerAssignedId\":\"alice\"},"
         "{\"signInType\":\"emailAddress1\",\"issuerAssignedId\":\"a@clinic.org\"},"
         "{\"signInType\":\"emailAddress\",\"issuerAssignedId\":\"b@clinic.org\"}]",
         "a@clinic.org", "made@t.onmicrosoft.com"},
        /* Chosen at the sign-up by whoever came: it must not become somebody's address. */
        {"\"identities\":[{\"signInType\":\"userName\",\"issuerAssignedId\":\"alice\"}]",
         "made@t.onmicrosoft.com", "made@t.onmicrosoft.com"},
        {"\"identities\":[{\"signInType\":\"userName\","
         "\"issuerAssignedId\":\"alice@clinic.org\"}]",
         "made@t.onmicrosoft.com", "made@t.onmicrosoft.com"},
        {"\"identities\":[{\"signInType\":\"emailAddress\",\"issuerAssignedId\":\"alice\"}]",
         NULL, "made@t.onmicrosoft.com"},
        {"\"identities\":[{\"signInType\":\"emailAddressWanted\","
         "\"issuerAssignedId\":\"alice@clinic.org\"}]",
         "made@t.onmicrosoft.com", "made@t.onmicrosoft.com"},
        {"\"identities\":[{\"signInType\":\"federated\",\"issuerAssignedId\":\"1234\"}]",
         "made@t.onmicrosoft.com", "made@t.onmicrosoft.com"},
        {"\"identities\":[{\"signInType\":\"emailAddress\",\"issuerAssignedId\":\"a b\"}]", NULL,
         "made@t.onmicrosoft.com"},
        {"\"identities\":[7,{},{\"signInType\":1,\"issuerAssignedId\":\"x\"}]",
         "made@t.onmicrosoft.com", "made@t.onmicrosoft.com"},
        {"\"identities\":null", "made@t.onmicrosoft.com", "made@t.onmicrosoft.com"},
    };
    char domain[] = "clinic.org", *domains[] = {domain, NULL};
    char text[512];

    for (size_t i = 0; i < 2 * ELEMENTSOF(rows); i++) {
        ProviderConfig config = settings;
        config.type = i % 2 ? PROVIDER_ENTRA : PROVIDER_ENTRA_B2C;
        config.domains = domains;
        const char *wanted = i % 2 ? rows[i / 2].inside : rows[i / 2].external, *reason = NULL;
        DirectoryPage *page = NULL;
        snprintf(text, sizeof(text),
                 "{\"id\":\"a\",\"userPrincipalName\":\"made@t.onmicrosoft.com\",%s}",
                 rows[i / 2].entry);
        assert_int_equal(graph_person_parse(text, strlen(text), &config, "", &page, &reason), 0);
        if (wanted)
            assert_string_equal(page->people[0].name, wanted);
        else
            assert_null(page->people[0].name);
        directory_page_free(page);
    }
}

static void test_addresses_and_numbers(void **state)
{
    static const struct {
        const char *entry, *email, *phone;
    } rows[] = {
        {"\"mail\":\"Alice@RCPCH.ac.uk\",\"mobilePhone\":\"+44 20 7092 6000\"", "alice@rcpch.ac.uk",
         "+442070926000"},
        {"\"mail\":null,\"mobilePhone\":null", NULL, ""},
        {"\"mail\":\"a b@rcpch.ac.uk\",\"mobilePhone\":\"020 7092 6000\"", NULL, NULL},
        {"\"mail\":[\"a@b.uk\"],\"mobilePhone\":7", NULL, NULL},
        {"\"mobilePhone\":\"\"", NULL, NULL},
        {"\"x\":1", NULL, NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryPage *page = NULL;
        char text[256];
        snprintf(text, sizeof(text), "{\"value\":[{\"id\":\"a\",%s}]}", rows[i].entry);
        assert_int_equal(parse(text, &page), 0);
        const DirectoryPerson *person = &page->people[0];
        assert_int_equal(person->email != NULL, rows[i].email != NULL);
        assert_int_equal(person->phone != NULL, rows[i].phone != NULL);
        assert_true(!rows[i].email || strcmp(person->email, rows[i].email) == 0);
        assert_true(!rows[i].phone || strcmp(person->phone, rows[i].phone) == 0);
        directory_page_free(page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_is_asked_only_where_it_is_wanted),
        cmocka_unit_test(test_the_property_of_uid_claim),
        cmocka_unit_test(test_the_name_that_people_of_external_tenants_sign_in_with),
        cmocka_unit_test(test_addresses_and_numbers),
        cmocka_unit_test(test_a_page_of_people),
        cmocka_unit_test(test_groups_among_the_members),
        cmocka_unit_test(test_the_groups_of_a_person),
        cmocka_unit_test(test_changes_of_groups),
        cmocka_unit_test(test_changes_of_groups_that_are_refused),
        cmocka_unit_test(test_an_empty_page_is_a_page),
        cmocka_unit_test(test_what_is_refused_as_a_whole),
        cmocka_unit_test(test_too_many_people_on_a_page_are_refused),
        cmocka_unit_test(test_one_person),
        cmocka_unit_test(test_the_code_of_an_error),
        cmocka_unit_test(test_addresses_escape_and_always_select),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
