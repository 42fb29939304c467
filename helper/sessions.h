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
} SessionRequest;

/* Texts are copied, the descriptor is duplicated. OUTCOME_ALLOW with the session's id, or why not. */
Outcome sessions_open(Sessions *sessions, Account *account, const SessionRequest *request,
                      char ret_id[40]);
void sessions_close(Sessions *sessions, const char *id);
size_t sessions_count(const Sessions *sessions);
const SessionRow *sessions_next(Sessions *sessions, size_t *iterator);
