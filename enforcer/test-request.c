/*
 * Requests: the table of verbs, exact sizes.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "enforcer/request.h"

typedef struct Datagram {
    uint8_t bytes[ENFORCER_MESSAGE_MAX + 64];
    size_t size;
} Datagram;

static void make(Datagram *datagram, uint32_t verb, const void *payload, size_t size)
{
    const EnforcerHeader header = {.magic = ENFORCER_MAGIC, .verb = verb, .tag = 77,
                                   .size = (uint32_t)size};

    memcpy(datagram->bytes, &header, sizeof(header));
    if (size > 0)
        memcpy(datagram->bytes + sizeof(header), payload, size);
    datagram->size = sizeof(header) + size;
}

static int parse(const Datagram *datagram, bool has_fd, Request *request)
{
    return request_parse(datagram->bytes, datagram->size, has_fd, request);
}

static void test_good_requests(void **state)
{
    const EnforcerEndRequest end = {.uid = 5, .how = ENFORCER_KILL};
    struct {
        EnforcerTellRequest head;
        char text[5];
    } tell = {.head = {.uid = 6, .text_size = 5}, .text = {'h', 'e', 'l', 'l', 'o'}};
    Record record = {.event = RECORD_LOGIN};
    uint8_t encoded[128];
    Datagram datagram;
    Request request;

    make(&datagram, ENFORCER_END, &end, sizeof(end));
    assert_int_equal(parse(&datagram, false, &request), 0);
    assert_int_equal(request.verb, ENFORCER_END);
    assert_int_equal(request.tag, 77);
    assert_int_equal(request.end.uid, 5);
    assert_int_equal(request.end.how, ENFORCER_KILL);
    make(&datagram, ENFORCER_PUBLISH, NULL, 0);
    assert_int_equal(parse(&datagram, true, &request), 0);
    make(&datagram, ENFORCER_TELL, &tell, sizeof(tell.head) + 5);
    assert_int_equal(parse(&datagram, false, &request), 0);
    assert_memory_equal(request.text, "hello", 5);
    record_set(&record, RECORD_USER, "alice");
    int size = record_encode(&record, encoded, sizeof(encoded));
    make(&datagram, ENFORCER_APPEND, encoded, (size_t)size);
    assert_int_equal(parse(&datagram, false, &request), 0);
    assert_int_equal(request.record.event, RECORD_LOGIN);
}

static void test_every_size_but_the_right_one(void **state)
{
    static const uint8_t zeros[ENFORCER_MESSAGE_MAX + 1];
    Datagram datagram;
    Request request;

    for (size_t size = 0; size < 64; size++) {
        make(&datagram, ENFORCER_END, zeros, size);
        assert_int_equal(parse(&datagram, false, &request),
                         size >= sizeof(EnforcerEndRequest) && size % 4 == 0 ? -EINVAL : -EBADMSG);
        make(&datagram, ENFORCER_PUBLISH, zeros, size);
        assert_int_equal(parse(&datagram, true, &request), size == 0 ? 0 : -EBADMSG);
    }
    for (size_t size = 0; size < sizeof(EnforcerHeader); size++)
        assert_int_equal(request_parse(zeros, size, false, &request), -EBADMSG);
    make(&datagram, ENFORCER_APPEND, zeros, ENFORCER_MESSAGE_MAX);
    assert_int_equal(parse(&datagram, false, &request), -EBADMSG);
}

/* Processes to be left alone may be named for the ELEVATED ones only, and not without end. */
static void test_spared_processes(void **state)
{
    struct {
        EnforcerEndRequest end;
        int32_t pids[ENFORCER_SPARED_MAX + 1];
    } payload = {.end = {.uid = 5}, .pids = {4242, 1}};
    const size_t head = sizeof(payload.end), pid = sizeof(payload.pids[0]);
    Datagram datagram;
    Request request;

    for (uint32_t how = ENFORCER_LOOK; how <= ENFORCER_KILL_ELEVATED; how++) {
        payload.end.how = how;
        make(&datagram, ENFORCER_END, &payload, head + 2 * pid);
        assert_int_equal(parse(&datagram, false, &request),
                         how >= ENFORCER_LOOK_ELEVATED ? 0 : -EINVAL);
        assert_int_equal(request.spared_count, 2);
        assert_int_equal(request.spared[0], 4242);
        make(&datagram, ENFORCER_END, &payload, head);
        assert_int_equal(parse(&datagram, false, &request), 0);
        assert_int_equal(request.spared_count, 0);
    }
    make(&datagram, ENFORCER_END, &payload, head + pid - 1);
    assert_int_equal(parse(&datagram, false, &request), -EBADMSG);
    make(&datagram, ENFORCER_END, &payload, head + ENFORCER_SPARED_MAX * pid);
    assert_int_equal(parse(&datagram, false, &request), 0);
    make(&datagram, ENFORCER_END, &payload, head + (ENFORCER_SPARED_MAX + 1) * pid);
    assert_int_equal(parse(&datagram, false, &request), -EBADMSG);
}

static void test_header_fields(void **state)
{
    const EnforcerEndRequest end = {.uid = 5, .how = ENFORCER_LOOK};
    const size_t offsets[] = {0, 4, 12, 16, 20}; /* all but the tag */
    Datagram datagram;
    Request request;

    for (size_t i = 0; i < ELEMENTSOF(offsets); i++) {
        make(&datagram, ENFORCER_END, &end, sizeof(end));
        datagram.bytes[offsets[i] + 3] ^= 0x40;
        assert_int_equal(parse(&datagram, false, &request), -EBADMSG);
    }
    make(&datagram, ENFORCER_END, &end, sizeof(end));
    assert_int_equal(parse(&datagram, true, &request), -EBADMSG);
    make(&datagram, ENFORCER_PUBLISH, NULL, 0);
    assert_int_equal(parse(&datagram, false, &request), -EBADMSG);
    for (uint32_t verb = 5; verb < 40; verb++) {
        make(&datagram, verb, NULL, 0);
        assert_int_equal(parse(&datagram, false, &request), -EBADMSG);
        assert_int_equal(request_reply_size((EnforcerVerb)verb), 0);
    }
}

static void test_content(void **state)
{
    static const RecordEvent own[] = {RECORD_PUBLISHED, RECORD_RECOVERED, RECORD_TOLD};
    struct {
        EnforcerTellRequest head;
        char text[4];
    } tell = {.head = {.uid = 6, .text_size = 4}, .text = {'a', '\x1b', '[', 'm'}};
    Datagram datagram;
    Request request;

    make(&datagram, ENFORCER_TELL, &tell, sizeof(tell));
    assert_int_equal(parse(&datagram, false, &request), -EINVAL);
    assert_int_equal(request.verb, ENFORCER_TELL);
    tell.head.text_size = 3;
    make(&datagram, ENFORCER_TELL, &tell, sizeof(tell));
    assert_int_equal(parse(&datagram, false, &request), -EBADMSG);
    for (size_t i = 0; i < ELEMENTSOF(own); i++) {
        const uint32_t record[2] = {own[i], 0};
        make(&datagram, ENFORCER_APPEND, record, sizeof(record));
        assert_int_equal(parse(&datagram, false, &request), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_requests),
        cmocka_unit_test(test_every_size_but_the_right_one),
        cmocka_unit_test(test_spared_processes),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
