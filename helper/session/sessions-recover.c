/*
 * What a restart finds of open sessions (design §1 "Start and recovery"): a row of this boot with
 * its pidfd is watched on; one without is open until LOOK finds nobody; one of another boot has
 * ended.
 */
#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "helper/session/sessions-internal.h"

#define LOOK_USEC (10 * USEC_PER_SEC)

typedef struct Recovery {
    Sessions *sessions;
    int fd_count;
    char **names; /* of the descriptors from SD_LISTEN_FDS_START on */
    bool *taken;
    Stamp now;
} Recovery;

static int find_stored_fd(Recovery *recovery, const char *id)
{
    for (int i = 0; i < recovery->fd_count; i++)
        if (!recovery->taken[i] && recovery->names[i] && strcmp(recovery->names[i], id) == 0) {
            recovery->taken[i] = true;
            return SD_LISTEN_FDS_START + i;
        }
    return -1;
}

static int take_row(Recovery *recovery, const SessionRow *row, Session **ret_session)
{
    _cleanup_(session_freep) Session *session = calloc(1, sizeof(*session));

    if (!session)
        return -ENOMEM;
    session->pidfd = -1;
    session->sessions = recovery->sessions;
    int r = session_set_texts(session, row);
    if (r < 0)
        return r;
    memcpy(session->row.id, row->id, sizeof(row->id));
    memcpy(session->row.boot_id, row->boot_id, sizeof(row->boot_id));
    session->row.leader = row->leader;
    session->row.opened_usec = row->opened_usec;
    session->row.signed_in = row->signed_in;
    session->row.audit_session = row->audit_session;
    *ret_session = TAKE_PTR(session);
    return 0;
}

/* sessions_forget_sign_ins() of an earlier life. */
static void compare_with_cut(Session *session)
{
    const Account *account = accounts_find(session->sessions->manager->accounts,
                                           session->row.user);

    if (account && account->cut_usec >= session->row.signed_in.wall_usec)
        session_forget_sign_in(session);
}

static int recover_row(const SessionRow *row, void *userdata)
{
    Recovery *recovery = userdata;
    _cleanup_(session_freep) Session *session = NULL;

    int r = take_row(recovery, row, &session);
    if (r < 0)
        return r;
    compare_with_cut(session);
    session->pidfd = find_stored_fd(recovery, row->id);
    if (session->pidfd >= 0) {
        r = session_watch(session);
        if (r < 0)
            return r;
    }
    session_link(TAKE_PTR(session));
    return 0;
}

/* Rows are ended after all are read: the store is not changed while it is being walked. */
static void close_other_boots(Recovery *recovery)
{
    for (Session *session = recovery->sessions->first; session; session = session->next)
        if (memcmp(session->row.boot_id, recovery->now.boot_id, sizeof(recovery->now.boot_id)) != 0)
            session_end(session, "recovered");
}

static void drop_unknown_fds(Recovery *recovery)
{
    for (int i = 0; i < recovery->fd_count; i++)
        if (!recovery->taken[i]) {
            if (recovery->names[i])
                session_fd_remove(recovery->names[i]);
            close(SD_LISTEN_FDS_START + i);
        }
}

static void recovery_clear(Recovery *recovery)
{
    for (int i = 0; recovery->names && i < recovery->fd_count; i++)
        free(recovery->names[i]);
    free(recovery->names);
    free(recovery->taken);
}

/* --- sessions without a descriptor: open until LOOK finds nobody ------------------------------ */

static void end_without_fd(Sessions *sessions, const char *user)
{
    for (Session *session = sessions->first; session; session = session->next)
        if (!session->over && session->pidfd < 0 && strcmp(session->row.user, user) == 0)
            session_end(session, "recovered");
}

static Look *look_free(Look *look)
{
    if (look)
        free(look->user);
    free(look);
    return NULL;
}
DEFINE_CLEANUP(Look *, look_free)

static void on_looked(int result, const EnforcerEndReply *reply, void *userdata)
{
    _cleanup_(look_freep) Look *look = userdata;
    Sessions *sessions = look->sessions;

    if (!sessions)
        return;
    sessions->look = NULL;
    if (result == 0 && reply->left == 0)
        end_without_fd(sessions, look->user);
}

static void look_for(Sessions *sessions, const Account *account)
{
    _cleanup_(look_freep) Look *look = calloc(1, sizeof(*look));

    if (!look)
        return;
    look->sessions = sessions;
    look->user = strdup(account->name);
    if (!look->user ||
        enforcer_end(sessions->manager->enforcer, account->uid, ENFORCER_LOOK, on_looked, look) < 0)
        return;
    sessions->look = TAKE_PTR(look);
}

/* The next session without a descriptor whose turn it is; when all had theirs, a new round. */
static Session *next_to_look(Sessions *sessions)
{
    Session *first = NULL;

    for (Session *session = sessions->first; session; session = session->next) {
        if (session->over || session->pidfd >= 0)
            continue;
        if (!session->looked)
            return session;
        first = first ? first : session;
    }
    for (Session *session = first; session; session = session->next)
        session->looked = false;
    return first;
}

/* One account a turn. An account that nobody knows any more has no session. */
static void look_next(Sessions *sessions, Session *session)
{
    session->looked = true;
    const Account *account = accounts_find(sessions->manager->accounts, session->row.user);
    if (account)
        look_for(sessions, account);
    else
        session_end(session, "recovered");
}

static int on_look_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Sessions *sessions = userdata;
    Session *session = next_to_look(sessions);

    if (!session)
        return 0;
    if (!sessions->look)
        look_next(sessions, session);
    (void)sd_event_source_set_time_relative(source, LOOK_USEC);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int start_looking(Sessions *sessions)
{
    return sd_event_add_time_relative(sessions->manager->event, &sessions->look_timer,
                                      CLOCK_BOOTTIME, USEC_PER_SEC, 0, on_look_timer, sessions);
}

int sessions_recover(Sessions *sessions)
{
    __attribute__((cleanup(recovery_clear))) Recovery recovery = {.sessions = sessions};

    recovery.now = stamp_now();
    recovery.fd_count = sd_listen_fds_with_names(1, &recovery.names);
    if (recovery.fd_count < 0)
        return recovery.fd_count;
    recovery.taken = calloc((size_t)recovery.fd_count + 1, sizeof(*recovery.taken));
    if (!recovery.taken)
        return -ENOMEM;
    int r = store_session_each(sessions->manager->store, recover_row, &recovery);
    if (r < 0)
        return r;
    close_other_boots(&recovery);
    drop_unknown_fds(&recovery);
    return start_looking(sessions);
}
