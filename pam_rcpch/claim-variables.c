/*
 * Claims as variables. See claim-variables.h.
 */
#include "pam_rcpch/claim-variables.h"

#include <stdio.h>
#include <string.h>

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static bool is_plain(const char *text, const char *letters, size_t max)
{
    size_t size = strnlen(text, max + 1);

    return size > 0 && size <= max && strspn(text, letters) == size;
}

bool claim_variables_add(ClaimVariables *variables, const char *name, const char *value)
{
    if (variables->count >= CLAIMS_COPIED_MAX || !is_plain(name, WORD, CLAIM_NAME_MAX) ||
        !is_plain(value, WORD ".,:@/+=%-", CLAIM_COPIED_MAX))
        return false;
    snprintf(variables->texts[variables->count], CLAIM_VARIABLE_SIZE,
             CLAIM_VARIABLE_PREFIX "%s=%s", name, value);
    variables->count++;
    return true;
}
