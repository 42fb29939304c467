/*
 * What an administrator is told to do: a row for each answer, whole words only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "common/cleanup.h"
#include "helper/provider/provider-mend.h"

static void test_rows(void **state)
{
    static const struct {
        ProviderType type;
        const char *what, *mend;
    } rows[] = {
        {PROVIDER_ENTRA, "invalid_client 7000218", "Allow public client flows"},
        {PROVIDER_ENTRA, "unauthorized_client 700016", "Application (client) ID"},
        {PROVIDER_ENTRA, "unauthorized_client 70001", "Application (client) ID"},
        {PROVIDER_ENTRA, "invalid_request 90002", "Directory (tenant) ID"},
        {PROVIDER_ENTRA, "invalid_client 7000222", "has expired"},
        {PROVIDER_ENTRA, "invalid_grant 53003", "Conditional Access"},
        {PROVIDER_KEYCLOAK, "unauthorized_client: Client is not allowed", "Capability config"},
        {PROVIDER_KEYCLOAK, "invalid_client: Invalid client", "Client authentication"},
        {PROVIDER_KEYCLOAK, "unauthorized_client: Client not enabled to retrieve service account",
         "Service accounts roles = On"},
        {PROVIDER_KEYCLOAK, "unauthorized_client: Invalid client or Invalid client credentials",
         "DirectorySecretFile="},
        {PROVIDER_KEYCLOAK, "http 403 HTTP 403 Forbidden", "view-users of realm-management"},
        {PROVIDER_KEYCLOAK, "nobody can be seen", "view-users of realm-management"},
        {PROVIDER_KEYCLOAK, "http 404 Realm not found.", "DirectoryUrl="},
        {PROVIDER_KEYCLOAK, "no role", "Add to ID token = On"},
        {PROVIDER_ENTRA, "no role", "App roles"},
        {PROVIDER_GENERIC, "no role", "RolesClaim="},
        {PROVIDER_GENERIC, "unauthorized_client", "device code flow"},
        {PROVIDER_GENERIC, "connection refused", "firewall"},
        {PROVIDER_GENERIC, "certificate not trusted", "CaFile="},
        {PROVIDER_GENERIC, "certificate not trusted: it has expired", "renew"},
        {PROVIDER_GENERIC, "certificate not trusted: it is for another name", "compare Issuer="},
        {PROVIDER_GENERIC, "http 404", "correct the address"},
        {PROVIDER_GENERIC, "http 302", "redirects are not followed"},
        {PROVIDER_ENTRA, "http 403 Authorization_RequestDenied", "Application permissions"},
        {PROVIDER_ENTRA_B2C, "http 404", "Policy="},
        {PROVIDER_ENTRA_B2C, "no device endpoint", "Methods=browser"},
        {PROVIDER_GENERIC, "no device endpoint", "DeviceEndpoint="},
        {PROVIDER_ENTRA_B2C, "invalid_client 90081", "ClientSecretFile="},
        {PROVIDER_ENTRA, "invalid_client 700025", "ClientSecretFile="},
        {PROVIDER_ENTRA, "invalid_grant 90018", "journalctl"},
        {PROVIDER_GENERIC, "directory: the filter on groups.value does not hold", "docs/scim.md"},
        {PROVIDER_GENERIC, "http 400 invalidFilter", "docs/scim.md"},
        {PROVIDER_GENERIC, "http 400 tooMany", "raise its limit"},
        {PROVIDER_GENERIC, "http 401", "DirectoryTokenFile="},
        {PROVIDER_ENTRA, "invalid_client 7000215", "DirectorySecretFile= or ClientSecretFile="},
        {PROVIDER_GENERIC, "CA file not readable", "BEGIN CERTIFICATE"},
        {PROVIDER_OKTA, "http 401 E0000011", "API token"},
        {PROVIDER_OKTA, "http 403 E0000006", "Okta API Scopes"},
        {PROVIDER_OKTA, "http 429 E0000047", "DirectoryPollSec="},
        /* Parts of words are none. */
        {PROVIDER_ENTRA, "invalid_grant 1700016", "journalctl"},
        {PROVIDER_ENTRA, "invalid_grant 7000160", "journalctl"},
        {PROVIDER_GENERIC, "http 4041", "journalctl"},
        {PROVIDER_GENERIC, "", "journalctl"},
    };
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (!strstr(provider_mend(rows[i].type, rows[i].what), rows[i].mend))
            fail_msg("%s: %s", rows[i].what, provider_mend(rows[i].type, rows[i].what));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
