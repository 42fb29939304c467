/*
 * Copied claims on their way into a session's environment (CopyClaims= of rcpch.conf(5)).
 *
 * What a provider says ends up in shells, so only harmless names and values pass, whole or not at
 * all; the helper has cleaned them before, and is not relied on here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/limits.h"

#define CLAIM_VARIABLE_PREFIX "RCPCH_CLAIM_"
#define CLAIM_NAME_MAX        32u
#define CLAIM_VARIABLE_SIZE                                                                        \
    (sizeof(CLAIM_VARIABLE_PREFIX) + CLAIM_NAME_MAX + 1 + CLAIM_COPIED_MAX)

typedef struct ClaimVariables {
    char texts[CLAIMS_COPIED_MAX][CLAIM_VARIABLE_SIZE]; /* "RCPCH_CLAIM_name=value" */
    size_t count;
} ClaimVariables;

/* Adds a variable. False, with nothing added, when name or value is not plain or there are
 * CLAIMS_COPIED_MAX already. Names are letters, digits and '_'; values those and ".,:@/+=%-". */
bool claim_variables_add(ClaimVariables *variables, const char *name, const char *value);
