/*
 * Addresses of Okta's Management API. The pages behind the first are told by Link (RFC 8288), so
 * only the first is made here.
 *
 * `base` is the org's address, such as https://college.okta.com. Each returns 0, -EMSGSIZE for an
 * address that is too long, -ENOMEM; the caller owns *ret_url.
 */
#pragma once

/* https://ORG/oauth2/SERVER, or https://ORG: the org's address. */
int okta_url_of_issuer(const char *issuer, char **ret_url);

/* All people in a group; Okta has no groups inside groups. */
int okta_members_url(const char *base, const char *group_id, char **ret_url);
int okta_person_url(const char *base, const char *id, char **ret_url);

/* The app whose Client ID this is: an app that speaks OpenID Connect has one for its id. */
int okta_client_url(const char *base, const char *client_id, char **ret_url);
