/*
 * Which sign-in admitted this person: a name that the helper gave, carried from the authentication
 * to the account and session phases in the PAM environment, because sshd's phases run in different
 * processes.
 *
 * It is no secret and proves nothing by itself. The helper takes it from root only, for the same
 * account and service, within minutes, and a session claims it once; the module takes it out of
 * the environment in that moment, so no program of the person ever sees it.
 */
#pragma once

#include <security/pam_modules.h>

#define SIGN_IN_ID_MAX 39u /* bytes */

/* PAM_SUCCESS, or libpam's error. */
int sign_in_keep(pam_handle_t *pamh, const char *id);

/* Borrowed from the handle; NULL when nobody signed in here. */
const char *sign_in_get(pam_handle_t *pamh);

void sign_in_forget(pam_handle_t *pamh);

/* For the session: out of the environment, into `ret_id`; "" when nobody signed in here. */
void sign_in_take(pam_handle_t *pamh, char ret_id[SIGN_IN_ID_MAX + 1]);
