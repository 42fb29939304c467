/*
 * Replies of Okta's Management API: a page of people, one person, an error.
 *
 * Strict, as graph-page.h: one entry that is not what Okta documents, and the whole page is
 * refused. Which status means what is the evidence table's; one without a row says nothing.
 */
#pragma once

#include <stddef.h>
#include "helper/config/config.h"
#include "helper/directory/directory-page.h"

/* "Not found: Resource not found". Somebody else's 404 does not say so. */
#define OKTA_NOT_FOUND "E0000007"

/* Reads a page of members; where the next one is stands in a header. Returns 0, -EBADMSG with a
 * static *ret_reason, -ENOMEM. */
int okta_page_parse(const char *data, size_t size, const ProviderConfig *settings,
                    const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* Reads the answer about one person into a page that holds only them. */
int okta_person_parse(const char *data, size_t size, const ProviderConfig *settings,
                      const char *asked, DirectoryPage **ret_page, const char **ret_reason);

/* errorCode of an error body, or the "error" of OAuth, as printable ASCII; empty when there is
 * none. */
void okta_error_code(const char *data, size_t size, char *out, size_t out_size);
