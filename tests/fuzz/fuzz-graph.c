/*
 * Replies of Microsoft Graph: a page that passes holds bounded, sound ids and leads nowhere but to
 * the directory itself.
 */
#include <stdint.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/directory/directory-kind.h"
#include "helper/directory/graph-page.h"
#include "helper/base/hostile-text.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE "https://g"

static void check_person(const DirectoryPerson *person)
{
    insist(person->id && *person->id && strlen(person->id) <= DIRECTORY_ID_MAX);
    insist(!strpbrk(person->id, "/?#%'. "));
    insist(!person->name || name_is_valid_full(person->name));
    insist(!person->full_name || hostile_text_is_clean(person->full_name, CLAIM_MAX));
    insist(!person->email || hostile_text_is_graphic(person->email, NAME_FULL_MAX));
    insist(!person->phone || strspn(person->phone, "+0123456789") == strlen(person->phone));
    insist(person->state < _DIRECTORY_STATE_COUNT);
}

static void check_ids(char *const *ids)
{
    for (; ids && *ids; ids++)
        insist(**ids && strlen(*ids) <= DIRECTORY_ID_MAX && !strpbrk(*ids, "/?#%'. "));
}

static void check_change(const DirectoryChange *change)
{
    char *const group[] = {change->group, NULL};

    insist(change->group && change->people);
    check_ids(group);
    check_ids(change->people);
}

static void check_link(const char *link)
{
    insist(!link || (strncmp(link, BASE "/", strlen(BASE) + 1) == 0 &&
                     hostile_text_is_graphic(link, HTTP_URL_MAX)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const DirectoryParser parsers[] = {graph_page_parse, graph_person_parse,
                                              graph_groups_parse, graph_group_changes_parse};
    static const ProviderConfig settings = {.directory_url = (char *)(uintptr_t)BASE};
    char code[64];

    for (size_t i = 0; i < ELEMENTSOF(parsers); i++) {
        DirectoryPage *page = NULL;
        const char *reason = NULL;

        if (parsers[i]((const char *)data, size, &settings, BASE, &page, &reason) < 0) {
            insist(!page && reason);
            continue;
        }
        insist(page->count <= DIRECTORY_PAGE_MAX && !(page->next && page->link));
        for (size_t j = 0; j < page->count; j++)
            check_person(&page->people[j]);
        insist(page->change_count <= DIRECTORY_PAGE_MAX);
        for (size_t j = 0; j < page->change_count; j++)
            check_change(&page->changes[j]);
        check_ids(page->groups);
        check_link(page->next);
        check_link(page->link);
        directory_page_free(page);
    }
    graph_error_code((const char *)data, size, code, sizeof(code));
    insist(strlen(code) < sizeof(code));
    return 0;
}
