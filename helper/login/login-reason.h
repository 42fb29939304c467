/*
 * Why somebody who signed in at the provider is refused here: for the access log, and so for the
 * administrator, who is to know what to change.
 */
#pragma once

#include "helper/login/login-internal.h"

#define LOGIN_REASON_SIZE 256u

/* Static. */
const char *login_reason(Outcome outcome);

/* What the token says tells more: of somebody in no group of this host, which groups there are. */
void login_reason_for(const Login *login, Outcome outcome, const Identity *identity,
                      char ret_text[static LOGIN_REASON_SIZE]);
