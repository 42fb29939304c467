/*
 * Replies of Keycloak's Admin API: a page that passes holds bounded, sound ids and leads nowhere
 * but to the directory itself. The first byte chooses what was asked for.
 */
#include <stdint.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/base/hostile-text.h"
#include "helper/directory/directory-kind.h"
#include "helper/directory/keycloak-page.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE "https://k/admin/realms/r"

static const char *const asked[] = {
    BASE "/groups/g/members?briefRepresentation=true&max=2&first=0",
    BASE "/groups/g/members?briefRepresentation=true&max=2&first=1",
    BASE "/groups/g/children?briefRepresentation=true&max=3&first=0",
    BASE "/users/a",
};

static void check_id(const char *id)
{
    insist(id && *id && strlen(id) <= DIRECTORY_ID_MAX && *id != '.' && !strpbrk(id, "/?#%'& "));
}

static void check_person(const DirectoryPerson *person)
{
    check_id(person->id);
    insist(!person->name || name_is_valid_full(person->name));
    insist(!person->full_name || hostile_text_is_clean(person->full_name, CLAIM_MAX));
    insist(person->state == DIRECTORY_UNSAID || person->state == DIRECTORY_ENABLED ||
           person->state == DIRECTORY_DOUBTED);
}

static void check_page(const DirectoryPage *page)
{
    insist(page->count <= 3 && !page->link);
    for (size_t i = 0; i < page->count; i++)
        check_person(&page->people[i]);
    for (char *const *id = page->inner; id && *id; id++)
        check_id(*id);
    insist(!page->next || (strncmp(page->next, BASE "/", strlen(BASE) + 1) == 0 &&
                           hostile_text_is_graphic(page->next, HTTP_URL_MAX)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *domains[] = {(char *)(uintptr_t)"b.org", NULL};
    static const ProviderConfig settings = {
        .directory_url = (char *)(uintptr_t)BASE,
        .username_claim = (char *)(uintptr_t)"preferred_username",
        .uid_claim = (char *)(uintptr_t)"uidNumber",
        .phone_claim = (char *)(uintptr_t)"phone_number",
        .domains = domains,
    };
    char code[64];

    if (size == 0)
        return 0;
    size_t which = data[0] % ELEMENTSOF(asked);
    const char *text = (const char *)data + 1, *reason = NULL;
    DirectoryPage *page = NULL;
    const DirectoryParser parser = which == 3 ? keycloak_person_parse : keycloak_page_parse;
    int r = parser(text, size - 1, &settings, asked[which], &page, &reason);
    insist(r == 0 ? page != NULL : !page && reason);
    if (page)
        check_page(page);
    directory_page_free(page);
    keycloak_error_code(text, size - 1, code, sizeof(code));
    insist(strlen(code) < sizeof(code));
    return 0;
}
