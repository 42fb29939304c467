/*
 * Replies of Okta, and the Link header that its pages lead on by: what passes holds bounded, sound
 * ids and leads nowhere but to Okta itself.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/base/hostile-text.h"
#include "helper/directory/okta-page.h"
#include "helper/provider/http-headers.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE "https://o"

static void check_person(const DirectoryPerson *person)
{
    insist(person->id && *person->id && strlen(person->id) <= DIRECTORY_ID_MAX);
    insist(!strpbrk(person->id, "/?#%'. "));
    insist(!person->name || name_is_valid_full(person->name));
    insist(!person->full_name || hostile_text_is_clean(person->full_name, CLAIM_MAX));
    insist(person->state < _DIRECTORY_STATE_COUNT);
}

static void check_page(DirectoryPage *page, const char *link)
{
    const char *reason = NULL;

    insist(page->count <= DIRECTORY_PAGE_MAX && !page->next && !page->link);
    for (size_t i = 0; i < page->count; i++)
        check_person(&page->people[i]);
    if (directory_page_take_link(page, link, BASE, &reason) < 0)
        insist(reason && !page->next);
    else
        insist(!page->next || strncmp(page->next, BASE "/", strlen(BASE) + 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProviderConfig settings = {.directory_url = (char *)(uintptr_t)BASE};
    static int (*const parsers[])(const char *, size_t, const ProviderConfig *, const char *,
                                  DirectoryPage **, const char **) = {okta_page_parse,
                                                                      okta_person_parse};
    char link[HTTP_URL_MAX + 1] = "", code[64];

    int r = link_next_parse((const char *)data, size, link, sizeof(link));
    insist(r == 0 || r == 1 || r == -EBADMSG);
    insist(strlen(link) < sizeof(link) && (r == 0 || !*link));
    for (size_t i = 0; i < ELEMENTSOF(parsers); i++) {
        DirectoryPage *page = NULL;
        const char *reason = NULL;

        if (parsers[i]((const char *)data, size, &settings, "", &page, &reason) < 0) {
            insist(!page && reason);
            continue;
        }
        check_page(page, r == 1 ? NULL : link);
        directory_page_free(page);
    }
    okta_error_code((const char *)data, size, code, sizeof(code));
    insist(strlen(code) < sizeof(code));
    return 0;
}
