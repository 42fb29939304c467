/*
 * What is read of a good configuration, and what of the one that is shipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/base/text-list.h"
#include "helper/config/config-keys.h"
#include "helper/config/test-config-fixture.h"

static void defaults(void **state)
{
    _cleanup_(config_freep) Config *config = read_good(*state, PROVIDER);
    const ProviderConfig *provider = config_provider(config, "p");

    assert_int_equal(provider->type, PROVIDER_GENERIC);
    assert_null(provider->oidc_url); /* below the issuer: discovery.h */
    assert_string_equal(provider->scope, "openid profile offline_access");
    assert_string_equal(provider->id_claim, "sub");
    assert_string_equal(provider->username_claim, "preferred_username");
    assert_string_equal(provider->groups_claim, "groups");
    assert_int_equal(provider->method_count, 1);
    assert_int_equal(provider->http_timeout_usec, 10 * SEC);
    assert_int_equal(provider->clock_skew_usec, 300 * SEC);
    assert_int_equal(provider->requests_per_minute, 600);
    assert_null(provider->domains[0]);
    assert_int_equal(config->uid_base, UID_BASE_DEFAULT);
    assert_int_equal(config->uid_count, UID_COUNT_DEFAULT);
    assert_string_equal(config->home_template, "/home/%u");
    assert_string_equal(config->shell, "/bin/bash");
    assert_int_equal(config->refresh_check_usec, 60 * SEC);
    assert_int_equal(config->fresh_usec, 30 * SEC);
    assert_int_equal(config->check_timeout_usec, 3 * SEC);
    assert_int_equal(config->max_unconfirmed_usec, 8 * HOUR);
    assert_int_equal(config->offline_grace_usec, HOUR);
    assert_int_equal(config->on_revoked, ON_REVOKED_END);
    assert_false(config->allow_all);
    assert_null(config->allow_groups[0]);
    assert_null(config->allow_users[0]);
}

static void keycloaks_directory_is_the_realms(void **state)
{
    static const struct {
        const char *more, *url, *groups_claim;
    } rows[] = {
        {"", "https://a.example/admin/realms/r", ""}, /* the directory tells them, by their ids */
        {"DirectoryUrl=https://b.example/admin/realms/r/\nGroupsClaim=ids\n",
         "https://b.example/admin/realms/r", "ids"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char text[512];
        snprintf(text, sizeof(text), KEYCLOAK "%s[group g]\nId=1-A\n", rows[i].more);
        _cleanup_(config_freep) Config *config = read_good(*state, text);
        const ProviderConfig *provider = config_provider(config, "p");
        assert_string_equal(provider->directory_url, rows[i].url);
        assert_string_equal(provider->groups_claim, rows[i].groups_claim);
        assert_string_equal(config_group(config, "g")->id, "1-A");
    }
}

static void every_key(void **state)
{
    _cleanup_(config_freep) Config *config = read_good(*state,
        "# a comment\n; another\n\n"
        "[provider entra]\nType=entra\n"
        "Issuer = https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0\r\n"
        "ClientId=id\nScope=openid\nPrompt=login\nDomains=RCPCH.ac.uk, example.org\n"
        "Domains=three.example\n"
        "Methods=device\nUsernameClaim=upn\nNameClaim=n\nGroupsClaim=g\nFirstBind=username\n"
        "RefusedRefresh=revoked\nHttpTimeoutSec=5\nClockSkewSec=1min\nRequestsPerMinute=100\n"
        "Proxy=http://[2001:db8::1]:3128/\nNoProxy=rcpch.ac.uk, 10.0.0.0/8\nProxySecretFile=/s\n"
        "TokenEndpoint=https://x.example/token\n"
        "  DeviceEndpoint=https://x.example/device\n\tJwksUri=https://x.example/keys\n"
        "[group audit-admins]\nId=7C8807A2-AAAA\nLocalGroup=sudo\nAllowPrivilegedLocalGroup=yes\n"
        "Provider=entra\nGid=1900000000\n"
        "[user bob]\nUid=1900000001\nShell=/bin/sh\nHome=/srv/bob\n"
        "[user deploy]\nDirectory=Alice@rcpch.ac.uk\nKillServices=yes\n"
        "[service sudo]\nRequireGroups=audit-admins\nMaxAuthAge=8h\nRequireAcr=gold, urn:x:2\n"
        "RequireAuthContext=c1 c99\n"
        "[service screen]\nUnprivileged=true\nUnknownNames=show\n"
        "[service postgresql]\nCallerUid=postgres 26\n"
        "[service sshd]\nKeys=deny\nMaxAuthAge=1h\nRequirePrior=publickey\n"
        "AllowFrom=10.0.0.0/8, 2001:db8::/32\nAllowFrom=local\n"
        "[access]\nAllowAll=no\nAllowGroups=audit-admins\nAllowUsers=bob\nLoginsPerAccount=2\n"
        "LoginsPerSource=3\nLogins=4\nShowQr=ascii\n"
        "[identity]\nNameFormat=full\nUidBase=1879048192\nUidCount=100000000\n"
        "HomeTemplate=/home/staff/%u\nShell=/bin/zsh\n"
        "[revocation]\nRefreshCheckSec=5\nFreshSec=1min 30s\nCheckTimeoutMs=500\n"
        "MaxUnconfirmed=30\nOfflineGrace=15\nOnRevoked=grace:15m\nEndOnExpiry=on\n"
        "KillLoginUid=all\n"
        "[totp]\n[audit]\n");
    const ProviderConfig *provider = config_provider(config, "entra");

    assert_string_equal(provider->tenant, "9188040d-6c67-4c5b-b112-36a304b66dad");
    assert_string_equal(provider->id_claim, "oid");
    assert_int_equal(provider->prompt, PROMPT_LOGIN);
    assert_string_equal(provider->proxy, "http://[2001:db8::1]:3128/");
    assert_string_equal(provider->proxy_secret_file, "/s");
    assert_int_equal(text_list_count(provider->no_proxy), 2);
    assert_int_equal(text_list_count(provider->domains), 3);
    assert_string_equal(provider->domains[0], "rcpch.ac.uk");
    assert_int_equal(provider->first_bind, FIRST_BIND_USERNAME);
    assert_true(provider->refused_refresh_is_revoked);
    assert_int_equal(provider->http_timeout_usec, 5 * SEC);
    assert_int_equal(provider->clock_skew_usec, 60 * SEC);
    assert_string_equal(provider->device_endpoint, "https://x.example/device");
    assert_string_equal(provider->jwks_uri, "https://x.example/keys");
    assert_ptr_equal(config_provider_for_domain(config, "eve@example.org"), provider);
    assert_null(config_provider_for_domain(config, "eve@elsewhere.example"));
    assert_string_equal(config_group(config, "audit-admins")->id, "7c8807a2-aaaa");
    assert_int_equal(config_group(config, "audit-admins")->gid, 1900000000);
    assert_int_equal(config_user(config, "bob")->uid, 1900000001);
    assert_string_equal(config_user(config, "deploy")->directory, "alice@rcpch.ac.uk");
    assert_int_equal(config_service(config, "sudo-i")->max_auth_age_usec, 8 * HOUR);
    assert_string_equal(config_service(config, "sudo-i")->require_acr[1], "urn:x:2");
    assert_string_equal(config_service(config, "sudo")->require_auth_context[1], "c99");
    assert_int_equal(text_list_count(config_service(config, "screen")->require_acr), 0);
    assert_true(config_service(config, "screen")->unprivileged);
    assert_int_equal(config_service(config, "screen")->unknown_names, UNKNOWN_NAMES_SHOW);
    assert_int_equal(config_service(config, "sshd")->unknown_names, UNKNOWN_NAMES_HIDE);
    assert_string_equal(config_service(config, "postgresql")->caller_uid[1], "26");
    assert_int_equal(text_list_count(config_service(config, "screen")->caller_uid), 0);
    assert_int_equal(config_service(config, "sshd")->keys, KEYS_DENY);
    assert_int_equal(config_service(config, "screen")->keys, KEYS_WITH_SIGN_IN);
    assert_int_equal(config_service(config, "sshd")->require_prior, REQUIRE_PRIOR_PUBLICKEY);
    assert_int_equal(text_list_count(config_service(config, "sshd")->allow_from), 3);
    assert_int_equal(text_list_count(config_service(config, "screen")->allow_from), 0);
    assert_null(config_service(config, "su-l"));
    assert_int_equal(config->logins_per_account, 2);
    assert_int_equal(config->show_qr, SHOW_QR_ASCII);
    assert_int_equal(config->name_format, NAME_FORMAT_FULL);
    assert_int_equal(config->fresh_usec, 90 * SEC);
    assert_int_equal(config->check_timeout_usec, SEC / 2);
    assert_int_equal(config->max_unconfirmed_usec, 30 * SEC);
    assert_int_equal(config->on_revoked, ON_REVOKED_GRACE);
    assert_int_equal(config->on_revoked_grace_usec, 900 * SEC);
    assert_true(config->end_on_expiry);
    assert_true(config_user(config, "deploy")->kill_services);
    assert_false(config_user(config, "bob")->kill_services);
    assert_int_equal(config->kill_login_uid, 1);
}

/* --- what is shipped -------------------------------------------------------------------------- */

static char *read_source(const char *path)
{
    char full[512], *text = calloc(1, 65536);

    snprintf(full, sizeof(full), "%s/%s", RCPCH_SOURCE_ROOT, path);
    FILE *stream = fopen(full, "re");
    assert_non_null(stream);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, stream) > 0);
    fclose(stream);
    return text;
}

static void the_shipped_file(void **state)
{
    _cleanup_free_ char *text = read_source("helper/rcpch.conf");
    _cleanup_(config_freep) Config *config = read_good(*state, text);

    assert_int_equal(config->provider_count, 0);
    assert_false(config->allow_all);
    /* Its examples, taken in, are valid too. */
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (line[0] == '#' && (line[1] == '[' || (line[1] >= 'A' && line[1] <= 'Z')))
            line[0] = ' ';
    }
    _cleanup_(config_freep) Config *examples = read_good(*state, text);
    assert_int_equal(examples->provider_count, 1);
    assert_int_equal(examples->group_count, 2);
    assert_int_equal(config_service(examples, "sudo-i")->max_auth_age_usec, 12 * HOUR);
}

/* Nothing can be configured that the manual does not tell of. */
static void the_manual_knows_every_key(void **state)
{
    _cleanup_free_ char *manual = read_source("helper/rcpch.conf.5");
    size_t iterator = 0;
    const ConfigKey *key;

    while ((key = config_key_next(&iterator))) {
        char entry[64];
        snprintf(entry, sizeof(entry), "%s=", key->key);
        if (!strstr(manual, entry))
            print_error("rcpch.conf(5) says nothing about [%s] %s\n", key->section, entry);
        assert_non_null(strstr(manual, entry));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keycloaks_directory_is_the_realms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_shipped_file, set_up, tear_down),
        cmocka_unit_test(the_manual_knows_every_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
