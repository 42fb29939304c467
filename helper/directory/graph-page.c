/*
 * Reading Graph's replies. See graph-page.h.
 */
#include "helper/directory/graph-page.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/hostile-text.h"
#include "helper/base/json-strict.h"
#include "helper/base/phone.h"
#include "helper/directory/graph-request.h"
#include "helper/token/claims.h"
#include "helper/base/text-list.h"

#define TYPE_USER  "#microsoft.graph.user"
#define TYPE_GROUP "#microsoft.graph.group"

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

static int read_id(const json_t *entry, char **ret_id, const char **ret_reason)
{
    const char *id = json_text(entry, "id", DIRECTORY_ID_MAX);

    if (!id || !id_is_sound(id))
        return refuse(ret_reason, "directory: an entry without a sound id");
    *ret_id = folded(id);
    return *ret_id ? 0 : -ENOMEM;
}

/* What sort of thing an entry is about. A list of people alone need not say so. */
static int read_type(const json_t *entry, const char **ret_type, const char **ret_reason)
{
    const json_t *type = json_object_get(entry, "@odata.type");

    if (!json_is_object(entry))
        return refuse(ret_reason, "directory: an entry is not an object");
    if (type && !json_is_string(type))
        return refuse(ret_reason, "directory: @odata.type is not a text");
    *ret_type = type ? json_string_value(type) : "";
    return 0;
}

static int add_id(const json_t *entry, char ***list, const char **ret_reason)
{
    _cleanup_free_ char *id = NULL;
    int r = read_id(entry, &id, ret_reason);

    return r < 0 ? r : text_list_add(list, id);
}

/* "emailAddress", "emailAddress1": what the tenant has had proven. Not "userName": whoever signs up
 * to B2C chooses it, and it would be taken for the address of somebody else. */
static bool is_address(const json_t *identity)
{
    static const char word[] = "emailAddress";
    const char *type = json_text(identity, "signInType", CLAIM_MAX);
    const char *rest = type && strncmp(type, word, strlen(word)) == 0 ? type + strlen(word) : NULL;

    return rest && strspn(rest, "0123456789") == strlen(rest);
}

/* What they sign in with; who has several, the first. NULL: there is none, as of people who come by
 * another provider. */
static const char *find_address(const json_t *entry)
{
    const json_t *identities = json_object_get(entry, "identities");

    for (size_t i = 0; i < json_array_size(identities); i++) {
        const json_t *identity = json_array_get(identities, i);
        const char *name = json_text(identity, "issuerAssignedId", NAME_FULL_MAX);
        if (name && is_address(identity))
            return name;
    }
    return NULL;
}

static const char *find_name(const json_t *entry, const ProviderConfig *settings)
{
    const char *name = graph_names_identities(settings) ? find_address(entry) : NULL;

    return name ? name : json_text(entry, "userPrincipalName", NAME_FULL_MAX);
}

static int read_names(const json_t *entry, const ProviderConfig *settings, DirectoryPerson *person)
{
    const char *name = find_name(entry, settings);
    const char *full_name = json_text(entry, "displayName", CLAIM_MAX);

    int r = name ? directory_person_set_name(person, name, NULL) : 0;

    return r == 0 && full_name ? hostile_text_strip(full_name, CLAIM_MAX, &person->full_name) : r;
}

/* An administrator gives the address; the number may be the person's own word. What is no address,
 * or no number, is not said; `mobilePhone` null says that there is none. */
static int read_contacts(const json_t *entry, DirectoryPerson *person)
{
    const char *email = json_text(entry, "mail", NAME_FULL_MAX);
    const char *phone = json_text(entry, "mobilePhone", CLAIM_MAX);
    char normal[PHONE_SIZE] = "";

    if (email && hostile_text_is_graphic(email, NAME_FULL_MAX)) {
        person->email = folded(email);
        if (!person->email)
            return -ENOMEM;
    }
    if (!json_is_null(json_object_get(entry, "mobilePhone")) &&
        !(phone && phone_normalise(phone, normal)))
        return 0;
    person->phone = strdup(normal);
    return person->phone ? 0 : -ENOMEM;
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

static void read_uid(const json_t *entry, const ProviderConfig *settings, DirectoryPerson *person)
{
    char name[GRAPH_PROPERTY_SIZE];

    if (graph_uid_property(settings, name))
        person->uid = claim_uid(claim_find(entry, name));
}

static int read_person(const json_t *entry, const ProviderConfig *settings, DirectoryPerson *person,
                       const char **ret_reason)
{
    if (!json_is_object(entry))
        return refuse(ret_reason, "directory: an entry is not an object");
    int r = read_id(entry, &person->id, ret_reason);
    if (r == 0)
        r = read_names(entry, settings, person);
    if (r == 0)
        r = read_contacts(entry, person);
    if (r == 0)
        read_uid(entry, settings, person);
    return r == 0 ? read_state(entry, person, ret_reason) : r;
}

/* Devices and programs are nobody. */
static int read_entry(const json_t *entry, const ProviderConfig *settings, DirectoryPage *page,
                      const char **ret_reason)
{
    const char *type;
    int r = read_type(entry, &type, ret_reason);

    if (r < 0)
        return r;
    if (strcmp(type, TYPE_GROUP) == 0)
        return add_id(entry, &page->groups, ret_reason);
    if (*type && strcmp(type, TYPE_USER) != 0)
        return 0;
    return read_person(entry, settings, &page->people[page->count++], ret_reason);
}

/* How many entries there are. */
static int check_list(const json_t *list, size_t *ret_count, const char **ret_reason)
{
    if (!json_is_array(list))
        return refuse(ret_reason, "directory: the page holds no list");
    if (json_array_size(list) > DIRECTORY_PAGE_MAX)
        return refuse(ret_reason, "directory: too many entries on one page");
    *ret_count = json_array_size(list);
    return 0;
}

static int read_people(const json_t *list, const ProviderConfig *settings, DirectoryPage *page,
                       const char **ret_reason)
{
    size_t count = 0;
    int r = check_list(list, &count, ret_reason);

    if (r < 0)
        return r;
    page->people = calloc(count + 1, sizeof(*page->people));
    if (!page->people)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = read_entry(json_array_get(list, i), settings, page, ret_reason);
    return r;
}

static int read_groups(const json_t *list, const ProviderConfig *settings, DirectoryPage *page,
                       const char **ret_reason)
{
    size_t count = 0;
    int r = check_list(list, &count, ret_reason);

    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_id(json_array_get(list, i), &page->groups, ret_reason);
    return r;
}

/* --- changes of groups ------------------------------------------------------------------------ */

static int read_member(const json_t *entry, DirectoryChange *change, const char **ret_reason)
{
    const char *type;
    int r = read_type(entry, &type, ret_reason);

    if (r < 0)
        return r;
    if (strcmp(type, TYPE_USER) == 0)
        return add_id(entry, &change->people, ret_reason);
    change->has_groups |= !*type || strcmp(type, TYPE_GROUP) == 0;
    return 0;
}

static int read_change(const json_t *entry, DirectoryChange *change, const char **ret_reason)
{
    const json_t *members = json_object_get(entry, "members@delta");
    const json_t *removed = json_object_get(entry, "@removed");
    int r;

    if (removed && !json_is_object(removed))
        return refuse(ret_reason, "directory: @removed is not an object");
    if (members && !json_is_array(members))
        return refuse(ret_reason, "directory: members@delta is not a list");
    change->is_removed = removed != NULL;
    change->people = text_list_new();
    r = change->people ? read_id(entry, &change->group, ret_reason) : -ENOMEM;
    for (size_t i = 0; r == 0 && i < json_array_size(members); i++)
        r = read_member(json_array_get(members, i), change, ret_reason);
    return r;
}

static int read_changes(const json_t *list, const ProviderConfig *settings, DirectoryPage *page,
                        const char **ret_reason)
{
    size_t count = 0;
    int r = check_list(list, &count, ret_reason);

    if (r < 0)
        return r;
    page->changes = calloc(count + 1, sizeof(*page->changes));
    if (!page->changes)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = read_change(json_array_get(list, i), &page->changes[page->change_count++], ret_reason);
    return r;
}

/* --- pages ------------------------------------------------------------------------------------ */

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

typedef int (*ListReader)(const json_t *list, const ProviderConfig *settings, DirectoryPage *page,
                          const char **ret_reason);

static int parse_list(const char *data, size_t size, const ProviderConfig *settings,
                      ListReader reader, DirectoryPage **ret_page, const char **ret_reason)
{
    json_auto_t *document = NULL;
    _cleanup_(directory_page_freep) DirectoryPage *page = calloc(1, sizeof(*page));
    int r = page ? read_document(data, size, &document, ret_reason) : -ENOMEM;

    if (r == 0)
        r = reader(json_object_get(document, "value"), settings, page, ret_reason);
    if (r == 0)
        r = read_links(document, settings->directory_url, page, ret_reason);
    if (r < 0)
        return r;
    *ret_page = TAKE_PTR(page);
    return 0;
}

int graph_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                     const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    return parse_list(data, size, settings, read_people, ret_page, ret_reason);
}

int graph_groups_parse(const char *data, size_t size, const ProviderConfig *settings,
                       const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    return parse_list(data, size, settings, read_groups, ret_page, ret_reason);
}

int graph_group_changes_parse(const char *data, size_t size, const ProviderConfig *settings,
                              const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    return parse_list(data, size, settings, read_changes, ret_page, ret_reason);
}

int graph_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                       const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    return directory_page_parse_person(data, size, settings, read_person, ret_page, ret_reason);
}

void graph_error_code(const char *data, size_t size, char *out, size_t out_size)
{
    json_auto_t *document = NULL;
    const char *code = NULL;

    if (data && json_read_strict(data, size, HTTP_BODY_MAX, &document) == 0)
        code = json_text(json_object_get(document, "error"), "code", CLAIM_MAX);
    hostile_text_to_ascii(code ? code : "", out, out_size);
}
