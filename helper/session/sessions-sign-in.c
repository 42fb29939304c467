/*
 * Which sign-in stands behind a login session, found by the kernel's audit session id. See
 * sessions.h.
 */
#include <string.h>

#include "helper/session/sessions-internal.h"

static bool belongs(const Session *session, const char *user, uint32_t audit_session)
{
    return !session->over && audit_session != AUDIT_SESSION_NONE &&
           session->row.audit_session == audit_session && strcmp(session->row.user, user) == 0;
}

Stamp sessions_sign_in(const Sessions *sessions, const char *user, uint32_t audit_session,
                       const char **ret_strength)
{
    Stamp newest = {0};

    *ret_strength = NULL;
    for (const Session *session = sessions->first; session; session = session->next)
        if (belongs(session, user, audit_session) &&
            session->row.signed_in.boot_usec > newest.boot_usec) {
            newest = session->row.signed_in;
            *ret_strength = session->row.strength;
        }
    return newest;
}

void sessions_renew(Sessions *sessions, const char *user, uint32_t audit_session,
                    const Stamp *signed_in, const char *strength)
{
    for (Session *session = sessions->first; session; session = session->next) {
        if (!belongs(session, user, audit_session) ||
            session->row.signed_in.boot_usec >= signed_in->boot_usec) /* by an old token */
            continue;
        char *copy = strdup(strength);
        if (!copy) /* age and strength are of one sign-in: the old one stays */
            continue;
        free(session->row.strength);
        session->row.strength = copy;
        session->row.signed_in = *signed_in;
        (void)store_session_set_signed_in(sessions->manager->store, session->row.id, signed_in,
                                          strength);
    }
}

void session_forget_sign_in(Session *session)
{
    *session->row.strength = '\0';
    session->row.signed_in = (Stamp){0};
}

void sessions_forget_sign_ins(Sessions *sessions, const char *user)
{
    for (Session *session = sessions->first; session; session = session->next)
        if (strcmp(session->row.user, user) == 0)
            session_forget_sign_in(session);
}
