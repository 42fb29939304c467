/*
 * Asking the helper over the system bus (design §2).
 *
 * Every call opens a connection of its own to the fixed address, never one from the environment,
 * and closes it at once: dbus-daemon allows 256 connections per uid, root included, and logind
 * needs them. Only sudo keeps it, from its account to its session phase (kept-bus.h). A call ends
 * within BUS_CALL_TIMEOUT_MS whatever the broker or the helper do.
 */
#pragma once

#include "pam_rcpch/claim-variables.h"
#include "pam_rcpch/request.h"
#include "pam_rcpch/sign-in.h"

#define SESSION_ID_MAX 39u /* bytes */

/* Begins a sign-in. Returns 0 with *ret_channel (caller owns) and the sign-in's name, which means
 * something once the helper has admitted; or a negative errno with the decision set to a denial. */
int bus_begin_login(const Request *request, int *ret_channel, char ret_sign_in[SIGN_IN_ID_MAX + 1],
                    Decision *decision);

/* May this account be used now? The decision is always set. */
void bus_check_account(const Request *request, const Subject *subject, Decision *decision);

/* Registers a session whose end is the end of the process behind `leader_pidfd`, and claims the
 * sign-in that admitted it ("" for none). The decision is always set; ret_session is "" and
 * ret_claims empty unless it is OUTCOME_ALLOW. Claims that are not plain are left out. */
void bus_open_session(const Request *request, const Subject *subject, const char *sign_in,
                      int leader_pidfd, Decision *decision, char ret_session[SESSION_ID_MAX + 1],
                      ClaimVariables *ret_claims);

/* Best effort, within a second: the helper watches the leader itself. Returns 0 or a negative
 * errno. */
int bus_close_session(const char *session);
