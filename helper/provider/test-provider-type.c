/*
 * Provider types: what each makes of a few lines of configuration, what is refused, and that no
 * type lacks a row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "helper/config/config.h"
#include "helper/provider/discovery.h"
#include "helper/token/issuer.h"
#include "helper/provider/provider-type.h"

#define TID    "9f2c1b7a-0d52-4c8e-a6b1-52f0c0de0001"
#define CLIENT "[provider p]\nClientId=c-1\n"
#define META   "/.well-known/openid-configuration"
#define SCOPE  "openid profile offline_access"

static int read_text(const char *text, Config **ret_config, ConfigMessages *messages)
{
    char path[] = "/tmp/test-provider-type-XXXXXX";
    _cleanup_close_ int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    int r = config_read(path, NULL, false, ret_config, messages);
    assert_int_equal(unlink(path), 0);
    return r;
}

static void assert_says(const ConfigMessages *messages, const char *text)
{
    for (size_t i = 0; i < messages->count; i++)
        if (strstr(messages->lines[i], text))
            return;
    fail_msg("missing: %s; first: %s", text, messages->count > 0 ? messages->lines[0] : "nothing");
}

typedef struct GoodRow {
    const char *text, *issuer, *url, *tenant, *scope, *id_claim, *username_claim;
    Cloud cloud;
} GoodRow;

static const GoodRow good[] = {
    {"Issuer=https://i.example/r\n", "https://i.example/r", "https://i.example/r" META, NULL, SCOPE,
     "sub", "preferred_username", CLOUD_PUBLIC},
    {"OidcUrl=https://i.example/r" META "\n", "https://i.example/r", "https://i.example/r" META,
     NULL, SCOPE, "sub", "preferred_username", CLOUD_PUBLIC},
    {"Issuer=https://i.example\nOidcUrl=https://m.example/m?x\nJwksUri=https://k.example/k\n",
     "https://i.example", "https://m.example/m?x", NULL, SCOPE, "sub", "preferred_username",
     CLOUD_PUBLIC},
    {"Type=okta\nIssuer=https://org.okta.example/oauth2/default\n",
     "https://org.okta.example/oauth2/default", "https://org.okta.example/oauth2/default" META,
     NULL, SCOPE, "sub", "preferred_username", CLOUD_PUBLIC},
    {"Type=keycloak\nIssuer=https://k.example/realms/r\n", "https://k.example/realms/r",
     "https://k.example/realms/r" META, NULL, SCOPE, "sub", "preferred_username", CLOUD_PUBLIC},
    {"Type=entra\nTenant=" TID "\n", "https://login.microsoftonline.com/" TID "/v2.0",
     "https://login.microsoftonline.com/" TID "/v2.0" META, TID, SCOPE, "oid",
     "preferred_username", CLOUD_PUBLIC},
    {"Type=entra\nCloud=usgov\nTenant=" TID "\n", "https://login.microsoftonline.us/" TID "/v2.0",
     "https://login.microsoftonline.us/" TID "/v2.0" META, TID, SCOPE, "oid",
     "preferred_username", CLOUD_USGOV},
    {"Type=entra\nIssuer=https://login.partner.microsoftonline.cn/" TID "/v2.0\n",
     "https://login.partner.microsoftonline.cn/" TID "/v2.0",
     "https://login.partner.microsoftonline.cn/" TID "/v2.0" META, TID, SCOPE, "oid",
     "preferred_username", CLOUD_CHINA},
    {"Type=entra-external-id\nTenant=" TID "\n", "https://" TID ".ciamlogin.com/" TID "/v2.0",
     "https://" TID ".ciamlogin.com/" TID "/v2.0" META, TID, SCOPE, "oid", "preferred_username",
     CLOUD_PUBLIC},
    {"Type=entra-b2c\nPolicy=B2C_1_in\nIssuer=https://rcpch.b2clogin.com/" TID "/v2.0/\n",
     "https://rcpch.b2clogin.com/" TID "/v2.0/",
     "https://rcpch.b2clogin.com/" TID "/B2C_1_in/v2.0" META, TID, SCOPE " c-1", "oid", "emails",
     CLOUD_PUBLIC},
    {"Type=entra-b2c\nPolicy=B2C_1_in\nIssuer=https://r.example:8443/tfp/" TID "/b2c_1_in/v2.0/\n",
     "https://r.example:8443/tfp/" TID "/b2c_1_in/v2.0/",
     "https://r.example:8443/" TID "/B2C_1_in/v2.0" META, TID, SCOPE " c-1", "oid", "emails",
     CLOUD_PUBLIC},
};

static void assert_good(const GoodRow *row)
{
    _cleanup_(config_freep) Config *config = NULL;
    _cleanup_free_ char *url = NULL;
    ConfigMessages messages = {0};
    char text[512];

    snprintf(text, sizeof(text), CLIENT "%s", row->text);
    int r = read_text(text, &config, &messages);
    if (r < 0)
        fail_msg("%s: %s", row->text, messages.lines[0]);
    config_messages_clear(&messages);
    const ProviderConfig *provider = &config->providers[0];
    assert_int_equal(discovery_url(provider, &url), 0);
    assert_string_equal(url, row->url);
    assert_string_equal(provider->issuer, row->issuer);
    assert_string_equal(provider->scope, row->scope);
    assert_string_equal(provider->id_claim, row->id_claim);
    assert_string_equal(provider->username_claim, row->username_claim);
    assert_int_equal(provider->cloud, row->cloud);
    if (row->tenant)
        assert_string_equal(provider->tenant, row->tenant);
    else
        assert_null(provider->tenant);
}

static void test_good(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        assert_good(&good[i]);
}

/* The endpoints given one by one, nothing is fetched; nor is any of it made up. */
static void test_endpoints_one_by_one(void **state)
{
    _cleanup_(config_freep) Config *config = NULL;
    _cleanup_(metadata_freep) Metadata *metadata = NULL;
    ConfigMessages messages = {0};
    const char *reason;

    assert_int_equal(read_text(CLIENT "Issuer=https://i.example\n"
                               "DeviceEndpoint=https://d.example/d\n"
                               "TokenEndpoint=https://t.example/t\n"
                               "JwksUri=https://k.example/k\n", &config, &messages), 0);
    config_messages_clear(&messages);
    assert_true(discovery_is_needless(&config->providers[0]));
    assert_int_equal(discovery_from_config(&config->providers[0], &metadata, &reason), 0);
    assert_string_equal(metadata->device_endpoint, "https://d.example/d");
    assert_string_equal(metadata->token_endpoint, "https://t.example/t");
    assert_string_equal(metadata->jwks_uri, "https://k.example/k");
}

static const struct {
    const char *text, *message;
    bool is_warning;
} refused[] = {
    {"", "Issuer= is missing", false},
    {"Type=entra\n", "Issuer= is missing; so is Tenant=", false},
    {"Type=entra-external-id\n", "Issuer= is missing; so is Tenant=", false},
    {"Type=entra\nTenant=common\n", "does not name one tenant", false},
    {"Type=entra-external-id\nTenant=organizations\n", "does not name one tenant", false},
    {"Type=entra-external-id\nIssuer=https://rcpch.ciamlogin.com/" TID "/v2.0\n",
     "https://" TID ".ciamlogin.com/" TID "/v2.0", false},
    {"Type=entra-external-id\nCloud=usgov\nTenant=" TID "\n", "Issuer= is missing", false},
    {"Type=entra\nCloud=usgov\nIssuer=https://login.partner.microsoftonline.cn/" TID "/v2.0\n",
     "Cloud= is not that of Issuer=", false},
    {"Type=entra\nCloud=china\nIssuer=https://login.microsoftonline.com/" TID "/v2.0\n",
     "Cloud= is not that of Issuer=", false},
    {"Cloud=usgov\nIssuer=https://i.example\n", "Cloud= is for Type=entra", false},
    {"Type=entra-b2c\nIssuer=https://r.b2clogin.com/" TID "/v2.0/\n", "Policy= is missing", false},
    {"Type=entra-b2c\nPolicy=../x\nIssuer=https://r.b2clogin.com/" TID "/v2.0/\n",
     "is not the name of a policy", false},
    {"Policy=B2C_1_in\nIssuer=https://i.example\n", "Policy= is for Type=entra-b2c", false},
    {"Type=entra-id\nIssuer=https://i.example\n",
     "is none of: generic entra keycloak entra-external-id entra-b2c okta", false},
    {"Cloud=mars\nIssuer=https://i.example\n", "is none of: public usgov china", false},
    {"OidcUrl=https://i.example/metadata\n", "Issuer= is missing", false},
    {"Issuer=https://i.example\nUsernameTemplate={given}.{family}\n", "needs '@'", false},
    {"Issuer=https://i.example\nDomains=a.example b.example\nUsernameTemplate={given}\n",
     "needs '@'", false},
    {"Issuer=https://i.example\nUsernameTemplate={given\n", "does not close", false},
    {"Issuer=https://i.example\nUsernameTemplate=alice@x.example\n", "names no claim", false},
    {"Issuer=https://i.example\nRequireClaims=dept\n", "is not of the form claim=value", false},
    {"Issuer=https://i.example\nRequireClaims==x\n", "is not of the form claim=value", false},
    {"Issuer=https://i.example\nDomains=a.example\nUsernameTemplate={given}\n"
     "FirstBind=username\n", "binds whoever of two people", true},
    {"Issuer=https://i.example\nCopyClaims=a\n", "is not of the form claim:name", false},
    {"Issuer=https://i.example\nCopyClaims=a:x b:x\n", "gives two claims the name 'x'", false},
    {"Issuer=https://i.example\n[group a]\nRole=x\n[group b]\nId=y\nRole=x\n",
     "Role= is also that of [group a]", false},
    {"Type=entra\nTenant=rcpch.onmicrosoft.com\n", "is not a tenant's id", true},
    {"Type=keycloak\nIssuer=https://i.example\nRefusedRefresh=revoked\n", "has no effect", true},
    {"OidcUrl=https://i.example" META "\nJwksUri=https://k.example/k\n",
     "JwksUri= has no effect", true},
};

static void test_refused(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
        _cleanup_(config_freep) Config *config = NULL;
        ConfigMessages messages = {0};
        char text[512];

        snprintf(text, sizeof(text), CLIENT "%s", refused[i].text);
        assert_int_equal(read_text(text, &config, &messages),
                         refused[i].is_warning ? 0 : -EBADMSG);
        assert_says(&messages, refused[i].message);
        config_messages_clear(&messages);
    }
}

static void test_every_type_has_a_row(void **state)
{
    for (unsigned type = 0; type < _PROVIDER_TYPE_COUNT; type++) {
        const ProviderTraits *traits = provider_traits((ProviderType)type);
        assert_non_null(traits->scope);
        assert_non_null(traits->id_claim);
        assert_non_null(traits->username_claim);
        assert_true(traits->tenant_claim == TENANT_CLAIM_NONE || traits->has_tenant);
    }
    assert_ptr_equal(provider_traits((ProviderType)1000), provider_traits(PROVIDER_GENERIC));
    assert_ptr_equal(cloud_hosts((Cloud)1000), cloud_hosts(CLOUD_PUBLIC));
}

static void test_expand(void **state)
{
    const ProviderConfig config = {.issuer = (char *)(uintptr_t)"https://h.example:1/x/y",
                                   .tenant = (char *)(uintptr_t)"t"};
    char *text = NULL;

    assert_int_equal(provider_expand("{origin}/{tenant}/{x}{", &config, &text), 0);
    assert_string_equal(text, "https://h.example:1/t/{x}{");
    free(text);
    assert_int_equal(provider_expand("{policy}", &config, &text), -ENODATA);
    assert_int_equal(provider_expand("", &config, &text), 0);
    assert_string_equal(text, "");
    free(text);
}

static void test_hosts(void **state)
{
    assert_true(issuer_has_host("https://A.example/x", "a.example"));
    assert_true(issuer_has_host("https://a.example:443", "a.example"));
    assert_false(issuer_has_host("https://a.example.org/", "a.example"));
    assert_false(issuer_has_host("https://x/a.example", "a.example"));
    assert_true(issuer_is_below_host("https://t.a.example/", "a.example"));
    assert_false(issuer_is_below_host("https://a.example/", "a.example"));
    assert_false(issuer_is_below_host("https://.a.example/", "a.example"));
    assert_false(issuer_is_below_host("https://ta.example/", "a.example"));
    assert_int_equal(issuer_origin_size("nonsense"), 0);
}

/* B2C's own endpoint has none for Graph. */
static void test_where_a_directorys_tokens_come_from(void **state)
{
    static const struct {
        const char *text, *endpoint;
    } rows[] = {
        {"Type=entra\nTenant=" TID "\n", NULL},
        {"Type=entra-external-id\nTenant=" TID "\n", NULL},
        {"Type=entra-b2c\nPolicy=B2C_1_in\nIssuer=https://rcpch.b2clogin.com/" TID "/v2.0/\n",
         "https://login.microsoftonline.com/" TID "/oauth2/v2.0/token"},
        {"Type=entra-b2c\nPolicy=B2C_1_in\nIssuer=https://rcpch.b2clogin.com/" TID "/v2.0/\n"
         "DirectoryTokenEndpoint=https://t.example/t\n", "https://t.example/t"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(config_freep) Config *config = NULL;
        ConfigMessages messages = {0};
        char text[512];

        snprintf(text, sizeof(text), CLIENT "%s%s", rows[i].text,
                 "Directory=graph\nDirectoryClientId=d\nDirectorySecretFile=/s\n");
        (void)read_text(text, &config, &messages);
        if (!config)
            fail_msg("%s: %s", rows[i].text, messages.lines[0]);
        config_messages_clear(&messages);
        const char *endpoint = config->providers[0].directory_token_endpoint;
        if (rows[i].endpoint)
            assert_string_equal(endpoint, rows[i].endpoint);
        else
            assert_null(endpoint);
        assert_string_equal(config->providers[0].directory_url, "https://graph.microsoft.com");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_a_directorys_tokens_come_from),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_endpoints_one_by_one),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_type_has_a_row),
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
