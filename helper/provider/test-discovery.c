/*
 * Provider metadata: the issuer must match, addresses must be https, and what the configuration
 * gives goes first.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "helper/provider/discovery.h"

#define ISSUER     "https://login.example/t-1/v2.0"
#define TEXT(text) ((char *)(uintptr_t)(text))
#define ENDPOINTS                                                                                  \
    "\"token_endpoint\":\"https://login.example/token\",\"jwks_uri\":\"https://login.example/"     \
    "jwks\","                                                                                      \
    "\"device_authorization_endpoint\":\"https://login.example/device\""
#define DOCUMENT "{\"issuer\":\"" ISSUER "\"," ENDPOINTS "}"

static int parse(const ProviderConfig *config, const char *tenant, const char *text,
                 Metadata **ret_metadata)
{
    const char *reason = NULL;
    Metadata *metadata = NULL;
    int r = discovery_parse(text, strlen(text), config, tenant, &metadata, &reason);

    if (r < 0) {
        assert_int_equal(r, -EBADMSG);
        assert_non_null(reason);
        assert_null(metadata);
    }
    *ret_metadata = metadata;
    return r;
}

static void test_plain(void **state)
{
    const ProviderConfig config = {.issuer = TEXT(ISSUER)};
    Metadata *metadata = NULL;

    assert_int_equal(parse(&config, NULL, DOCUMENT, &metadata), 0);
    assert_string_equal(metadata->token_endpoint, "https://login.example/token");
    assert_string_equal(metadata->jwks_uri, "https://login.example/jwks");
    assert_string_equal(metadata->device_endpoint, "https://login.example/device");
    assert_false(metadata->secret_in_body);
    metadata_free(metadata);
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "<html></html>",
        "null",
        "{" ENDPOINTS "}",
        "{\"issuer\":5," ENDPOINTS "}",
        "{\"issuer\":\"" ISSUER "/\"," ENDPOINTS "}",
        "{\"issuer\":\"https://LOGIN.example/t-1/v2.0\"," ENDPOINTS "}",
        "{\"issuer\":\"https://login.example/t-2/v2.0\"," ENDPOINTS "}",
        "{\"issuer\":\"https://login.example/{tenantid}/v2.0\"," ENDPOINTS "}",
        "{\"issuer\":\"" ISSUER "\",\"issuer\":\"" ISSUER "\"," ENDPOINTS "}",
        "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"https://login.example/token\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://login.example/jwks\"}",
        "{\"issuer\":\"" ISSUER
        "\",\"jwks_uri\":\"https://a/\",\"token_endpoint\":\"http://login.example/\"}",
        "{\"issuer\":\"" ISSUER
        "\",\"jwks_uri\":\"http://a/\",\"token_endpoint\":\"https://login.example/\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://a/\",\"token_endpoint\":5}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"file:///x\",\"token_endpoint\":\"https://b/\"}",
        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://a/\",\"token_endpoint\":\"https://b/\","
        "\"device_authorization_endpoint\":\"http://c/\"}",
        DOCUMENT DOCUMENT,
    };
    const ProviderConfig config = {.issuer = TEXT(ISSUER)};
    Metadata *metadata;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (parse(&config, NULL, rows[i], &metadata) == 0)
            fail_msg("accepted: %s", rows[i]);
}

/* Entra's common endpoint says {tenantid}: it stands for our tenant and for no other. */
static void test_tenant(void **state)
{
    const ProviderConfig config = {.issuer = TEXT(ISSUER), .type = PROVIDER_ENTRA};
    static const char *const document =
        "{\"issuer\":\"https://login.example/{tenantid}/v2.0\"," ENDPOINTS "}";
    Metadata *metadata;

    assert_int_equal(parse(&config, "t-1", document, &metadata), 0);
    metadata_free(metadata);
    assert_int_equal(parse(&config, "t-2", document, &metadata), -EBADMSG);
    assert_int_equal(parse(&config, "", document, &metadata), -EBADMSG);
    assert_int_equal(parse(&config, "t-1", DOCUMENT, &metadata), 0);
    metadata_free(metadata);
}

static void test_configured_endpoints(void **state)
{
    ProviderConfig config = {
        .issuer = TEXT(ISSUER),
        .device_endpoint = TEXT("https://own.example/d"),
        .token_endpoint = TEXT("https://own.example/t"),
        .jwks_uri = TEXT("https://own.example/j"),
        .methods = {METHOD_DEVICE, METHOD_BROWSER},
        .method_count = 1,
    };
    const char *reason;
    Metadata *metadata = NULL;

    assert_true(discovery_is_needless(&config));
    config.method_count = 2;
    assert_false(discovery_is_needless(&config));
    config.authorization_endpoint = TEXT("https://own.example/a");
    assert_true(discovery_is_needless(&config));
    assert_int_equal(discovery_from_config(&config, &metadata, &reason), 0);
    assert_string_equal(metadata->jwks_uri, "https://own.example/j");
    assert_string_equal(metadata->authorization_endpoint, "https://own.example/a");
    assert_false(metadata->issuer_in_answer);
    metadata_free(metadata);
    config.oidc_url = TEXT("https://login.example/.well-known/openid-configuration");
    assert_false(discovery_is_needless(&config));
    assert_int_equal(parse(&config, NULL, DOCUMENT, &metadata), 0);
    assert_string_equal(metadata->device_endpoint, "https://own.example/d");
    assert_string_equal(metadata->token_endpoint, "https://own.example/t");
    assert_string_equal(metadata->jwks_uri, "https://login.example/jwks"); /* OidcUrl wins */
    metadata_free(metadata);
    config.token_endpoint = TEXT("http://own.example/t");
    assert_int_equal(parse(&config, NULL, DOCUMENT, &metadata), -EBADMSG);
}

static void test_where(void **state)
{
    static const struct {
        const char *issuer, *oidc_url, *expected;
    } rows[] = {
        {"https://a.example", NULL, "https://a.example/.well-known/openid-configuration"},
        {"https://a.example/", NULL, "https://a.example/.well-known/openid-configuration"},
        {"https://a.example/r/x", NULL, "https://a.example/r/x/.well-known/openid-configuration"},
        {"https://a.example", "https://b.example/m?appid=1", "https://b.example/m?appid=1"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const ProviderConfig config = {.issuer = TEXT(rows[i].issuer),
                                       .oidc_url = TEXT(rows[i].oidc_url)};
        char *url = NULL;
        assert_int_equal(discovery_url(&config, &url), 0);
        assert_string_equal(url, rows[i].expected);
        free(url);
    }
}

static void test_client_authentication(void **state)
{
    static const struct {
        const char *methods;
        bool in_body;
    } rows[] = {
        {"[\"client_secret_post\",\"private_key_jwt\"]", true},
        {"[\"client_secret_post\",\"client_secret_basic\"]", false},
        {"[\"client_secret_basic\"]", false},
        {"[\"none\"]", false},
        {"[]", false},
        {"[5,null]", false},
        {"\"client_secret_post\"", false},
    };
    const ProviderConfig config = {.issuer = TEXT(ISSUER)};
    char text[1024];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Metadata *metadata = NULL;
        snprintf(text, sizeof(text),
                 "{\"issuer\":\"" ISSUER
                 "\",\"token_endpoint_auth_methods_supported\":%s," ENDPOINTS "}",
                 rows[i].methods);
        assert_int_equal(parse(&config, NULL, text, &metadata), 0);
        assert_int_equal(metadata->secret_in_body, rows[i].in_body);
        metadata_free(metadata);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_tenant), cmocka_unit_test(test_configured_endpoints),
        cmocka_unit_test(test_where),  cmocka_unit_test(test_client_authentication),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
