/*
 * Records: what is encoded decodes to the same; nothing malformed decodes at all.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/record.h"

static size_t encode(const Record *record, uint8_t *buffer, size_t size)
{
    int r = record_encode(record, buffer, size);

    assert_true(r > 0);
    return (size_t)r;
}

static void assert_value(const Record *record, RecordField field, const char *text)
{
    assert_non_null(record->fields[field].text);
    assert_int_equal(record->fields[field].size, strlen(text));
    assert_memory_equal(record->fields[field].text, text, strlen(text));
}

static void test_every_word_is_named_and_unique(void **state)
{
    for (unsigned i = 1; i < _RECORD_EVENT_COUNT; i++) {
        assert_non_null(record_event_to_word((RecordEvent)i));
        for (unsigned j = 1; j < i; j++)
            assert_string_not_equal(record_event_to_word((RecordEvent)i),
                                    record_event_to_word((RecordEvent)j));
    }
    for (unsigned i = 1; i < _RECORD_FIELD_COUNT; i++) {
        assert_non_null(record_field_to_key((RecordField)i));
        for (unsigned j = 1; j < i; j++)
            assert_string_not_equal(record_field_to_key((RecordField)i),
                                    record_field_to_key((RecordField)j));
    }
    assert_null(record_event_to_word((RecordEvent)0));
    assert_null(record_event_to_word(_RECORD_EVENT_COUNT));
    assert_null(record_field_to_key((RecordField)0));
    assert_null(record_field_to_key(_RECORD_FIELD_COUNT));
}

static void test_round_trip_of_every_field(void **state)
{
    Record record = {.event = RECORD_LOGIN}, back;
    uint8_t buffer[ENFORCER_MESSAGE_MAX];

    for (unsigned i = 1; i < _RECORD_FIELD_COUNT; i++)
        record_set(&record, (RecordField)i, record_field_to_key((RecordField)i));
    size_t size = encode(&record, buffer, sizeof(buffer));
    assert_int_equal(record_decode(buffer, size, &back), 0);
    assert_int_equal(back.event, RECORD_LOGIN);
    for (unsigned i = 1; i < _RECORD_FIELD_COUNT; i++)
        assert_value(&back, (RecordField)i, record_field_to_key((RecordField)i));
}

static void test_absent_fields_stay_absent(void **state)
{
    Record record = {.event = RECORD_STARTED}, back;
    uint8_t buffer[64];

    record_set(&record, RECORD_USER, NULL);
    record_set(&record, RECORD_REASON, "");
    record_set(&record, (RecordField)0, "ignored");
    record_set(&record, _RECORD_FIELD_COUNT, "ignored");
    size_t size = encode(&record, buffer, sizeof(buffer));
    assert_int_equal(size, 8);
    assert_int_equal(record_decode(buffer, size, &back), 0);
    assert_null(back.fields[RECORD_USER].text);
    assert_null(back.fields[RECORD_REASON].text);
}

static void test_encoding_cleans(void **state)
{
    Record record = {.event = RECORD_LOGIN}, back;
    uint8_t buffer[256];

    record_set(&record, RECORD_USER, "a\nb\x1b[1mc\xff\xc3\xa9\xe2\x80\xae");
    size_t size = encode(&record, buffer, sizeof(buffer));
    assert_int_equal(record_decode(buffer, size, &back), 0);
    assert_value(&back, RECORD_USER, "a?b?[1mc?\xc3\xa9?");
}

static void test_cut_on_a_character_boundary(void **state)
{
    char text[RECORD_FIELD_MAX + 16];
    Record record = {.event = RECORD_LOGIN}, back;
    uint8_t buffer[ENFORCER_MESSAGE_MAX];

    memset(text, 'x', sizeof(text));
    memcpy(text + RECORD_FIELD_MAX - 1, "\xe2\x82\xac", 3);
    text[sizeof(text) - 1] = '\0';
    record_set(&record, RECORD_REASON, text);
    size_t size = encode(&record, buffer, sizeof(buffer));
    assert_int_equal(record_decode(buffer, size, &back), 0);
    assert_int_equal(back.fields[RECORD_REASON].size, RECORD_FIELD_MAX - 1);
}

static void test_many_long_values_are_shortened_not_lost(void **state)
{
    char text[RECORD_FIELD_MAX + 1];
    Record record = {.event = RECORD_LOGIN}, back;
    uint8_t buffer[ENFORCER_MESSAGE_MAX];

    memset(text, 'x', RECORD_FIELD_MAX);
    text[RECORD_FIELD_MAX] = '\0';
    for (unsigned i = 1; i < _RECORD_FIELD_COUNT; i++)
        record_set(&record, (RecordField)i, text);
    size_t size = encode(&record, buffer, sizeof(buffer));
    assert_int_equal(record_decode(buffer, size, &back), 0);
    for (unsigned i = 1; i < _RECORD_FIELD_COUNT; i++)
        assert_int_equal(back.fields[i].size, 256);
}

static void test_encode_refuses(void **state)
{
    Record record = {.event = (RecordEvent)0};
    uint8_t buffer[64];

    assert_int_equal(record_encode(&record, buffer, sizeof(buffer)), -EINVAL);
    record.event = _RECORD_EVENT_COUNT;
    assert_int_equal(record_encode(&record, buffer, sizeof(buffer)), -EINVAL);
    record.event = RECORD_LOGIN;
    record_set(&record, RECORD_USER, "alice");
    for (size_t room = 0; room < 8 + 4 + 5; room++)
        assert_int_equal(record_encode(&record, buffer, room), -EMSGSIZE);
    assert_int_equal(record_encode(&record, buffer, 17), 17);
}

static void test_every_truncation_and_surplus_is_refused(void **state)
{
    Record record = {.event = RECORD_VERDICT}, back;
    uint8_t buffer[128];

    record_set(&record, RECORD_USER, "alice");
    record_set(&record, RECORD_VERDICT_NEW, "disabled");
    size_t size = encode(&record, buffer, sizeof(buffer));
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(record_decode(buffer, cut, &back), -EBADMSG);
    assert_int_equal(record_decode(buffer, size + 1, &back), -EBADMSG);
}

/* One field, hand-made. */
static int decode_raw(uint32_t event, uint32_t count, uint16_t field, const char *text,
                      uint16_t size)
{
    uint8_t buffer[2 * RECORD_FIELD_MAX] = {0};
    Record back;

    memcpy(buffer, &event, 4);
    memcpy(buffer + 4, &count, 4);
    memcpy(buffer + 8, &field, 2);
    memcpy(buffer + 10, &size, 2);
    memcpy(buffer + 12, text, size);
    return record_decode(buffer, 12u + size, &back);
}

static void test_decode_refuses(void **state)
{
    char big[RECORD_FIELD_MAX + 1];

    memset(big, 'x', sizeof(big));
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, RECORD_USER, "alice", 5), 0);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, RECORD_USER, big, RECORD_FIELD_MAX), 0);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, RECORD_USER, big, sizeof(big)), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, RECORD_USER, "", 0), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, RECORD_USER, "a\nb", 3), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, RECORD_USER, "a\0b", 3), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, RECORD_USER, "\xff", 1), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, 0, "alice", 5), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, _RECORD_FIELD_COUNT, "alice", 5), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 1, UINT16_MAX, "alice", 5), -EBADMSG);
    assert_int_equal(decode_raw(0, 1, RECORD_USER, "alice", 5), -EBADMSG);
    assert_int_equal(decode_raw(UINT32_MAX, 1, RECORD_USER, "alice", 5), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 0, RECORD_USER, "alice", 5), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, 2, RECORD_USER, "alice", 5), -EBADMSG);
    assert_int_equal(decode_raw(RECORD_LOGIN, UINT32_MAX, RECORD_USER, "alice", 5), -EBADMSG);
}

static void test_a_repeated_field_is_refused(void **state)
{
    Record record = {.event = RECORD_LOGIN}, back;
    uint8_t buffer[64];
    uint32_t count = 2;

    record_set(&record, RECORD_USER, "alice");
    size_t size = encode(&record, buffer, sizeof(buffer));
    memcpy(buffer + size, buffer + 8, size - 8);
    memcpy(buffer + 4, &count, 4);
    assert_int_equal(record_decode(buffer, size + size - 8, &back), -EBADMSG);
}

static void test_a_refused_record_leaves_the_output_alone(void **state)
{
    Record back = {.event = RECORD_TOLD};

    assert_int_equal(record_decode((const uint8_t *)"short", 5, &back), -EBADMSG);
    assert_int_equal(back.event, RECORD_TOLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_word_is_named_and_unique),
        cmocka_unit_test(test_round_trip_of_every_field),
        cmocka_unit_test(test_absent_fields_stay_absent),
        cmocka_unit_test(test_encoding_cleans),
        cmocka_unit_test(test_cut_on_a_character_boundary),
        cmocka_unit_test(test_many_long_values_are_shortened_not_lost),
        cmocka_unit_test(test_encode_refuses),
        cmocka_unit_test(test_every_truncation_and_surplus_is_refused),
        cmocka_unit_test(test_decode_refuses),
        cmocka_unit_test(test_a_repeated_field_is_refused),
        cmocka_unit_test(test_a_refused_record_leaves_the_output_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
