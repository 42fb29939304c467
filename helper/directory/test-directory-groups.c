/*
 * Tests of which lists are asked for: when something was told, once more soon, in turn, and what is
 * known after a restart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/clock.h"
#include "helper/directory/directory-groups.h"

#define HOUR   (3600 * USEC_PER_SEC)
#define MINUTE (60 * USEC_PER_SEC)
#define NOW    (1000 * HOUR)
#define SOME   64

typedef struct Fixture {
    char names[SOME][32], ids[SOME][32];
    GroupConfig sections[SOME];
    ProviderConfig provider;
    Config config;
    DirectoryGroups groups;
} Fixture;

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

/* [group name-N] Id=id-N, N from 0. */
static Fixture *new_fixture(size_t count)
{
    static char *nothing[] = {NULL};
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    for (size_t i = 0; i < count; i++) {
        snprintf(fixture->names[i], sizeof(fixture->names[i]), "name-%zu", i);
        snprintf(fixture->ids[i], sizeof(fixture->ids[i]), "id-%zu", i);
        fixture->sections[i].name = fixture->names[i];
        fixture->sections[i].id = fixture->ids[i];
    }
    fixture->provider = (ProviderConfig){.name = text("college"),
                                         .directory_url = text("https://g"),
                                         .domains = nothing,
                                         .auto_provision_groups = nothing};
    fixture->config = (Config){.groups = fixture->sections, .group_count = count,
                               .providers = &fixture->provider, .provider_count = 1};
    assert_int_equal(
        directory_groups_init(&fixture->groups, &fixture->config, &fixture->provider), 0);
    return fixture;
}

static void free_fixture(Fixture *fixture)
{
    directory_groups_clear(&fixture->groups);
    free(fixture);
}

/* A round in which all that is chosen is listed, and holds what is already there. Returns how
 * many. */
static size_t play_busy_round(Fixture *fixture, bool tells_changes, bool moves_people, uint64_t now)
{
    DirectoryGroup *group;
    size_t count = 0;

    directory_groups_begin(&fixture->groups);
    directory_groups_choose(&fixture->groups, tells_changes, moves_people, now);
    while ((group = directory_groups_next(&fixture->groups))) {
        assert_int_equal(directory_group_add_inside(group, group->inside), 0);
        group->is_listed = true;
        count++;
    }
    assert_int_equal(directory_groups_listed_any(&fixture->groups), count > 0);
    directory_groups_applied(&fixture->groups, now);
    return count;
}

static size_t play_round(Fixture *fixture, bool tells_changes, uint64_t now)
{
    return play_busy_round(fixture, tells_changes, false, now);
}

static void put_inside(Fixture *fixture, const char *id, const char *inside)
{
    char *list[] = {text(inside), NULL};
    DirectoryGroup *group = directory_groups_find(&fixture->groups, id);

    directory_groups_begin(&fixture->groups);
    assert_int_equal(directory_group_add_inside(group, list), 0);
    group->is_listed = true;
    directory_groups_applied(&fixture->groups, NOW);
}

static void test_all_are_listed_first_and_then_what_moved(void **state)
{
    Fixture *fixture = new_fixture(30);

    assert_true(directory_groups_wants(&fixture->groups));
    assert_int_equal(play_round(fixture, true, NOW), 30);
    assert_false(directory_groups_wants(&fixture->groups));
    assert_int_equal(play_round(fixture, true, NOW + MINUTE), 0);
    assert_true(directory_groups_concern(&fixture->groups, "ID-7"));
    assert_false(directory_groups_concern(&fixture->groups, "id-30"));
    directory_groups_want(&fixture->groups, "id-7");
    assert_true(directory_groups_find(&fixture->groups, "Id-7")->is_wanted);
    assert_int_equal(play_round(fixture, true, NOW + MINUTE), 1);
    /* Once more, because the list may have lagged behind; then only every hour. */
    assert_int_equal(play_round(fixture, true, NOW + MINUTE), 0);
    assert_int_equal(play_round(fixture, true, NOW + 2 * MINUTE), 1);
    assert_int_equal(play_round(fixture, true, NOW + 4 * MINUTE), 0);
    for (size_t i = 0; i < 29; i++)
        assert_int_equal(play_round(fixture, true, NOW + HOUR), 1);
    assert_int_equal(play_round(fixture, true, NOW + HOUR), 0);
    free_fixture(fixture);
}

static void test_who_moves_does_not_wait_for_lists_that_are_merely_due(void **state)
{
    Fixture *fixture = new_fixture(4);

    play_round(fixture, true, NOW);
    assert_int_equal(play_busy_round(fixture, true, true, NOW + HOUR), 0);
    directory_groups_want(&fixture->groups, "id-2");
    assert_int_equal(play_round(fixture, true, NOW + HOUR), 1); /* what is told of another group */
    assert_int_equal(play_round(fixture, true, NOW + HOUR), 1);
    /* But not for ever, where in every round somebody moves. */
    assert_int_equal(play_busy_round(fixture, true, true, NOW + HOUR), 0);
    assert_int_equal(play_busy_round(fixture, true, true, NOW + HOUR + 2 * MINUTE), 1);
    free_fixture(fixture);
}

static void test_a_group_inside_concerns_those_around_it(void **state)
{
    Fixture *fixture = new_fixture(3);

    play_round(fixture, true, NOW);
    put_inside(fixture, "id-0", "inner");
    put_inside(fixture, "id-2", "inner");
    assert_true(fixture->groups.is_changed);
    assert_true(directory_groups_concern(&fixture->groups, "inner"));
    directory_groups_want(&fixture->groups, "inner");
    assert_int_equal(play_round(fixture, true, NOW), 2);
    directory_groups_recheck(&fixture->groups, "inner", NOW + 2 * MINUTE);
    assert_int_equal(play_round(fixture, true, NOW + 2 * MINUTE), 1); /* both are due since */
    assert_int_equal(play_round(fixture, true, NOW + 2 * MINUTE), 1);
    free_fixture(fixture);
}

static void test_where_nothing_is_told_lists_come_in_turn(void **state)
{
    Fixture *fixture = new_fixture(2 * DIRECTORY_LISTS_MAX);
    unsigned listed[SOME] = {0};

    assert_int_equal(play_round(fixture, false, NOW), 2 * DIRECTORY_LISTS_MAX);
    for (unsigned round = 1; round <= 4; round++) {
        assert_int_equal(play_round(fixture, false, NOW + round * MINUTE), DIRECTORY_LISTS_MAX);
        for (size_t i = 0; i < fixture->groups.count; i++)
            listed[i] += fixture->groups.groups[i].is_listed;
    }
    for (size_t i = 0; i < fixture->groups.count; i++)
        assert_int_equal(listed[i], 2);
    free_fixture(fixture);
}

static void test_who_is_refused_for_ever_keeps_nobody_waiting(void **state)
{
    Fixture *fixture = new_fixture(4);
    bool was_listed[4] = {false};

    for (size_t round = 0; round < 4; round++) {
        directory_groups_begin(&fixture->groups);
        directory_groups_choose(&fixture->groups, true, false, NOW);
        DirectoryGroup *group = directory_groups_next(&fixture->groups); /* and then a fault */
        assert_non_null(group);
        was_listed[group->section] = true;
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(was_listed[i]);
    free_fixture(fixture);
}

static void test_a_group_that_is_missing_is_asked_for_now_and_then(void **state)
{
    Fixture *fixture = new_fixture(2);
    DirectoryGroup *group = directory_groups_find(&fixture->groups, "id-1");

    directory_groups_begin(&fixture->groups);
    directory_group_miss(group, NOW);
    assert_true(group->is_missing && !group->is_wanted);
    assert_int_equal(play_round(fixture, true, NOW), 1);
    assert_true(group->is_missing);
    assert_int_equal(play_round(fixture, true, NOW + 6 * MINUTE), 1);
    assert_false(group->is_missing);
    free_fixture(fixture);
}

static void test_what_is_known_after_a_restart(void **state)
{
    Fixture *fixture = new_fixture(6), *later = new_fixture(6);
    _cleanup_free_ char *kept = NULL, *again = NULL;
    size_t listed = 0;

    put_inside(fixture, "id-0", "inner");
    put_inside(fixture, "id-4", "inner");
    assert_int_equal(directory_groups_to_text(&fixture->groups, &kept), 0);
    assert_int_equal(directory_groups_from_text(&later->groups, kept, NOW), 0);
    assert_false(directory_groups_wants(&later->groups));
    assert_true(directory_groups_concern(&later->groups, "inner"));
    assert_int_equal(directory_groups_to_text(&later->groups, &again), 0);
    assert_string_equal(kept, again);
    /* The lists of every hour do not come all at once. */
    for (unsigned i = 0; i < 6; i++)
        listed += play_round(later, true, NOW + i * HOUR / 6);
    assert_int_equal(listed, 6);
    assert_int_equal(directory_groups_from_text(&later->groups, "x y\n id-1\n\nid-2 z", NOW), 0);
    assert_true(directory_groups_concern(&later->groups, "z"));
    free_fixture(fixture);
    free_fixture(later);
}

static void test_other_settings_make_another_digest(void **state)
{
    Fixture *fixture = new_fixture(3);
    char *domains[] = {text("rcpch.ac.uk"), NULL};
    uint8_t digests[5][32];
    size_t count = 0;

#define TAKE()                                                                                     \
    assert_int_equal(directory_groups_digest(&fixture->groups, &fixture->config,                   \
                                             &fixture->provider, digests[count++]), 0)
    TAKE();
    fixture->provider.adds_nobody = true;
    TAKE();
    fixture->provider.domains = domains;
    TAKE();
    fixture->provider.auto_provision_groups = domains;
    TAKE();
    fixture->names[1][0] = 'N';
    TAKE();
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(digests[i], digests[j], 32);
    free_fixture(fixture);
}

static void test_an_id_of_two_sections_is_one_group(void **state)
{
    Fixture *fixture = new_fixture(3);

    directory_groups_clear(&fixture->groups);
    fixture->sections[2].id = fixture->ids[0];
    assert_int_equal(
        directory_groups_init(&fixture->groups, &fixture->config, &fixture->provider), 0);
    assert_int_equal(fixture->groups.count, 2);
    assert_int_equal(directory_groups_find(&fixture->groups, "id-0")->section, 0);
    assert_null(directory_groups_find(&fixture->groups, "id-2"));
    free_fixture(fixture);
}

static void test_a_host_without_groups_lists_none(void **state)
{
    Fixture *fixture = new_fixture(0);
    _cleanup_free_ char *kept = NULL;

    assert_int_equal(play_round(fixture, true, NOW), 0);
    assert_int_equal(directory_groups_to_text(&fixture->groups, &kept), 0);
    assert_int_equal(directory_groups_from_text(&fixture->groups, kept, NOW), 0);
    free_fixture(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_listed_first_and_then_what_moved),
        cmocka_unit_test(test_who_moves_does_not_wait_for_lists_that_are_merely_due),
        cmocka_unit_test(test_a_group_inside_concerns_those_around_it),
        cmocka_unit_test(test_where_nothing_is_told_lists_come_in_turn),
        cmocka_unit_test(test_who_is_refused_for_ever_keeps_nobody_waiting),
        cmocka_unit_test(test_a_group_that_is_missing_is_asked_for_now_and_then),
        cmocka_unit_test(test_what_is_known_after_a_restart),
        cmocka_unit_test(test_other_settings_make_another_digest),
        cmocka_unit_test(test_an_id_of_two_sections_is_one_group),
        cmocka_unit_test(test_a_host_without_groups_lists_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
