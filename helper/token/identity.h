/*
 * From validated claims to a person (design §4; facts/providers.md §1 "ID token", §4).
 */
#pragma once

#include <jansson.h>
#include "helper/config/config.h"
#include "helper/provider/provider.h"

/* A positive result: there is no usable immutable id, so there is nobody. */
#define IDENTITY_E_NO_ID 1

/* Reads the claims that the configuration names. The id is "<tenant>/<IdClaim>" with a tenant, else
 * IdClaim. A username, full name or list of groups that is malformed is left out, never guessed.
 * Returns 0, IDENTITY_E_NO_ID, -ENOMEM. */
int identity_from_claims(const json_t *payload, const ProviderConfig *config, const char *tenant,
                         Identity **ret_identity);
