/*
 * The beat of refusals: what is told when, by how slow answers were of late.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "helper/login/refusal-beat.h"

#define SEC      UINT64_C(1000000)
#define ANSWERED (1000 * SEC)

typedef struct Row {
    const char *what;
    uint64_t slowest_usec, decided_usec; /* after the answer */
    uint64_t told_sec;
} Row;

static const Row rows[] = {
    {"at once", 0, 0, 2},
    {"in time", 0, 2 * SEC - 1, 2},
    {"on the beat itself: the next", 0, 2 * SEC, 4},
    {"a slow provider", 0, 5 * SEC, 6},
    {"nobody was asked, and the provider is slow", 5 * SEC, 0, 6},
    {"asked, and as slow", 5 * SEC, 5 * SEC, 6},
    {"asked, and faster", 5 * SEC, SEC, 6},
    {"asked, and slower", 3 * SEC, 5 * SEC, 6},
    {"nobody was asked, and a queue was long", 200 * SEC, 0, 10},
    {"asked, and in the queue", 200 * SEC, 100 * SEC, 102},
    {"slow, and within the beat", 2 * SEC - 1, 0, 2},
};

static void test_when_it_is_told(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const Row *row = &rows[i];
        const RefusalBeat beat = {row->slowest_usec, ANSWERED};
        print_message("%s\n", row->what);
        assert_int_equal(refusal_beat_next(&beat, ANSWERED, ANSWERED + row->decided_usec),
                         ANSWERED + row->told_sec * SEC);
    }
}

static uint64_t told_after(const RefusalBeat *beat)
{
    return (refusal_beat_next(beat, ANSWERED, ANSWERED) - ANSWERED) / SEC;
}

static void test_what_is_remembered(void **state)
{
    RefusalBeat beat = {0};
    uint64_t now = ANSWERED;

    refusal_beat_note(&beat, 3 * SEC, now);
    assert_int_equal(told_after(&beat), 4);
    refusal_beat_note(&beat, 9 * SEC, now += SEC);
    assert_int_equal(told_after(&beat), 10);
    refusal_beat_note(&beat, SEC, now += REFUSAL_REMEMBERED_USEC - 1);
    assert_int_equal(told_after(&beat), 10);
    refusal_beat_note(&beat, 8 * SEC, now); /* as slow: remembered from then on */
    refusal_beat_note(&beat, SEC, now += SEC);
    assert_int_equal(told_after(&beat), 10);
    refusal_beat_note(&beat, SEC, now + REFUSAL_REMEMBERED_USEC);
    assert_int_equal(told_after(&beat), 2);
}

static void test_a_clock_that_goes_back(void **state)
{
    RefusalBeat beat = {0};

    assert_int_equal(refusal_beat_next(&beat, ANSWERED, ANSWERED - SEC), ANSWERED + 2 * SEC);
    refusal_beat_note(&beat, 3 * SEC, ANSWERED);
    refusal_beat_note(&beat, 0, 0);
    assert_int_equal(told_after(&beat), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_it_is_told),
        cmocka_unit_test(test_what_is_remembered),
        cmocka_unit_test(test_a_clock_that_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
