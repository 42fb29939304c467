/*
 * pam_rcpch.so: the entry points that libpam looks up, and nothing else.
 *
 * The module is loaded as root into sshd, sudo, cron and every other program that uses PAM. It has
 * no state, no thread, no signal handler, and no TLS or JSON: what is hostile is parsed by the
 * helper, without privilege.
 */
#include <security/pam_modules.h>

#include "pam_rcpch/phases.h"

#define EXPORT __attribute__((visibility("default")))

typedef int (*Phase)(const Request *request);

static int run(Phase phase, const char *name, pam_handle_t *pamh, int flags, int argc,
               const char **argv)
{
    Request request;
    int r = request_begin(&request, pamh, flags, name, argc, argv);

    return r == PAM_SUCCESS ? phase(&request) : r;
}

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(auth_run, "authentication", pamh, flags, argc, argv);
}

EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(auth_set_credentials, "credentials", pamh, flags, argc, argv);
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(account_run, "account", pamh, flags, argc, argv);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(session_open, "session", pamh, flags, argc, argv);
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(session_close, "session end", pamh, flags, argc, argv);
}

EXPORT int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    return run(password_run, "password", pamh, flags, argc, argv);
}
