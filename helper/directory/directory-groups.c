/*
 * Groups of a directory. See directory-groups.h.
 */
#include "helper/directory/directory-groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "helper/accounts/account.h"
#include "helper/base/buffer.h"
#include "helper/base/text-list.h"

#define LAG_USEC   (60 * USEC_PER_SEC)   /* a list may be so much older than what is told */
#define AUDIT_USEC (3600 * USEC_PER_SEC) /* between two lists of a group in which nothing moves */
#define PATIENCE_USEC LAG_USEC           /* that a list which is due has with more urgent matters */
#define MISS_USEC  (300 * USEC_PER_SEC)  /* until a group that is not there is asked for again */
#define TEXT_MAX   (4u * 1024u * 1024u)

bool directory_groups_owns(const Config *config, const ProviderConfig *settings,
                           const GroupConfig *group)
{
    if (!group->id || !*group->id) /* known by its role alone */
        return false;
    return group->provider ? strcmp(group->provider, settings->name) == 0
                           : config->provider_count == 1;
}

static int compare_groups(const void *a, const void *b)
{
    const DirectoryGroup *x = a, *y = b;
    int order = strcasecmp(x->id, y->id);

    return order != 0 ? order : (x->section > y->section) - (x->section < y->section);
}

static void drop_doubles(DirectoryGroups *groups)
{
    size_t kept = 0;

    for (size_t i = 0; i < groups->count; i++)
        if (kept == 0 || strcasecmp(groups->groups[kept - 1].id, groups->groups[i].id) != 0)
            groups->groups[kept++] = groups->groups[i];
    groups->count = kept;
}

int directory_groups_init(DirectoryGroups *groups, const Config *config,
                          const ProviderConfig *settings)
{
    *groups = (DirectoryGroups){0};
    groups->groups = calloc(config->group_count + 1, sizeof(*groups->groups));
    if (!groups->groups)
        return -ENOMEM;
    for (size_t i = 0; i < config->group_count; i++)
        if (directory_groups_owns(config, settings, &config->groups[i]))
            groups->groups[groups->count++] = (DirectoryGroup){
                .id = config->groups[i].id, .section = (unsigned)i, .is_wanted = true};
    if (groups->count > 0)
        qsort(groups->groups, groups->count, sizeof(*groups->groups), compare_groups);
    drop_doubles(groups);
    return 0;
}

void directory_groups_clear(DirectoryGroups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        text_list_free(groups->groups[i].inside);
        text_list_free(groups->groups[i].inside_now);
    }
    free(groups->groups);
    *groups = (DirectoryGroups){0};
}

DirectoryGroup *directory_groups_find(const DirectoryGroups *groups, const char *id)
{
    const DirectoryGroup wanted = {.id = id};
    size_t low = 0, high = groups->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcasecmp(groups->groups[middle].id, wanted.id);
        if (order == 0)
            return &groups->groups[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- what was told ---------------------------------------------------------------------------- */

static bool is_concerned(const DirectoryGroup *group, const char *id)
{
    return strcasecmp(group->id, id) == 0 ||
           (group->inside && text_list_contains(group->inside, id));
}

bool directory_groups_concern(const DirectoryGroups *groups, const char *id)
{
    for (size_t i = 0; i < groups->count; i++)
        if (is_concerned(&groups->groups[i], id))
            return true;
    return false;
}

void directory_groups_want(DirectoryGroups *groups, const char *id)
{
    for (size_t i = 0; i < groups->count; i++)
        if (is_concerned(&groups->groups[i], id))
            groups->groups[i].is_wanted = groups->groups[i].was_told = true;
}

void directory_groups_recheck(DirectoryGroups *groups, const char *id, uint64_t now_usec)
{
    for (size_t i = 0; i < groups->count; i++) {
        DirectoryGroup *group = &groups->groups[i];
        if (is_concerned(group, id) && group->due_usec > now_usec + LAG_USEC)
            group->due_usec = now_usec + LAG_USEC;
    }
}

void directory_groups_want_all(DirectoryGroups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        groups->groups[i].is_wanted = true;
}

bool directory_groups_wants(const DirectoryGroups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->groups[i].is_wanted)
            return true;
    return false;
}

/* --- a round ---------------------------------------------------------------------------------- */

void directory_groups_begin(DirectoryGroups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        DirectoryGroup *group = &groups->groups[i];
        group->is_chosen = group->is_listed = false;
        group->inside_now = text_list_free(group->inside_now);
    }
}

static DirectoryGroup *longest_due(const DirectoryGroups *groups, uint64_t until_usec)
{
    DirectoryGroup *found = NULL;

    for (size_t i = 0; i < groups->count; i++) {
        DirectoryGroup *group = &groups->groups[i];
        if (!group->is_chosen && group->due_usec <= until_usec &&
            (!found || group->due_usec < found->due_usec))
            found = group;
    }
    return found;
}

/* Until when due_usec says that it is to be listed. */
static uint64_t due_until(bool tells_changes, bool is_busy, uint64_t now_usec)
{
    if (!tells_changes)
        return UINT64_MAX;
    if (!is_busy)
        return now_usec;
    return now_usec > PATIENCE_USEC ? now_usec - PATIENCE_USEC : 0;
}

void directory_groups_choose(DirectoryGroups *groups, bool tells_changes, bool moves_people,
                             uint64_t now_usec)
{
    bool is_busy = moves_people || directory_groups_wants(groups);
    uint64_t until = due_until(tells_changes, is_busy, now_usec);
    size_t more = tells_changes ? 1 : DIRECTORY_LISTS_MAX;
    DirectoryGroup *due;

    for (size_t i = 0; i < groups->count; i++)
        groups->groups[i].is_chosen = groups->groups[i].is_wanted;
    while (more-- > 0 && (due = longest_due(groups, until)))
        due->is_chosen = true;
}

/* Goes on behind the one asked for last: who is refused for ever keeps nobody else waiting. */
DirectoryGroup *directory_groups_next(DirectoryGroups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        DirectoryGroup *group = &groups->groups[groups->at];
        groups->at = (groups->at + 1) % groups->count;
        if (group->is_chosen) {
            group->is_chosen = false;
            return group;
        }
    }
    return NULL;
}

/* What is beyond the maximum is noticed by the list of every hour. */
int directory_group_add_inside(DirectoryGroup *group, char *const *ids)
{
    size_t count = text_list_count(group->inside_now);

    for (; ids && *ids && count < DIRECTORY_INSIDE_MAX; ids++, count++)
        if (text_list_add(&group->inside_now, *ids) < 0)
            return -ENOMEM;
    return 0;
}

void directory_group_miss(DirectoryGroup *group, uint64_t now_usec)
{
    group->is_wanted = group->was_told = false;
    group->is_missing = true;
    group->due_usec = now_usec + MISS_USEC;
}

static bool same_texts(char *const *a, char *const *b)
{
    char *const nothing[] = {NULL};

    return text_list_equal(a ? a : nothing, b ? b : nothing);
}

void directory_groups_applied(DirectoryGroups *groups, uint64_t now_usec)
{
    for (size_t i = 0; i < groups->count; i++) {
        DirectoryGroup *group = &groups->groups[i];
        if (!group->is_listed)
            continue;
        groups->is_changed |= !same_texts(group->inside, group->inside_now);
        text_list_free(group->inside);
        group->inside = TAKE_PTR(group->inside_now);
        group->due_usec = now_usec + (group->was_told ? LAG_USEC : AUDIT_USEC);
        group->is_wanted = group->was_told = group->is_missing = false;
    }
}

bool directory_groups_listed_any(const DirectoryGroups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->groups[i].is_listed)
            return true;
    return false;
}

/* --- what the store keeps --------------------------------------------------------------------- */

/* A line for each group: its id, then of those inside. */
int directory_groups_to_text(const DirectoryGroups *groups, char **ret_text)
{
    _cleanup_buffer_ Buffer text = BUFFER_INIT(TEXT_MAX);
    int r = buffer_add_text(&text, "");

    for (size_t i = 0; r == 0 && i < groups->count; i++) {
        char *const *inside = groups->groups[i].inside;
        if (!inside || !*inside)
            continue;
        r = buffer_add_text(&text, groups->groups[i].id);
        for (; r == 0 && *inside; inside++) {
            r = buffer_add_text(&text, " ");
            if (r == 0)
                r = buffer_add_text(&text, *inside);
        }
        if (r == 0)
            r = buffer_add_text(&text, "\n");
    }
    if (r < 0)
        return r;
    *ret_text = strdup(text.data ? text.data : "");
    return *ret_text ? 0 : -ENOMEM;
}

static int take_line(DirectoryGroups *groups, const char *line)
{
    _cleanup_text_list_ char **words = NULL;
    int r = text_list_split(line, " ", &words);
    DirectoryGroup *group = r >= 0 && words[0] ? directory_groups_find(groups, words[0]) : NULL;

    if (!group)
        return r;
    text_list_free(group->inside);
    group->inside = NULL;
    return text_list_copy(words + 1, &group->inside);
}

int directory_groups_from_text(DirectoryGroups *groups, const char *text, uint64_t now_usec)
{
    _cleanup_text_list_ char **lines = NULL;
    int r = text_list_split(text, "\n", &lines);

    for (size_t i = 0; r >= 0 && lines[i]; i++)
        r = take_line(groups, lines[i]);
    for (size_t i = 0; r >= 0 && i < groups->count; i++) {
        groups->groups[i].is_wanted = false;
        groups->groups[i].due_usec = now_usec + AUDIT_USEC / groups->count * i;
    }
    return r;
}

static int add_line(Buffer *text, const char *line)
{
    int r = buffer_add_text(text, line ? line : "");

    return r == 0 ? buffer_add_text(text, "\n") : r;
}

static int add_list(Buffer *text, char *const *list)
{
    int r = 0;

    for (; r == 0 && list && *list; list++)
        r = add_line(text, *list);
    return r == 0 ? add_line(text, NULL) : r;
}

int directory_groups_digest(const DirectoryGroups *groups, const Config *config,
                            const ProviderConfig *settings, uint8_t ret_digest[32])
{
    _cleanup_buffer_ Buffer text = BUFFER_INIT(TEXT_MAX);
    int r = add_line(&text, settings->directory_url);

    if (r == 0)
        r = add_line(&text, settings->adds_nobody ? "adds nobody" : "adds");
    if (r == 0)
        r = add_list(&text, settings->auto_provision_groups);
    if (r == 0)
        r = add_list(&text, settings->domains);
    for (size_t i = 0; r == 0 && i < groups->count; i++) {
        r = add_line(&text, groups->groups[i].id);
        if (r == 0)
            r = add_line(&text, config->groups[groups->groups[i].section].name);
    }
    return r < 0 ? r : identity_digest("directory-groups", text.data, ret_digest);
}
