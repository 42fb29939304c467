/*
 * The sign-in's name in the PAM environment. See sign-in.h.
 */
#include "pam_rcpch/sign-in.h"

#include <stdio.h>

#define SIGN_IN_VARIABLE "RCPCH_SIGN_IN"

int sign_in_keep(pam_handle_t *pamh, const char *id)
{
    char variable[sizeof(SIGN_IN_VARIABLE) + SIGN_IN_ID_MAX + 1];

    snprintf(variable, sizeof(variable), SIGN_IN_VARIABLE "=%s", id);
    return pam_putenv(pamh, variable);
}

const char *sign_in_get(pam_handle_t *pamh)
{
    return pam_getenv(pamh, SIGN_IN_VARIABLE);
}

void sign_in_forget(pam_handle_t *pamh)
{
    if (sign_in_get(pamh))
        (void)pam_putenv(pamh, SIGN_IN_VARIABLE);
}

void sign_in_take(pam_handle_t *pamh, char ret_id[SIGN_IN_ID_MAX + 1])
{
    const char *id = sign_in_get(pamh);

    snprintf(ret_id, SIGN_IN_ID_MAX + 1, "%s", id ? id : "");
    sign_in_forget(pamh);
}
