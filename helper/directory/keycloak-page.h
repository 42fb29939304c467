/*
 * Replies of Keycloak's Admin REST API: people, the groups below a group, one person, an error.
 *
 * Strict, as graph-page.h: one entry that is not what Keycloak documents, and the whole page is
 * refused. "enabled": true is believed; false is not yet, because Keycloak says so as well of who
 * is locked out for a while by somebody else's wrong passwords, of who is asked for twice at a time
 * (keycloak#40689), and of everybody while an LDAP server behind it is away (keycloak#42589): such
 * a person is DIRECTORY_DOUBTED.
 */
#pragma once

#include <stddef.h>
#include "helper/config/config.h"
#include "helper/directory/directory-page.h"

/* Reads the answer to what was `asked`: people; or the groups below one, whose page holds nobody
 * but names those groups and leads on to that one's own members. Returns 0, -EBADMSG with a static
 * *ret_reason, -ENOMEM. */
int keycloak_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                        const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* Reads the answer about one person into a page that holds only them. Who is doubted has the
 * address that settles it as the page's `next`. */
int keycloak_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                          const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* Is a role of exactly that name in the answer to keycloak_roles_url()? Returns 1, 0, -E2BIG when
 * the list is full and it may be behind its end, -EBADMSG, -ENOMEM. */
int keycloak_find_role(const char *data, size_t size, const char *role);

/* What an error body says, as printable ASCII; empty when it says nothing. */
void keycloak_error_code(const char *data, size_t size, char *out, size_t out_size);
