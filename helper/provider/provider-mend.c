/*
 * The table of what to do. See provider-mend.h; docs/ has the same pages, click by click.
 */
#include "helper/provider/provider-mend.h"

#include <string.h>

#include "common/cleanup.h"

#define KEYCLOAK (1u << PROVIDER_KEYCLOAK)
#define B2C      (1u << PROVIDER_ENTRA_B2C)
#define ENTRA    (1u << PROVIDER_ENTRA | 1u << PROVIDER_ENTRA_EXTERNAL_ID)
#define ANY      (~0u)

#define ENTRA_APP "Entra admin centre, App registrations, your app, "
#define REDIRECT  "name the address it redirects to; redirects are not followed"
#define FIREWALL  "let this host reach it (firewall), or name the way in Proxy="

#define KEYCLOAK_APP "Keycloak, Clients, the directory's client, "
#define VIEW_USERS                                                                                 \
    KEYCLOAK_APP "Service accounts roles, Assign role, Client roles: view-users of "               \
                 "realm-management, in which query-groups is"

typedef struct MendRow {
    unsigned types;
    const char *what; /* whole words of the answer */
    const char *mend;
} MendRow;

/* The first row that fits is taken. */
static const MendRow rows[] = {
    /* Entra ID, whose codes are numbers that nobody else uses. */
    {ANY, "700016",
     ENTRA_APP "Overview: Application (client) ID is ClientId=, the directory's app's is "
               "DirectoryClientId=; Directory (tenant) ID stands in Issuer="},
    {ANY, "70001", ENTRA_APP "Overview: Application (client) ID is ClientId="},
    {ANY, "90002", ENTRA_APP "Overview: Directory (tenant) ID stands in Issuer="},
    {ANY, "7000218", ENTRA_APP "Authentication: Allow public client flows = Yes"},
    {ANY, "7000215",
     ENTRA_APP "Certificates & secrets: the secret's Value, not its ID, belongs into the "
               "secret's file, DirectorySecretFile= or ClientSecretFile="},
    {ANY, "7000222", ENTRA_APP "Certificates & secrets: the secret has expired, make a new one"},
    {ANY, "7000112",
     "Entra admin centre, Enterprise applications, your app, Properties: "
     "Enabled for users to sign-in = Yes"},
    {ANY, "90094", ENTRA_APP "API permissions: Grant admin consent"},
    {ANY, "500011", ENTRA_APP "API permissions; and Scope= names only what is listed there"},
    {ANY, "53003", "Entra admin centre, Conditional Access, Policies: one of them blocks this"},
    {ANY, "700025",
     "a public client has no credential: take ClientSecretFile= out, or " ENTRA_APP
     "Authentication: Allow public client flows = No"},
    {ANY, "700027",
     ENTRA_APP "Certificates & secrets: upload the certificate that is in the file, and see "
               "its end"},
    {ANY, "70011", ENTRA_APP "API permissions; and Scope= names only what is listed there"},
    /* B2C, whose numbers are its own */
    {B2C, "90058",
     "Azure portal, Azure AD B2C, App registrations, your app, Authentication: Allow public client "
     "flows = Yes, and the redirect address under Mobile and desktop applications"},
    {B2C, "90018",
     "Azure portal, Azure AD B2C, App registrations: Application (client) ID is ClientId="},
    {B2C, "90068",
     "Azure portal, Azure AD B2C, App registrations: Application (client) ID is ClientId="},
    {B2C, "90081",
     "Azure portal, Azure AD B2C, App registrations, your app, Certificates & secrets: a secret's "
     "Value belongs into ClientSecretFile="},
    {B2C, "90084", "a public client has no credential: take ClientSecretFile= out"},
    {B2C, "http 404",
     "Azure portal, Azure AD B2C, User flows: is Policy= the name of one? Issuer= holds the "
     "tenant's id"},
    {B2C, "no device endpoint", "B2C has no device codes: Methods=browser"},
    {ANY, "no device endpoint",
     "name it in DeviceEndpoint=, if the provider has one all the same; else Methods=browser"},
    /* Microsoft Graph */
    {ANY, "Authorization_RequestDenied",
     "Entra admin centre, App registrations, the directory's app, API permissions: Microsoft "
     "Graph, Application permissions User.Read.All and GroupMember.Read.All; Grant admin consent"},
    {ANY, "InvalidAuthenticationToken",
     "DirectoryUrl= must be the Graph of the tenant's own cloud"},
    /* Okta */
    {ANY, "E0000011",
     "Okta, Security, API, Tokens: make the next API token and write it into DirectoryTokenFile="},
    {ANY, "E0000006",
     "Okta, Applications, the directory's app: Okta API Scopes okta.users.read and "
      "okta.groups.read, "
     "and an admin role that may read them"},
    {ANY, "E0000047", "Okta is throttling this host: wait, and see DirectoryPollSec="},
    {ANY, "E0000007", "compare the id with what Okta's address of the page holds"},
    /* SCIM */
    {ANY, "groups.value",
     "the service must filter people by groups.value, and tell each person's groups: docs/scim.md"},
    {ANY, "invalidFilter", "the service must filter people by groups.value: docs/scim.md"},
    {ANY, "tooMany", "the service refuses lists that long: raise its limit for this client"},
    /* Keycloak */
    {KEYCLOAK, "Client not enabled to retrieve service account",
     KEYCLOAK_APP "Settings, Capability config: Client authentication and Service accounts roles = "
                  "On"},
    {KEYCLOAK, "Invalid client or Invalid client credentials",
     "Keycloak, Clients, the client, Credentials: what stands there belongs into the secret's "
     "file, DirectorySecretFile= or ClientSecretFile="},
    {KEYCLOAK, "Client authentication with signed JWT failed",
     KEYCLOAK_APP "Keys: import the certificate of DirectoryCertificateFile="},
    {KEYCLOAK, "Unable to load public key",
     KEYCLOAK_APP "Keys: import the certificate of DirectoryCertificateFile="},
    {KEYCLOAK, "HTTP 403 Forbidden", VIEW_USERS},
    {KEYCLOAK, "nobody can be seen", VIEW_USERS},
    {KEYCLOAK, "Realm not found.",
     "DirectoryUrl= must be https://HOST/admin/realms/REALM, of the realm in Issuer="},
    {KEYCLOAK, "unauthorized_client",
     "Keycloak, Clients, your client, Settings, Capability config: "
     "OAuth 2.0 Device Authorization Grant = On"},
    {KEYCLOAK, "invalid_client",
     "Keycloak, Clients, your client: Client ID is ClientId=; with Client authentication On, "
     "Credentials has what ClientSecretFile= holds"},
    {KEYCLOAK, "no role",
     "Keycloak, Clients, your client, Client scopes, the dedicated one, Add mapper, User Realm "
     "Role: Add to ID token = On; then Users, the person, Role mapping"},
    {ENTRA, "no role",
     ENTRA_APP "App roles: Value is Role=; then Enterprise apps, your app, Users and groups: "
               "assign the role"},
    {ANY, "no role",
     "let the provider write people's roles into the claim RolesClaim= of the ID token, spelt as "
     "Role= is"},
    /* OAuth */
    {ANY, "invalid_client", 
     "compare ClientId= and ClientSecretFile= with the registration, or of the directory "
     "DirectoryClientId= and DirectorySecretFile="},
    {ANY, "unauthorized_client", "allow this client the device code flow at the provider"},
    {ANY, "unsupported_grant_type", "allow this client the device code flow at the provider"},
    {ANY, "invalid_scope", "Scope= must name only what the provider offers"},
    /* On the way */
    {ANY, "host name not found",
     "compare Issuer= with the provider's address; getent hosts NAME; see /etc/resolv.conf"},
    {ANY, "proxy: wants a name and password",
     "ask who runs the proxy for both, and write NAME:PASSWORD into the file of ProxySecretFile="},
    {ANY, "proxy secret",
     "the file of ProxySecretFile= holds one line NAME:PASSWORD, and is readable by the user rcpch "
     "and by nobody else: chown rcpch: FILE; chmod 0400 FILE"},
    {ANY, "proxy: refused",
     "ask who runs the proxy to let this host through to the provider, or name it in NoProxy="},
    {ANY, "proxy", "correct Proxy=; see whether it answers: curl -vx PROXY ISSUER"},
    {ANY, "connection refused", FIREWALL},
    {ANY, "timed out", FIREWALL},
    {ANY, "it has expired",
     "timedatectl: is this host's date right? If so, the provider must renew its certificate"},
    {ANY, "it is not valid yet", "timedatectl: is this host's date right?"},
    {ANY, "it is for another name", "compare Issuer= with the provider's address"},
    {ANY, "certificate not trusted",
     "name the provider's certificate authority in CaFile=, or: apt install ca-certificates"},
    {ANY, "CA file not readable",
     "CaFile= must hold certificates (-----BEGIN CERTIFICATE-----) and be readable by the user "
     "rcpch: chmod 0644 FILE"},
    {ANY, "TLS handshake failed",
     "the provider, or a proxy in between, must speak TLS 1.2 or newer"},
    {ANY, "http 401",
     "what proves who asks is refused: renew what DirectoryTokenFile= holds, or compare the "
      "client's "
     "registration"},
    {ANY, "http 403", "allow the directory's client, or its token, to read people and groups"},
    {ANY, "http 404", "correct the address: Issuer=, OidcUrl=, or the endpoint's own key"},
    {ANY, "http 301", REDIRECT},
    {ANY, "http 302", REDIRECT},
    {ANY, "http 307", REDIRECT},
    {ANY, "http 308", REDIRECT},
    {ANY, "http 429", "the provider is throttling this host: wait, and see RequestsPerMinute="},
};

static bool is_in(const char *text, const char *what)
{
    size_t size = strlen(what);

    for (const char *at = text; (at = strstr(at, what)); at += size)
        if ((at == text || strchr(" :", at[-1])) && (at[size] == '\0' || strchr(" :", at[size])))
            return true;
    return false;
}

const char *provider_mend(ProviderType type, const char *what)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if ((rows[i].types & 1u << type) && is_in(what, rows[i].what))
            return rows[i].mend;
    return "journalctl -u rcpch-helper -n 20; ask who runs the provider";
}
