/*
 * One open session, shared by sessions.c (its life) and sessions-recover.c (what a restart finds).
 * Nobody else includes this.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>
#include "helper/manager.h"
#include "helper/session/sessions.h"

typedef struct Session Session;
typedef struct Opening Opening;

struct Session {
    Sessions *sessions;
    Session *next;
    SessionRow row;
    int pidfd; /* -1: recovered without one */
    sd_event_source *io;
    Opening *opening; /* its record is on the way to the log, and somebody waits */
    bool over;        /* to be freed by the reaper */
    bool looked;      /* in this round of LOOKs */
};

/* What the enforcer client holds during a LOOK. */
typedef struct Look {
    Sessions *sessions; /* NULL once they have gone */
    char *user;
} Look;

struct Sessions {
    Manager *manager;
    Session *first;
    size_t count;
    sd_event_source *reaper, *look_timer;
    Look *look; /* one at a time */
};

Session *session_free(Session *session);
DEFINE_CLEANUP(Session *, session_free)

/* Copies the row's texts. -ENOMEM. */
int session_set_texts(Session *session, const SessionRow *texts);

/* Watches the leader's pidfd: its end is the session's. */
int session_watch(Session *session);

/* Into the list, and counted for its account. */
void session_link(Session *session);

/* `how` is for the store and the log: "closed", "exited", "recovered" … Freed later: this may be
 * the session's own event. Harmless when it is over already. */
void session_end(Session *session, const char *how);

/* No sign-in stands behind it any more. */
void session_forget_sign_in(Session *session);

/* Takes a descriptor out of the service manager's store. */
void session_fd_remove(const char *id);
