/*
 * Open sessions (design §1 "Start and recovery").
 *
 * A session is a row in the store, written before its ALLOW, and the pidfd of its leader, watched
 * here and kept by the service manager's fd store, so that a restart of the helper forgets
 * nobody. The pidfd only tells when a session is over; ending people is the enforcer's, and does
 * not depend on what is known here.
 */
#include "helper/sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>

#include "helper/admission.h"
#include "helper/manager.h"
#include "helper/refresher.h"

#define SESSIONS_MAX    4096u /* the unit's FileDescriptorStoreMax= */
#define LOOK_USEC       (10 * USEC_PER_SEC)
#define FDINFO_LINE_MAX 256

typedef struct Session Session;
struct Session {
    Sessions *sessions;
    Session *next;
    SessionRow row;
    int pidfd; /* -1: recovered without one */
    sd_event_source *io;
    bool over;   /* to be freed by the reaper */
    bool looked; /* in this round of LOOKs */
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

/* --- the service manager's fd store ----------------------------------------------------------- */

/* FDPOLL=0: the manager must not drop the descriptor by itself when the leader exits while the
 * helper is away; how the session ended is to be told. */
static void fd_store_put(const char *id, int fd)
{
    char message[128];

    snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", id);
    (void)sd_pid_notify_with_fds(0, 0, message, &fd, 1);
}

static void fd_store_remove(const char *id)
{
    char message[128];

    snprintf(message, sizeof(message), "FDSTOREREMOVE=1\nFDNAME=%s", id);
    (void)sd_pid_notify(0, 0, message);
}

/* --- one session ------------------------------------------------------------------------------ */

static void session_row_clear(SessionRow *row)
{
    free(row->user);
    free(row->ruser);
    free(row->service);
    free(row->rhost);
    free(row->tty);
    memset(row, 0, sizeof(*row));
}

static Session *session_free(Session *session)
{
    if (!session)
        return NULL;
    sd_event_source_disable_unref(session->io);
    closep(&session->pidfd);
    session_row_clear(&session->row);
    free(session);
    return NULL;
}
DEFINE_CLEANUP(Session *, session_free)

static int session_row_set(SessionRow *row, const SessionRequest *request)
{
    row->user = strdup(request->user);
    row->ruser = strdup(request->ruser);
    row->service = strdup(request->service);
    row->rhost = strdup(request->rhost);
    row->tty = strdup(request->tty);
    if (!row->user || !row->ruser || !row->service || !row->rhost || !row->tty)
        return -ENOMEM;
    return 0;
}

static int session_new_id(char id[40])
{
    uint8_t random[16];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    return 0;
}

static void fill_record(const Session *session, const Account *account, Record *record,
                        char uid[16])
{
    const SessionRow *row = &session->row;

    record_set(record, RECORD_SESSION, row->id);
    record_set(record, RECORD_USER, row->user);
    record_set(record, RECORD_RUSER, row->ruser);
    record_set(record, RECORD_SERVICE, row->service);
    record_set(record, RECORD_RHOST, row->rhost);
    record_set(record, RECORD_TTY, row->tty);
    if (!account)
        return;
    snprintf(uid, 16, "%u", account->uid);
    record_set(record, RECORD_UID, uid);
    record_set(record, RECORD_IDENTITY, account->id);
    record_set(record, RECORD_PROVIDER, account->provider);
}

static void say(Session *session, RecordEvent event, const char *reason, const char *signal)
{
    Manager *manager = session->sessions->manager;
    Account *account = accounts_find(manager->accounts, session->row.user);
    Record record = {.event = event};
    char uid[16];

    fill_record(session, account, &record, uid);
    record_set(&record, RECORD_REASON, reason);
    manager_log(manager, &record);
    manager_session_signal(manager, signal, session->row.id, session->row.user);
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void count_session(Sessions *sessions, const Session *session, bool opened)
{
    Manager *manager = sessions->manager;
    Account *account = accounts_find(manager->accounts, session->row.user);

    sessions->count += opened ? 1 : (size_t)-1;
    if (!account)
        return;
    if (opened)
        account->session_count++;
    else if (account->session_count > 0)
        account->session_count--;
    refresher_account_changed(manager->refresher, account);
}

static void link_session(Sessions *sessions, Session *session)
{
    session->next = sessions->first;
    sessions->first = session;
    count_session(sessions, session, true);
}

/* `how` is the store's word: "closed", "exited", "recovered". Freed later: this may be the
 * session's own event. */
static void end_session(Session *session, const char *how)
{
    Sessions *sessions = session->sessions;

    if (session->over)
        return;
    session->over = true;
    session->io = sd_event_source_disable_unref(session->io);
    fd_store_remove(session->row.id);
    if (store_session_close(sessions->manager->store, session->row.id, how) < 0)
        manager_alarm(sessions->manager, "the end of session %s could not be stored",
                      session->row.id);
    say(session, RECORD_SESSION_CLOSED, how, "SessionClosed");
    count_session(sessions, session, false);
    (void)sd_event_source_set_enabled(sessions->reaper, SD_EVENT_ONESHOT);
}

static int on_leader_exit(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    end_session(userdata, "exited");
    return 0;
}

static int watch_leader(Session *session)
{
    return sd_event_add_io(session->sessions->manager->event, &session->io, session->pidfd,
                           EPOLLIN, on_leader_exit, session);
}

static int on_reap(sd_event_source *source, void *userdata)
{
    Sessions *sessions = userdata;
    Session **link = &sessions->first;

    while (*link) {
        Session *session = *link;
        if (session->over) {
            *link = session->next;
            session_free(session);
        } else {
            link = &session->next;
        }
    }
    return 0;
}

/* The number of a pidfd's process, for people, as the kernel tells it; 0 when it has gone or when
 * we may not know (kernels before 5.14 keep fdinfo from a process that may not be dumped).
 * -EBADF when the descriptor is no pidfd. */
static int pidfd_number(int fd, uint32_t *ret_pid)
{
    char path[64], line[FDINFO_LINE_MAX];
    long pid = 0;
    bool found = false;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    if (!file && errno != EACCES)
        return -errno;
    if (!file) {
        *ret_pid = 0;
        return 0;
    }
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "Pid:", 4) == 0) {
            pid = strtol(line + 4, NULL, 10);
            found = true;
        }
    if (!found)
        return -EBADF;
    *ret_pid = pid > 0 ? (uint32_t)pid : 0; /* -1: exited and reaped */
    return 0;
}

static int session_new(Sessions *sessions, int leader_pidfd, Session **ret_session)
{
    _cleanup_(session_freep) Session *session = calloc(1, sizeof(*session));

    if (!session)
        return -ENOMEM;
    session->sessions = sessions;
    session->pidfd = fcntl(leader_pidfd, F_DUPFD_CLOEXEC, 3);
    if (session->pidfd < 0)
        return -errno;
    int r = pidfd_number(session->pidfd, &session->row.leader);
    if (r < 0)
        return r;
    r = session_new_id(session->row.id);
    if (r < 0)
        return r;
    Stamp now = stamp_now();
    session->row.opened_usec = now.wall_usec;
    memcpy(session->row.boot_id, now.boot_id, sizeof(now.boot_id));
    *ret_session = TAKE_PTR(session);
    return 0;
}

/* Everything that can fail happens before the row; after it the session stands. */
static int register_session(Sessions *sessions, const SessionRequest *request, char ret_id[40])
{
    _cleanup_(session_freep) Session *session = NULL;

    int r = session_new(sessions, request->leader_pidfd, &session);
    if (r < 0)
        return r;
    r = session_row_set(&session->row, request);
    if (r < 0)
        return r;
    r = watch_leader(session);
    if (r < 0)
        return r;
    r = store_session_put(sessions->manager->store, &session->row);
    if (r < 0)
        return r;
    fd_store_put(session->row.id, session->pidfd);
    memcpy(ret_id, session->row.id, sizeof(session->row.id));
    link_session(sessions, session);
    say(session, RECORD_SESSION_OPENED, NULL, "SessionOpened");
    session = NULL;
    return 0;
}

Outcome sessions_open(Sessions *sessions, Account *account, const SessionRequest *request,
                      char ret_id[40])
{
    Manager *manager = sessions->manager;
    Stamp now = stamp_now();

    Outcome outcome = admission_judge(account, manager->config, request->service, &now, NULL);
    if (outcome != OUTCOME_ALLOW)
        return outcome;
    if (!enforcer_client_connected(manager->enforcer)) /* who cannot be cut is not let in */
        return OUTCOME_UNAVAILABLE;
    if (sessions->count >= SESSIONS_MAX)
        return OUTCOME_TOO_MANY;
    if (register_session(sessions, request, ret_id) < 0)
        return OUTCOME_UNAVAILABLE;
    return OUTCOME_ALLOW;
}

static Session *find_session(Sessions *sessions, const char *id)
{
    for (Session *session = sessions->first; session; session = session->next)
        if (!session->over && strcmp(session->row.id, id) == 0)
            return session;
    return NULL;
}

void sessions_close(Sessions *sessions, const char *id)
{
    Session *session = find_session(sessions, id);

    if (session)
        end_session(session, "closed");
}

size_t sessions_count(const Sessions *sessions)
{
    return sessions->count;
}

const SessionRow *sessions_next(Sessions *sessions, size_t *iterator)
{
    size_t index = 0;

    for (Session *session = sessions->first; session; session = session->next) {
        if (session->over || index++ < *iterator)
            continue;
        *iterator = index;
        return &session->row;
    }
    return NULL;
}

/* --- recovery --------------------------------------------------------------------------------- */

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
    const SessionRequest texts = {row->user, row->ruser, row->service, row->rhost, row->tty, -1};
    int r = session_row_set(&session->row, &texts);
    if (r < 0)
        return r;
    memcpy(session->row.id, row->id, sizeof(row->id));
    memcpy(session->row.boot_id, row->boot_id, sizeof(row->boot_id));
    session->row.leader = row->leader;
    session->row.opened_usec = row->opened_usec;
    *ret_session = TAKE_PTR(session);
    return 0;
}

static int recover_row(const SessionRow *row, void *userdata)
{
    Recovery *recovery = userdata;
    _cleanup_(session_freep) Session *session = NULL;

    int r = take_row(recovery, row, &session);
    if (r < 0)
        return r;
    session->pidfd = find_stored_fd(recovery, row->id);
    if (session->pidfd >= 0) {
        r = watch_leader(session);
        if (r < 0)
            return r;
    }
    link_session(recovery->sessions, session);
    session = NULL;
    return 0;
}

/* Rows are ended after all are read: the store is not changed while it is being walked. */
static void close_other_boots(Recovery *recovery)
{
    for (Session *session = recovery->sessions->first; session; session = session->next)
        if (memcmp(session->row.boot_id, recovery->now.boot_id, sizeof(recovery->now.boot_id)) != 0)
            end_session(session, "recovered");
}

static void drop_unknown_fds(Recovery *recovery)
{
    for (int i = 0; i < recovery->fd_count; i++)
        if (!recovery->taken[i]) {
            if (recovery->names[i])
                fd_store_remove(recovery->names[i]);
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
            end_session(session, "recovered");
}

static void on_looked(int result, const EnforcerEndReply *reply, void *userdata)
{
    Look *look = userdata;
    Sessions *sessions = look->sessions;

    if (sessions) {
        sessions->look = NULL;
        if (result == 0 && reply->left == 0)
            end_without_fd(sessions, look->user);
    }
    free(look->user);
    free(look);
}

static Look *look_new(Sessions *sessions, const char *user)
{
    Look *look = calloc(1, sizeof(*look));

    if (!look)
        return NULL;
    look->sessions = sessions;
    look->user = strdup(user);
    if (look->user)
        return look;
    free(look);
    return NULL;
}

static void look_for(Sessions *sessions, const Account *account)
{
    Look *look = look_new(sessions, account->name);

    if (!look)
        return;
    if (enforcer_end(sessions->manager->enforcer, account->uid, ENFORCER_LOOK, on_looked,
                     look) < 0) {
        free(look->user);
        free(look);
        return;
    }
    sessions->look = look;
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
static void look_next(Sessions *sessions)
{
    Session *session = next_to_look(sessions);

    if (!session || sessions->look)
        return;
    session->looked = true;
    const Account *account = accounts_find(sessions->manager->accounts, session->row.user);
    if (account)
        look_for(sessions, account);
    else
        end_session(session, "recovered");
}

static int on_look_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Sessions *sessions = userdata;

    if (!next_to_look(sessions))
        return 0;
    look_next(sessions);
    (void)sd_event_source_set_time_relative(source, LOOK_USEC);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
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
    r = sd_event_source_set_time_relative(sessions->look_timer, USEC_PER_SEC);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(sessions->look_timer, SD_EVENT_ONESHOT);
}

/* --- construction ----------------------------------------------------------------------------- */

int sessions_new(Manager *manager, Sessions **ret_sessions)
{
    _cleanup_(sessions_freep) Sessions *sessions = calloc(1, sizeof(*sessions));

    if (!sessions)
        return -ENOMEM;
    sessions->manager = manager;
    int r = sd_event_add_defer(manager->event, &sessions->reaper, on_reap, sessions);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(sessions->reaper, SD_EVENT_OFF);
    if (r < 0)
        return r;
    r = sd_event_add_time(manager->event, &sessions->look_timer, CLOCK_BOOTTIME, UINT64_MAX, 0,
                          on_look_timer, sessions);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(sessions->look_timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret_sessions = TAKE_PTR(sessions);
    return 0;
}

Sessions *sessions_free(Sessions *sessions)
{
    if (!sessions)
        return NULL;
    if (sessions->look)
        sessions->look->sessions = NULL;
    while (sessions->first) {
        Session *session = sessions->first;
        sessions->first = session->next;
        session_free(session);
    }
    sd_event_source_disable_unref(sessions->reaper);
    sd_event_source_disable_unref(sessions->look_timer);
    free(sessions);
    return NULL;
}
