/*
 * Issuer addresses with a tenant in them (Entra ID; facts: metadata for "common" or "organizations"
 * and the keys' issuer member hold a literal {tenantid}).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True if `text` is `issuer` byte by byte, each "{tenantid}" in `text` standing for `tenant` (NULL:
 * no standing in). */
bool issuer_matches(const char *text, const char *issuer, const char *tenant);

/* The first segment of the issuer's path, which is the tenant's id (the second after "tfp", as
 * B2C's other kind of issuer has it): copied. Returns 0, -EINVAL, -ENOMEM. */
int issuer_tenant(const char *issuer, char **ret_tenant);

/* Bytes of scheme, host and port; 0 when there is no host. */
size_t issuer_origin_size(const char *issuer);
/* Is `host` (lower case) the issuer's host, or one of the domains above it? Upper and lower case
 * are one. */
bool issuer_has_host(const char *issuer, const char *host);
bool issuer_is_below_host(const char *issuer, const char *host);
