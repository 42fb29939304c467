/*
 * Open sessions: registered before ALLOW, watched by the leader's pidfd, kept over restarts (design §1).
 */
#pragma once

#include "common/outcome.h"
#include "helper/account.h"
#include "helper/store.h"

typedef struct Manager Manager;
typedef struct Sessions Sessions;

int sessions_new(Manager *manager, Sessions **ret_sessions);
Sessions *sessions_free(Sessions *sessions);
DEFINE_CLEANUP(Sessions *, sessions_free)

/* At start: rows of this boot with their pidfds from the service manager's fd store; others closed as recovered. */
int sessions_recover(Sessions *sessions);

typedef struct SessionRequest {
    const char *user, *ruser, *service, *rhost, *tty; /* "" for none */
    int leader_pidfd;
    const char *auth_info, *sign_in; /* "" for none */
    uint32_t audit_session;          /* of the leader; AUDIT_SESSION_NONE */
} SessionRequest;

/* Called exactly once, perhaps before sessions_open() returns. `id` is "" for anything but ALLOW. */
typedef void (*SessionHandler)(Outcome outcome, const char *id, void *userdata);

/* Judges the account, stores the session, and answers when its line is in the access log; the
 * verdict is read again in the turn of the answer. Denials are logged. Texts are copied, the
 * descriptor is duplicated. The sign-in is claimed, whatever the answer. */
void sessions_open(Sessions *sessions, const SessionRequest *request, SessionHandler handler,
                   void *userdata);
/* Answers those that still wait: the helper is about to stop. */
void sessions_stop(Sessions *sessions);
void sessions_close(Sessions *sessions, const char *id);
size_t sessions_count(const Sessions *sessions);
const SessionRow *sessions_next(Sessions *sessions, size_t *iterator);
