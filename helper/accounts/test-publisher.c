/*
 * What is published, what is left out and said, and who is told when. The snapshots are checked
 * with the validator that the enforcer uses and read with the reader that the name service uses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "common/snapshot-reader.h"
#include "common/snapshot-validate.h"
#include "common/test-folder.h"
#include "helper/base/clock.h"
#include "helper/config/config.h"
#include "helper/accounts/publisher-private.h"
#include "helper/store/store.h"
#include "helper/enforcer/test-fake-enforcer.h"

#define PATIENCE (10 * USEC_PER_SEC)
#define BASE     "[provider p]\nIssuer=https://login.example.org\nClientId=host\n"
#define GROUPS   "[group staff]\nId=g-staff\n[group admins]\nId=g-admins\nLocalGroup=adm\n"

typedef struct Fixture {
    char dir[64], path[96], socket[96], passwd[96], group[96];
    sd_event *event;
    FakeEnforcer *fake;
    EnforcerClient *client;
    Secret *key;
    Store *store;
    Accounts *accounts;
    Config *config;
    Publisher *publisher;
    char alarms[16][256];
    unsigned alarm_count, over_count, called, wanted;
    int result;
} Fixture;

static void configure(Fixture *fixture, const char *text)
{
    ConfigMessages messages = {0};
    Config *config = NULL;

    snprintf(fixture->path, sizeof(fixture->path), "%s/rcpch.conf", fixture->dir);
    test_file_write(fixture->path, text);
    assert_int_equal(config_read(fixture->path, NULL, false, &config, &messages), 0);
    config_messages_clear(&messages);
    if (fixture->publisher)
        publisher_set_config(fixture->publisher, config);
    config_free(fixture->config);
    fixture->config = config;
}

static void on_alarm(const char *text, bool is_over, void *userdata)
{
    Fixture *fixture = userdata;

    if (is_over) {
        fixture->over_count++;
        return;
    }
    assert_true(fixture->alarm_count < ELEMENTSOF(fixture->alarms));
    snprintf(fixture->alarms[fixture->alarm_count++], sizeof(fixture->alarms[0]), "%s", text);
}

static void make_publisher(Fixture *fixture)
{
    assert_int_equal(publisher_new(fixture->event, fixture->store, fixture->accounts,
                                   fixture->client, fixture->config, on_alarm, fixture,
                                   &fixture->publisher), 0);
    publisher_set_local_files(fixture->publisher, fixture->passwd, fixture->group);
}

static int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    test_folder_make(fixture->dir, "publisher");
    snprintf(fixture->path, sizeof(fixture->path), "%s/state.db", fixture->dir);
    snprintf(fixture->socket, sizeof(fixture->socket), "%s/socket", fixture->dir);
    snprintf(fixture->passwd, sizeof(fixture->passwd), "%s/passwd", fixture->dir);
    snprintf(fixture->group, sizeof(fixture->group), "%s/group", fixture->dir);
    test_file_write(fixture->passwd, "root:x:0:0:root:/root:/bin/bash\n");
    test_file_write(fixture->group, "root:x:0:\nadm:x:4:\nsudo:x:27:\nfake:x:0:\n");
    assert_int_equal(sd_event_new(&fixture->event), 0);
    fixture->fake = fake_new(fixture->event, fixture->socket);
    assert_non_null(fixture->fake);
    assert_int_equal(fake_start(fixture->fake), 0);
    assert_int_equal(secret_new("0123456789abcdef0123456789abcdef", 32, &fixture->key), 0);
    assert_int_equal(store_open(fixture->path, fixture->key, &fixture->store), 0);
    assert_int_equal(accounts_new(fixture->store, &fixture->accounts), 0);
    assert_int_equal(enforcer_client_new(fixture->event, fixture->socket, &fixture->client), 0);
    configure(fixture, BASE GROUPS);
    make_publisher(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    publisher_free(fixture->publisher);
    enforcer_client_free(fixture->client);
    fake_free(fixture->fake);
    accounts_free(fixture->accounts);
    store_free(fixture->store);
    config_free(fixture->config);
    secret_free(fixture->key);
    sd_event_unref(fixture->event);
    test_folder_remove(fixture->dir);
    free(fixture);
    return 0;
}

static Account *add(Fixture *fixture, const char *name, const char *group_id)
{
    const char *why = NULL;
    Account *account = NULL;
    char id[32], *groups[] = {id, NULL};

    assert_int_equal(accounts_add(fixture->accounts, fixture->config,
                                  &fixture->config->providers[0], name, NULL, &account, &why), 0);
    if (group_id) {
        snprintf(id, sizeof(id), "%s", group_id);
        assert_int_equal(account_set_groups(fixture->accounts, account, groups), 0);
    }
    return account;
}

static void on_published(int result, void *userdata)
{
    Fixture *fixture = userdata;

    fixture->called++;
    fixture->result = result;
}

static bool enough_called(void *userdata)
{
    const Fixture *fixture = userdata;

    return fixture->called >= fixture->wanted;
}

static bool enough_received(void *userdata)
{
    const Fixture *fixture = userdata;

    return fixture->fake->count >= fixture->wanted;
}

static bool is_in_force(void *userdata)
{
    const Fixture *fixture = userdata;

    return publisher_generation(fixture->publisher) >= fixture->wanted;
}

static void wait_called(Fixture *fixture, unsigned count)
{
    fixture->wanted = count;
    assert_true(fake_run(fixture->event, enough_called, fixture, PATIENCE));
    assert_int_equal(fixture->called, count);
}

static void publish(Fixture *fixture)
{
    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    wait_called(fixture, fixture->called + 1);
    assert_int_equal(fixture->result, 0);
}

/* --- looking into the last snapshot ----------------------------------------------------------- */

static bool local_gid_is_allowed(uint32_t gid, void *userdata)
{
    return gid == 4 || gid == 27;
}

static const FakeRequest *last_request(const Fixture *fixture)
{
    return &fixture->fake->log[(fixture->fake->count - 1) % FAKE_LOG_MAX];
}

static void map_last(const Fixture *fixture, SnapshotView *view)
{
    const SnapshotPolicy policy = {
        .uid_base = fixture->config->uid_base, .uid_count = fixture->config->uid_count,
        .local_gid_is_allowed = local_gid_is_allowed,
    };
    char reason[SNAPSHOT_REASON_MAX] = "";
    uint64_t generation = 0;
    struct stat st;
    int fd = last_request(fixture)->fd;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    void *base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(base, MAP_FAILED);
    int r = snapshot_validate(base, (size_t)st.st_size, &policy, &generation, reason);
    if (r < 0)
        print_error("refused: %s\n", reason);
    assert_int_equal(r, 0);
    assert_int_equal(snapshot_view_init(view, base, (size_t)st.st_size), 0);
}

static void assert_user(const Fixture *fixture, const char *name, bool present)
{
    SnapshotView view;
    SnapshotUser user;

    map_last(fixture, &view);
    assert_int_equal(snapshot_user_by_name(&view, name, &user), present ? 1 : 0);
    snapshot_unmap(&view);
}

static bool last_user_has_gid(const Fixture *fixture, const char *name, uint32_t gid)
{
    SnapshotView view;
    SnapshotUser user;
    bool found = false;

    map_last(fixture, &view);
    assert_int_equal(snapshot_user_by_name(&view, name, &user), 1);
    for (uint32_t i = 0; i < user.gid_count; i++)
        found = found || snapshot_user_gid(&user, i) == gid;
    snapshot_unmap(&view);
    return found;
}

static uint32_t last_group(const Fixture *fixture, const char *name, uint32_t *ret_members)
{
    SnapshotView view;
    SnapshotGroup group = {0};
    uint32_t gid = 0;

    map_last(fixture, &view);
    if (snapshot_group_by_name(&view, name, &group) == 1)
        gid = group.gid;
    *ret_members = group.member_count;
    snapshot_unmap(&view);
    return gid;
}

/* --- what is published ------------------------------------------------------------------------ */

static void people_and_groups(void **state)
{
    Fixture *fixture = *state;
    Account *alice = add(fixture, "alice@rcpch.ac.uk", "g-staff");
    uint32_t members = 0;

    add(fixture, "bob@rcpch.ac.uk", "g-admins");
    add(fixture, "carol@rcpch.ac.uk", "staff"); /* a display name grants nothing */
    publish(fixture);
    assert_int_equal(fixture->alarm_count, 0);
    uint32_t staff = last_group(fixture, "staff", &members);
    assert_int_equal(members, 1);
    assert_int_equal(staff, number_of("https://login.example.org", "g-staff",
                                      fixture->config->uid_base, fixture->config->uid_count));
    assert_true(last_user_has_gid(fixture, "alice", staff));
    assert_false(last_user_has_gid(fixture, "carol", staff));
    uint32_t admins = last_group(fixture, "admins", &members);
    assert_true(last_user_has_gid(fixture, "bob", admins));
    assert_true(last_user_has_gid(fixture, "bob", 4)); /* LocalGroup=adm */
    assert_false(last_user_has_gid(fixture, "alice", 4));
    assert_int_equal(last_group(fixture, "alice", &members), alice->uid); /* the private group */

    /* Membership is replaced, not added to. */
    assert_int_equal(account_set_groups(fixture->accounts, alice, NULL), 0);
    publish(fixture);
    assert_false(last_user_has_gid(fixture, "alice", staff));
}

static void nobody_and_nothing(void **state)
{
    Fixture *fixture = *state;
    SnapshotView view;

    configure(fixture, "");
    publish(fixture);
    map_last(fixture, &view);
    assert_int_equal(view.users.count, 0);
    snapshot_unmap(&view);
}

static void disabled_are_published_forgotten_are_not(void **state)
{
    Fixture *fixture = *state;
    Account *alice = add(fixture, "alice@rcpch.ac.uk", NULL);
    Account *bob = add(fixture, "bob@rcpch.ac.uk", NULL);
    Stamp now = stamp_now();

    assert_int_equal(account_set_verdict(fixture->accounts, alice, VERDICT_DISABLED, true, "x",
                                         &now), 0);
    assert_int_equal(account_forget(fixture->accounts, bob), 0);
    publish(fixture);
    assert_user(fixture, "alice", true);
    assert_user(fixture, "bob", false);
}

static void local_names_and_numbers_are_left_out(void **state)
{
    Fixture *fixture = *state;

    add(fixture, "alice@rcpch.ac.uk", NULL);
    Account *bob = add(fixture, "bob@rcpch.ac.uk", NULL);
    char text[256];
    uint32_t members;

    add(fixture, "carol@rcpch.ac.uk", NULL);
    publish(fixture);
    assert_user(fixture, "alice", true);
    snprintf(text, sizeof(text), "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/:/bin/sh\n"
                                 "other:x:%u:100::/:/bin/sh\n", bob->uid);
    test_file_write(fixture->passwd, text);
    test_file_write(fixture->group, "root:x:0:\nadm:x:4:\nstaff:x:50:\n");
    publish(fixture);
    assert_user(fixture, "alice", false);
    assert_user(fixture, "bob", false);
    assert_user(fixture, "carol", true);
    assert_int_equal(last_group(fixture, "staff", &members), 0);
    assert_int_equal(fixture->alarm_count, 3);
    assert_string_equal(fixture->alarms[0],
                        "Group staff is left out: a local user or group has its name");
    assert_string_equal(fixture->alarms[1],
                        "Account alice is left out: a local user or group has its name");
    assert_string_equal(fixture->alarms[2],
                        "Account bob is left out: a local user or group has its number");
    publish(fixture);
    assert_int_equal(fixture->alarm_count, 3); /* one alarm each */
    assert_int_equal(fixture->over_count, 0);

    /* Mended, and broken again: that is news again. */
    test_file_write(fixture->passwd, "root:x:0:0:root:/root:/bin/bash\n");
    publish(fixture);
    assert_user(fixture, "alice", true);
    assert_int_equal(fixture->over_count, 2);
    test_file_write(fixture->passwd, text);
    publish(fixture);
    assert_int_equal(fixture->alarm_count, 5);
}

static void odd_groups_are_left_out(void **state)
{
    Fixture *fixture = *state;

    add(fixture, "alice@rcpch.ac.uk", "g-1");
    configure(fixture, BASE "[group alice]\nId=g-1\n[group b]\nId=g-2\nLocalGroup=nothere\n"
                            "[group c]\nId=g-3\nLocalGroup=fake\n"
                            "[group d]\nId=g-4\nLocalGroup=alias\n");
    test_file_write(fixture->group, "root:x:0:\nadm:x:4:\nsudo:x:27:\nfake:x:0:\nalias:x:27:\n");
    publish(fixture);
    assert_int_equal(fixture->alarm_count, 4);
    assert_string_equal(fixture->alarms[0], "Group alice is left out: an account has its name");
    assert_string_equal(fixture->alarms[1], "LocalGroup=nothere of [group b] is not in /etc/group");
    assert_string_equal(fixture->alarms[2],
                        "LocalGroup=fake of [group c] is a privileged group by number");
    assert_string_equal(fixture->alarms[3],
                        "LocalGroup=alias of [group d] is a privileged group by number");
    assert_false(last_user_has_gid(fixture, "alice", 0));
}

/* Numbers given under another configuration do not stop the others. */
static void another_range(void **state)
{
    Fixture *fixture = *state;

    add(fixture, "alice@rcpch.ac.uk", NULL);
    configure(fixture, BASE "[identity]\nUidBase=200000\nUidCount=10000\n");
    add(fixture, "bob@rcpch.ac.uk", NULL);
    publish(fixture);
    assert_user(fixture, "alice", false);
    assert_user(fixture, "bob", true);
    assert_int_equal(fixture->alarm_count, 1);
}

static void tied_accounts_are_not_published(void **state)
{
    Fixture *fixture = *state;

    configure(fixture, BASE "[user daemon]\nDirectory=deploy@rcpch.ac.uk\n");
    add(fixture, "deploy@rcpch.ac.uk", NULL);
    publish(fixture);
    assert_user(fixture, "daemon", false);
    assert_int_equal(fixture->alarm_count, 0);
}

/* --- when ------------------------------------------------------------------------------------- */

static void requests_are_coalesced(void **state)
{
    Fixture *fixture = *state;

    for (int i = 0; i < 20; i++)
        assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    assert_int_equal(publisher_request(fixture->publisher, NULL, NULL), 0);
    assert_int_equal(fixture->called, 0);
    wait_called(fixture, 20);
    assert_int_equal(fixture->fake->count, 1);
}

/* Who asks during a publication is told of the next one, which contains the change. */
static void requests_during_a_publication(void **state)
{
    Fixture *fixture = *state;

    fixture->fake->mood = FAKE_SILENT;
    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    fixture->wanted = 1;
    assert_true(fake_run(fixture->event, enough_received, fixture, PATIENCE));
    add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    fixture->fake->mood = FAKE_ANSWERS;
    fake_answer(fixture->fake, &fixture->fake->log[0], FAKE_ANSWERS);
    wait_called(fixture, 2);
    assert_int_equal(fixture->fake->count, 2);
    assert_user(fixture, "alice", true);
}

static void generations_grow(void **state)
{
    Fixture *fixture = *state;
    SnapshotView view;

    for (unsigned i = 1; i <= 3; i++) {
        publish(fixture);
        map_last(fixture, &view);
        assert_int_equal(view.generation, i);
        snapshot_unmap(&view);
    }
    /* Also over a restart, and behind the enforcer's when our state was lost. */
    fixture->publisher = publisher_free(fixture->publisher);
    make_publisher(fixture);
    fixture->fake->generation = 500;
    publish(fixture);
    map_last(fixture, &view);
    assert_int_equal(view.generation, 4);
    snapshot_unmap(&view);
    assert_int_equal(publisher_generation(fixture->publisher), 500);
    publish(fixture);
    map_last(fixture, &view);
    assert_int_equal(view.generation, 501);
    snapshot_unmap(&view);
}

static void refusals_are_said_and_retried(void **state)
{
    Fixture *fixture = *state;

    fixture->fake->mood = FAKE_FAILS;
    fixture->fake->error = -EPERM;
    fixture->fake->moody = 1;
    fixture->fake->generation = 1;
    strcpy(fixture->fake->reason, "uid 5 is not allowed");
    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    wait_called(fixture, 1);
    assert_int_equal(fixture->result, -EPERM);
    assert_int_equal(fixture->alarm_count, 1);
    assert_string_equal(fixture->alarms[0],
                        "The enforcer refused the snapshot: uid 5 is not allowed");
    /* It is tried again without being asked; the one who was told is not told twice. */
    fixture->wanted = 2;
    assert_true(fake_run(fixture->event, enough_received, fixture, PATIENCE));
    fixture->wanted = 1;
    assert_true(fake_run(fixture->event, is_in_force, fixture, PATIENCE));
    assert_int_equal(fixture->called, 1);
}

static void without_the_enforcer(void **state)
{
    Fixture *fixture = *state;

    fake_stop(fixture->fake);
    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    wait_called(fixture, 1);
    assert_int_equal(fixture->result, -ENOTCONN);
    assert_int_equal(fake_start(fixture->fake), 0);
    fixture->wanted = 1;
    assert_true(fake_run(fixture->event, enough_received, fixture, PATIENCE));
    assert_int_equal(fixture->called, 1);
}

static void forgotten_handlers_are_not_called(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    publisher_forget(fixture->publisher, on_published, fixture);
    fixture->fake->mood = FAKE_SILENT;
    fixture->wanted = 1;
    assert_true(fake_run(fixture->event, enough_received, fixture, PATIENCE));
    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    publisher_forget(fixture->publisher, on_published, fixture);
    fixture->fake->mood = FAKE_ANSWERS;
    fake_answer(fixture->fake, &fixture->fake->log[0], FAKE_ANSWERS);
    fixture->wanted = 2;
    assert_true(fake_run(fixture->event, enough_received, fixture, PATIENCE));
    assert_int_equal(fixture->called, 0);
}

/* The enforcer's answer comes after the publisher has gone. */
static void freed_in_flight(void **state)
{
    Fixture *fixture = *state;

    fixture->fake->mood = FAKE_SILENT;
    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    fixture->wanted = 1;
    assert_true(fake_run(fixture->event, enough_received, fixture, PATIENCE));
    fixture->publisher = publisher_free(fixture->publisher);
    fake_answer(fixture->fake, &fixture->fake->log[0], FAKE_ANSWERS);
    while (sd_event_run(fixture->event, 0) > 0)
        ;
    assert_int_equal(fixture->called, 0);
}

static void unreadable_local_files(void **state)
{
    Fixture *fixture = *state;

    assert_int_equal(unlink(fixture->passwd), 0);
    assert_int_equal(publisher_request(fixture->publisher, on_published, fixture), 0);
    wait_called(fixture, 1);
    assert_int_equal(fixture->result, -ENOENT); /* whose names are local is not guessed */
    assert_int_equal(fixture->fake->count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(people_and_groups),
        TEST(nobody_and_nothing),
        TEST(disabled_are_published_forgotten_are_not),
        TEST(local_names_and_numbers_are_left_out),
        TEST(odd_groups_are_left_out),
        TEST(another_range),
        TEST(tied_accounts_are_not_published),
        TEST(requests_are_coalesced),
        TEST(requests_during_a_publication),
        TEST(generations_grow),
        TEST(refusals_are_said_and_retried),
        TEST(without_the_enforcer),
        TEST(forgotten_handlers_are_not_called),
        TEST(freed_in_flight),
        TEST(unreadable_local_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
