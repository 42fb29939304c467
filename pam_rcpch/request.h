/*
 * One call of libpam into the module: its items, its arguments, and how it ends.
 */
#pragma once

#include <security/pam_modules.h>

#include "pam_rcpch/arguments.h"
#include "pam_rcpch/decision.h"
#include "pam_rcpch/subject.h"

typedef struct Request {
    pam_handle_t *pamh;
    int flags;
    const char *phase; /* for the log: "authentication", "account", "session", "password" */
    Arguments arguments;
    /* libpam's own texts, valid until the next conversation; never NULL. */
    const char *user, *ruser, *service, *rhost, *tty;
    bool user_is_unknown; /* no account on this host has the name */
    uid_t caller; /* real uid: in su that of the person who started it */
} Request;

/* Reads arguments and items. Returns PAM_SUCCESS, or the code to return at once: there is no user.
 */
int request_begin(Request *ret_request, pam_handle_t *pamh, int flags, const char *phase, int argc,
                  const char **argv);

/* The end for a subject the helper is not asked about: PAM_IGNORE when it is not ours, a denial
 * when that cannot be told. */
int request_end_not_ours(const Request *request, const Subject *subject);

/* The end for a subject of ours: logs a denial in one line, shows the text, returns the PAM code.
 */
int request_end(const Request *request, const Subject *subject, const Decision *decision);

/* To the log when the argument `debug` is given. */
_printf_(2, 3) void request_debug(const Request *request, const char *format, ...);
