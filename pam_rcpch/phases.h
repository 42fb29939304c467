/*
 * The phases of PAM, one function each. All return PAM codes; only an answer ALLOW of the helper
 * gives PAM_SUCCESS for an account of ours, only an account that is not ours gives PAM_IGNORE.
 */
#pragma once

#include "pam_rcpch/request.h"

/* Signs the person in, by the channel to the helper. */
int auth_run(const Request *request);

/* Nothing is stored, so there is nothing to set: PAM_SUCCESS for ours, needing no earlier auth. */
int auth_set_credentials(const Request *request);

/* May the account be used now? Every service and way of authenticating comes here, SSH keys too. */
int account_run(const Request *request);

/* Registers the session with the helper before it starts; PAM environment RCPCH_SESSION names it.
 */
int session_open(const Request *request);

/* Tells the helper; PAM_SUCCESS always: there is nothing to refuse. */
int session_close(const Request *request);

/* Says where the password of an account of ours is changed, and refuses. */
int password_run(const Request *request);
