/*
 * Tests of a list under way: when it is whole, and when it is not believed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/limits.h"
#include "helper/directory/directory-list.h"

#define NEXT ((char *)(uintptr_t)"next")

static int take(DirectoryList *list, DirectoryPage page)
{
    const char *reason = NULL;
    int r = directory_list_take(list, &page, &reason);

    if (r == -EBADMSG)
        assert_non_null(reason);
    return r;
}

static void test_groups_inside_are_asked_for_once_each(void **state)
{
    DirectoryList list = {0};
    char *inner[] = {(char *)(uintptr_t)"b", (char *)(uintptr_t)"a", (char *)(uintptr_t)"b", NULL};

    assert_int_equal(directory_list_begin(&list, "a"), 0);
    assert_int_equal(take(&list, (DirectoryPage){.inner = inner}), 0);
    assert_string_equal(directory_list_next(&list), "b");
    assert_int_equal(take(&list, (DirectoryPage){.inner = inner}), 0);
    assert_null(directory_list_next(&list));
    assert_null(directory_list_next(&list));
    directory_list_clear(&list);
    assert_int_equal(directory_list_begin(&list, NULL), 0);
    assert_null(directory_list_next(&list));
    directory_list_clear(&list);
}

static void test_a_list_whose_length_changes_is_not_believed(void **state)
{
    static const struct {
        size_t first, second;
        int wanted;
    } rows[] = {{2, 2, 0}, {2, 1, DIRECTORY_LIST_E_CHANGED}, {2, 3, DIRECTORY_LIST_E_CHANGED}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryList list = {0};
        assert_int_equal(directory_list_begin(&list, "a"), 0);
        assert_int_equal(take(&list, (DirectoryPage){.next = NEXT}), 0); /* says no length */
        assert_int_equal(take(&list, (DirectoryPage){.count = 1, .next = NEXT, .tells_total = true,
                                                     .total = rows[i].first}), 0);
        assert_int_equal(take(&list, (DirectoryPage){.count = 1, .tells_total = true,
                                                     .total = rows[i].second}), rows[i].wanted);
        (void)directory_list_next(&list); /* each group has a length of its own */
        assert_int_equal(take(&list, (DirectoryPage){.tells_total = true, .total = 9}), 0);
        directory_list_clear(&list);
    }
}

static void test_members_of_whom_nothing_is_told(void **state)
{
    DirectoryList list = {0};

    assert_int_equal(directory_list_begin(&list, "a"), 0);
    assert_int_equal(take(&list, (DirectoryPage){.next = NEXT, .promised = 2}), 0);
    assert_int_equal(take(&list, (DirectoryPage){.count = 0}), -EBADMSG);
    assert_int_equal(directory_list_begin(&list, "a"), 0);
    assert_int_equal(take(&list, (DirectoryPage){.next = NEXT, .promised = 2}), 0);
    assert_int_equal(take(&list, (DirectoryPage){.count = 1}), 0);
    (void)directory_list_next(&list);
    assert_int_equal(take(&list, (DirectoryPage){.count = 0}), 0); /* an empty one behind it */
    directory_list_clear(&list);
}

static void test_nothing_is_without_end(void **state)
{
    DirectoryList list = {0};

    for (unsigned i = 0; i < DIRECTORY_PAGES_MAX; i++)
        assert_int_equal(take(&list, (DirectoryPage){.next = NEXT}), 0);
    assert_int_equal(take(&list, (DirectoryPage){.next = NEXT}), -EBADMSG);
    assert_int_equal(directory_list_begin(&list, "a"), 0);
    int r = 0;
    for (unsigned i = 0; i <= DIRECTORY_INNER_MAX; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%u", i);
        char *inner[] = {id, NULL};
        assert_int_equal(r, 0);
        list.pages = 0;
        r = take(&list, (DirectoryPage){.next = NEXT, .inner = inner});
    }
    assert_int_equal(r, -EBADMSG);
    directory_list_clear(&list);
}

static void test_a_page_begins_with_the_end_of_the_one_before(void **state)
{
    static const struct {
        const char *first; /* of the second page; NULL: it is empty */
        int wanted;
    } rows[] = {{"b", 0}, {"c", DIRECTORY_LIST_E_CHANGED}, {NULL, DIRECTORY_LIST_E_CHANGED}};
    DirectoryPerson two[] = {{.id = (char *)(uintptr_t)"a"}, {.id = (char *)(uintptr_t)"b"}};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        DirectoryList list = {0};
        DirectoryPerson one = {.id = (char *)(uintptr_t)rows[i].first};
        assert_int_equal(directory_list_begin(&list, "g"), 0);
        assert_int_equal(take(&list, (DirectoryPage){.people = two, .count = 2, .next = NEXT}), 0);
        assert_int_equal(take(&list, (DirectoryPage){.people = &one, .count = rows[i].first != NULL,
                                                     .overlaps = true}),
                         rows[i].wanted);
        directory_list_clear(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_inside_are_asked_for_once_each),
        cmocka_unit_test(test_a_list_whose_length_changes_is_not_believed),
        cmocka_unit_test(test_members_of_whom_nothing_is_told),
        cmocka_unit_test(test_nothing_is_without_end),
        cmocka_unit_test(test_a_page_begins_with_the_end_of_the_one_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
