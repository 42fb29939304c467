/*
 * Session: registered with the helper in the moment it starts, so that an account disabled between
 * check and start does not slip through. See phases.h.
 *
 * The id travels in the PAM environment because sshd's phases run in different processes. A person
 * may be able to change it there; all they can do is have the helper told of an end that it sees
 * anyway, when the leader is gone.
 */
#include "pam_rcpch/phases.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <security/pam_ext.h>

#include "pam_rcpch/bus.h"
#include "pam_rcpch/home.h"
#include "pam_rcpch/sign-in.h"

#define SESSION_VARIABLE "RCPCH_SESSION"

/* glibc has pidfd_open() from 2.36 on, RHEL 9 has 2.34. */
static int pidfd_of_self(void)
{
    long fd = syscall(SYS_pidfd_open, getpid(), 0); /* close-on-exec by nature */

    return fd < 0 ? -errno : (int)fd;
}

static void put_claims(const Request *request, const ClaimVariables *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        if (pam_putenv(request->pamh, claims->texts[i]) != PAM_SUCCESS)
            request_debug(request, "a copied claim is not in the environment");
}

static void session_register(const Request *request, const Subject *subject, Decision *decision)
{
    char session[SESSION_ID_MAX + 1], variable[sizeof(SESSION_VARIABLE) + SESSION_ID_MAX + 1];
    char sign_in[SIGN_IN_ID_MAX + 1];
    ClaimVariables claims;
    _cleanup_close_ int leader = pidfd_of_self();

    if (leader < 0) {
        decision_unavailable(decision, "pidfd_open", leader);
        return;
    }
    sign_in_take(request->pamh, sign_in);
    bus_open_session(request, subject, sign_in, leader, decision, session, &claims);
    if (decision->outcome != OUTCOME_ALLOW)
        return;
    snprintf(variable, sizeof(variable), SESSION_VARIABLE "=%s", session);
    if (pam_putenv(request->pamh, variable) != PAM_SUCCESS)
        request_debug(request, "session id not kept; the helper sees the end by itself");
    /* Root's shell by sudo is not the person's session. */
    if (!subject->elevation)
        put_claims(request, &claims);
}

int session_open(const Request *request)
{
    Subject subject =
        subject_of_request(request->user, request->ruser, request->service, request->caller);
    Decision decision = DECISION_INIT;

    if (!subject_is_ours(&subject))
        return request_end_not_ours(request, &subject);
    /* `sudo -u alice` runs the account phase of who asks, so hers has not looked at her home. */
    if (home_check(&subject, &decision))
        session_register(request, &subject, &decision);
    return request_end(request, &subject, &decision);
}

int session_close(const Request *request)
{
    Subject subject =
        subject_of_request(request->user, request->ruser, request->service, request->caller);
    const char *session = pam_getenv(request->pamh, SESSION_VARIABLE);

    /* sudo and su end right behind this, and a person waits for them: the helper sees that end. */
    if (session && subject_is_ours(&subject) && !subject.elevation) {
        int r = bus_close_session(session);
        if (r < 0)
            request_debug(request, "CloseSession failed (%d); the helper sees the end by itself",
                          r);
    }
    return PAM_SUCCESS;
}
