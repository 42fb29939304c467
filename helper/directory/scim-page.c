/*
 * Reading SCIM's replies. See scim-page.h.
 */
#include "helper/directory/scim-page.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "helper/base/hostile-text.h"
#include "helper/base/json-strict.h"
#include "helper/base/text-list.h"
#include "helper/directory/scim-request.h"

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -EBADMSG;
}

static int read_document(const char *data, size_t size, json_t **ret_document,
                         const char **ret_reason)
{
    int r = json_read_strict(data, size, HTTP_BODY_MAX, ret_document);

    if (r < 0 && r != -ENOMEM)
        return refuse(ret_reason, "directory: not strict JSON");
    return r;
}

/* The service's own ids, in any form but one that an address would be changed by. Case counts
 * (RFC 7643 §3.1). */
static const char *sound_id(const json_t *object, const char *name)
{
    const char *id = json_text(object, name, DIRECTORY_ID_MAX);

    if (!id || !hostile_text_is_graphic(id, DIRECTORY_ID_MAX) || strcmp(id, ".") == 0 ||
        strcmp(id, "..") == 0)
        return NULL;
    return id;
}

/* --- a person --------------------------------------------------------------------------------- */

static int read_names(const json_t *entry, const ProviderConfig *settings, DirectoryPerson *person)
{
    const char *name = json_text(entry, "userName", NAME_FULL_MAX);
    const char *full_name = json_text(entry, "displayName", CLAIM_MAX);
    int r = name ? directory_person_set_name(person, name, settings->domains) : 0;

    return r == 0 && full_name ? hostile_text_strip(full_name, CLAIM_MAX, &person->full_name) : r;
}

static int read_person(const json_t *entry, const ProviderConfig *settings,
                       DirectoryPerson *person, const char **ret_reason)
{
    const json_t *active = json_object_get(entry, "active");
    const char *id = sound_id(entry, "id");

    if (!json_is_object(entry))
        return refuse(ret_reason, "directory: an entry is not an object");
    if (!id)
        return refuse(ret_reason, "directory: an entry without a sound id");
    if (active && !json_is_boolean(active) && !json_is_null(active))
        return refuse(ret_reason, "directory: active is not a boolean");
    if (json_is_boolean(active))
        person->state = directory_state(EVIDENCE_OF_SCIM, "active",
                                        json_is_true(active) ? "true" : "false");
    person->id = strdup(id);
    return person->id ? read_names(entry, settings, person) : -ENOMEM;
}

/* --- a page of people ------------------------------------------------------------------------- */

/* 0, 1 when the address asks for this group's people, -ENOMEM. */
static int is_asked_for(const char *base, const char *asked, const char *group_id)
{
    _cleanup_free_ char *url = NULL;
    int r = scim_people_url(base, group_id, &url);

    if (r < 0)
        return r == -ENOMEM ? r : 0;
    return strncmp(url, asked, (size_t)(strrchr(url, '=') - url)) == 0;
}

static int check_membership(const json_t *entry, const char *base, const char *asked,
                            const char **ret_reason)
{
    const json_t *groups = json_object_get(entry, "groups");
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_array_size(groups); i++) {
        const char *id = sound_id(json_array_get(groups, i), "value");
        if (id)
            r = is_asked_for(base, asked, id);
    }
    if (r < 0)
        return r;
    return r > 0 ? 0
                 : refuse(ret_reason,
                          "directory: the filter on groups.value does not hold, or groups are not "
                          "told");
}

static int read_people(const json_t *list, const ProviderConfig *settings, const char *asked,
                       DirectoryPage *page, const char **ret_reason)
{
    size_t count = json_array_size(list);
    int r = 0;

    if (list && !json_is_array(list))
        return refuse(ret_reason, "directory: Resources is no list");
    if (count > DIRECTORY_PAGE_MAX)
        return refuse(ret_reason, "directory: too many people on one page");
    page->people = calloc(count + 1, sizeof(*page->people));
    if (!page->people)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        r = read_person(entry, settings, &page->people[page->count++], ret_reason);
        if (r == 0)
            r = check_membership(entry, settings->directory_url, asked, ret_reason);
    }
    return r;
}

/* Absent: `otherwise`. False: no number that can be. */
static bool read_number(const json_t *document, const char *name, size_t otherwise,
                        size_t *ret_number)
{
    const json_t *value = json_object_get(document, name);
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;

    *ret_number = value ? (size_t)number : otherwise;
    return !value || (number >= 0 && number <= (json_int_t)DIRECTORY_ROLL_MAX);
}

/* What lies behind this page (RFC 7644 §3.4.2.4). A page that says that there is more and shows
 * nothing of it is half an answer. */
static int read_rest(const json_t *document, const char *asked, DirectoryPage *page,
                     const char **ret_reason)
{
    size_t start = scim_url_start(asked), said, total;

    if (!json_object_get(document, "totalResults") ||
        !read_number(document, "totalResults", 0, &total))
        return refuse(ret_reason, "directory: the page does not say how many there are");
    if (!read_number(document, "startIndex", start, &said) || (said != start && page->count > 0))
        return refuse(ret_reason, "directory: another page than was asked for");
    if (start - 1 + page->count > total || (page->count == 0 && total >= start))
        return refuse(ret_reason, "directory: half a page");
    page->tells_total = true;
    page->total = total;
    start += page->count;
    return start <= total ? scim_url_from(asked, start, &page->next) : 0;
}

static int read_list(const json_t *document, const ProviderConfig *settings, const char *asked,
                     DirectoryPage *page, const char **ret_reason)
{
    int r = read_people(json_object_get(document, "Resources"), settings, asked, page, ret_reason);

    return r == 0 ? read_rest(document, asked, page, ret_reason) : r;
}

/* --- a group ---------------------------------------------------------------------------------- */

/* "type" is optional (RFC 7643 §2.4), and then the address tells. */
static bool is_group(const json_t *member)
{
    const char *type = json_text(member, "type", CLAIM_MAX);
    const char *ref = json_text(member, "$ref", HTTP_URL_MAX);

    return type ? strcasecmp(type, "Group") == 0 : ref && strstr(ref, "/Groups/");
}

static int read_member(const json_t *member, DirectoryPage *page, const char **ret_reason)
{
    const char *id = sound_id(member, "value");

    if (!id)
        return refuse(ret_reason, "directory: a member without a sound id");
    if (is_group(member))
        return text_list_add(&page->inner, id);
    page->promised++;
    return 0;
}

/* A service may leave members out: then the people alone tell who is in it. */
static int read_group(const json_t *document, const ProviderConfig *settings, const char *asked,
                      DirectoryPage *page, const char **ret_reason)
{
    const json_t *members = json_object_get(document, "members");
    const char *base = settings->directory_url, *id = sound_id(document, "id");
    _cleanup_free_ char *url = NULL;
    int r = id ? scim_group_url(base, id, &url) : 0;

    if (r < 0)
        return r;
    if (!url || strcmp(url, asked) != 0)
        return refuse(ret_reason, "directory: an answer about another group");
    if (members && !json_is_array(members) && !json_is_null(members))
        return refuse(ret_reason, "directory: members is no list");
    for (size_t i = 0; r == 0 && i < json_array_size(members); i++)
        r = read_member(json_array_get(members, i), page, ret_reason);
    return r == 0 ? scim_people_url(base, id, &page->next) : r;
}

/* --- answers ---------------------------------------------------------------------------------- */

int scim_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                    const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    json_auto_t *document = NULL;
    _cleanup_(directory_page_freep) DirectoryPage *page = calloc(1, sizeof(*page));
    int r = page ? read_document(data, size, &document, ret_reason) : -ENOMEM;

    if (r == 0)
        r = scim_url_is_group(settings->directory_url, asked)
                ? read_group(document, settings, asked, page, ret_reason)
                : read_list(document, settings, asked, page, ret_reason);
    if (r < 0)
        return r;
    *ret_page = TAKE_PTR(page);
    return 0;
}

int scim_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                      const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    return directory_page_parse_person(data, size, settings, read_person, ret_page, ret_reason);
}

void scim_error_code(const char *data, size_t size, char *out, size_t out_size)
{
    json_auto_t *document = NULL;
    const char *code = NULL;

    if (data && json_read_strict(data, size, HTTP_BODY_MAX, &document) == 0)
        code = json_text(document, "scimType", CLAIM_MAX);
    hostile_text_to_ascii(code ? code : "", out, out_size);
}
