/*
 * Addresses of Graph. See graph-request.h.
 */
#include "helper/directory/graph-request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/text-list.h"
#include "helper/directory/directory-url.h"

#define SELECT      "$select=id,userPrincipalName,displayName,accountEnabled"
#define TOP         "&$top=999"

int graph_members_url(const char *base, const char *group_id, char **ret_url)
{
    return directory_url(base, "/v1.0/groups/", group_id, "/transitiveMembers?" SELECT TOP,
                         ret_url);
}

/* A name that begins with '$' would be read as an option without the quotes. */
int graph_person_url(const char *base, const char *id, char **ret_url)
{
    if (*id == '$')
        return directory_url(base, "/v1.0/users('", id, "')?" SELECT, ret_url);
    return directory_url(base, "/v1.0/users/", id, "?" SELECT, ret_url);
}

/* A service principal: of an application, or a managed identity. */
int graph_client_url(const char *base, const char *id, char **ret_url)
{
    return directory_url(base, "/v1.0/servicePrincipals/", id,
                         "?$select=id,displayName,accountEnabled", ret_url);
}

int graph_changes_url(const char *base, char **ret_url)
{
    return directory_url(base, "/v1.0/users/delta?$deltatoken=latest&" SELECT, "", "", ret_url);
}

int graph_group_changes_url(const char *base, char **ret_url)
{
    return directory_url(base, "/v1.0/groups/delta?$deltatoken=latest&$select=members", "", "",
                         ret_url);
}

int graph_person_groups_url(const char *base, const char *id, char **ret_url)
{
    return directory_url(base, "/v1.0/users/", id,
                         "/transitiveMemberOf/microsoft.graph.group?$select=id" TOP, ret_url);
}

/* The client's id without its dashes: who registered the extension is who asks for it. */
static void append_client(const char *client, char *name, size_t size)
{
    size_t at = strlen(name);

    for (; *client && at + 1 < size; client++)
        if (*client != '-')
            name[at++] = *client;
    name[at] = '\0';
}

bool graph_uid_property(const ProviderConfig *settings, char ret_name[GRAPH_PROPERTY_SIZE])
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    const char *claim = settings->uid_claim;
    int size;

    if (!claim)
        return false;
    if (strncmp(claim, "extn.", 5) == 0) {
        char client[128] = "";
        append_client(settings->client_id ? settings->client_id : "", client, sizeof(client));
        size = snprintf(ret_name, GRAPH_PROPERTY_SIZE, "extension_%s_%s", client, claim + 5);
    } else {
        size = snprintf(ret_name, GRAPH_PROPERTY_SIZE, "%s", claim);
    }
    return size > 0 && size < (int)GRAPH_PROPERTY_SIZE &&
           strspn(ret_name, letters) == (size_t)size;
}

bool graph_names_identities(const ProviderConfig *settings)
{
    return settings->type == PROVIDER_ENTRA_EXTERNAL_ID || settings->type == PROVIDER_ENTRA_B2C;
}

int graph_ask_more(const ProviderConfig *settings, char **url)
{
    const char *at = strstr(*url, SELECT);
    int head = at ? (int)(at + strlen(SELECT) - *url) : 0;
    char *more = NULL, uid[GRAPH_PROPERTY_SIZE] = "";
    bool has_uid = graph_uid_property(settings, uid);

    if (!at)
        return 0;
    uid[strcspn(uid, ".")] = '\0';
    if (asprintf(&more, "%.*s%s%s%s%s%s%s", head, *url,
                 graph_names_identities(settings) ? ",identities" : "",
                 text_list_contains(settings->match_by, "email") ? ",mail" : "",
                 text_list_contains(settings->match_by, "phone") ? ",mobilePhone" : "",
                 has_uid ? "," : "", has_uid ? uid : "",
                 *url + head) < 0)
        return -ENOMEM;
    free(*url);
    *url = more;
    return 0;
}
