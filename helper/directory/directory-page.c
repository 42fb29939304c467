/*
 * A page of a directory. See directory-page.h.
 */
#include "helper/directory/directory-page.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/base/hostile-text.h"
#include "helper/base/json-strict.h"
#include "helper/base/text-list.h"

/* No account can have it; what it is, is said. */
static int set_odd_name(DirectoryPerson *person)
{
    char text[NAME_FULL_MAX + 1];

    hostile_text_to_ascii(person->name, text, sizeof(text));
    free(person->name);
    person->name = NULL;
    person->odd_name = strdup(text);
    return person->odd_name ? 0 : -ENOMEM;
}

int directory_person_set_name(DirectoryPerson *person, const char *name, char *const *domains)
{
    bool lacks_domain = !strchr(name, '@') && domains && domains[0] && !domains[1];

    if (asprintf(&person->name, "%s%s%s", name, lacks_domain ? "@" : "",
                 lacks_domain ? domains[0] : "") < 0) {
        person->name = NULL;
        return -ENOMEM;
    }
    for (char *p = person->name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return name_is_valid_full(person->name) ? 0 : set_odd_name(person);
}

static DirectoryState state_of(const EvidenceFact *fact)
{
    if (!fact)
        return DIRECTORY_UNSAID;
    if (fact->is_gone)
        return DIRECTORY_REMOVED;
    if (fact->meaning == EVIDENCE_DISABLED)
        return DIRECTORY_DISABLED;
    return fact->meaning == EVIDENCE_CONFIRMED ? DIRECTORY_ENABLED : DIRECTORY_UNSAID;
}

DirectoryState directory_state(EvidenceSource source, const char *attribute, const char *value)
{
    return state_of(evidence_fact(source, EVIDENCE_ABOUT_PERSON, attribute, value));
}

DirectoryState directory_client_state(EvidenceSource source, const char *attribute,
                                      const char *value)
{
    return state_of(evidence_fact(source, EVIDENCE_ABOUT_CLIENT, attribute, value));
}

int directory_page_take_link(DirectoryPage *page, const char *link, const char *base,
                             const char **ret_reason)
{
    size_t size = strlen(base);

    if (!link)
        return 0;
    if (strncmp(link, base, size) != 0 || link[size] != '/' ||
        !hostile_text_is_graphic(link, HTTP_URL_MAX)) {
        *ret_reason = "directory: a link leads elsewhere";
        return -EBADMSG;
    }
    page->next = strdup(link);
    return page->next ? 0 : -ENOMEM;
}

int directory_page_parse_person(const char *data, size_t size, const ProviderConfig *settings,
                                DirectoryPersonReader read_person, DirectoryPage **ret_page,
                                const char **ret_reason)
{
    json_auto_t *document = NULL;
    _cleanup_(directory_page_freep) DirectoryPage *page = calloc(1, sizeof(*page));
    int r = page ? json_read_strict(data, size, HTTP_BODY_MAX, &document) : -ENOMEM;

    if (r < 0 && r != -ENOMEM) {
        *ret_reason = "directory: not strict JSON";
        return -EBADMSG;
    }
    if (r == 0) {
        page->people = calloc(1, sizeof(*page->people));
        r = page->people ? 0 : -ENOMEM;
    }
    if (r == 0) {
        page->count = 1;
        r = read_person(document, settings, &page->people[0], ret_reason);
    }
    if (r < 0)
        return r;
    *ret_page = TAKE_PTR(page);
    return 0;
}

void directory_person_clear(DirectoryPerson *person)
{
    free(person->id);
    free(person->name);
    free(person->odd_name);
    free(person->full_name);
    free(person->email);
    free(person->phone);
    *person = (DirectoryPerson){0};
}

DirectoryPage *directory_page_free(DirectoryPage *page)
{
    if (!page)
        return NULL;
    for (size_t i = 0; i < page->count; i++)
        directory_person_clear(&page->people[i]);
    for (size_t i = 0; i < page->change_count; i++) {
        free(page->changes[i].group);
        text_list_free(page->changes[i].people);
    }
    free(page->people);
    free(page->changes);
    text_list_free(page->groups);
    free(page->next);
    free(page->link);
    text_list_free(page->inner);
    free(page);
    return NULL;
}
