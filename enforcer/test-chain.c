/*
 * The chain: what a line says of its place, and what the head says of the last line.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "enforcer/chain.h"
#include "enforcer/line.h"

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* of nothing */

static void test_hash_is_sha256(void **state)
{
    Chain chain;

    chain_reset(&chain);
    assert_int_equal(chain.sequence, 0);
    assert_int_equal(strspn(chain.hash, "0"), CHAIN_HASH_DIGITS);
    assert_int_equal(chain_set_last(&chain, 7, "", 0), 0);
    assert_string_equal(chain.hash, HASH);
    assert_int_equal(chain_set_last(&chain, 8, "abc", 3), 0);
    assert_string_equal(chain.hash,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(chain.sequence, 8);
}

static void assert_sequence(const char *line, int result, uint64_t sequence)
{
    uint64_t found = 0;

    assert_int_equal(chain_sequence_of(line, strlen(line), &found), result);
    assert_int_equal(found, sequence);
}

static void test_sequence_is_read_from_the_end(void **state)
{
    assert_sequence("{\"sequence\":42,\"prev\":\"" HASH "\"}", 0, 42);
    assert_sequence("{\"a\":\"b\",\"sequence\":1,\"prev\":\"" HASH "\"}", 0, 1);
    assert_sequence("{\"sequence\":9223372036854775807,\"prev\":\"" HASH "\"}", 0, INT64_MAX);
    assert_sequence("{\"sequence\":12345678901234567890,\"prev\":\"" HASH "\"}", -EBADMSG, 0);
    assert_sequence("{\"sequence\":,\"prev\":\"" HASH "\"}", -EBADMSG, 0);
    assert_sequence("{\"sequence\":-1,\"prev\":\"" HASH "\"}", -EBADMSG, 0);
    assert_sequence("{\"sequence\":1,\"prev\":\"" HASH "\"} ", -EBADMSG, 0);
    assert_sequence("{\"sequence\":1,\"prev\":\"E" HASH "\"}", -EBADMSG, 0);
    assert_sequence("{\"sequence\":1}", -EBADMSG, 0);
    assert_sequence("", -EBADMSG, 0);
    assert_sequence("{}", -EBADMSG, 0);
}

static void test_a_value_cannot_pass_for_the_end(void **state)
{
    Record record = {.event = RECORD_LOGIN};
    const LineContext context = {.time_usec = 1, .host = "h", .source = "helper", .sequence = 5,
                                 .prev = HASH};
    _cleanup_free_ char *line = NULL;

    record_set(&record, RECORD_REASON, "\",\"sequence\":99,\"prev\":\"" HASH "\"}");
    assert_int_equal(line_format(&context, &record, &line), 0);
    assert_sequence(line, 0, 5);
}

static void test_every_truncation_is_refused(void **state)
{
    static const char line[] = "{\"a\":1,\"sequence\":42,\"prev\":\"" HASH "\"}";
    uint64_t sequence = 0;

    for (size_t size = 0; size + 1 < sizeof(line); size++)
        if (size != sizeof(line) - 1)
            assert_int_equal(chain_sequence_of(line, size, &sequence), -EBADMSG);
}

static void test_head_round_trip(void **state)
{
    Chain chain = {.sequence = 1234567890123}, back;
    char head[CHAIN_HEAD_SIZE + 1];

    memcpy(chain.hash, HASH, sizeof(chain.hash));
    chain_format_head(&chain, head);
    assert_int_equal(strlen(head), CHAIN_HEAD_SIZE);
    assert_int_equal(chain_parse_head(head, CHAIN_HEAD_SIZE, &back), 0);
    assert_int_equal(back.sequence, chain.sequence);
    assert_string_equal(back.hash, chain.hash);
    assert_int_equal(chain_parse_head(head, CHAIN_HEAD_SIZE - 1, &back), -EBADMSG);
    assert_int_equal(chain_parse_head("", 0, &back), -EBADMSG);
    for (size_t i = 0; i < CHAIN_HEAD_SIZE; i++) {
        char bad[CHAIN_HEAD_SIZE + 1];
        memcpy(bad, head, sizeof(bad));
        bad[i] = 'G';
        assert_int_equal(chain_parse_head(bad, CHAIN_HEAD_SIZE, &back), -EBADMSG);
    }
}

static void test_times(void **state)
{
    char text[28];

    line_format_time(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
    line_format_time(UINT64_C(1795284615123456), text);
    assert_string_equal(text, "2026-11-21T18:10:15.123456Z");
    line_format_time(UINT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

static void test_numbers_and_texts(void **state)
{
    Record record = {.event = RECORD_ENDED};
    const LineContext context = {.time_usec = 0, .host = "h", .source = "enforcer", .sequence = 1,
                                 .prev = HASH};
    _cleanup_free_ char *line = NULL;

    record_set(&record, RECORD_USER, "42");
    record_set(&record, RECORD_UID, "1879048192");
    record_set(&record, RECORD_COUNT, "12x");
    record_set(&record, RECORD_LEFT, "1234567890123456789");
    assert_int_equal(line_format(&context, &record, &line), 0);
    assert_string_equal(line, "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"host\":\"h\","
                              "\"event\":\"ended\",\"source\":\"enforcer\",\"user\":\"42\","
                              "\"uid\":1879048192,\"count\":\"12x\","
                              "\"left\":\"1234567890123456789\","
                              "\"sequence\":1,\"prev\":\"" HASH "\"}");
}

static void test_an_unknown_event_makes_no_line(void **state)
{
    const Record record = {.event = _RECORD_EVENT_COUNT};
    const LineContext context = {.host = "h", .source = "helper", .prev = HASH};
    char *line = NULL;

    assert_int_equal(line_format(&context, &record, &line), -EINVAL);
    assert_null(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_is_sha256),
        cmocka_unit_test(test_sequence_is_read_from_the_end),
        cmocka_unit_test(test_a_value_cannot_pass_for_the_end),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_head_round_trip),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_numbers_and_texts),
        cmocka_unit_test(test_an_unknown_event_makes_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
