/*
 * Addresses of Microsoft Graph v1.0. accountEnabled is always selected: Graph leaves it out
 * otherwise, and what it leaves out says nothing.
 *
 * `base` is the host's address without a path, such as https://graph.microsoft.com. Each returns 0,
 * -EMSGSIZE for an address that is too long, -ENOMEM; the caller owns *ret_url.
 */
#pragma once

#include <stdbool.h>
#include "helper/config/config.h"

/* All that is in a group, however deep: people, and the groups in between. Not narrowed to people
 * by a cast, which Graph answers from an index that lags behind, and which would not tell those
 * groups. */
int graph_members_url(const char *base, const char *group_id, char **ret_url);

/* One person, by id or by name. */
int graph_client_url(const char *base, const char *id, char **ret_url);
int graph_person_url(const char *base, const char *id, char **ret_url);

/* What changes from now on; answers with a link and, so to speak, an empty list. */
int graph_changes_url(const char *base, char **ret_url);

/* Who goes into or out of which group from now on. Of all groups of the tenant: $filter takes no
 * more than 50 ids, and would leave out what lies inside ours. Only direct members are told. */
int graph_group_changes_url(const char *base, char **ret_url);

/* The groups that a person is in, however deep. */
int graph_person_groups_url(const char *base, const char *id, char **ret_url);

/* The property behind UidClaim=: a directory extension's name in tokens is extn.NAME, here
 * extension_CLIENT_NAME; dots lead into others. False when there is none. */
#define GRAPH_PROPERTY_SIZE 256u
bool graph_uid_property(const ProviderConfig *settings, char ret_name[GRAPH_PROPERTY_SIZE]);

/* People of such a tenant sign in with an address that is not the name Microsoft gave the account:
 * it stands in the property "identities". */
bool graph_names_identities(const ProviderConfig *settings);

/* Widens what one of them asks of people to what the configuration wants. */
int graph_ask_more(const ProviderConfig *settings, char **url);
