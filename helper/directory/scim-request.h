/*
 * Addresses of SCIM 2.0 (RFC 7644 §3.4): a group, the people in it, one person.
 *
 * `base` is the service's address with its path, such as https://sso.example.org/scim/v2. Each
 * returns 0, -EMSGSIZE for an address that is too long, -ENOMEM; the caller owns *ret_url.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The group itself: is it there, and which groups are inside it? */
int scim_group_url(const char *base, const char *group_id, char **ret_url);

/* The first page of the people in it, by a filter (§3.4.2.2): each with what says that they are. */
int scim_people_url(const char *base, const char *group_id, char **ret_url);

/* Of a list that was `asked` for: where it began, and the same from `start` on (§3.4.2.4). */
size_t scim_url_start(const char *asked);
int scim_url_from(const char *asked, size_t start, char **ret_url);

int scim_person_url(const char *base, const char *id, char **ret_url);

/* Is `asked` the address of a group, and not of people? */
bool scim_url_is_group(const char *base, const char *asked);
