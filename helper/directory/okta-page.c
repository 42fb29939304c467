/*
 * Reading Okta's replies. See okta-page.h.
 */
#include "helper/directory/okta-page.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/hostile-text.h"
#include "helper/base/json-strict.h"
#include "helper/token/claims.h"

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -EBADMSG;
}

/* Letters and digits such as 00u1a2b3c4D5E6F7g8h9, whose case counts. */
static const char *sound_id(const json_t *entry)
{
    const char *id = json_text(entry, "id", DIRECTORY_ID_MAX);

    for (const char *p = id; p && *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
            return NULL;
    return id;
}

static int read_full_name(const json_t *profile, DirectoryPerson *person)
{
    const char *whole = json_text(profile, "displayName", CLAIM_MAX);
    const char *first = json_text(profile, "firstName", CLAIM_MAX);
    const char *last = json_text(profile, "lastName", CLAIM_MAX);
    _cleanup_free_ char *made = NULL;

    if (!whole && first && last) {
        if (asprintf(&made, "%s %s", first, last) < 0) {
            made = NULL;
            return -ENOMEM;
        }
        whole = made;
    }
    return whole ? hostile_text_strip(whole, CLAIM_MAX, &person->full_name) : 0;
}

static int read_names(const json_t *profile, const ProviderConfig *settings,
                      DirectoryPerson *person)
{
    const char *login = json_text(profile, "login", NAME_FULL_MAX);
    int r = login ? directory_person_set_name(person, login, settings->domains) : 0;

    return r == 0 ? read_full_name(profile, person) : r;
}

static int read_person(const json_t *entry, const ProviderConfig *settings, DirectoryPerson *person,
                       const char **ret_reason)
{
    const json_t *status = json_object_get(entry, "status");
    const char *id = sound_id(entry);

    if (!id)
        return refuse(ret_reason, "directory: an entry without a sound id");
    if (status && !json_is_string(status))
        return refuse(ret_reason, "directory: status is not a text");
    if (status)
        person->state = directory_state(EVIDENCE_OF_OKTA, "status", json_string_value(status));
    if (settings->uid_claim)
        person->uid = claim_uid(claim_find(json_object_get(entry, "profile"), settings->uid_claim));
    person->id = strdup(id);
    return person->id ? read_names(json_object_get(entry, "profile"), settings, person) : -ENOMEM;
}

static int read_people(const json_t *list, const ProviderConfig *settings, DirectoryPage *page,
                       const char **ret_reason)
{
    size_t count = json_array_size(list);
    int r = 0;

    if (count > DIRECTORY_PAGE_MAX)
        return refuse(ret_reason, "directory: too many people on one page");
    page->people = calloc(count + 1, sizeof(*page->people));
    if (!page->people)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = read_person(json_array_get(list, i), settings, &page->people[page->count++],
                        ret_reason);
    return r;
}

int okta_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                    const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    json_auto_t *list = NULL;
    _cleanup_(directory_page_freep) DirectoryPage *page = calloc(1, sizeof(*page));
    int r = page ? json_read_strict_list(data, size, HTTP_BODY_MAX, &list) : -ENOMEM;

    if (r < 0 && r != -ENOMEM)
        return refuse(ret_reason, "directory: not a list in strict JSON");
    if (r == 0)
        r = read_people(list, settings, page, ret_reason);
    if (r < 0)
        return r;
    *ret_page = TAKE_PTR(page);
    return 0;
}

int okta_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                      const char *asked, DirectoryPage **ret_page, const char **ret_reason)
{
    return directory_page_parse_person(data, size, settings, read_person, ret_page, ret_reason);
}

void okta_error_code(const char *data, size_t size, char *out, size_t out_size)
{
    json_auto_t *document = NULL;
    const char *code = NULL;

    if (data && json_read_strict(data, size, HTTP_BODY_MAX, &document) == 0) {
        code = json_text(document, "errorCode", CLAIM_MAX);
        if (!code)
            code = json_text(document, "error", CLAIM_MAX);
    }
    hostile_text_to_ascii(code ? code : "", out, out_size);
}
