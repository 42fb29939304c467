/*
 * Replies of SCIM 2.0 (RFC 7643 §4, RFC 7644 §3.4.2, §3.12): a group, a page of its people, one
 * person, an error.
 *
 * Strict, as graph-page.h: what is not whole is refused as a whole. A service may ignore a filter
 * that it does not know, and answer with everybody: so each person of a page must say themselves
 * that they are in the group that was asked for.
 */
#pragma once

#include <stddef.h>
#include "helper/config/config.h"
#include "helper/directory/directory-page.h"

/* Reads the answer to what was `asked`: a group, whose page holds nobody but leads on to its people
 * and names the groups inside it; or people. "active" that is absent says nothing. Returns 0,
 * -EBADMSG with a static *ret_reason, -ENOMEM. */
int scim_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                    const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* Reads the answer about one person into a page that holds only them. */
int scim_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                      const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* scimType of an error body, as printable ASCII; empty when there is none. */
void scim_error_code(const char *data, size_t size, char *out, size_t out_size);
