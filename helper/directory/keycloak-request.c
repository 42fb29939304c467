/*
 * Addresses of Keycloak's Admin REST API. See keycloak-request.h.
 */
#include "helper/directory/keycloak-request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/directory/directory-url.h"

#define BRIEF  "?briefRepresentation=true"
#define BELOW  "/children" BRIEF
#define MAX    "&max="
#define FIRST  "&first=" /* always last */

/* As directory_url(), and which entries. */
static int build_url(const char *base, const char *before, const char *id, const char *after,
                     const KeycloakSpan *span, char **ret_url)
{
    char rest[128];

    if (!span)
        return directory_url(base, before, id, after, ret_url);
    snprintf(rest, sizeof(rest), "%s" MAX "%zu" FIRST "%zu", after, span->size, span->first);
    return directory_url(base, before, id, rest, ret_url);
}

static const KeycloakSpan first_page = {.size = KEYCLOAK_PAGE};

int keycloak_url_of_issuer(const char *issuer, char **ret_url)
{
    static const char realms[] = "/realms/";
    const char *at = strstr(issuer, realms);
    const char *realm = at ? at + strlen(realms) : "";

    if (*realm == '\0' || strchr(realm, '/'))
        return 0;
    if (asprintf(ret_url, "%.*s/admin%s", (int)(at - issuer), issuer, at) < 0) {
        *ret_url = NULL;
        return -ENOMEM;
    }
    return 0;
}

int keycloak_group_url(const char *base, const char *group_id, char **ret_url)
{
    return build_url(base, "/groups/", group_id, BELOW, &first_page, ret_url);
}

const char *keycloak_group_fault(const char *id)
{
    return strchr(id, '/') ? "is a path, which changes: Directory=keycloak needs the group's id, "
                             "the last part of its page's address"
                           : NULL;
}

int keycloak_person_url(const char *base, const char *id, char **ret_url)
{
    return build_url(base, "/users/", id, "", NULL, ret_url);
}

int keycloak_disabled_url(const char *base, const char *username, char **ret_url)
{
    static const KeycloakSpan two = {.size = 2};

    return build_url(base, "/users" BRIEF "&enabled=false&exact=true&username=", username, "", &two,
                     ret_url);
}

int keycloak_client_url(const char *base, const char *client_id, char **ret_url)
{
    return directory_url(base, "/clients?clientId=", client_id, "", ret_url);
}

int keycloak_anybody_url(const char *base, char **ret_url)
{
    static const KeycloakSpan one = {.size = 1};

    return build_url(base, "/users" BRIEF, "", "", &one, ret_url);
}

int keycloak_roles_url(const char *base, const char *role, char **ret_url)
{
    return build_url(base, "/roles" BRIEF "&search=", role, "", &first_page, ret_url);
}

/* What a person chose is encoded, and holds no such text. */
static size_t number_behind(const char *asked, const char *name)
{
    const char *at = strstr(asked, name);

    return at ? (size_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

KeycloakSpan keycloak_span(const char *asked)
{
    return (KeycloakSpan){.first = number_behind(asked, FIRST), .size = number_behind(asked, MAX)};
}

int keycloak_url_from(const char *asked, size_t first, char **ret_url)
{
    const char *at = strstr(asked, FIRST);
    size_t size = at ? (size_t)(at - asked) : strlen(asked);

    if (asprintf(ret_url, "%.*s" FIRST "%zu", (int)size, asked, first) < 0) {
        *ret_url = NULL;
        return -ENOMEM;
    }
    return 0;
}

int keycloak_members_behind(const char *asked, bool with_attributes, char **ret_url)
{
    unsigned size = with_attributes ? KEYCLOAK_PAGE_WHOLE : KEYCLOAK_PAGE;
    const char *at = strstr(asked, BELOW);

    if (!at)
        return 0;
    if (asprintf(ret_url, "%.*s/members%s" MAX "%u" FIRST "0", (int)(at - asked), asked,
                 with_attributes ? "?briefRepresentation=false" : BRIEF, size) < 0) {
        *ret_url = NULL;
        return -ENOMEM;
    }
    return 0;
}
