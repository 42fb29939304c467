/*
 * Tests of log-queue.c against an enforcer client of the test's own: order, retry, giving up, and
 * a queue that goes away while a record is in flight.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/base/clock.h"
#include "helper/enforcer/log-queue.h"

typedef struct Fake {
    sd_event *event;
    LogQueue *queue;
    char taken[512]; /* the reasons of the records, in order */
    EnforcerAppendHandler handler;
    void *userdata;
    int refuse; /* enforcer_append()'s own error */
    unsigned calls, complaints;
} Fake;

static Fake *fake;

int enforcer_append(EnforcerClient *client, const Record *record, EnforcerAppendHandler handler,
                    void *userdata)
{
    const RecordValue *reason = &record->fields[RECORD_REASON];
    const RecordValue *count = &record->fields[RECORD_COUNT];

    fake->calls++;
    if (fake->refuse < 0)
        return fake->refuse;
    assert_null(fake->handler); /* one at a time */
    fake->handler = handler;
    fake->userdata = userdata;
    size_t used = strlen(fake->taken);
    snprintf(fake->taken + used, sizeof(fake->taken) - used, "%.*s%s%.*s,", (int)count->size,
             count->size > 0 ? count->text : "", count->size > 0 ? ": " : "", (int)reason->size,
             reason->text);
    return 0;
}

static void answer(int result, bool to_file, bool to_journal)
{
    EnforcerAppendReply reply = {.to_file = to_file, .to_journal = to_journal};
    EnforcerAppendHandler handler = fake->handler;

    assert_non_null(handler);
    fake->handler = NULL;
    handler(result, result < 0 ? NULL : &reply, fake->userdata);
}

static void on_complaint(const char *what, int error, void *userdata)
{
    assert_true(error < 0);
    fake->complaints++;
}

static void append(const char *reason)
{
    Record record = {.event = RECORD_ALARM};

    record_set(&record, RECORD_REASON, reason);
    assert_int_equal(log_queue_append(fake->queue, &record), 0);
}

/* Runs the loop until the retry timer has done its work. */
static void let_retry_pass(void)
{
    unsigned calls = fake->calls;

    for (int i = 0; i < 100 && fake->calls == calls; i++)
        assert_true(sd_event_run(fake->event, 100 * USEC_PER_MSEC) >= 0);
    assert_true(fake->calls > calls);
}

static int set_up(void **state)
{
    fake = calloc(1, sizeof(*fake));
    assert_non_null(fake);
    assert_true(sd_event_new(&fake->event) >= 0);
    return log_queue_new(fake->event, NULL, on_complaint, NULL, &fake->queue);
}

static int tear_down(void **state)
{
    log_queue_free(fake->queue);
    if (fake->handler) /* a handler is called exactly once, whatever has become of its queue */
        answer(-ENOTCONN, false, false);
    sd_event_unref(fake->event);
    free(fake);
    return 0;
}

static void test_in_order_one_at_a_time(void **state)
{
    append("a");
    append("b");
    append("c");
    assert_string_equal(fake->taken, "a,");
    answer(0, true, true);
    assert_string_equal(fake->taken, "a,b,");
    answer(0, false, true);
    answer(0, true, false);
    assert_string_equal(fake->taken, "a,b,c,");
    assert_int_equal(log_queue_count(fake->queue), 0);
    assert_int_equal(fake->complaints, 0);
}

static void test_kept_until_it_is_taken(void **state)
{
    append("a");
    append("b");
    answer(-ENOTCONN, false, false);
    assert_int_equal(fake->complaints, 1);
    assert_int_equal(log_queue_count(fake->queue), 2);
    let_retry_pass();
    answer(0, false, false); /* neither file nor journal: not taken */
    let_retry_pass();
    answer(0, true, true);
    answer(0, true, true);
    assert_string_equal(fake->taken, "a,a,a,b,");
    assert_int_equal(fake->complaints, 1); /* said once */
}

static void test_cannot_be_sent(void **state)
{
    fake->refuse = -ENOTCONN;
    append("a");
    append("b"); /* does not try again by itself */
    assert_int_equal(fake->calls, 1);
    fake->refuse = 0;
    let_retry_pass();
    assert_string_equal(fake->taken, "a,");
}

static void test_refused_record_does_not_block(void **state)
{
    append("a");
    append("b");
    answer(-EBADMSG, false, false);
    assert_string_equal(fake->taken, "a,b,");
    assert_int_equal(fake->complaints, 1);
}

static void test_answer_after_the_end(void **state)
{
    append("a");
    fake->queue = log_queue_free(fake->queue);
    answer(0, true, true);
}

static void test_bounded(void **state)
{
    Record record = {.event = RECORD_ALARM};
    int r = 0;

    for (unsigned i = 0; i < 100000 && r == 0; i++)
        r = log_queue_append(fake->queue, &record);
    assert_int_equal(r, -ENOBUFS);
    assert_int_equal(log_queue_append(fake->queue, &(Record){.event = _RECORD_EVENT_COUNT}),
                     -ENOBUFS);
    fake->queue = log_queue_free(fake->queue);
    answer(-ENOTCONN, false, false);
}

/* How many were lost stands in the log once, behind what waited. */
static void test_lost_ones_are_counted(void **state)
{
    Record record = {.event = RECORD_ACCOUNT};

    record_set(&record, RECORD_REASON, "");
    while (log_queue_append(fake->queue, &record) == 0)
        continue;
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(log_queue_append(fake->queue, &record), -ENOBUFS);
    size_t waiting = log_queue_count(fake->queue);
    for (; waiting > 0; waiting--) {
        fake->taken[0] = '\0';
        answer(0, true, true);
    }
    assert_string_equal(fake->taken,
                        "7: records were lost: the access log took none, and too many waited,");
    answer(0, true, true);
    assert_int_equal(log_queue_count(fake->queue), 0);
    append("a");
    assert_string_equal(strchr(fake->taken, ',') + 1, " and too many waited,a,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_order_one_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kept_until_it_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cannot_be_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_record_does_not_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answer_after_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_ones_are_counted, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
