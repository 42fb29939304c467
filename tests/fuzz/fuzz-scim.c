/*
 * Replies of SCIM: a page that passes holds bounded, sound ids, and leads on to the same list and
 * forward.
 */
#include <stdint.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/base/hostile-text.h"
#include "helper/directory/scim-page.h"
#include "helper/directory/scim-request.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE  "https://s"
#define GROUP BASE "/Groups/g?attributes=members"
#define LIST                                                                                       \
    BASE "/Users?filter=groups.value%20eq%20%22g%22"                                               \
         "&attributes=userName,displayName,active,groups&count=200&startIndex="

static void check_id(const char *id)
{
    insist(hostile_text_is_graphic(id, DIRECTORY_ID_MAX));
    insist(strcmp(id, ".") != 0 && strcmp(id, "..") != 0);
}

static void check_person(const DirectoryPerson *person)
{
    insist(person->id);
    check_id(person->id);
    insist(!person->name || name_is_valid_full(person->name));
    insist(!person->full_name || hostile_text_is_clean(person->full_name, CLAIM_MAX));
    insist(person->state < _DIRECTORY_STATE_COUNT);
}

static void check_page(const DirectoryPage *page, const char *asked)
{
    insist(page->count <= DIRECTORY_PAGE_MAX && page->total <= DIRECTORY_ROLL_MAX && !page->link);
    for (size_t i = 0; i < page->count; i++)
        check_person(&page->people[i]);
    for (size_t i = 0; page->inner && page->inner[i]; i++)
        check_id(page->inner[i]);
    if (page->next) {
        insist(strncmp(page->next, LIST, strlen(LIST)) == 0);
        insist(strcmp(asked, GROUP) == 0 || scim_url_start(page->next) > scim_url_start(asked));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *const domains[] = {(char *)(uintptr_t)"b.org", NULL};
    static const ProviderConfig settings = {.directory_url = (char *)(uintptr_t)BASE,
                                            .domains = (char **)(uintptr_t)domains};
    static const char *const asked[] = {GROUP, LIST "1", LIST "3", BASE "/Users/a"};
    char code[64];

    for (size_t i = 0; i < ELEMENTSOF(asked); i++) {
        DirectoryPage *page = NULL;
        const char *reason = NULL;
        bool is_person = i == ELEMENTSOF(asked) - 1;

        if ((is_person ? scim_person_parse : scim_page_parse)((const char *)data, size, &settings,
                                                              asked[i], &page, &reason) < 0) {
            insist(!page && reason);
            continue;
        }
        check_page(page, asked[i]);
        directory_page_free(page);
    }
    scim_error_code((const char *)data, size, code, sizeof(code));
    insist(strlen(code) < sizeof(code));
    return 0;
}
