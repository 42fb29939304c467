/*
 * Open sessions: registered before ALLOW, watched by the leader's pidfd, kept over restarts (design
 * §1).
 */
#pragma once

#include "common/outcome.h"
#include "helper/accounts/account.h"
#include "helper/store/store.h"

typedef struct Manager Manager;
typedef struct Sessions Sessions;

int sessions_new(Manager *manager, Sessions **ret_sessions);
Sessions *sessions_free(Sessions *sessions);
DEFINE_CLEANUP(Sessions *, sessions_free)

/* At start: rows of this boot with their pidfds from the service manager's fd store; others closed
 * as recovered. */
int sessions_recover(Sessions *sessions);

typedef struct SessionRequest {
    const char *user, *ruser, *service, *rhost, *tty; /* "" for none */
    int leader_pidfd;
    const char *auth_info, *sign_in; /* "" for none */
    uint32_t audit_session;          /* of the leader; AUDIT_SESSION_NONE */
} SessionRequest;

/* Called exactly once, perhaps before sessions_open() returns. `id` is "" for anything but
 * ALLOW. */
typedef void (*SessionHandler)(Outcome outcome, const char *id, void *userdata);

/* Judges the account, stores the session, and answers when its line is in the access log; the
 * verdict is read again in the turn of the answer. Denials are logged. Texts are copied, the
 * descriptor is duplicated. The sign-in is claimed, whatever the answer. */
void sessions_open(Sessions *sessions, const SessionRequest *request, SessionHandler handler,
                   void *userdata);
/* Answers those that still wait: the helper is about to stop. */
void sessions_stop(Sessions *sessions);
void sessions_close(Sessions *sessions, const char *id);
/* sessions-sign-in.c. The newest interactive sign-in of an account's open sessions within one audit
 * session of the kernel, and how strong that one was (strength.h; borrowed until sessions change);
 * unset and NULL when there is none, or no audit session. */
Stamp sessions_sign_in(const Sessions *sessions, const char *user, uint32_t audit_session,
                       const char **ret_strength);
/* The person signed in once more, in sudo, within that audit session. Where it cannot be stored it
 * holds until the helper's next start. */
void sessions_renew(Sessions *sessions, const char *user, uint32_t audit_session,
                    const Stamp *signed_in, const char *strength);
/* Their access was ended. Sessions that are left running have no sign-in any more: whoever is in
 * one must not become root once the person has signed in again elsewhere. Nothing is stored, which
 * would delay the cut: a start compares what is stored with when the cut was. */
void sessions_forget_sign_ins(Sessions *sessions, const char *user);

size_t sessions_count(const Sessions *sessions);
const SessionRow *sessions_next(Sessions *sessions, size_t *iterator);
