/*
 * Reading Keycloak's replies. See keycloak-page.h.
 */
#include "helper/directory/keycloak-page.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/hostile-text.h"
#include "helper/base/json-strict.h"
#include "helper/base/phone.h"
#include "helper/base/text-list.h"
#include "helper/directory/keycloak-request.h"
#include "helper/token/claims.h"

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -EBADMSG;
}

/* --- one person ------------------------------------------------------------------------------- */

/* A UUID, or f:PROVIDER:NAME of somebody kept elsewhere. It is compared with a token's sub, so its
 * case stays. */
static const char *sound_id(const json_t *entry)
{
    const char *id = json_text(entry, "id", DIRECTORY_ID_MAX);

    if (!id || !isalnum((unsigned char)*id))
        return NULL;
    for (const char *p = id; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-:._@", *p))
            return NULL;
    return id;
}

/* What a token would say of the person, as far as it is told here. */
static json_t *claims_of(const json_t *entry)
{
    bool is_verified = json_is_true(json_object_get(entry, "emailVerified"));

    return json_pack("{s:O*, s:O*, s:O*, s:O*}", "preferred_username",
                     json_object_get(entry, "username"), "email",
                     is_verified ? json_object_get(entry, "email") : NULL, "given_name",
                     json_object_get(entry, "firstName"), "family_name",
                     json_object_get(entry, "lastName"));
}

static int read_name(const json_t *entry, const ProviderConfig *settings, DirectoryPerson *person)
{
    json_auto_t *claims = claims_of(entry);
    _cleanup_free_ char *expanded = NULL;
    int r = claims ? 0 : -ENOMEM;

    if (r == 0 && settings->username_template)
        r = claim_expand(claims, settings->username_template, &expanded);
    if (r < 0)
        return r;
    const char *name = settings->username_template
                           ? expanded
                           : claim_first_text(claim_find(claims, settings->username_claim));
    return name ? directory_person_set_name(person, name, settings->domains) : 0;
}

static int read_full_name(const json_t *entry, DirectoryPerson *person)
{
    const char *first = json_text(entry, "firstName", CLAIM_MAX);
    const char *last = json_text(entry, "lastName", CLAIM_MAX);
    _cleanup_free_ char *whole = NULL;

    if (!first && !last)
        return 0;
    if (asprintf(&whole, "%s%s%s", first ? first : "", first && last ? " " : "", last ? last : "") <
        0) {
        whole = NULL;
        return -ENOMEM;
    }
    return hostile_text_strip(whole, CLAIM_MAX, &person->full_name);
}

/* For MatchBy=. An address that nobody verified is anybody's. */
static int read_email(const json_t *entry, DirectoryPerson *person)
{
    const char *email = json_text(entry, "email", NAME_FULL_MAX);

    if (!email || !json_is_true(json_object_get(entry, "emailVerified")) ||
        !hostile_text_is_graphic(email, NAME_FULL_MAX))
        return 0;
    person->email = strdup(email);
    for (char *p = person->email; p && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return person->email ? 0 : -ENOMEM;
}

/* --- attributes ------------------------------------------------------------------------------- */

static bool wants_attributes(const ProviderConfig *settings)
{
    return settings->uid_claim ||
           (settings->match_by && text_list_contains(settings->match_by, "phone"));
}

/* An attribute is a list, mostly of one. */
static const json_t *attribute(const json_t *entry, const char *name)
{
    const json_t *value = claim_find(json_object_get(entry, "attributes"), name);

    return json_array_size(value) == 1 ? json_array_get(value, 0) : value;
}

/* Keycloak's own scope makes phone_number of phoneNumber; other claims are called as their
 * attributes are. */
static int read_attributes(const json_t *entry, const ProviderConfig *settings,
                           DirectoryPerson *person)
{
    const char *claim = settings->phone_claim ? settings->phone_claim : "";
    const char *name = strcmp(claim, "phone_number") == 0 ? "phoneNumber" : claim;
    const json_t *phone = attribute(entry, name);
    char normal[PHONE_SIZE];

    if (settings->uid_claim)
        person->uid = claim_uid(attribute(entry, settings->uid_claim));
    if (!json_is_string(phone) || !phone_normalise(json_string_value(phone), normal))
        return 0;
    person->phone = strdup(normal);
    return person->phone ? 0 : -ENOMEM;
}

static int read_state(const json_t *entry, DirectoryPerson *person, const char **ret_reason)
{
    const json_t *enabled = json_object_get(entry, "enabled");

    if (enabled && !json_is_boolean(enabled) && !json_is_null(enabled))
        return refuse(ret_reason, "directory: enabled is not a boolean");
    if (json_is_true(enabled))
        person->state = directory_state(EVIDENCE_OF_KEYCLOAK_ADMIN, "enabled", "true");
    else if (json_is_false(enabled))
        person->state = DIRECTORY_DOUBTED;
    return 0;
}

static int read_person(const json_t *entry, const ProviderConfig *settings, DirectoryPerson *person,
                       const char **ret_reason)
{
    const char *id = sound_id(entry);

    if (!id)
        return refuse(ret_reason, "directory: an entry without a sound id");
    person->id = strdup(id);
    int r = person->id ? read_name(entry, settings, person) : -ENOMEM;
    if (r == 0)
        r = read_full_name(entry, person);
    if (r == 0)
        r = read_email(entry, person);
    if (r == 0)
        r = read_attributes(entry, settings, person);
    return r == 0 ? read_state(entry, person, ret_reason) : r;
}

/* --- a page ----------------------------------------------------------------------------------- */

static int read_people(const json_t *list, const ProviderConfig *settings, DirectoryPage *page,
                       const char **ret_reason)
{
    size_t count = json_array_size(list);
    int r = 0;

    page->people = calloc(count + 1, sizeof(*page->people));
    if (!page->people)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = read_person(json_array_get(list, i), settings, &page->people[page->count++],
                        ret_reason);
    return r;
}

/* A full page may not be the last. The next one begins with this one's last entry: where it does
 * not, somebody came or went in between, and whoever moved across the border would be missed. */
static int lead_on(const json_t *list, const KeycloakSpan *span, const char *asked,
                   DirectoryPage *page)
{
    page->overlaps = span->first > 0;
    if (json_array_size(list) < span->size || span->size < 2)
        return 0;
    return keycloak_url_from(asked, span->first + span->size - 1, &page->next);
}

static int read_groups(const json_t *list, const KeycloakSpan *span, DirectoryPage *page,
                       const char **ret_reason)
{
    int r = 0;

    if (json_array_size(list) == span->size)
        return refuse(ret_reason, "directory: more groups below a group than one page holds");
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
        const char *id = sound_id(json_array_get(list, i));
        if (!id)
            return refuse(ret_reason, "directory: a group without a sound id");
        r = text_list_add(&page->inner, id);
    }
    return r;
}

static int read_list(const json_t *list, const ProviderConfig *settings, const char *asked,
                     DirectoryPage *page, const char **ret_reason)
{
    const KeycloakSpan span = keycloak_span(asked);

    if (json_array_size(list) > span.size)
        return refuse(ret_reason, "directory: more on a page than was asked for");
    int r = keycloak_members_behind(asked, wants_attributes(settings), &page->next);
    if (r < 0)
        return r;
    if (page->next)
        return read_groups(list, &span, page, ret_reason);
    r = read_people(list, settings, page, ret_reason);
    return r == 0 ? lead_on(list, &span, asked, page) : r;
}

int keycloak_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                        const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    json_auto_t *list = NULL;
    _cleanup_(directory_page_freep) DirectoryPage *page = calloc(1, sizeof(*page));
    int r = page ? json_read_strict_list(data, size, HTTP_BODY_MAX, &list) : -ENOMEM;

    if (r < 0 && r != -ENOMEM)
        return refuse(ret_reason, "directory: not a list in strict JSON");
    if (r == 0)
        r = read_list(list, settings, asked, page, ret_reason);
    if (r < 0)
        return r;
    *ret_page = TAKE_PTR(page);
    return 0;
}

int keycloak_find_role(const char *data, size_t size, const char *role)
{
    json_auto_t *list = NULL;
    const json_t *entry = NULL;
    size_t i = 0;
    int r = json_read_strict_list(data, size, HTTP_BODY_MAX, &list);

    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    json_array_foreach(list, i, entry)
    {
        const char *name = json_text(entry, "name", CLAIM_MAX);
        if (name && strcmp(name, role) == 0)
            return 1;
    }
    return json_array_size(list) >= KEYCLOAK_PAGE ? -E2BIG : 0;
}

/* Somebody without a user name cannot be asked about, and stays in doubt. */
static int read_settler(const json_t *document, const ProviderConfig *settings, DirectoryPage *page)
{
    const char *username = json_text(document, "username", CLAIM_MAX);

    if (page->people[0].state != DIRECTORY_DOUBTED || !username)
        return 0;
    return keycloak_disabled_url(settings->directory_url, username, &page->next);
}

static int read_one(const json_t *document, const ProviderConfig *settings, DirectoryPage *page,
                    const char **ret_reason)
{
    page->people = calloc(1, sizeof(*page->people));
    if (!page->people)
        return -ENOMEM;
    page->count = 1;
    int r = read_person(document, settings, &page->people[0], ret_reason);
    return r == 0 ? read_settler(document, settings, page) : r;
}

int keycloak_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                          const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    json_auto_t *document = NULL;
    _cleanup_(directory_page_freep) DirectoryPage *page = calloc(1, sizeof(*page));
    int r = page ? json_read_strict(data, size, HTTP_BODY_MAX, &document) : -ENOMEM;

    if (r < 0 && r != -ENOMEM)
        return refuse(ret_reason, "directory: not strict JSON");
    if (r == 0)
        r = read_one(document, settings, page, ret_reason);
    if (r < 0)
        return r;
    *ret_page = TAKE_PTR(page);
    return 0;
}

void keycloak_error_code(const char *data, size_t size, char *out, size_t out_size)
{
    json_auto_t *document = NULL;
    const char *text = NULL;

    if (data && json_read_strict(data, size, HTTP_BODY_MAX, &document) == 0) {
        text = json_text(document, "error", CLAIM_MAX);
        if (!text)
            text = json_text(document, "errorMessage", CLAIM_MAX);
    }
    hostile_text_to_ascii(text ? text : "", out, out_size);
}
