/*
 * Tests of answers about clients: what each directory says, and what proves nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "helper/directory/directory-kind.h"

#define REFUSED _DIRECTORY_STATE_COUNT

typedef struct Row {
    DirectoryType type;
    const char *text;
    DirectoryState wanted;
} Row;

#define OKTA(status) "{\"id\":\"0oa\",\"status\":" status                                          \
                     ",\"credentials\":{\"oauthClient\":{\"client_id\":\"c-1\"}}}"
#define LIST(state)  "[{\"id\":\"x\",\"clientId\":\"c-1\",\"enabled\":" state "}]"

static const Row rows[] = {
    {DIRECTORY_GRAPH, "{\"id\":\"C-1\",\"accountEnabled\":true}", DIRECTORY_ENABLED},
    {DIRECTORY_GRAPH, "{\"id\":\"c-1\",\"accountEnabled\":false}", DIRECTORY_DISABLED},
    {DIRECTORY_GRAPH, "{\"id\":\"c-1\",\"accountEnabled\":null}", DIRECTORY_UNSAID},
    {DIRECTORY_GRAPH, "{\"id\":\"c-1\"}", DIRECTORY_UNSAID},
    {DIRECTORY_GRAPH, "{\"id\":\"c-2\",\"accountEnabled\":false}", REFUSED},
    {DIRECTORY_GRAPH, "{\"accountEnabled\":false}", REFUSED},
    {DIRECTORY_GRAPH, "{\"id\":\"c-1\",\"accountEnabled\":0}", REFUSED},
    {DIRECTORY_GRAPH, "{\"id\":\"c-1\",\"accountEnabled\":false} ", DIRECTORY_DISABLED},
    {DIRECTORY_GRAPH, "[{\"id\":\"c-1\",\"accountEnabled\":false}]", REFUSED},
    {DIRECTORY_KEYCLOAK, LIST("true"), DIRECTORY_ENABLED},
    {DIRECTORY_KEYCLOAK, LIST("false"), DIRECTORY_DISABLED},
    {DIRECTORY_KEYCLOAK, "[{\"id\":\"x\",\"clientId\":\"c-1\"}]", DIRECTORY_UNSAID},
    /* Whoever may not see it is told the same as of one that is gone. */
    {DIRECTORY_KEYCLOAK, "[]", DIRECTORY_UNSAID},
    {DIRECTORY_KEYCLOAK, "[{\"id\":\"x\",\"clientId\":\"C-1\",\"enabled\":false}]", REFUSED},
    {DIRECTORY_KEYCLOAK, "[{\"clientId\":\"c-1\"},{\"clientId\":\"c-1\"}]", REFUSED},
    {DIRECTORY_KEYCLOAK, "[7]", REFUSED},
    {DIRECTORY_KEYCLOAK, "{}", REFUSED},
    {DIRECTORY_OKTA, OKTA("\"ACTIVE\""), DIRECTORY_ENABLED},
    {DIRECTORY_OKTA, OKTA("\"INACTIVE\""), DIRECTORY_DISABLED},
    {DIRECTORY_OKTA, OKTA("\"DELETED\""), DIRECTORY_UNSAID},
    {DIRECTORY_OKTA, OKTA("null"), DIRECTORY_UNSAID},
    {DIRECTORY_OKTA, OKTA("[]"), REFUSED},
    {DIRECTORY_OKTA, "{\"id\":\"c-1\",\"status\":\"INACTIVE\"}", REFUSED},
    {DIRECTORY_OKTA, "{\"status\":\"INACTIVE\"", REFUSED},
};

static void test_rows(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const DirectoryKind *kind = directory_kind(rows[i].type);
        DirectoryState said = REFUSED;
        const char *reason = NULL;
        int r = client_page_parse(&kind->client, kind->source, rows[i].text, strlen(rows[i].text),
                                  "c-1", &said, &reason);
        if (said != rows[i].wanted || (r == 0) != (said != REFUSED) || (r < 0) != (reason != NULL))
            fail_msg("row %zu, %s: %d, state %d, %s", i, rows[i].text, r, (int)said,
                     reason ? reason : "no reason");
    }
}

static void test_addresses(void **state)
{
    static const struct {
        DirectoryType type;
        const char *url;
    } urls[] = {
        {DIRECTORY_GRAPH, "https://d/v1.0/servicePrincipals/a%2Fb?$select=id,displayName,"
                          "accountEnabled"},
        {DIRECTORY_KEYCLOAK, "https://d/clients?clientId=a%2Fb"},
        {DIRECTORY_OKTA, "https://d/api/v1/apps/a%2Fb"},
    };

    for (size_t i = 0; i < ELEMENTSOF(urls); i++) {
        _cleanup_free_ char *url = NULL;
        assert_int_equal(directory_kind(urls[i].type)->client.url("https://d", "a/b", &url), 0);
        assert_string_equal(url, urls[i].url);
    }
    assert_null(directory_kind(DIRECTORY_SCIM)->client.url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
