/*
 * Tests of what a round means: the tables, cell by cell, and the roll they are read from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "helper/directory/directory-roll.h"
#include "helper/directory/directory-sync.h"

static void test_what_is_said_and_what_is_not(void **state)
{
    static const struct {
        DirectoryState state;
        bool proves;
        EvidenceMeaning meaning;
        const char *code;
    } rows[] = {
        {DIRECTORY_UNSAID, false, EVIDENCE_NEUTRAL, ""},
        {DIRECTORY_ENABLED, true, EVIDENCE_CONFIRMED, "enabled"},
        {DIRECTORY_DOUBTED, false, EVIDENCE_NEUTRAL, ""},
        {DIRECTORY_DISABLED, true, EVIDENCE_DISABLED, "disabled"},
        {DIRECTORY_REMOVED, true, EVIDENCE_DISABLED, "removed"},
        {_DIRECTORY_STATE_COUNT, false, EVIDENCE_NEUTRAL, ""},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Evidence evidence = {0};
        assert_int_equal(directory_sync_evidence(rows[i].state, &evidence), rows[i].proves);
        assert_int_equal(evidence.meaning, rows[i].meaning);
        assert_string_equal(evidence.code, rows[i].code);
        assert_int_equal(evidence.is_explicit, rows[i].proves);
    }
}

static void test_the_hold_on_mass_absence(void **state)
{
    static const struct {
        SyncCount count;
        bool held;
    } rows[] = {
        {{0, 0, 0}, false},        {{1, 1, 1}, false}, /* the only one may leave */
        {{2, 1, 1}, false},        {{2, 2, 2}, true},  /* everybody of two may not */
        {{2, 2, 1}, false},        {{3, 3, 3}, true},   {{5, 5, 4}, false},
        {{6, 5, 5}, false},        {{6, 6, 0}, true},   {{25, 5, 0}, false},
        {{25, 6, 0}, true},        {{30, 6, 6}, false}, {{30, 7, 0}, true},
        {{2000, 400, 400}, false}, {{2000, 401, 0}, true},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(directory_sync_must_hold(&rows[i].count), rows[i].held);
}

static void test_who_is_not_found_is_gone_only_where_others_are_known(void **state)
{
    assert_true(directory_sync_believes_missing(1, 1, true));
    assert_false(directory_sync_believes_missing(1, 1, false));
    assert_true(directory_sync_believes_missing(10, 5, true));
    assert_false(directory_sync_believes_missing(10, 6, true));
    assert_true(directory_sync_believes_missing(100, 20, true));
    assert_false(directory_sync_believes_missing(100, 21, true));
}

/* --- the roll --------------------------------------------------------------------------------- */

static void list(DirectoryRoll *roll, const char *id, DirectoryState said, unsigned group)
{
    DirectoryPage *page = calloc(1, sizeof(*page));

    assert_non_null(page);
    page->people = calloc(1, sizeof(*page->people));
    assert_non_null(page->people);
    page->people[0] = (DirectoryPerson){.id = strdup(id), .state = said};
    page->count = 1;
    assert_int_equal(directory_roll_add(roll, page, group), 0);
    assert_int_equal(page->count, 0);
    directory_page_free(page);
}

static void test_a_person_of_the_roll_is_all_their_entries(void **state)
{
    DirectoryRoll roll = {0};
    RollPerson person;
    size_t iterator = 0;

    list(&roll, "b", DIRECTORY_ENABLED, 1);
    list(&roll, "a", DIRECTORY_ENABLED, 0);
    list(&roll, "b", DIRECTORY_DISABLED, 0);
    list(&roll, "b", DIRECTORY_UNSAID, 3);
    list(&roll, "c", DIRECTORY_UNSAID, 2);
    directory_roll_close(&roll);
    assert_true(directory_roll_find(&roll, "b", &person));
    assert_int_equal(person.count, 3);
    assert_int_equal(person.state, DIRECTORY_DISABLED);
    assert_true(roll_person_is_in(&person, 0) && roll_person_is_in(&person, 1) &&
                roll_person_is_in(&person, 3));
    assert_false(roll_person_is_in(&person, 2));
    assert_false(directory_roll_find(&roll, "bb", &person));
    assert_false(directory_roll_find(&roll, "d", &person));
    for (const char *wanted = "abc"; *wanted; wanted++) {
        assert_true(directory_roll_next(&roll, &iterator, &person));
        assert_int_equal(person.entries[0].person.id[0], *wanted);
    }
    assert_false(directory_roll_next(&roll, &iterator, &person));
    directory_roll_clear(&roll);
}

static void test_of_who_is_whole_nothing_else_is_to_be_known(void **state)
{
    DirectoryRoll roll = {0};
    const DirectoryPerson person = {.id = (char *)(uintptr_t) "a", .state = DIRECTORY_ENABLED};
    RollPerson found;

    assert_int_equal(directory_roll_add_person(&roll, &person, ROLL_WHOLE), 0);
    assert_int_equal(directory_roll_add_person(&roll, &person, 3), 0);
    list(&roll, "b", DIRECTORY_ENABLED, 3);
    directory_roll_close(&roll);
    assert_true(directory_roll_find(&roll, "a", &found));
    assert_true(found.is_whole && roll_person_is_in(&found, 3) && !roll_person_is_in(&found, 2));
    assert_int_equal(found.entries[0].group, 3);
    assert_true(directory_roll_find(&roll, "b", &found));
    assert_false(found.is_whole);
    directory_roll_clear(&roll);
}

static void test_an_empty_roll_knows_nobody(void **state)
{
    DirectoryRoll roll = {0};
    RollPerson person;
    size_t iterator = 0;

    directory_roll_close(&roll);
    assert_false(directory_roll_find(&roll, "a", &person));
    assert_false(directory_roll_next(&roll, &iterator, &person));
    directory_roll_clear(&roll);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said_and_what_is_not),
        cmocka_unit_test(test_the_hold_on_mass_absence),
        cmocka_unit_test(test_who_is_not_found_is_gone_only_where_others_are_known),
        cmocka_unit_test(test_a_person_of_the_roll_is_all_their_entries),
        cmocka_unit_test(test_of_who_is_whole_nothing_else_is_to_be_known),
        cmocka_unit_test(test_an_empty_roll_knows_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
