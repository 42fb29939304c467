/*
 * Addresses of Keycloak's Admin REST API (Keycloak 23 and newer).
 *
 * `base` is the realm's address there, such as https://sso.example.org/admin/realms/college. Lists
 * have no links in them: what comes next is made of the address that was asked for. Each function
 * returns 0, -EMSGSIZE for an address that is too long, -ENOMEM; the caller owns *ret_url.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The realm's address in the Admin API, from that of its issuer: https://HOST/realms/REALM becomes
 * https://HOST/admin/realms/REALM. *ret_url stays NULL where the issuer is not of that form. */
int keycloak_url_of_issuer(const char *issuer, char **ret_url);

/* The groups right below a group; its own members come behind them (keycloak_members_behind()).
 * Whom Keycloak calls a group's members are not those of the groups below it. */
int keycloak_group_url(const char *base, const char *group_id, char **ret_url);

/* Why this cannot be the id of a group; NULL: it can. Tokens name groups by paths. */
const char *keycloak_group_fault(const char *id);

/* One person, by id. */
int keycloak_person_url(const char *base, const char *id, char **ret_url);

/* Is somebody stored as disabled? A list that holds them, or nobody. Their own "enabled" says false
 * also of people who are locked out for a while, and of all whom an LDAP server behind Keycloak
 * would have to vouch for and does not. */
int keycloak_disabled_url(const char *base, const char *username, char **ret_url);

/* The client of this ClientId=: a list of it, or of nobody. */
int keycloak_client_url(const char *base, const char *client_id, char **ret_url);

/* Anybody at all: a list of one. */
int keycloak_anybody_url(const char *base, char **ret_url);

/* The realm's roles whose name or description has that text in it, in brief. */
int keycloak_roles_url(const char *base, const char *role, char **ret_url);

/* What an address asks for: how many entries, from which one on. `size` is 0 where it is no
 * list. */
typedef struct KeycloakSpan {
    size_t first, size;
} KeycloakSpan;

KeycloakSpan keycloak_span(const char *asked);

/* The same list, from its entry number `first` on. */
int keycloak_url_from(const char *asked, size_t first, char **ret_url);

/* Where `asked` is keycloak_group_url(): the members of that group, with what administrators wrote
 * down of each (`with_attributes`) or without. Else *ret_url stays NULL. */
int keycloak_members_behind(const char *asked, bool with_attributes, char **ret_url);
