/*
 * Reading Graph's replies. See graph-page.h.
 */
#include "helper/directory/graph-page.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/base/hostile-text.h"
#include "helper/base/json-strict.h"

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -EBADMSG;
}

/* A folded copy. NULL when memory is short. */
static char *folded(const char *text)
{
    char *copy = strdup(text);

    for (char *p = copy; p && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

/* An id goes into addresses and becomes part of an identity: letters, digits and dashes only. */
static bool id_is_sound(const char *id)
{
    for (const char *p = id; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-')
            return false;
    return true;
}

static int read_id(const json_t *entry, DirectoryPerson *person, const char **ret_reason)
{
    const char *id = json_text(entry, "id", DIRECTORY_ID_MAX);

    if (!id || !id_is_sound(id))
        return refuse(ret_reason, "directory: an entry without a sound id");
    person->id = folded(id);
    return person->id ? 0 : -ENOMEM;
}

/* A name that no account can have (a guest's, say) is as good as none. */
static int read_names(const json_t *entry, DirectoryPerson *person)
{
    const char *name = json_text(entry, "userPrincipalName", NAME_FULL_MAX);
    const char *full_name = json_text(entry, "displayName", CLAIM_MAX);

    if (name) {
        person->name = folded(name);
        if (!person->name)
            return -ENOMEM;
        if (!name_is_valid_full(person->name)) {
            free(person->name);
            person->name = NULL;
        }
    }
    return full_name ? hostile_text_strip(full_name, CLAIM_MAX, &person->full_name) : 0;
}

static int read_state(const json_t *entry, DirectoryPerson *person, const char **ret_reason)
{
    const json_t *removed = json_object_get(entry, "@removed");
    const json_t *enabled = json_object_get(entry, "accountEnabled");

    if (removed && !json_is_object(removed))
        return refuse(ret_reason, "directory: @removed is not an object");
    if (enabled && !json_is_boolean(enabled) && !json_is_null(enabled))
        return refuse(ret_reason, "directory: accountEnabled is not a boolean");
    if (removed)
        person->state = directory_state(EVIDENCE_OF_GRAPH, "@removed", "");
    else if (json_is_boolean(enabled))
        person->state = directory_state(EVIDENCE_OF_GRAPH, "accountEnabled",
                                        json_is_true(enabled) ? "true" : "false");
    return 0;
}

static int read_person(const json_t *entry, DirectoryPerson *person, const char **ret_reason)
{
    if (!json_is_object(entry))
        return refuse(ret_reason, "directory: an entry is not an object");
    int r = read_id(entry, person, ret_reason);
    if (r == 0)
        r = read_names(entry, person);
    return r == 0 ? read_state(entry, person, ret_reason) : r;
}

static int read_people(const json_t *list, DirectoryPage *page, const char **ret_reason)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list))
        return refuse(ret_reason, "directory: the page holds no list");
    if (count > DIRECTORY_PAGE_MAX)
        return refuse(ret_reason, "directory: too many people on one page");
    page->people = calloc(count + 1, sizeof(*page->people));
    if (!page->people)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int r = read_person(json_array_get(list, i), &page->people[page->count++], ret_reason);
        if (r < 0)
            return r;
    }
    return 0;
}

/* `base` and a slash must be the beginning: "https://graph.example.org.evil" is not
 * "https://graph.example.org". */
static int read_link(const json_t *document, const char *name, const char *base, char **ret_link,
                     const char **ret_reason)
{
    size_t size = strlen(base);

    if (!json_object_get(document, name))
        return 0;
    const char *link = json_text(document, name, HTTP_URL_MAX);
    if (!link || strncmp(link, base, size) != 0 || link[size] != '/' ||
        !hostile_text_is_graphic(link, HTTP_URL_MAX))
        return refuse(ret_reason, "directory: a link leads elsewhere");
    *ret_link = strdup(link);
    return *ret_link ? 0 : -ENOMEM;
}

static int read_links(const json_t *document, const char *base, DirectoryPage *page,
                      const char **ret_reason)
{
    int r = read_link(document, "@odata.nextLink", base, &page->next, ret_reason);

    if (r == 0)
        r = read_link(document, "@odata.deltaLink", base, &page->link, ret_reason);
    if (r == 0 && page->next && page->link)
        return refuse(ret_reason, "directory: a page that is the last, and is not");
    return r;
}

static int read_document(const char *data, size_t size, json_t **ret_document,
                         const char **ret_reason)
{
    int r = json_read_strict(data, size, HTTP_BODY_MAX, ret_document);

    if (r < 0 && r != -ENOMEM)
        return refuse(ret_reason, "directory: not strict JSON");
    return r;
}

int graph_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                     const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    json_auto_t *document = NULL;
    _cleanup_(directory_page_freep) DirectoryPage *page = calloc(1, sizeof(*page));
    int r = page ? read_document(data, size, &document, ret_reason) : -ENOMEM;

    if (r == 0)
        r = read_people(json_object_get(document, "value"), page, ret_reason);
    if (r == 0)
        r = read_links(document, settings->directory_url, page, ret_reason);
    if (r < 0)
        return r;
    *ret_page = TAKE_PTR(page);
    return 0;
}

int graph_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                       const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    json_auto_t *document = NULL;
    _cleanup_(directory_page_freep) DirectoryPage *page = calloc(1, sizeof(*page));
    int r = page ? read_document(data, size, &document, ret_reason) : -ENOMEM;

    if (r == 0) {
        page->people = calloc(1, sizeof(*page->people));
        r = page->people ? 0 : -ENOMEM;
    }
    if (r == 0) {
        page->count = 1;
        r = read_person(document, &page->people[0], ret_reason);
    }
    if (r < 0)
        return r;
    *ret_page = TAKE_PTR(page);
    return 0;
}

void graph_error_code(const char *data, size_t size, char *out, size_t out_size)
{
    json_auto_t *document = NULL;
    const char *code = NULL;

    if (data && json_read_strict(data, size, HTTP_BODY_MAX, &document) == 0)
        code = json_text(json_object_get(document, "error"), "code", CLAIM_MAX);
    hostile_text_to_ascii(code ? code : "", out, out_size);
}
