/*
 * Those whom the directory brings in vain. See directory-refused.h.
 */
#include "helper/directory/directory-refused.h"

#include <stdio.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/base/text-list.h"

void directory_refused_begin(DirectoryRefused *refused)
{
    refused->now = text_list_free(refused->now);
    refused->count = 0;
}

/* Without memory a name is said again in the next round. */
bool directory_refused_note(DirectoryRefused *refused, const char *name, const char *why)
{
    bool is_noted = text_list_contains(refused->now, name);
    bool is_news = !is_noted && !text_list_contains(refused->before, name);

    if (refused->count++ == 0)
        snprintf(refused->why, sizeof(refused->why), "%s", why);
    if (refused->count > DIRECTORY_REFUSED_MAX)
        return false;
    if (!refused->now)
        refused->now = text_list_new();
    if (refused->now && !is_noted)
        (void)text_list_add(&refused->now, name);
    return is_news;
}

bool directory_refused_end(DirectoryRefused *refused)
{
    bool has_changed = refused->count != refused->count_before ||
                       !text_list_equal(refused->before, refused->now);

    text_list_free(refused->before);
    refused->before = TAKE_PTR(refused->now);
    refused->count_before = refused->count;
    return has_changed;
}

bool directory_refused_describe(const DirectoryRefused *refused, char *ret_text, size_t size)
{
    const char *first = refused->before ? refused->before[0] : NULL;
    char others[32] = "";

    if (refused->count_before == 0)
        return false;
    if (refused->count_before > 1)
        snprintf(others, sizeof(others), " and %zu more", refused->count_before - 1);
    snprintf(ret_text, size, "%s%s: %s", first ? first : "somebody", others, refused->why);
    return true;
}

void directory_refused_clear(DirectoryRefused *refused)
{
    text_list_free(refused->before);
    text_list_free(refused->now);
    *refused = (DirectoryRefused){0};
}
