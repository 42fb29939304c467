/*
 * Replies of Microsoft Graph v1.0: a page of people, of groups or of changes, one person, an error.
 *
 * Strict: one entry that is not what Graph documents, and the whole page is refused. Half a page
 * taken for a whole one would make people vanish.
 */
#pragma once

#include <stddef.h>
#include "helper/config/config.h"
#include "helper/directory/directory-page.h"

/* Reads a page of members or of changes of people; groups among the members become `groups`. Links
 * that do not lead to DirectoryUrl= are refused, because our access token goes with them.
 * accountEnabled that is absent or null says nothing; "@removed" outweighs it. Returns 0, -EBADMSG
 * with a static *ret_reason, -ENOMEM. */
int graph_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                     const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* Reads a page of the groups that a person is in, into `groups`. Otherwise the same. */
int graph_groups_parse(const char *data, size_t size, const ProviderConfig *settings,
                       const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* Reads a page of changes of groups ("members@delta"), into `changes`; a group may be there several
 * times. Otherwise the same. */
int graph_group_changes_parse(const char *data, size_t size, const ProviderConfig *settings,
                              const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* Reads the answer about one person into a page that holds only them. */
int graph_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                       const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* The code of an error body, as printable ASCII; empty when there is none. */
void graph_error_code(const char *data, size_t size, char *out, size_t out_size);
