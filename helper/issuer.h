/*
 * Issuer addresses with a tenant in them (Entra ID; facts: metadata for "common" or "organizations"
 * and the keys' issuer member hold a literal {tenantid}).
 */
#pragma once

#include <stdbool.h>

/* True if `text` is `issuer` byte by byte, "{tenantid}" in `text` standing for `tenant` (NULL: no
 * standing in). */
bool issuer_matches(const char *text, const char *issuer, const char *tenant);

/* The first segment of the issuer's path, which is the tenant's id: copied. Returns 0, -EINVAL,
 * -ENOMEM. */
int issuer_tenant(const char *issuer, char **ret_tenant);
