/*
 * Accounts: names and numbers that are refused, collisions, forgetting and coming back, binding
 * once, and who is allowed. Every case is checked again after a reload from the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/accounts/account.h"
#include "helper/config/config.h"
#include "helper/store/store.h"
#include "helper/store/store-carried.h"
#include "helper/base/text-list.h"
#include "helper/token/claims.h"

#define ISSUER "https://login.example.org"
#define BASE   "[provider p]\nIssuer=" ISSUER "\nClientId=host\n"

typedef struct Fixture {
    char dir[64], path[96];
    Secret *key;
    Store *store;
    Accounts *accounts;
    Config *config;
} Fixture;

static void reload(Fixture *fixture)
{
    fixture->accounts = accounts_free(fixture->accounts);
    fixture->store = store_free(fixture->store);
    snprintf(fixture->path, sizeof(fixture->path), "%s/state.db", fixture->dir);
    assert_int_equal(store_open(fixture->path, fixture->key, &fixture->store), 0);
    assert_int_equal(accounts_new(fixture->store, &fixture->accounts), 0);
}

static void configure(Fixture *fixture, const char *text)
{
    ConfigMessages messages = {0};

    snprintf(fixture->path, sizeof(fixture->path), "%s/rcpch.conf", fixture->dir);
    FILE *stream = fopen(fixture->path, "we");
    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
    fixture->config = config_free(fixture->config);
    assert_int_equal(config_read(fixture->path, NULL, false, &fixture->config, &messages), 0);
    config_messages_clear(&messages);
}

static int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->dir, "/tmp/test-account-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &fixture->key), 0);
    reload(fixture);
    configure(fixture, BASE);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    char command[128];

    accounts_free(fixture->accounts);
    store_free(fixture->store);
    config_free(fixture->config);
    secret_free(fixture->key);
    snprintf(command, sizeof(command), "rm -rf -- '%s'", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static int try_add(Fixture *fixture, const char *name, const AccountOptions *options,
                   Account **ret_account)
{
    const char *why = NULL;
    int r = accounts_add(fixture->accounts, fixture->config, &fixture->config->providers[0], name,
                         options, ret_account, &why);

    if (r < 0)
        assert_non_null(why);
    return r;
}

static Account *add(Fixture *fixture, const char *name, const AccountOptions *options)
{
    Account *account = NULL;

    assert_int_equal(try_add(fixture, name, options, &account), 0);
    assert_non_null(account);
    return account;
}

static void assert_refused(Fixture *fixture, const char *name, const AccountOptions *options,
                           int error)
{
    Account *account = NULL;
    size_t before = accounts_count(fixture->accounts);

    assert_int_equal(try_add(fixture, name, options, &account), error);
    assert_null(account);
    assert_int_equal(accounts_count(fixture->accounts), before);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void known_numbers(void **state)
{
    /* From an independent computation (Python's hashlib). */
    static const struct {
        const char *issuer, *id;
        uint32_t number;
    } vectors[] = {
        {ISSUER, "alice@rcpch.ac.uk", 1897103060},
        {ISSUER, "alice@example.org", 1951166235},
        {ISSUER, "9188040d-6c67-4c5b-b112-36a304b66dad/7c8807a2-0000-4000-8000-000000000001",
         2080048240},
        {ISSUER, "", 1896525926},
        {"https://login.rcpch.test:8443", "alice@rcpch.ac.uk", 2129214456},
        {"", "", 2057403032},
    };

    for (size_t i = 0; i < ELEMENTSOF(vectors); i++)
        assert_int_equal(number_of(vectors[i].issuer, vectors[i].id, UID_BASE_DEFAULT,
                                   UID_COUNT_DEFAULT), vectors[i].number);
    assert_int_equal(number_of(ISSUER, "x", 1000000, 1), 1000000);
    assert_int_equal(number_of(ISSUER, "x", 1000000, 0), 0);
    /* The separator belongs to the hash: parts cannot be moved across it. */
    assert_int_not_equal(number_of("ab", "c", 1, UINT32_MAX - 1),
                         number_of("a", "bc", 1, UINT32_MAX - 1));
}

/* --- adding ----------------------------------------------------------------------------------- */

static void a_new_account(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions options = {.full_name = "Alice Exämple"};
    Account *account = add(fixture, "alice@rcpch.ac.uk", &options);

    for (int round = 0; round < 2; round++) {
        assert_string_equal(account->name, "alice");
        assert_string_equal(account->directory_name, "alice@rcpch.ac.uk");
        assert_string_equal(account->provider, "p");
        assert_null(account->id);
        assert_int_equal(account->uid, 1897103060);
        assert_string_equal(account->home, "/home/alice");
        assert_string_equal(account->shell, "/bin/bash");
        assert_string_equal(account->gecos, "Alice Exämple");
        assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
        assert_false(stamp_is_set(&account->confirmed));
        assert_false(stamp_is_set(&account->verdict_since));
        assert_ptr_equal(accounts_find_uid(fixture->accounts, 1897103060), account);
        assert_null(accounts_find(fixture->accounts, "Alice"));
        reload(fixture);
        account = accounts_find(fixture->accounts, "alice");
        assert_non_null(account);
    }
    assert_refused(fixture, "alice@rcpch.ac.uk", NULL, -EEXIST);
    assert_refused(fixture, "alice@elsewhere.example", NULL, -EEXIST);
}

static void names_that_are_refused(void **state)
{
    Fixture *fixture = *state;
    static const char *const invalid[] = {
        "", "alice", "@rcpch.ac.uk", "alice@", "a@b@c", "Alice@rcpch.ac.uk", "alice@RCPCH.ac.uk",
        "al:ice@rcpch.ac.uk", "alice\n@rcpch.ac.uk", "../x@rcpch.ac.uk", "a/b@rcpch.ac.uk",
        "-rf@rcpch.ac.uk", "al ice@rcpch.ac.uk", "#1@rcpch.ac.uk", ".@rcpch.ac.uk",
        "..@rcpch.ac.uk", "z\xc3\xb6z@rcpch.ac.uk", "alice@rcpch ac.uk", "alice@../etc",
        "alice$@rcpch.ac.uk", "1alice@rcpch.ac.uk", "%s@rcpch.ac.uk",
        "this-name-is-longer-than-32-bytes@rcpch.ac.uk",
    };
    static const char *const taken[] = {"root@rcpch.ac.uk", "daemon@rcpch.ac.uk",
                                        "adm@rcpch.ac.uk"};
    char long_name[301];

    for (size_t i = 0; i < ELEMENTSOF(invalid); i++)
        assert_refused(fixture, invalid[i], NULL, -EINVAL);
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    memcpy(long_name + 150, "@b.", 3);
    assert_refused(fixture, long_name, NULL, -EINVAL);
    for (size_t i = 0; i < ELEMENTSOF(taken); i++)
        assert_refused(fixture, taken[i], NULL, -EEXIST);
    assert_int_equal(accounts_count(fixture->accounts), 0);
}

static void options_that_are_refused(void **state)
{
    Fixture *fixture = *state;
    static const AccountOptions bad[] = {
        {.id = ""}, {.id = "a b"}, {.id = "a\nb"}, {.id = "\xc3\xa9"},
        {.home = "relative"}, {.home = "/home/../root"}, {.home = "/a:b"}, {.home = "/a\nb"},
        {.shell = "bash"}, {.shell = "/bin/../sh"},
        {.full_name = "a:0:0"}, {.full_name = "a\nroot::0"}, {.full_name = "\xff"},
    };
    char long_shell[SHELL_MAX + 3];

    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        assert_refused(fixture, "alice@rcpch.ac.uk", &bad[i], -EINVAL);
    memset(long_shell, 'x', sizeof(long_shell) - 1);
    long_shell[0] = '/';
    long_shell[sizeof(long_shell) - 1] = '\0';
    const AccountOptions too_long = {.shell = long_shell};
    assert_refused(fixture, "alice@rcpch.ac.uk", &too_long, -EINVAL);
}

static void full_names_and_templates(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[identity]\nNameFormat=full\nHomeTemplate=/srv/%u/home\n"
                            "Shell=/bin/zsh\n");
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_string_equal(account->name, "alice@rcpch.ac.uk");
    assert_string_equal(account->home, "/srv/alice@rcpch.ac.uk/home");
    assert_string_equal(account->shell, "/bin/zsh");
    assert_int_equal(account->uid, 1897103060);
    assert_non_null(add(fixture, "alice@example.org", NULL));
}

static void pinned_users(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[user alice]\nUid=1900000001\nShell=/bin/sh\nHome=/srv/alice\n"
                            "[user bob]\nUid=1897103060\n[group staff]\nId=g\n");
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_int_equal(account->uid, 1900000001);
    assert_string_equal(account->shell, "/bin/sh");
    assert_string_equal(account->home, "/srv/alice");
    assert_int_equal(add(fixture, "bob@rcpch.ac.uk", NULL)->uid, 1897103060);
    assert_refused(fixture, "staff@rcpch.ac.uk", NULL, -EEXIST); /* a [group] has the name */
}

static void a_claimed_number(void **state)
{
    static const uint32_t impossible[] = {CLAIMED_UID_NONE, 1000, UID_BASE_DEFAULT - 1,
                                          UID_BASE_DEFAULT + UID_COUNT_DEFAULT};
    Fixture *fixture = *state;
    const AccountOptions first = {.uid = UID_BASE_DEFAULT};
    const AccountOptions last = {.uid = UID_BASE_DEFAULT + UID_COUNT_DEFAULT - 1};
    const Account *alice = add(fixture, "alice@rcpch.ac.uk", &first);

    assert_int_equal(alice->uid, UID_BASE_DEFAULT);
    assert_int_equal(add(fixture, "bob@rcpch.ac.uk", &last)->uid, last.uid);
    assert_refused(fixture, "carol@rcpch.ac.uk", &first, -EADDRINUSE);
    for (size_t i = 0; i < ELEMENTSOF(impossible); i++) {
        const AccountOptions options = {.uid = impossible[i]};
        assert_refused(fixture, "carol@rcpch.ac.uk", &options, -EINVAL);
    }
    assert_false(account_number_differs(alice, fixture->config, CLAIMED_UID_UNSAID));
    assert_false(account_number_differs(alice, fixture->config, alice->uid));
    assert_true(account_number_differs(alice, fixture->config, alice->uid + 1));
    assert_true(account_number_differs(alice, fixture->config, CLAIMED_UID_NONE));
}

static void collisions_refuse_the_newcomer(void **state)
{
    Fixture *fixture = *state;

    /* With 1,000 numbers u1 and u5 meet. */
    configure(fixture, BASE "[identity]\nUidBase=1879048192\nUidCount=1000\n");
    Account *first = add(fixture, "u1@example.org", NULL);
    assert_int_equal(first->uid, 1879048760);
    assert_refused(fixture, "u5@example.org", NULL, -EADDRINUSE);
    assert_null(accounts_find(fixture->accounts, "u5"));
    reload(fixture);
    assert_refused(fixture, "u5@example.org", NULL, -EADDRINUSE);

    /* A forgotten account's number stays taken. */
    assert_int_equal(account_forget(fixture->accounts, accounts_find(fixture->accounts, "u1")), 0);
    assert_refused(fixture, "u5@example.org", NULL, -EADDRINUSE);
    configure(fixture, BASE "[identity]\nUidBase=1879048192\nUidCount=1000\n"
                            "[user u5]\nUid=1879048193\n");
    assert_int_equal(add(fixture, "u5@example.org", NULL)->uid, 1879048193);
}

/* --- binding ---------------------------------------------------------------------------------- */

static void binding(void **state)
{
    Fixture *fixture = *state;
    Account *alice = add(fixture, "alice@rcpch.ac.uk", NULL);
    Account *bob = add(fixture, "bob@rcpch.ac.uk", NULL);

    assert_int_equal(account_bind(fixture->accounts, fixture->config, alice, ISSUER, "id-a"), 0);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, alice, ISSUER, "id-a"), 0);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, alice, ISSUER, "id-b"), -EEXIST);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, bob, ISSUER, "id-a"), -EEXIST);
    assert_null(bob->id);
    assert_ptr_equal(accounts_find_identity(fixture->accounts, ISSUER, "id-a"), alice);
    assert_null(accounts_find_identity(fixture->accounts, "https://other.example", "id-a"));
    assert_int_equal(alice->uid, 1897103060); /* the number of first sight */
    reload(fixture);
    alice = accounts_find(fixture->accounts, "alice");
    assert_string_equal(alice->id, "id-a");
    assert_ptr_equal(accounts_find_identity(fixture->accounts, ISSUER, "id-a"), alice);

    const AccountOptions taken = {.id = "id-a"};
    assert_refused(fixture, "carol@rcpch.ac.uk", &taken, -EEXIST);
}

static void ids_at_first_sight(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions options = {.id = "7C8807A2-0000-4000-8000-000000000001"};

    configure(fixture, "[provider e]\nType=entra\nClientId=x\n"
                       "Issuer=https://login.microsoftonline.com/"
                       "9188040d-6c67-4c5b-b112-36a304b66dad/v2.0\n");
    Account *account = add(fixture, "alice@rcpch.ac.uk", &options);
    /* As the ID token will name them: tenant and object id, lower case. */
    assert_string_equal(account->id, "9188040d-6c67-4c5b-b112-36a304b66dad/"
                                     "7c8807a2-0000-4000-8000-000000000001");
    assert_int_equal(account->uid, number_of(fixture->config->providers[0].issuer, account->id,
                                             UID_BASE_DEFAULT, UID_COUNT_DEFAULT));
}

/* --- forgetting ------------------------------------------------------------------------------- */

static void forget_and_come_back(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions with_id = {.id = "id-a"}, with_other_id = {.id = "id-b"};
    Account *account = add(fixture, "alice@rcpch.ac.uk", &with_id);
    uint32_t uid = account->uid;
    char group[] = "g-1", *groups[] = {group, NULL};

    assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    assert_int_equal(account_set_profile(fixture->accounts, account, "Alice"), 0);
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    for (int round = 0; round < 2; round++) {
        account = accounts_find(fixture->accounts, "alice");
        assert_int_equal(account->state, ACCOUNT_FORGOTTEN);
        assert_null(account->id);
        assert_string_equal(account->directory_name, "");
        assert_string_equal(account->gecos, "");
        assert_null(account->groups[0]);
        assert_int_equal(account->uid, uid);
        assert_null(accounts_find_identity(fixture->accounts, ISSUER, "id-a"));
        reload(fixture);
    }
    /* Somebody else of that name gets neither name nor number. */
    assert_refused(fixture, "alice@example.org", NULL, -EEXIST);
    assert_refused(fixture, "alice@rcpch.ac.uk", &with_other_id, -EEXIST);
    account = add(fixture, "alice@rcpch.ac.uk", &with_id);
    assert_int_equal(account->uid, uid);
    assert_int_equal(account->state, ACCOUNT_ACTIVE);
    assert_int_equal(accounts_count(fixture->accounts), 1);
    assert_ptr_equal(accounts_find_identity(fixture->accounts, ISSUER, "id-a"), account);
    reload(fixture);
    account = accounts_find_identity(fixture->accounts, ISSUER, "id-a");
    assert_non_null(account);
    assert_string_equal(account->directory_name, "alice@rcpch.ac.uk");
}

/* Added again by name only, the account still binds to nobody but its former owner. */
static void come_back_unbound(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions with_id = {.id = "id-a"};

    Account *account = add(fixture, "alice@rcpch.ac.uk", &with_id);
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    account = add(fixture, "alice@rcpch.ac.uk", NULL);
    reload(fixture);
    account = accounts_find(fixture->accounts, "alice");
    assert_int_equal(account_bind(fixture->accounts, fixture->config, account, ISSUER, "id-b"), -EEXIST);
    assert_null(account->id);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, account, ISSUER, "id-a"), 0);
}

static void adding_again_is_not_reinstating(void **state)
{
    Fixture *fixture = *state;
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    Stamp now = stamp_now();

    assert_int_equal(account_set_verdict(fixture->accounts, account, VERDICT_DISABLED, true,
                                         "administrator", &now), 0);
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    account = add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_true(account->by_administrator);
    reload(fixture);
    account = accounts_find(fixture->accounts, "alice");
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_true(account->by_administrator);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void changes_are_stored(void **state)
{
    Fixture *fixture = *state;
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    char one[] = "g-1", two[] = "g-2", bad[] = "g\n3";
    char *groups[] = {one, two, NULL}, *bad_groups[] = {bad, NULL};
    Stamp now = stamp_now();

    assert_int_equal(account_set_profile(fixture->accounts, account, NULL), 0);
    assert_int_equal(account_set_profile(fixture->accounts, account, "Al:ice\nroot"), 0);
    assert_int_equal(account_set_profile(fixture->accounts, account, "\xff"), -EINVAL);
    assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    assert_int_equal(account_set_groups(fixture->accounts, account, bad_groups), -EINVAL);
    assert_int_equal(account_set_signed_in(fixture->accounts, account, &now), 0);
    assert_int_equal(account_set_confirmed(fixture->accounts, account, &now), 0);
    assert_int_equal(account_set_verdict(fixture->accounts, account, VERDICT_ACTIVE, false,
                                         "signed in", &now), 0);
    reload(fixture);
    account = accounts_find(fixture->accounts, "alice");
    assert_string_equal(account->gecos, "Al ice root");
    assert_int_equal(text_list_count(account->groups), 2);
    assert_memory_equal(&account->signed_in, &now, sizeof(now));
    assert_memory_equal(&account->confirmed, &now, sizeof(now));
    assert_memory_equal(&account->verdict_since, &now, sizeof(now));
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    assert_string_equal(account->evidence, "signed in");
}

static void long_full_names_are_cut_between_characters(void **state)
{
    Fixture *fixture = *state;
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    char name[GECOS_MAX + 3];

    memset(name, 'x', GECOS_MAX - 1);
    memcpy(name + GECOS_MAX - 1, "\xc3\xa4z", 4);
    assert_int_equal(account_set_profile(fixture->accounts, account, name), 0);
    assert_int_equal(strlen(account->gecos), GECOS_MAX - 1);
}

/* When the store fails, memory has not changed. */
static void a_failing_store_changes_nothing(void **state)
{
    Fixture *fixture = *state;
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    char one[] = "g-1", *groups[] = {one, NULL};
    Stamp now = stamp_now();
    Account *none = NULL;

    /* A row that is not there makes every save fail. */
    account->row = 4711;
    assert_int_equal(account_set_profile(fixture->accounts, account, "Alice"), -ENOENT);
    assert_int_equal(account_set_groups(fixture->accounts, account, groups), -ENOENT);
    assert_int_equal(account_set_verdict(fixture->accounts, account, VERDICT_DISABLED, true, "x",
                                         &now), -ENOENT);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, account, ISSUER, "id"), -ENOENT);
    assert_int_equal(account_forget(fixture->accounts, account), -ENOENT);
    assert_string_equal(account->gecos, "");
    assert_null(account->groups[0]);
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    assert_string_equal(account->evidence, "added");
    assert_null(account->id);
    assert_null(accounts_find_identity(fixture->accounts, ISSUER, "id"));
    assert_int_equal(account->state, ACCOUNT_ACTIVE);
    assert_int_equal(try_add(fixture, "alice@rcpch.ac.uk", NULL, &none), -EEXIST);
}

/* --- who may ---------------------------------------------------------------------------------- */

/* A role is no id and an id no role; forgetting takes roles and claims along. */
static void check_roles(Fixture *fixture, Account *account)
{
    char device[] = "Device", id[] = "g-staff", claim[] = "a=b";
    char *roles[] = {device, NULL}, *ids[] = {id, NULL}, *claims[] = {claim, NULL};
    char *none[] = {NULL};

    configure(fixture, BASE "[group devices]\nRole=Device\n[group both]\nId=g-both\nRole=g-staff\n"
                            "[group staff]\nId=g-staff\n[group admins]\nId=g-admins\n"
                            "[access]\nAllowGroups=devices\n");
    assert_false(account_in_group(account, fixture->config, "devices"));
    assert_int_equal(account_set_groups(fixture->accounts, account, roles), 0);
    assert_false(account_in_group(account, fixture->config, "devices"));
    assert_int_equal(account_set_roles(fixture->accounts, account, roles), 0);
    assert_true(account_in_group(account, fixture->config, "devices"));
    assert_true(account_is_allowed(account, fixture->config));
    assert_int_equal(account_set_groups(fixture->accounts, account, ids), 0);
    assert_false(account_in_group(account, fixture->config, "both"));
    assert_int_equal(account_set_roles(fixture->accounts, account, ids), 0);
    assert_true(account_in_group(account, fixture->config, "both"));
    assert_int_equal(account_set_claims(fixture->accounts, account, claims), 0);
    assert_string_equal(account->claims[0], "a=b");
    assert_int_equal(account_set_roles(fixture->accounts, account, none), 0);
    assert_false(account_in_group(account, fixture->config, "both"));
}

static void allowed(void **state)
{
    Fixture *fixture = *state;
    static const char groups_text[] = "[group staff]\nId=g-staff\n[group admins]\nId=g-admins\n";
    char text[512], staff[] = "g-staff", name[] = "admins";
    char *staff_only[] = {staff, NULL}, *by_name[] = {name, NULL};
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);

    assert_false(account_is_allowed(account, fixture->config)); /* empty allows nobody */
    configure(fixture, BASE "[access]\nAllowAll=yes\n");
    assert_true(account_is_allowed(account, fixture->config));
    configure(fixture, BASE "[access]\nAllowUsers=alice\n");
    assert_true(account_is_allowed(account, fixture->config));
    configure(fixture, BASE "[access]\nAllowUsers=bob\n");
    assert_false(account_is_allowed(account, fixture->config));

    snprintf(text, sizeof(text), BASE "%s[access]\nAllowGroups=admins\n", groups_text);
    configure(fixture, text);
    assert_int_equal(account_set_groups(fixture->accounts, account, staff_only), 0);
    assert_false(account_is_allowed(account, fixture->config));
    assert_true(account_in_group(account, fixture->config, "staff"));
    assert_false(account_in_group(account, fixture->config, "admins"));
    assert_false(account_in_group(account, fixture->config, "nothing"));
    check_roles(fixture, account);
    /* A directory group that is merely called like ours grants nothing. */
    assert_int_equal(account_set_groups(fixture->accounts, account, by_name), 0);
    assert_false(account_is_allowed(account, fixture->config));
    snprintf(text, sizeof(text), BASE "%s[access]\nAllowGroups=admins staff\n", groups_text);
    configure(fixture, text);
    assert_int_equal(account_set_groups(fixture->accounts, account, staff_only), 0);
    assert_true(account_is_allowed(account, fixture->config));

    configure(fixture, BASE "[access]\nAllowAll=yes\n");
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    assert_false(account_is_allowed(account, fixture->config));
}

/* Another provider's group of the same id is another group. */
static void groups_belong_to_their_provider(void **state)
{
    Fixture *fixture = *state;
    char id[] = "g", *groups[] = {id, NULL};

    configure(fixture, BASE "Domains=rcpch.ac.uk\n[provider q]\nIssuer=https://q.example\n"
                            "ClientId=x\nDomains=q.example\n[group admins]\nId=g\nProvider=q\n"
                            "[access]\nAllowGroups=admins\n");
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    assert_false(account_is_allowed(account, fixture->config));
}

/* Nobody could say any more whether such an account still is what it was. */
static void accounts_of_a_provider_that_is_gone(void **state)
{
    Fixture *fixture = *state;
    char id[] = "g", *groups[] = {id, NULL};
    Account *account = add(fixture, "alice@rcpch.ac.uk", NULL);

    assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    configure(fixture, "[provider q]\nIssuer=https://q.example\nClientId=x\n[group staff]\nId=g\n"
                       "[access]\nAllowAll=yes\nAllowUsers=alice\nAllowGroups=staff\n");
    assert_false(account_in_group(account, fixture->config, "staff"));
    assert_false(account_is_allowed(account, fixture->config));
}

static void group_numbers(void **state)
{
    Fixture *fixture = *state;
    uint32_t first = 0, again = 0, pinned = 0;

    configure(fixture, BASE "[group a]\nId=g-a\n[group b]\nId=g-b\nGid=1900000002\n");
    const GroupConfig *a = config_group(fixture->config, "a");
    const GroupConfig *b = config_group(fixture->config, "b");
    assert_int_equal(group_number(fixture->store, fixture->config, a, ISSUER, &first), 0);
    assert_int_equal(first, number_of(ISSUER, "g-a", UID_BASE_DEFAULT, UID_COUNT_DEFAULT));
    assert_int_equal(group_number(fixture->store, fixture->config, b, ISSUER, &pinned), 0);
    assert_int_equal(group_number(fixture->store, fixture->config, b, ISSUER, &pinned), 0);
    assert_int_equal(pinned, 1900000002);

    /* Stored at first sight: another range changes nothing. */
    configure(fixture, BASE "[identity]\nUidBase=200000\nUidCount=1000\n[group a]\nId=g-a\n");
    a = config_group(fixture->config, "a");
    assert_int_equal(group_number(fixture->store, fixture->config, a, ISSUER, &again), 0);
    assert_int_equal(again, first);

    /* One number space: a group cannot take a person's number. */
    configure(fixture, BASE);
    uint32_t uid = add(fixture, "alice@rcpch.ac.uk", NULL)->uid;
    char text[256];
    snprintf(text, sizeof(text), BASE "[group c]\nId=g-c\nGid=%u\n", uid);
    configure(fixture, text);
    assert_int_equal(group_number(fixture->store, fixture->config,
                                  config_group(fixture->config, "c"), ISSUER, &again),
                     -EADDRINUSE);
}

static void carry(Fixture *fixture, uint32_t number, const char *id, const char *name)
{
    const CarriedNumber carried = {.number = number, .issuer = (char *)(uintptr_t)ISSUER,
                                   .id = (char *)(uintptr_t)id, .name = (char *)(uintptr_t)name};

    assert_int_equal(store_carried_put(fixture->store, &carried), 0);
}

static void numbers_carried_from_another_host(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions a = {.id = "id-a"}, b = {.id = "id-b"}, c = {.id = "id-c"};

    carry(fixture, 1900000001, "id-a", "ann@rcpch.ac.uk");
    carry(fixture, 1900000002, "id-b", "ben@rcpch.ac.uk");
    carry(fixture, 1900000003, NULL, "cat@rcpch.ac.uk");
    carry(fixture, 1900000004, "id-d", "dan@rcpch.ac.uk");
    assert_int_equal(add(fixture, "other@rcpch.ac.uk", &a)->uid, 1900000001);
    /* A recycled name is not the person. */
    assert_int_equal(add(fixture, "ben@rcpch.ac.uk", &c)->uid,
                     number_of(ISSUER, "id-c", UID_BASE_DEFAULT, UID_COUNT_DEFAULT));
    assert_int_equal(add(fixture, "benjamin@rcpch.ac.uk", &b)->uid, 1900000002);
    assert_int_equal(add(fixture, "cat@rcpch.ac.uk", NULL)->uid, 1900000003);
    /* By name: only that id can be bound, also after a restart. */
    assert_int_equal(add(fixture, "dan@rcpch.ac.uk", NULL)->uid, 1900000004);
    reload(fixture);
    Account *dan = accounts_find(fixture->accounts, "dan");
    assert_int_equal(account_bind(fixture->accounts, fixture->config, dan, ISSUER, "id-x"),
                     -EEXIST);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, dan, ISSUER, "id-d"), 0);
}

static void a_pin_outweighs_a_carried_number(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions a = {.id = "id-a"};
    _cleanup_carried_ CarriedNumber found = {0};

    carry(fixture, 1900000001, "id-a", NULL);
    configure(fixture, BASE "[user ann]\nUid=1900000009\n");
    assert_int_equal(add(fixture, "ann@rcpch.ac.uk", &a)->uid, 1900000009);
    assert_int_equal(store_carried_find(fixture->store, ISSUER, "id-a", NULL, &found), -ENOENT);
    carry(fixture, 1900000010, NULL, "bob@rcpch.ac.uk");
    configure(fixture, BASE "[user bob]\nUid=1900000010\n");
    assert_int_equal(add(fixture, "bob@rcpch.ac.uk", NULL)->uid, 1900000010);
}

static void tied_accounts(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[user daemon]\nDirectory=deploy@rcpch.ac.uk\n"
                            "[user bin]\nDirectory=deploy@rcpch.ac.uk\n"
                            "[user no-such-user]\nDirectory=nobody.there@rcpch.ac.uk\n");
    Account *tied = add(fixture, "daemon", NULL);
    assert_string_equal(tied->name, "daemon");
    assert_string_equal(tied->directory_name, "deploy@rcpch.ac.uk");
    assert_int_equal(tied->uid, 1);
    assert_true(account_is_tied(tied, fixture->config));
    assert_refused(fixture, "no-such-user", NULL, -ENOENT);
    assert_refused(fixture, "daemon", NULL, -EEXIST);
    /* the directory may have a name that a local account has: the local one keeps it */
    assert_refused(fixture, "daemon@rcpch.ac.uk", NULL, -EEXIST);
    /* the person's own account is another one */
    Account *own = add(fixture, "deploy@rcpch.ac.uk", NULL);
    assert_string_equal(own->name, "deploy");
    assert_false(account_is_tied(own, fixture->config));
}

static void one_person_with_several_accounts(void **state)
{
    Fixture *fixture = *state;
    const AccountOptions same = {.id = "id-a"};

    configure(fixture, BASE "[user daemon]\nDirectory=alice@rcpch.ac.uk\n"
                            "[user bin]\nDirectory=alice@rcpch.ac.uk\n");
    Account *own = add(fixture, "alice@rcpch.ac.uk", &same), *first = add(fixture, "daemon", &same);
    Account *second = add(fixture, "bin", NULL), *bob = add(fixture, "bob@rcpch.ac.uk", NULL);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, second, ISSUER, "id-a"), 0);
    assert_int_equal(account_bind(fixture->accounts, fixture->config, bob, ISSUER, "id-a"),
                     -EEXIST);
    assert_refused(fixture, "carol@rcpch.ac.uk", &same, -EEXIST);
    const Account *one = accounts_next_of_person(fixture->accounts, own, NULL);
    const Account *other = accounts_next_of_person(fixture->accounts, own, one);
    assert_true((one == first && other == second) || (one == second && other == first));
    assert_null(accounts_next_of_person(fixture->accounts, own, other));
    assert_null(accounts_next_of_person(fixture->accounts, bob, NULL));
    reload(fixture);
    own = accounts_find(fixture->accounts, "alice");
    assert_non_null(accounts_next_of_person(fixture->accounts, own, NULL));
}

static void a_tie_to_somebody_else_lets_nobody_in(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[user daemon]\nDirectory=alice@rcpch.ac.uk\n"
                            "[access]\nAllowAll=yes\n");
    Account *account = add(fixture, "daemon", &(AccountOptions){.id = "id-a"});
    assert_true(account_is_allowed(account, fixture->config));
    configure(fixture, BASE "[user daemon]\nDirectory=bob@rcpch.ac.uk\n"
                            "[access]\nAllowAll=yes\n");
    assert_false(account_is_allowed(account, fixture->config));
    assert_int_equal(account_forget(fixture->accounts, account), 0);
    account = add(fixture, "daemon", &(AccountOptions){.id = "id-b"});
    assert_string_equal(account->directory_name, "bob@rcpch.ac.uk");
    assert_true(account_is_allowed(account, fixture->config));
}

static void many_accounts(void **state)
{
    Fixture *fixture = *state;
    size_t iterator = 0, seen = 0;
    char name[64];

    assert_int_equal(store_begin(fixture->store), 0);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "u%d@example.org", i);
        add(fixture, name, NULL);
    }
    assert_int_equal(store_end(fixture->store, 0), 0);
    reload(fixture);
    assert_int_equal(accounts_count(fixture->accounts), 500);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        Account *account = accounts_find(fixture->accounts, name);
        assert_non_null(account);
        assert_ptr_equal(accounts_find_uid(fixture->accounts, account->uid), account);
    }
    while (accounts_next(fixture->accounts, &iterator))
        seen++;
    assert_int_equal(seen, 500);
    assert_null(accounts_find(fixture->accounts, "u500"));
    assert_null(accounts_find(fixture->accounts, ""));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers),
        TEST(a_new_account),
        TEST(names_that_are_refused),
        TEST(options_that_are_refused),
        TEST(full_names_and_templates),
        TEST(pinned_users),
        TEST(a_claimed_number),
        TEST(collisions_refuse_the_newcomer),
        TEST(binding),
        TEST(ids_at_first_sight),
        TEST(forget_and_come_back),
        TEST(come_back_unbound),
        TEST(adding_again_is_not_reinstating),
        TEST(changes_are_stored),
        TEST(long_full_names_are_cut_between_characters),
        TEST(a_failing_store_changes_nothing),
        TEST(allowed),
        TEST(groups_belong_to_their_provider),
        TEST(accounts_of_a_provider_that_is_gone),
        TEST(group_numbers),
        TEST(numbers_carried_from_another_host),
        TEST(a_pin_outweighs_a_carried_number),
        TEST(tied_accounts),
        TEST(one_person_with_several_accounts),
        TEST(a_tie_to_somebody_else_lets_nobody_in),
        TEST(many_accounts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
