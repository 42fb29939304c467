/*
 * The enforcer's client against an enforcer that answers, fails, lies, hangs up, hangs, and comes
 * back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "helper/base/clock.h"
#include "helper/enforcer/enforcer-client.h"
#include "helper/enforcer/enforcer-link.h"
#include "helper/enforcer/test-fake-enforcer.h"

#define PATIENCE (10 * USEC_PER_SEC)

typedef struct Fixture {
    char dir[64], path[96];
    sd_event *event;
    FakeEnforcer *fake;
    EnforcerClient *client;
    unsigned called;
    int result;
    EnforcerEndReply end;
    EnforcerAppendReply append;
    EnforcerPublishReply publish;
    EnforcerTellReply tell;
    unsigned wanted;
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->dir, "/tmp/test-enforcer-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->dir);
    assert_int_equal(sd_event_new(&fixture->event), 0);
    fixture->fake = fake_new(fixture->event, fixture->path);
    assert_non_null(fixture->fake);
    assert_int_equal(fake_start(fixture->fake), 0);
    assert_int_equal(enforcer_client_new(fixture->event, fixture->path, &fixture->client), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    enforcer_client_free(fixture->client);
    fake_free(fixture->fake);
    sd_event_unref(fixture->event);
    unlink(fixture->path);
    assert_int_equal(rmdir(fixture->dir), 0);
    free(fixture);
    return 0;
}

static void on_end(int result, const EnforcerEndReply *reply, void *userdata)
{
    Fixture *fixture = userdata;

    fixture->called++;
    fixture->result = result;
    fixture->end = *reply;
}

static void on_append(int result, const EnforcerAppendReply *reply, void *userdata)
{
    Fixture *fixture = userdata;

    fixture->called++;
    fixture->result = result;
    fixture->append = *reply;
}

static void on_publish(int result, const EnforcerPublishReply *reply, void *userdata)
{
    Fixture *fixture = userdata;

    fixture->called++;
    fixture->result = result;
    fixture->publish = *reply;
}

static void on_tell(int result, const EnforcerTellReply *reply, void *userdata)
{
    Fixture *fixture = userdata;

    fixture->called++;
    fixture->result = result;
    fixture->tell = *reply;
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

static bool is_connected(void *userdata)
{
    const Fixture *fixture = userdata;

    return enforcer_client_connected(fixture->client);
}

static bool is_disconnected(void *userdata)
{
    return !is_connected(userdata);
}

static void wait_called(Fixture *fixture, unsigned count)
{
    fixture->wanted = count;
    assert_true(fake_run(fixture->event, enough_called, fixture, PATIENCE));
    assert_int_equal(fixture->called, count);
}

static void wait_received(Fixture *fixture, unsigned count)
{
    fixture->wanted = count;
    assert_true(fake_run(fixture->event, enough_received, fixture, PATIENCE));
}

static int append(Fixture *fixture, const char *user, EnforcerAppendHandler handler)
{
    Record record = {.event = RECORD_LOGIN};

    record_set(&record, RECORD_USER, user);
    return enforcer_append(fixture->client, &record, handler, fixture);
}

/* The user that the n-th request, an append, is about. */
static void assert_appended(const Fixture *fixture, size_t index, const char *user)
{
    const FakeRequest *request = &fixture->fake->log[index];
    Record record = {0};

    assert_int_equal(request->header.verb, ENFORCER_APPEND);
    assert_int_equal(record_decode(request->payload, request->header.size, &record), 0);
    assert_int_equal(record.fields[RECORD_USER].size, strlen(user));
    assert_memory_equal(record.fields[RECORD_USER].text, user, strlen(user));
}

static void four_verbs(void **state)
{
    Fixture *fixture = *state;
    EnforcerEndRequest end;
    EnforcerTellRequest tell;
    _cleanup_close_ int memfd = memfd_create("test", MFD_CLOEXEC);

    assert_true(enforcer_client_connected(fixture->client));
    assert_int_equal(enforcer_end(fixture->client, 1900000001, ENFORCER_KILL, on_end, fixture), 0);
    assert_int_equal(fixture->called, 0); /* never from inside */
    wait_called(fixture, 1);
    assert_int_equal(fixture->result, 0);
    assert_int_equal(fixture->end.found, 3);
    assert_int_equal(fixture->end.survivor_count, ENFORCER_SURVIVORS_MAX);
    assert_int_equal(strlen(fixture->end.survivors[0].command), 15);
    memcpy(&end, fixture->fake->log[0].payload, sizeof(end));
    assert_int_equal(end.uid, 1900000001);
    assert_int_equal(end.how, ENFORCER_KILL);

    assert_int_equal(enforcer_tell(fixture->client, 7, "your\nsession\x1b ends", on_tell, fixture),
                     0);
    wait_called(fixture, 2);
    assert_int_equal(fixture->tell.terminals, 2);
    memcpy(&tell, fixture->fake->log[1].payload, sizeof(tell));
    assert_int_equal(tell.text_size, 18);
    assert_memory_equal(fixture->fake->log[1].payload + sizeof(tell), "your session  ends", 18);

    fixture->fake->generation = 42;
    assert_int_equal(enforcer_publish(fixture->client, memfd, on_publish, fixture), 0);
    wait_called(fixture, 3);
    assert_int_equal(fixture->publish.generation, 42);
    assert_true(fixture->fake->log[2].fd >= 0);
    assert_int_equal(fixture->fake->log[2].header.size, 0);

    assert_int_equal(append(fixture, "alice", on_append), 0);
    wait_called(fixture, 4);
    assert_int_equal(fixture->append.sequence, 4);
    assert_appended(fixture, 3, "alice");

    /* What cuts and what writes go over connections of their own. */
    assert_int_equal(fixture->fake->log[0].connection, fixture->fake->log[1].connection);
    assert_int_equal(fixture->fake->log[2].connection, fixture->fake->log[3].connection);
    assert_int_not_equal(fixture->fake->log[0].connection, fixture->fake->log[2].connection);
}

static void long_texts_are_cut_between_characters(void **state)
{
    Fixture *fixture = *state;
    char text[ENFORCER_TELL_MAX + 4];
    EnforcerTellRequest tell;

    memset(text, 'x', ENFORCER_TELL_MAX - 1);
    memcpy(text + ENFORCER_TELL_MAX - 1, "\xe2\x80\xa6", 4);
    assert_int_equal(enforcer_tell(fixture->client, 7, text, on_tell, fixture), 0);
    wait_called(fixture, 1);
    memcpy(&tell, fixture->fake->log[0].payload, sizeof(tell));
    assert_int_equal(tell.text_size, ENFORCER_TELL_MAX - 1);
}

static void errors_come_back(void **state)
{
    Fixture *fixture = *state;

    fixture->fake->mood = FAKE_FAILS;
    fixture->fake->error = -EPERM;
    assert_int_equal(enforcer_end(fixture->client, 0, ENFORCER_KILL, on_end, fixture), 0);
    wait_called(fixture, 1);
    assert_int_equal(fixture->result, -EPERM);
    fixture->fake->mood = FAKE_FAILS_SHORT;
    assert_int_equal(enforcer_end(fixture->client, 0, ENFORCER_KILL, on_end, fixture), 0);
    wait_called(fixture, 2);
    assert_int_equal(fixture->result, -EPERM);
    assert_int_equal(fixture->end.found, 0);
    assert_true(enforcer_client_connected(fixture->client));
    /* A record that the enforcer refuses is not sent again. */
    fixture->fake->error = -EBADMSG;
    assert_int_equal(append(fixture, "alice", on_append), 0);
    wait_called(fixture, 3);
    assert_int_equal(fixture->result, -EBADMSG);
    assert_int_equal(fixture->fake->count, 3);
}

/* Each lie ends the connection; the next one works. */
static void lies_end_the_connection(void **state)
{
    static const FakeMood lies[] = {FAKE_HANGS_UP,    FAKE_WRONG_TAG, FAKE_WRONG_MAGIC,
                                    FAKE_WRONG_SIZE,  FAKE_SHORT_REPLY, FAKE_TOO_LONG,
                                    FAKE_EMPTY};
    Fixture *fixture = *state;

    for (unsigned i = 0; i < ELEMENTSOF(lies); i++) {
        fixture->fake->mood = lies[i];
        assert_int_equal(enforcer_end(fixture->client, 5, ENFORCER_LOOK, on_end, fixture), 0);
        wait_called(fixture, 2 * i + 1);
        assert_int_equal(fixture->result, -ENOTCONN);
        assert_int_equal(fixture->end.found, 0);
        fixture->fake->mood = FAKE_ANSWERS;
        /* Asking connects at once, without waiting for the back-off. */
        assert_int_equal(enforcer_end(fixture->client, 5, ENFORCER_LOOK, on_end, fixture), 0);
        wait_called(fixture, 2 * i + 2);
        assert_int_equal(fixture->result, 0);
    }
}

static void gone_and_back(void **state)
{
    Fixture *fixture = *state;
    _cleanup_close_ int memfd = memfd_create("test", MFD_CLOEXEC);

    fake_stop(fixture->fake);
    assert_true(fake_run(fixture->event, is_disconnected, fixture, PATIENCE));
    while (sd_event_run(fixture->event, 0) > 0) /* the other connection's hang-up waits too */
        ;
    assert_int_equal(enforcer_end(fixture->client, 5, ENFORCER_LOOK, on_end, fixture), -ENOTCONN);
    assert_int_equal(enforcer_tell(fixture->client, 5, "x", on_tell, fixture), -ENOTCONN);
    assert_int_equal(enforcer_publish(fixture->client, memfd, on_publish, fixture), -ENOTCONN);
    assert_int_equal(append(fixture, "waits", on_append), 0);
    assert_int_equal(append(fixture, "waits-too", NULL), 0);
    assert_int_equal(fake_start(fixture->fake), 0);
    assert_true(fake_run(fixture->event, is_connected, fixture, PATIENCE));
    wait_called(fixture, 1);
    wait_received(fixture, 2);
    assert_int_equal(fixture->result, 0);
    assert_appended(fixture, 0, "waits");
    assert_appended(fixture, 1, "waits-too");
}

/* Sent, not answered, connection lost: sent again, in order. Others are told -ENOTCONN. */
static void records_survive_the_connection(void **state)
{
    Fixture *fixture = *state;
    _cleanup_close_ int memfd = memfd_create("test", MFD_CLOEXEC);

    fixture->fake->mood = FAKE_SILENT;
    assert_int_equal(append(fixture, "one", NULL), 0);
    assert_int_equal(enforcer_publish(fixture->client, memfd, on_publish, fixture), 0);
    assert_int_equal(append(fixture, "two", on_append), 0);
    wait_received(fixture, 3);
    fixture->fake->mood = FAKE_ANSWERS;
    fake_stop(fixture->fake);
    assert_int_equal(fake_start(fixture->fake), 0);
    wait_called(fixture, 1);
    assert_int_equal(fixture->result, -ENOTCONN);
    wait_called(fixture, 2);
    assert_int_equal(fixture->result, 0);
    assert_int_equal(fixture->fake->count, 5);
    assert_appended(fixture, 3, "one");
    assert_appended(fixture, 4, "two");
}

/* The disk was full: nobody but the client remembers a record without a handler. */
static void kept_records_are_tried_again(void **state)
{
    Fixture *fixture = *state;

    fixture->fake->mood = FAKE_FAILS;
    fixture->fake->error = -ENOSPC;
    fixture->fake->moody = 1;
    assert_int_equal(append(fixture, "kept", NULL), 0);
    wait_received(fixture, 2);
    assert_appended(fixture, 0, "kept");
    assert_appended(fixture, 1, "kept");
}

static void on_call(const EnforcerCall *call, int result, const void *payload)
{
    Fixture *fixture = call->userdata;

    fixture->called++;
    fixture->result = result;
}

/* A hung enforcer: the handler is told, and the late reply is recognised as its own. */
static void late_replies(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(enforcer_link_freep) EnforcerLink *link = NULL;
    const EnforcerEndRequest request = {.uid = 5, .how = ENFORCER_KILL};
    EnforcerCall call = {
        .verb = ENFORCER_END, .reply_size = sizeof(EnforcerEndReply),
        .timeout_usec = 20 * USEC_PER_MSEC, .handler = on_call, .userdata = fixture,
    };

    assert_int_equal(enforcer_link_new(fixture->event, fixture->path, &link), 0);
    fixture->fake->mood = FAKE_SILENT;
    assert_int_equal(enforcer_link_call(link, &call, &request, sizeof(request), -1), 0);
    wait_called(fixture, 1);
    assert_int_equal(fixture->result, -ETIMEDOUT);
    fixture->fake->mood = FAKE_ANSWERS;
    fake_answer(fixture->fake, &fixture->fake->log[0], FAKE_ANSWERS);
    call.timeout_usec = PATIENCE;
    assert_int_equal(enforcer_link_call(link, &call, &request, sizeof(request), -1), 0);
    wait_called(fixture, 2);
    assert_int_equal(fixture->result, 0);
    assert_true(enforcer_link_connected(link));
    assert_int_equal(fixture->fake->accepted, 3); /* the client's two and this one, never again */
}

/* Told of its timeout, a call is the caller's again: the next connection does not repeat it. */
static void timed_out_calls_are_not_repeated(void **state)
{
    Fixture *fixture = *state;
    _cleanup_(enforcer_link_freep) EnforcerLink *link = NULL;
    EnforcerCall call = {
        .verb = ENFORCER_TELL, .reply_size = sizeof(EnforcerTellReply), .survives = true,
        .timeout_usec = 20 * USEC_PER_MSEC, .handler = on_call, .userdata = fixture,
    };

    assert_int_equal(enforcer_link_new(fixture->event, fixture->path, &link), 0);
    fixture->fake->mood = FAKE_SILENT;
    assert_int_equal(enforcer_link_call(link, &call, NULL, 0, -1), 0);
    wait_called(fixture, 1);
    fixture->fake->mood = FAKE_ANSWERS;
    fake_stop(fixture->fake);
    assert_int_equal(fake_start(fixture->fake), 0);
    call.timeout_usec = PATIENCE;
    call.verb = ENFORCER_END;
    call.reply_size = sizeof(EnforcerEndReply);
    assert_int_equal(enforcer_link_call(link, &call, NULL, 0, -1), 0);
    wait_called(fixture, 2);
    assert_int_equal(fixture->result, 0);
    assert_int_equal(fixture->fake->count, 2);
    assert_int_equal(fixture->fake->log[1].header.verb, ENFORCER_END);
}

static void queues_are_bounded(void **state)
{
    Fixture *fixture = *state;
    int r = 0;

    fixture->fake->mood = FAKE_SILENT;
    for (unsigned i = 0; i < ENFORCER_QUEUE_MAX; i++)
        assert_int_equal(enforcer_end(fixture->client, 5, ENFORCER_LOOK, on_end, fixture), 0);
    r = enforcer_end(fixture->client, 5, ENFORCER_LOOK, on_end, fixture);
    assert_int_equal(r, -ENOBUFS);
    /* The other connection's queue is its own. */
    fixture->fake->mood = FAKE_ANSWERS;
    assert_int_equal(append(fixture, "alice", NULL), 0);
    fixture->client = enforcer_client_free(fixture->client);
    assert_int_equal(fixture->called, ENFORCER_QUEUE_MAX);
    assert_int_equal(fixture->result, -ECANCELED);
}

static void many_at_once(void **state)
{
    Fixture *fixture = *state;
    char name[32];

    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(append(fixture, name, on_append), 0);
    }
    wait_called(fixture, 400);
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        assert_appended(fixture, i, name);
    }
}

static void without_an_enforcer_from_the_start(void **state)
{
    Fixture *fixture = *state;

    fixture->client = enforcer_client_free(fixture->client);
    fake_stop(fixture->fake);
    assert_int_equal(enforcer_client_new(fixture->event, fixture->path, &fixture->client), 0);
    assert_false(enforcer_client_connected(fixture->client));
    assert_int_equal(fake_start(fixture->fake), 0);
    assert_true(fake_run(fixture->event, is_connected, fixture, PATIENCE));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(four_verbs),
        TEST(long_texts_are_cut_between_characters),
        TEST(errors_come_back),
        TEST(lies_end_the_connection),
        TEST(gone_and_back),
        TEST(records_survive_the_connection),
        TEST(kept_records_are_tried_again),
        TEST(late_replies),
        TEST(timed_out_calls_are_not_repeated),
        TEST(queues_are_bounded),
        TEST(many_at_once),
        TEST(without_an_enforcer_from_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
