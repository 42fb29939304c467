/*
 * A list under way. See directory-list.h.
 */
#include "helper/directory/directory-list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/text-list.h"

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -EBADMSG;
}

int directory_list_begin(DirectoryList *list, const char *group_id)
{
    directory_list_clear(list);
    if (!group_id)
        return 0;
    list->at = 1;
    return text_list_add(&list->inner, group_id);
}

/* Groups may be inside one another in a circle. */
static int take_inner(DirectoryList *list, char *const *inner, const char **ret_reason)
{
    int r = 0;

    for (size_t i = 0; r == 0 && inner && inner[i]; i++) {
        if (list->inner && text_list_contains(list->inner, inner[i]))
            continue;
        if (list->inner && text_list_count(list->inner) > DIRECTORY_INNER_MAX)
            return refuse(ret_reason, "directory: too many groups inside a group");
        r = text_list_add(&list->inner, inner[i]);
    }
    return r;
}

/* Its first entry is there twice, then: the roll does not mind. */
static bool continues(const DirectoryList *list, const DirectoryPage *page)
{
    return !page->overlaps ||
           (page->count > 0 && list->last && strcmp(page->people[0].id, list->last) == 0);
}

static int keep_last(DirectoryList *list, const DirectoryPage *page)
{
    free(list->last);
    list->last = NULL;
    if (!page->next || page->count == 0 || !page->people)
        return 0;
    list->last = strdup(page->people[page->count - 1].id);
    return list->last ? 0 : -ENOMEM;
}

int directory_list_take(DirectoryList *list, const DirectoryPage *page, const char **ret_reason)
{
    if (++list->pages > DIRECTORY_PAGES_MAX)
        return refuse(ret_reason, "a list without end");
    if (page->tells_total && list->has_total && page->total != list->total)
        return DIRECTORY_LIST_E_CHANGED;
    if (!continues(list, page))
        return DIRECTORY_LIST_E_CHANGED;
    int r = keep_last(list, page);
    if (r < 0)
        return r;
    list->has_total |= page->tells_total;
    list->total = page->total;
    list->promised += page->promised;
    list->seen += page->count;
    if (!page->next && list->promised > 0 && list->seen == 0)
        return refuse(ret_reason, "directory: a group has members of whom nothing is told");
    return take_inner(list, page->inner, ret_reason);
}

const char *directory_list_next(DirectoryList *list)
{
    const char *next = list->inner ? list->inner[list->at] : NULL;

    list->at += next != NULL;
    list->has_total = false;
    list->total = list->promised = list->seen = 0;
    return next;
}

void directory_list_clear(DirectoryList *list)
{
    text_list_free(list->inner);
    free(list->last);
    *list = (DirectoryList){0};
}
