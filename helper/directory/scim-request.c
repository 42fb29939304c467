/*
 * Addresses of SCIM. See scim-request.h.
 */
#include "helper/directory/scim-request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/buffer.h"
#include "helper/directory/directory-url.h"

#define GROUPS   "/Groups/"
#define USERS    "/Users"
#define PERSON   "attributes=userName,displayName,active"
#define START    "&startIndex=" /* stands last: the next page is the same address, but for it */
#define PER_PAGE "&count=200"

static int take(Buffer *url, int r, char **ret_url)
{
    if (r < 0)
        return r;
    *ret_url = strdup(url->data);
    return *ret_url ? 0 : -ENOMEM;
}

int scim_group_url(const char *base, const char *group_id, char **ret_url)
{
    return directory_url(base, GROUPS, group_id, "?attributes=members", ret_url);
}

int scim_person_url(const char *base, const char *id, char **ret_url)
{
    return directory_url(base, USERS "/", id, "?" PERSON, ret_url);
}

/* A value in a filter is a JSON string (RFC 7644 §3.4.2.2). */
static int add_quoted(Buffer *filter, const char *text)
{
    int r = buffer_add_text(filter, "\"");

    for (; *text && r == 0; text++) {
        if (*text == '"' || *text == '\\')
            r = buffer_add_text(filter, "\\");
        if (r == 0)
            r = buffer_add(filter, text, 1);
    }
    return r == 0 ? buffer_add_text(filter, "\"") : r;
}

int scim_people_url(const char *base, const char *group_id, char **ret_url)
{
    _cleanup_buffer_ Buffer filter = BUFFER_INIT(HTTP_URL_MAX);
    int r = buffer_add_text(&filter, "groups.value eq ");

    if (r == 0)
        r = add_quoted(&filter, group_id);
    if (r < 0)
        return r;
    return directory_url(base, USERS "?filter=", filter.data,
                         "&" PERSON ",groups" PER_PAGE START "1", ret_url);
}

static const char *find_start(const char *asked)
{
    const char *found = NULL;

    for (const char *at = asked; (at = strstr(at, START)); at += strlen(START))
        found = at;
    return found;
}

size_t scim_url_start(const char *asked)
{
    const char *start = find_start(asked);

    return start ? strtoul(start + strlen(START), NULL, 10) : 1;
}

int scim_url_from(const char *asked, size_t start, char **ret_url)
{
    _cleanup_buffer_ Buffer url = BUFFER_INIT(HTTP_URL_MAX);
    const char *end = find_start(asked);
    char number[24];
    int r = buffer_add(&url, asked, end ? (size_t)(end - asked) : strlen(asked));

    snprintf(number, sizeof(number), "%zu", start);
    if (r == 0)
        r = buffer_add_text(&url, START);
    if (r == 0)
        r = buffer_add_text(&url, number);
    return take(&url, r, ret_url);
}

bool scim_url_is_group(const char *base, const char *asked)
{
    size_t size = strlen(base);

    return strncmp(asked, base, size) == 0 &&
           strncmp(asked + size, GROUPS, strlen(GROUPS)) == 0;
}
