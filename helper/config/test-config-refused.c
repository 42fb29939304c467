/*
 * What is refused, and what is warned of, with which words. Every row of `refused` is a small file
 * and the message an administrator gets for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/config/test-config-fixture.h"

#define SCIM     "Directory=scim\nDirectoryUrl=https://a.example/scim/v2\n"

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
    {"[totp]\nAllowSharedTotp=some\n", "[totp] AllowSharedTotp=some is neither yes nor no"},
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
    {"[service sudo]\nMethods=\n", "names no method"},
    {"[service sudo]\nMethods=bearer bearer\n", "names a method twice"},
    {"[service sudo]\nMethods=carrier-pigeon\n", "is none of: device"},
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
    {"[provider p]\nClientId=x # the host's\n", "holds a '#'; comments stand on lines of"},
    {"[access]\nAllowGroups=staff # ours\n", "holds a '#'; comments stand on lines of"},
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
    {PROVIDER "Directory=graph\n", "needs Type=entra, entra-external-id or entra-b2c"},
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
    {"[provider p]\nMethods=device\n[service sudo]\nMethods=device bearer\n",
     "rcpch.conf:4: [service sudo] Methods= 'bearer' is in Methods= of no [provider] section"},
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
    assert_warned(*state,
                  "[provider college]\nIssuer=https://x.example\nClientId=c\nMethods=browser\n"
                  "ApiAudience=api://x\n"
                  "[service-account d]\nClientId=d\nLocalUser=d\n[service sudo]\nMethods=bearer\n",
                  "Methods= lets nobody of [provider college] sign in: its own Methods= names");
    assert_warned(*state, "[token]\nVerifyUsers=root nobody-knows\n",
                  "rcpch.conf:2: warning: [token] VerifyUsers= 'nobody-knows' is no local user");
    assert_warned(*state, "[service su]\nAllowFrom=10.0.0.0/8\n", "AllowFrom= has no 'local'");
    assert_warned(*state, "[user deploy]\nDirectory=alice@elsewhere.example\n",
                  "rcpch.conf:2: warning: [user deploy] Directory= no [provider] section");
}

static void warnings_of_what_is_likely_meant(void **state)
{
    assert_warned(*state,
                  "[provider p]\nClientId=c\nIssuer=https://login.microsoftonline.com/"
                  "7f1c5a50-0000-4000-8000-000000000000/v2.0\n",
                  "rcpch.conf:1: warning: [provider p] Type= is not entra");
    assert_warned(*state,
                  "[provider p]\nType=entra\nTenant=9188040d-6c67-4c5b-b112-36a304b66dad\n"
                  "ClientId=c\n[group staff]\nId=Audit staff\n",
                  "rcpch.conf:6: warning: [group staff] Id= audit staff is no Object ID");
}

/* Not in the configuration of a test that looks at no host, and with what every host has. */
static void warnings_about_this_host(void **state)
{
    static const char text[] =
        PROVIDER "ApiAudience=api://x\n[user rcpch-nobody]\nDirectory=alice@elsewhere.example\n"
        "[service-account d]\nClientId=d\nLocalUser=rcpch-nothing\n"
        "[service rcpch-none]\nMaxAuthAge=1h\n[service other]\nMaxAuthAge=1h\n"
        "[user daemon]\nDirectory=bob@elsewhere.example\n";
    const Fixture *fixture = *state;
    ConfigMessages messages = {0};
    _cleanup_(config_freep) Config *config = NULL;

    write_file(fixture->file, text);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), 0);
    assert_false(has_message(&messages, "local account"));
    config_messages_clear(&messages);
    if (geteuid() != 0)
        return;
    assert_int_equal(chmod(fixture->file, 0640), 0);
    config_free(config);
    config = NULL;
    assert_int_equal(config_read(fixture->file, NULL, true, &config, &messages), 0);
    assert_true(has_message(&messages, "[user rcpch-nobody] Directory= ties a local account that"));
    assert_true(has_message(&messages, "LocalUser= is no local account of this host: useradd"));
    assert_true(has_message(&messages, "[service rcpch-none] has no effect: nothing here is this"));
    assert_false(has_message(&messages, "[service other]"));
    assert_false(has_message(&messages, "[user daemon] Directory= ties a local"));
    config_messages_clear(&messages);
}

/* One mistake, one line: what is made of an issuer is not blamed as well. */
static void a_wrong_issuer_is_said_once(void **state)
{
    static const char *const texts[] = {
        "[provider p]\nType=entra\nClientId=c\nIssuer=http://login.microsoftonline.com/"
        "7f1c5a50-0000-4000-8000-000000000000/v2.0\n",
        "[provider p]\nType=entra\nClientId=c\n[access]\nAllowAll=yes\n",
    };
    const Fixture *fixture = *state;

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        ConfigMessages messages = {0};
        Config *config = NULL;
        unsigned errors = 0;
        write_file(fixture->file, texts[i]);
        assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), -EBADMSG);
        for (size_t k = 0; k < messages.count; k++)
            errors += !strstr(messages.lines[k], "warning:");
        assert_int_equal(errors, 1);
        config_messages_clear(&messages);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(warnings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(warnings_of_what_is_likely_meant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(warnings_about_this_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_issuer_is_said_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keycloak_tells_phones_and_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_mistakes_at_once, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
