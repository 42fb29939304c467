/*
 * Configuration: what is read, and what is refused with which words. Every row of `refused` is a
 * small file and the message an administrator gets for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/config/config.h"
#include "helper/config/config-keys.h"
#include "helper/base/text-list.h"

#define SEC  UINT64_C(1000000)
#define HOUR (3600 * SEC)

#define PROVIDER "[provider p]\nIssuer=https://login.example.org\nClientId=host\n"
#define GROUPS   "[group staff]\nId=g-staff\n[group admins]\nId=g-admins\nLocalGroup=adm\n"
#define KEYCLOAK                                                                                   \
    "[provider p]\nType=keycloak\nIssuer=https://a.example/realms/r\nClientId=x\n"                 \
    "Directory=keycloak\nDirectoryClientId=d\nDirectorySecretFile=/s\n"
#define SCIM     "Directory=scim\nDirectoryUrl=https://a.example/scim/v2\n"

typedef struct Fixture {
    char dir[64], file[80], drop_ins[80];
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->dir, "/tmp/test-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->file, sizeof(fixture->file), "%s/rcpch.conf", fixture->dir);
    snprintf(fixture->drop_ins, sizeof(fixture->drop_ins), "%s/conf.d", fixture->dir);
    assert_int_equal(mkdir(fixture->drop_ins, 0755), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    char command[128];

    snprintf(command, sizeof(command), "rm -rf -- '%s'", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void write_bytes(const char *path, const char *text, size_t size)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
}

static void write_file(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static void write_drop_in(const Fixture *fixture, const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", fixture->drop_ins, name);
    write_file(path, text);
}

static Config *read_good(const Fixture *fixture, const char *text)
{
    ConfigMessages messages = {0};
    Config *config = NULL;

    write_file(fixture->file, text);
    int r = config_read(fixture->file, fixture->drop_ins, false, &config, &messages);
    for (size_t i = 0; r < 0 && i < messages.count; i++)
        print_message("%s\n", messages.lines[i]);
    assert_int_equal(r, 0);
    config_messages_clear(&messages);
    return config;
}

static bool has_message(const ConfigMessages *messages, const char *text)
{
    for (size_t i = 0; i < messages->count; i++) {
        if (strstr(messages->lines[i], text))
            return true;
    }
    return false;
}

static void assert_message(const ConfigMessages *messages, const char *text)
{
    if (has_message(messages, text))
        return;
    print_error("missing: %s\n", text);
    for (size_t i = 0; i < messages->count; i++)
        print_error("  there: %s\n", messages->lines[i]);
    fail();
}

static void assert_refused(const Fixture *fixture, const char *text, const char *message)
{
    ConfigMessages messages = {0};
    Config *config = NULL;

    write_file(fixture->file, text);
    int r = config_read(fixture->file, fixture->drop_ins, false, &config, &messages);
    if (r != -EBADMSG)
        print_error("not refused (%d): %s\n", r, text);
    assert_int_equal(r, -EBADMSG);
    assert_null(config);
    assert_message(&messages, message);
    config_messages_clear(&messages);
}

static void assert_warned(const Fixture *fixture, const char *text, const char *message)
{
    ConfigMessages messages = {0};
    _cleanup_(config_freep) Config *config = NULL;

    write_file(fixture->file, text);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), 0);
    assert_message(&messages, message);
    assert_message(&messages, "warning: ");
    config_messages_clear(&messages);
}

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
        "ClientId=id\nScope=openid\nPrompt=login\nDomains=RCPCH.ac.uk, example.org\nDomains=three.example\n"
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
        "[service screen]\nUnprivileged=true\n"
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

typedef struct Refused {
    const char *text, *message;
} Refused;

static const Refused refused[] = {
    /* what is written */
    {"[provider p]\nIsuer=x\n",
     "/rcpch.conf:2: unknown key 'Isuer' in [provider p]; did you mean 'Issuer'?"},
    {"[provider p]\nissuer=x\n", "did you mean 'Issuer'?"},
    {"[acess]\nAllowAll=yes\n", "rcpch.conf:1: unknown section [acess]; did you mean [access]?"},
    {"[nothing-like-it]\n", "unknown section [nothing-like-it]"},
    {"[access]\nIssuer=x\n", "it belongs into [provider]"},
    {"[access]\nQqqqqqqqqqqq=x\n", "unknown key 'Qqqqqqqqqqqq' in [access]"},
    {"AllowAll=yes\n", "rcpch.conf:1: 'AllowAll' stands before the first [section]"},
    {"[access]\nAllowAll\n", "rcpch.conf:2: is neither [section] nor Key=Value"},
    {"[access]\nAllowAll: yes\n", "is neither [section] nor Key=Value"},
    {"[access]\n=yes\n", "is neither [section] nor Key=Value"},
    {"[access\n", "a section heading ends in ']'"},
    {"[provider]\n", "[provider] needs a name"},
    {"[access x]\n", "[access] takes no name"},
    {"[access]\nAllowAll=\"yes\"\n", "is in quotes"},
    {"[access]\nAllowAll=yes ; really\n", "a comment needs a line of its own"},
    {"[access]\nAllowGroups=a \\\n b\n", "a value cannot go on in the next line"},
    {"[access]\nAllowAll=y\x01s\n", "holds a control character"},
    {"\xef\xbb\xbf[access]\nAllowAll=yes\n", "byte-order mark"},
    {"[totp]\nDigit=6\n", "unknown key 'Digit' in [totp]; did you mean 'Digits'?"},
    {"[totp]\nDigits=9\n", "Digits"},
    {"[totp]\nAlgorithm=md5\n", "Algorithm"},
    /* single values */
    {"[access]\nAllowAll=perhaps\n", "[access] AllowAll=perhaps is neither yes nor no"},
    {"[access]\nAllowAll=\n", "is neither yes nor no"},
    {"[access]\nLogins=0\n", "is not between 1 and 256"},
    {"[access]\nLogins=257\n", "is not between 1 and 256"},
    {"[access]\nLogins=-1\n", "is not a number"},
    {"[access]\nLogins=0x10\n", "is not a number"},
    {"[access]\nLogins=99999999999999999999999\n", "is not between"},
    {"[access]\nShowQr=maybe\n", "is none of: utf8 ascii no"},
    {"[revocation]\nKillLoginUid=yes\n", "is none of: sessions all no"},
    {"[user bob]\nKillServices=perhaps\n", "is neither yes nor no"},
    {"[provider p]\nType=Entra\n", "is none of: generic entra keycloak"},
    {"[provider p]\nMethods=\n", "names no method"},
    {"[provider p]\nMethods=device device\n", "names a method twice"},
    {"[provider p]\nMethods=carrier-pigeon\n", "is none of: device"},
    {"[provider p]\nPrompt=none\n", "is none of: default no consent login"},
    {"[provider p]\nCaFile=ca.pem\n", "is not an absolute path"},
    {"[provider p]\nClockSkewSec=601\n", "is not between 0 and 10m"},
    {"[provider p]\nHttpTimeoutSec=2h\n", "is not between 1s and 1m"},
    {"[revocation]\nMaxUnconfirmed=8x\n", "is not a duration such as 30s, 15m or 8h"},
    {"[revocation]\nMaxUnconfirmed=\n", "is not a duration"},
    {"[revocation]\nMaxUnconfirmed=99999999999999999999\n", "is not between"},
    {"[revocation]\nMaxUnconfirmed=999999999999999999 w\n", "is not between"},
    {"[revocation]\nCheckTimeoutMs=5000\n", "is not between 100ms and 4s 500ms"},
    {"[revocation]\nOnRevoked=grace:soon\n", "needs a duration"},
    {"[revocation]\nOnRevoked=grace:2d\n", "needs a duration of at most a day"},
    {"[revocation]\nOnRevoked=grace\n", "is none of: end keep grace:DURATION"},
    /* providers */
    {"[provider p]\nClientId=x\n", "[provider p] Issuer= is missing"},
    {"[provider p]\nIssuer=https://a.example\n", "[provider p] ClientId= is missing"},
    {"[provider ../x]\nIssuer=https://a.example\nClientId=x\n", "a name is made of letters"},
    {PROVIDER "JwksUri=http://a.example/k\n", "is not https; http is for loopback addresses only"},
    {PROVIDER "JwksUri=http://127.0.0.1/k\n", "needs AllowInsecureLoopback=yes"},
    {PROVIDER "AllowInsecureLoopback=yes\nJwksUri=http://127.evil.example/k\n", "loopback"},
    {PROVIDER "AllowInsecureLoopback=yes\nJwksUri=http://localhost.evil.example/k\n", "loopback"},
    {PROVIDER "AllowInsecureLoopback=yes\nJwksUri=http://[::1].evil.example/\n", "loopback"},
    {PROVIDER "AllowInsecureLoopback=yes\nJwksUri=http://localhost@evil.example/\n", "user name"},
    {PROVIDER "Directory=graph\n", "needs Type=entra or entra-external-id"},
    {PROVIDER "AutoProvisionGroups=nobodys\n", "there is no [group nobodys]"},
    {PROVIDER "Directory=graph\n", "DirectoryClientId= is missing, and Directory= is set"},
    {PROVIDER "Directory=graph\n", "DirectorySecretFile= are missing, and Directory= is set"},
    {PROVIDER "Directory=graph\nDirectoryUrl=http://g.example\n", "DirectoryUrl= is not https"},
    {PROVIDER "Directory=graph\nDirectorySecretFile=/a\nDirectoryCertificateFile=/b\n",
     "one of them is too many"},
    {PROVIDER "Directory=graph\nDirectoryTokenFile=/a\n", "is not for this Directory="},
    {PROVIDER "Directory=scim\n", "DirectoryUrl= is missing, and Directory= is set"},
    {PROVIDER SCIM, "DirectoryClientId= is missing"},
    {PROVIDER SCIM "DirectoryTokenFile=/a\nDirectoryClientId=x\n", "one of them is too many"},
    {PROVIDER SCIM "DirectoryTokenFile=/a\nDirectorySecretFile=/b\n", "one of them is too many"},
    {PROVIDER SCIM "DirectoryTokenEndpoint=http://a.example\n",
     "DirectoryTokenEndpoint= is not https"},
    {"[provider p]\nType=entra-b2c\nIssuer=https://a.example/x/v2.0\nClientId=x\n" SCIM,
     "is scim, which needs Type=generic, keycloak or okta"},
    {PROVIDER "Directory=keycloak\n", "is keycloak, which needs Type=keycloak and IdClaim=sub"},
    {KEYCLOAK "IdClaim=email\n", "is keycloak, which needs Type=keycloak and IdClaim=sub"},
    {KEYCLOAK "[group g]\nId=/staff\n", "[group g] Id= is a path, which changes"},
    {"[provider p]\nType=keycloak\nIssuer=https://a.example/x\nClientId=x\nDirectory=keycloak\n",
     "DirectoryUrl= is missing, and Directory= is set"},
    {PROVIDER "Directory=okta\nDirectoryTokenFile=/a\n", "is okta, which needs Type=okta"},
    {PROVIDER SCIM "DirectoryTokenFile=/a\nMatchBy=email\n", "is not for this Directory="},
    {PROVIDER "Type=okta\nDirectory=okta\nDirectoryTokenFile=/a\nMatchBy=phone\n",
     "is not for this Directory="},
    {PROVIDER "Type=okta\nIdClaim=uid\nDirectory=okta\nDirectoryTokenFile=/a\n", "IdClaim=sub"},
    {PROVIDER "Directory=ldap\n", "is none of: none graph keycloak scim okta"},
    {"[revocation]\nDirectoryPollSec=0\n", "is not between"},
    {PROVIDER "JwksUri=ftp://a.example/k\n", "is not an https:// address"},
    {PROVIDER "JwksUri=https:///k\n", "names no host"},
    {PROVIDER "JwksUri=https://a.example/k#x\n", "must not hold a '#'"},
    {PROVIDER "JwksUri=https://a.example/k x\n", "holds a character"},
    {PROVIDER "Issuer=https://a.example/?x=y\n", "must not hold a '?'"},
    {PROVIDER "Proxy=proxy.example\n", "is none of http://"},
    {PROVIDER "Proxy=socks5://proxy.example\n", "is none of http://"},
    {PROVIDER "Proxy=http://\n", "Proxy= names no host"},
    {PROVIDER "Proxy=http://me:secret@proxy.example:3128\n", "ProxySecretFile= names a file"},
    {PROVIDER "Proxy=http://proxy.example:\n", "is more than scheme, host and port"},
    {PROVIDER "Proxy=http://proxy.example:312800\n", "is more than scheme, host and port"},
    {PROVIDER "Proxy=http://proxy.example:3128/x\n", "is more than scheme, host and port"},
    {PROVIDER "Proxy=http://proxy.example:3128?x\n", "is more than scheme, host and port"},
    {PROVIDER "Proxy=http://proxy .example\n", "holds a character"},
    {PROVIDER "Proxy=http://p.example\nNoProxy=ok.example 10.0.0.1/8\n",
     "'10.0.0.1/8' has bits set behind its prefix"},
    {PROVIDER "Proxy=http://p.example\nNoProxy=*.example\n", "is neither a host name, nor"},
    {PROVIDER "ProxySecretFile=secret\n", "is not an absolute path"},
    {PROVIDER "Domains=not_a_domain!\n", "is not a domain"},
    {"[provider p]\nType=entra\nIssuer=https://login.microsoftonline.com/common/v2.0\nClientId=x\n",
     "does not name one tenant"},
    {PROVIDER "[provider q]\nIssuer=https://q.example\nClientId=x\nDomains=q.example\n",
     "Domains= is needed when there is more than one provider"},
    {PROVIDER "Domains=a.example\n[provider q]\nIssuer=https://q.example\nClientId=x\n"
              "Domains=A.example\n",
     "a.example is also in [provider p]"},
    {PROVIDER "Domains=a.example\n[provider q]\nIssuer=https://login.example.org\nClientId=x\n"
              "Domains=b.example\n",
     "Issuer= is the same as in [provider p]"},
    /* groups */
    {"[group staff]\n", "rcpch.conf:1: [group staff] Id= is missing"},
    {"[group Staff]\nId=x\n", "is not a group's name"},
    {"[group a:b]\nId=x\n", "is not a group's name"},
    {PROVIDER "[group a]\nId=x\nProvider=q\n",
     "rcpch.conf:6: [group a] Provider= q is no [provider] section"},
    {"[group a]\nId=x\n[group b]\nId=x\n", "rcpch.conf:4: [group b] Id= is also that of [group a]"},
    {PROVIDER "[group a]\nId=x\n[group b]\nId=x\nProvider=p\n", "is also that of [group a]"},
    {"[group a]\nId=x\nLocalGroup=docker\n", "docker is as good as root"},
    {"[group a]\nId=x\nLocalGroup=sudo\n", "AllowPrivilegedLocalGroup=yes"},
    {"[group a]\nId=x\nLocalGroup=../x\n", "is not a group's name"},
    {"[group a]\nId=x\nGid=500\n", "[group a] Gid= 500 belongs to local users"},
    {"[group a]\nId=x\nGid=1900000000\n[group b]\nId=y\nGid=1900000000\n",
     "Gid= is also that of [group a]"},
    /* users */
    {"[user Bob]\n", "is not an account's name"},
    {"[user bob]\nUid=0\n", "is not between 1"},
    {"[user bob]\nUid=500\n", "500 belongs to"},
    {"[user bob]\nUid=61184\n", "belongs to systemd's dynamic users"},
    {"[user bob]\nUid=65534\n", "belongs to nobody"},
    {"[user bob]\nUid=600000\n", "containers"},
    {"[user bob]\nUid=4294967295\n", "is not between"},
    {"[user bob]\nUid=1900000001\n[user eve]\nUid=1900000001\n", "is also that of [user bob]"},
    {"[user bob]\nUid=1900000001\n[group a]\nId=x\nGid=1900000001\n", "is also the Gid="},
    {"[user bob]\nDirectory=alice\n", "is not a name such as alice@rcpch.ac.uk"},
    {"[user root]\nDirectory=alice@rcpch.ac.uk\n", "root is never tied"},
    {"[user bob]\nDirectory=a@b.example\nUid=1900000001\n", "keeps its uid"},
    {"[user bob]\nHome=/home/../root\n", "is not an absolute path"},
    /* access and services */
    {"[access]\nAllowGroups=staff\n", "[access] AllowGroups= 'staff' is no [group] section"},
    {"[access]\nAllowUsers=Alice\n", "is not an account's name"},
    {GROUPS "[service sudo]\nRequireGroups=admin\n", "'admin' is no [group] section"},
    {"[service sudo-i]\n", "is covered by [service sudo]"},
    {"[service ../sudo]\n", "is not a PAM service's name"},
    {"[service login]\nKeys=deny\n", "[service login] Keys= is for [service sshd] only"},
    {"[provider p]\nMatchBy=email name\n", "MatchBy= 'name' is none of: email phone"},
    {"[service sudo]\nRequireAuthContext=c1 c100\n",
     "[service sudo] RequireAuthContext= 'c100' is none of c1 to c99"},
    {"[service sudo]\nRequireAcr=g\u00f6ld\n", "RequireAcr= 'g\u00f6ld' is no value of acr"},
    {"[service sudo]\nRequirePrior=publickey\n",
     "[service sudo] RequirePrior= is for [service sshd] only"},
    {"[service sshd]\nAllowFrom=10.0.0.0/8 audit01\n",
     "[service sshd] AllowFrom= 'audit01' is neither an address"},
    {"[service sshd]\nAllowFrom=10.0.0.5/8\n", "'10.0.0.5/8' has bits set behind its prefix"},
    {"[service sshd]\nRequirePrior=hostbased\n", "is none of: no publickey"},
    {"[service sshd]\nKeys=no\n", "is none of: with-signin deny allow"},
    /* numbers */
    {"[identity]\nUidBase=1000\nUidCount=1000\n", "belong to local users"},
    {"[identity]\nUidBase=59000\nUidCount=1000\n", "belong to local users"},
    {"[identity]\nUidBase=60000\nUidCount=1000\n", "belong to homed"},
    {"[identity]\nUidBase=61000\nUidCount=1000\n", "belong to"},
    {"[identity]\nUidBase=65536\nUidCount=500000\n", "belong to containers"},
    {"[identity]\nUidBase=1879048191\nUidCount=10\n", "belong to containers"},
    {"[identity]\nUidBase=1879048192\nUidCount=268435456\n", "belong to foreign"},
    {"[identity]\nUidBase=4294967294\nUidCount=4294967294\n", "belong to reserved"},
    {"[identity]\nHomeTemplate=/home\n", "must hold %u once"},
    {"[identity]\nHomeTemplate=/home/%u/%s\n", "must hold %u once"},
    {"[identity]\nHomeTemplate=/home/%s\n", "must hold %u once"},
    {"[identity]\nHomeTemplate=home/%u\n", "is not an absolute path"},
    {"[identity]\nHomeTemplate=/home/../%u\n", "is not an absolute path"},
};

static void refusals(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(refused); i++)
        assert_refused(*state, refused[i].text, refused[i].message);
}

static void warnings(void **state)
{
    assert_warned(*state, "", "rcpch.conf: warning: there is no [provider] section");
    assert_warned(*state, "[access]\n", "rcpch.conf:1: warning: [access] allows nobody");
    assert_warned(*state, "[revocation]\nMaxUnconfirmed=10m\nOfflineGrace=1h\n",
                  "rcpch.conf:3: warning: [revocation] OfflineGrace= is longer");
    assert_warned(*state, "[revocation]\nMaxUnconfirmed=10s\nOfflineGrace=0\n", "everybody");
    assert_warned(*state, "[user bob]\nUid=1001\n", "useradd");
    assert_warned(*state, "[service sshd]\nKeys=allow\nMaxAuthAge=8h\n",
                  "rcpch.conf:2: warning: [service sshd] Keys= allows keys without a sign-in");
    assert_warned(*state,
                  "[provider p]\nIssuer=https://x.example\nClientId=c\nMatchBy=email,phone\n",
                  "[provider p] MatchBy= has no effect without Directory=");
    assert_warned(*state,
                  "[provider p]\nIssuer=https://x.example\nClientId=c\nUidClaim=uid_number\n",
                  "[provider p] UidClaim= is only compared: without a Directory=");
    assert_warned(*state, "[service cron]\nRequireAcr=gold\n",
                  "rcpch.conf:2: warning: [service cron] RequireAcr= lets nobody in: no sign-in");
    assert_warned(*state,
                  "[provider college]\nType=entra\nClientId=c\n"
                  "Tenant=9188040d-6c67-4c5b-b112-36a304b66dad\n"
                  "[service sudo]\nRequireAcr=gold\n",
                  "lets nobody of [provider college] in: its type needs RequireAuthContext=");
    assert_warned(*state,
                  "[provider college]\nIssuer=https://x.example\nClientId=c\n"
                  "[service sudo]\nRequireAuthContext=c1\n",
                  "lets nobody of [provider college] in: its type needs RequireAcr=");
    assert_warned(*state, "[service su]\nAllowFrom=10.0.0.0/8\n", "AllowFrom= has no 'local'");
    assert_warned(*state, "[user deploy]\nDirectory=alice@elsewhere.example\n",
                  "rcpch.conf:2: warning: [user deploy] Directory= no [provider] section");
}

/* Keycloak's attributes tell both: keycloak-page.c. */
static void keycloak_tells_phones_and_numbers(void **state)
{
    const Fixture *fixture = *state;
    ConfigMessages messages = {0};
    _cleanup_(config_freep) Config *config = NULL;

    write_file(fixture->file, KEYCLOAK "UidClaim=uidNumber\nMatchBy=phone\n");
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), 0);
    assert_false(has_message(&messages, "UidClaim="));
    assert_false(has_message(&messages, "MatchBy="));
    config_messages_clear(&messages);
}

/* One run shows every mistake, and the number of messages is bounded. */
static void all_mistakes_at_once(void **state)
{
    Fixture *fixture = *state;
    ConfigMessages messages = {0};
    Config *config = NULL;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    fprintf(stream, "[access]\n");
    for (int i = 0; i < 500; i++)
        fprintf(stream, "Wrong%d=1\n", i);
    fclose(stream);
    write_file(fixture->file, text);
    free(text);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_int_equal(messages.count, CONFIG_MESSAGES_MAX);
    assert_message(&messages, ":2: unknown key 'Wrong0'");
    assert_message(&messages, ":101: unknown key 'Wrong99'");
    config_messages_clear(&messages);
}

static void drop_ins_in_byte_order(void **state)
{
    Fixture *fixture = *state;

    write_drop_in(fixture, "20-b.conf", "[identity]\nShell=/bin/b\n[access]\nAllowUsers=bob\n");
    write_drop_in(fixture, "10-a.conf", "[identity]\nShell=/bin/a\n[access]\nAllowUsers=amy\n");
    write_drop_in(fixture, "5-c.conf", "[provider p]\nClientId=other\n");
    write_drop_in(fixture, "99-no.txt", "[identity]\nShell=/bin/no\n");
    write_drop_in(fixture, ".hidden.conf", "[identity]\nShell=/bin/no\n");
    _cleanup_(config_freep) Config *config = read_good(fixture, PROVIDER);
    assert_string_equal(config->shell, "/bin/b");
    assert_int_equal(config->provider_count, 1);
    assert_string_equal(config->providers[0].client_id, "other");
    assert_int_equal(text_list_count(config->allow_users), 2);
    assert_string_equal(config->allow_users[0], "amy");

    write_drop_in(fixture, "30-d.conf", "[access]\nAllowUsers=\nAllowUsers=eve\n");
    _cleanup_(config_freep) Config *reset = read_good(fixture, PROVIDER);
    assert_int_equal(text_list_count(reset->allow_users), 1);
    assert_string_equal(reset->allow_users[0], "eve");

    write_drop_in(fixture, "40-e.conf", "AllowUsers=x\n");
    assert_refused(fixture, PROVIDER, "conf.d/40-e.conf:1: 'AllowUsers' stands before");
}

static void long_lines(void **state)
{
    Fixture *fixture = *state;
    char text[CONFIG_LINE_MAX * 2], name[NAME_FULL_MAX + 1];

    /* inih by itself cuts section names at 49 bytes and lines at 200. */
    memset(name, 'a', sizeof(name));
    memcpy(name + 150, "@example.org", 13);
    snprintf(text, sizeof(text), "[user %s]\nUid=1900000001\n", name);
    _cleanup_(config_freep) Config *config = read_good(fixture, text);
    assert_int_equal(config_user(config, name)->uid, 1900000001);

    memset(text, 'x', sizeof(text));
    memcpy(text, "[access]\nAllowUsers=", 20);
    text[sizeof(text) - 2] = '\n';
    text[sizeof(text) - 1] = '\0';
    assert_refused(fixture, text, "rcpch.conf:2: is too long");
}

static void owner_and_mode(void **state)
{
    Fixture *fixture = *state;
    ConfigMessages messages = {0};
    _cleanup_(config_freep) Config *config = NULL;

    write_file(fixture->file, PROVIDER);
    assert_int_equal(chmod(fixture->file, 0664), 0);
    assert_int_equal(config_read(fixture->file, NULL, true, &config, &messages), -EBADMSG);
    assert_message(&messages, geteuid() == 0 ? "has mode 0664; take away 0020" : "not to root");
    config_messages_clear(&messages);
    if (geteuid() != 0)
        return;
    assert_int_equal(chmod(fixture->file, 0640), 0);
    assert_int_equal(config_read(fixture->file, NULL, true, &config, &messages), 0);
    config_messages_clear(&messages);
    assert_int_equal(chown(fixture->file, 1, 0), 0);
    assert_int_equal(config_read(fixture->file, NULL, true, &config, &messages), -EBADMSG);
    assert_message(&messages, "belongs to user 1, not to root");
    config_messages_clear(&messages);
    assert_int_equal(chown(fixture->file, 0, 0), 0);
    assert_int_equal(chmod(fixture->drop_ins, 0777), 0);
    assert_int_equal(config_read(fixture->file, fixture->drop_ins, true, &config, &messages),
                     -EBADMSG);
    assert_message(&messages, "conf.d: has mode 0777; take away 0022");
    config_messages_clear(&messages);
}

static void odd_files(void **state)
{
    Fixture *fixture = *state;
    ConfigMessages messages = {0};
    Config *config = NULL;
    char target[96];

    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "cannot be opened: No such file");
    config_messages_clear(&messages);

    snprintf(target, sizeof(target), "%s/target", fixture->dir);
    write_file(target, PROVIDER);
    assert_int_equal(symlink(target, fixture->file), 0);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "is a symbolic link");
    config_messages_clear(&messages);

    assert_int_equal(unlink(fixture->file), 0);
    assert_int_equal(mkfifo(fixture->file, 0600), 0);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "is not a regular file");
    config_messages_clear(&messages);

    assert_int_equal(unlink(fixture->file), 0);
    write_bytes(fixture->file, "[access]\0\n", 10);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "holds a NUL byte");
    config_messages_clear(&messages);

    char *big = calloc(1, CONFIG_FILE_MAX + 1);
    assert_non_null(big);
    memset(big, '\n', CONFIG_FILE_MAX + 1);
    write_bytes(fixture->file, big, CONFIG_FILE_MAX + 1);
    free(big);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
    assert_message(&messages, "is larger than");
    config_messages_clear(&messages);
    assert_null(config);
}

/* --- bytes that nobody meant ------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Changes some bytes of a good file, cuts some out or repeats some. */
static size_t mutate(char *text, size_t size, size_t capacity, uint32_t *seed)
{
    static const char bytes[] = "=[]#;:\n\r\t \\\"'%/@-\x01\x7f\xff\xc3" "aZ09";
    unsigned changes = 1 + next_random(seed) % 4;

    for (unsigned i = 0; i < changes && size > 8; i++) {
        size_t at = next_random(seed) % (size - 4), count = 1 + next_random(seed) % 4;
        unsigned kind = next_random(seed) % 3;
        if (kind == 0) {
            text[at] = bytes[next_random(seed) % (sizeof(bytes) - 1)];
        } else if (kind == 1) {
            memmove(text + at, text + at + count, size - at - count);
            size -= count;
        } else if (size + count < capacity) {
            memmove(text + at + count, text + at, size - at);
            size += count;
        }
    }
    return size;
}

static void mutated_files(void **state)
{
    static const char good[] =
        PROVIDER "Domains=a.example b.example\nMethods=device\nCaFile=/etc/ca.pem\n" GROUPS
        "[user bob]\nUid=1900000001\nHome=/home/bob\n[service sudo]\nRequireGroups=admins\n"
        "MaxAuthAge=8h\n[access]\nAllowGroups=staff\nAllowUsers=bob\nShowQr=utf8\n"
        "[identity]\nUidBase=1879048192\nUidCount=1000\nHomeTemplate=/home/%u\n"
        "[revocation]\nOnRevoked=grace:15m\nFreshSec=1min 30s\nEndOnExpiry=yes\n";
    Fixture *fixture = *state;
    uint32_t seed = 20261121;
    unsigned accepted = 0;
    char text[sizeof(good) + 64];

    for (unsigned i = 0; i < 3000; i++) {
        ConfigMessages messages = {0};
        Config *config = NULL;
        memcpy(text, good, sizeof(good));
        write_bytes(fixture->file, text, mutate(text, sizeof(good) - 1, sizeof(text), &seed));
        int r = config_read(fixture->file, NULL, false, &config, &messages);
        assert_true(r == 0 || r == -EBADMSG);
        assert_true((r == 0) == (config != NULL));
        assert_true(r == 0 || messages.count > 0); /* never refused without a word */
        accepted += r == 0;
        config_free(config);
        config_messages_clear(&messages);
    }
    assert_true(accepted > 0 && accepted < 3000);
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

static void durations(void **state)
{
    static const struct {
        const char *text;
        uint64_t usec;
    } good[] = {
        {"30", 30 * SEC},     {"0", 0},
        {"8h", 8 * HOUR},     {"15m", 900 * SEC},
        {"15 min", 900 * SEC}, {"1h30m", HOUR + 1800 * SEC},
        {"1h 30min 5", HOUR + 1805 * SEC}, {"250ms", SEC / 4},
        {"1d", 24 * HOUR},    {"2w", 14 * 24 * HOUR},
        {"7us", 7},           {" 5 s ", 5 * SEC},
    };
    static const char *const bad[] = {"", " ", "h", "8x", "-1", "1.5h", "8H", "1h,", "+3", "1e3"};
    uint64_t usec = 42;

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        assert_int_equal(config_parse_duration(good[i].text, SEC, &usec), 0);
        assert_int_equal(usec, good[i].usec);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_int_equal(config_parse_duration(bad[i], SEC, &usec), -EINVAL);
    assert_int_equal(config_parse_duration("18446744073709551615", SEC, &usec), -ERANGE);
    assert_int_equal(config_parse_duration("18446744073709551616us", SEC, &usec), -ERANGE);
}

static void booleans(void **state)
{
    static const char *const yes[] = {"1", "yes", "Y", "TRUE", "t", "on"};
    static const char *const no[] = {"0", "no", "N", "False", "f", "OFF"};
    bool value;

    for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
        assert_int_equal(config_parse_boolean(yes[i], &value), 0);
        assert_true(value);
        assert_int_equal(config_parse_boolean(no[i], &value), 0);
        assert_false(value);
    }
    assert_int_equal(config_parse_boolean("2", &value), -EINVAL);
    assert_int_equal(config_parse_boolean("yess", &value), -EINVAL);
}

static void edit_distances(void **state)
{
    char long_text[100];

    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    assert_int_equal(config_edit_distance("", ""), 0);
    assert_int_equal(config_edit_distance("abc", ""), 3);
    assert_int_equal(config_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(config_edit_distance("Isuser", "Issuer"), 1); /* neighbours swapped */
    assert_int_equal(config_edit_distance("ISSUER", "issuer"), 0);
    assert_int_equal(config_edit_distance(long_text, "a"), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keycloaks_directory_is_the_realms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(warnings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keycloak_tells_phones_and_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_mistakes_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(drop_ins_in_byte_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owner_and_mode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(odd_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mutated_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_shipped_file, set_up, tear_down),
        cmocka_unit_test(the_manual_knows_every_key),
        cmocka_unit_test(durations),
        cmocka_unit_test(booleans),
        cmocka_unit_test(edit_distances),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
