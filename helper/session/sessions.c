/*
 * Open sessions (design §1, §2 OpenSession).
 *
 * A session is a row in the store and a line in the access log, both written before its ALLOW, and
 * the pidfd of its leader, watched here and kept by the service manager's fd store, so that a
 * restart of the helper forgets nobody. For somebody who comes with an SSH key this line is the
 * only trace, so without it there is no session. The pidfd only tells when a session is over;
 * ending people is the enforcer's, and does not depend on what is known here.
 */
#include "helper/session/sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>

#include "helper/session/admission-request.h"
#include "helper/login/auth-info.h"
#include "helper/revocation/refresher.h"
#include "helper/session/sessions-internal.h"
#include "helper/login/sign-in.h"

#define RECORD_PATIENCE (4 * USEC_PER_SEC) /* the module waits 5 s */
#define FDINFO_LINE_MAX 256

/* What the enforcer client holds while it writes the session's line. */
typedef struct Flight {
    Opening *opening; /* NULL once it has been answered */
} Flight;

struct Opening {
    Session *session;
    Flight *flight;
    sd_event_source *timer;
    SessionHandler handler;
    void *userdata;
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

void session_fd_remove(const char *id)
{
    char message[128];

    snprintf(message, sizeof(message), "FDSTOREREMOVE=1\nFDNAME=%s", id);
    (void)sd_pid_notify(0, 0, message);
}

/* --- one session ------------------------------------------------------------------------------ */

Session *session_free(Session *session)
{
    if (!session)
        return NULL;
    sd_event_source_disable_unref(session->io);
    closep(&session->pidfd);
    free(session->row.user);
    free(session->row.ruser);
    free(session->row.service);
    free(session->row.rhost);
    free(session->row.tty);
    free(session->row.method);
    free(session->row.strength);
    free(session);
    return NULL;
}

int session_set_texts(Session *session, const SessionRow *texts)
{
    SessionRow *row = &session->row;

    row->user = strdup(texts->user);
    row->ruser = strdup(texts->ruser);
    row->service = strdup(texts->service);
    row->rhost = strdup(texts->rhost);
    row->tty = strdup(texts->tty);
    row->method = strdup(texts->method);
    row->strength = strdup(texts->strength);
    if (!row->user || !row->ruser || !row->service || !row->rhost || !row->tty || !row->method ||
        !row->strength)
        return -ENOMEM;
    return 0;
}

static Account *account_of(const Session *session)
{
    return accounts_find(session->sessions->manager->accounts, session->row.user);
}

static void fill_record(const Session *session, Record *record, char uid[16])
{
    const SessionRow *row = &session->row;
    const Account *account = account_of(session);

    record_set(record, RECORD_SESSION, row->id);
    record_set(record, RECORD_USER, row->user);
    record_set(record, RECORD_RUSER, row->ruser);
    record_set(record, RECORD_SERVICE, row->service);
    record_set(record, RECORD_RHOST, row->rhost);
    record_set(record, RECORD_TTY, row->tty);
    record_set(record, RECORD_METHOD, row->method);
    if (!account)
        return;
    snprintf(uid, 16, "%u", account->uid);
    record_set(record, RECORD_UID, uid);
    record_set(record, RECORD_IDENTITY, account->id);
    record_set(record, RECORD_PROVIDER, account->provider);
}

static void say_closed(const Session *session, const char *how)
{
    Manager *manager = session->sessions->manager;
    Record record = {.event = RECORD_SESSION_CLOSED};
    char uid[16];

    fill_record(session, &record, uid);
    record_set(&record, RECORD_REASON, how);
    manager_log(manager, &record);
    manager_session_signal(manager, "SessionClosed", session->row.id, session->row.user);
}

static void count_session(const Session *session, bool opened)
{
    Sessions *sessions = session->sessions;
    Account *account = account_of(session);

    sessions->count += opened ? 1 : (size_t)-1;
    if (!account)
        return;
    if (opened)
        account->session_count++;
    else if (account->session_count > 0)
        account->session_count--;
    refresher_account_changed(sessions->manager->refresher, account);
}

void session_link(Session *session)
{
    session->next = session->sessions->first;
    session->sessions->first = session;
    count_session(session, true);
}

static int on_leader_exit(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    session_end(userdata, "exited");
    return 0;
}

int session_watch(Session *session)
{
    return sd_event_add_io(session->sessions->manager->event, &session->io, session->pidfd, EPOLLIN,
                           on_leader_exit, session);
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

/* --- opening: the line in the log, then ALLOW ---------------------------------------------------
 */

static void opening_answer(Opening *opening, Outcome outcome)
{
    Session *session = opening->session;

    session->opening = NULL;
    if (opening->flight)
        opening->flight->opening = NULL;
    sd_event_source_disable_unref(opening->timer);
    opening->handler(outcome, outcome == OUTCOME_ALLOW ? session->row.id : "", opening->userdata);
    free(opening);
}

void session_end(Session *session, const char *how)
{
    Sessions *sessions = session->sessions;

    if (session->over)
        return;
    session->over = true;
    session->io = sd_event_source_disable_unref(session->io);
    if (session->opening)
        opening_answer(session->opening, OUTCOME_UNAVAILABLE);
    session_fd_remove(session->row.id);
    if (store_session_close(sessions->manager->store, session->row.id, how) < 0)
        manager_alarm(sessions->manager, "the end of session %s could not be stored",
                      session->row.id);
    say_closed(session, how);
    count_session(session, false);
    (void)sd_event_source_set_enabled(sessions->reaper, SD_EVENT_ONESHOT);
}

static void refuse_opening(Opening *opening, Outcome outcome, const char *how)
{
    Session *session = opening->session;

    opening_answer(opening, outcome);
    session_end(session, how);
}

/* The verdict is read once more in the turn in which the answer goes out. */
static Outcome judge(Sessions *sessions, const AdmissionCaller *caller)
{
    Manager *manager = sessions->manager;
    const Account *account = accounts_find(manager->accounts, caller->user);
    Stamp now = stamp_now();

    if (!account)
        return OUTCOME_UNAVAILABLE;
    const AdmissionRequest request = admission_request(manager, account, caller);
    return admission_judge(&request, manager->config, &now, NULL);
}

static Outcome judge_opened(const Session *session)
{
    const SessionRow *row = &session->row;
    const AdmissionCaller caller = {
        .user = row->user, .ruser = row->ruser, .service = row->service, .rhost = row->rhost,
        .audit_session = row->audit_session, .signed_in = row->signed_in,
        .strength = row->strength,
    };

    return judge(session->sessions, &caller);
}

static void on_opened_recorded(int result, const EnforcerAppendReply *reply, void *userdata)
{
    _cleanup_free_ Flight *flight = userdata;
    Opening *opening = flight->opening;

    if (!opening)
        return;
    opening->flight = NULL;
    if (result < 0 || (!reply->to_file && !reply->to_journal)) {
        refuse_opening(opening, OUTCOME_UNAVAILABLE, "refused: the access log took no record");
        return;
    }
    Session *session = opening->session;
    Outcome outcome = judge_opened(session);
    if (outcome != OUTCOME_ALLOW) {
        refuse_opening(opening, outcome, "refused: the verdict moved");
        return;
    }
    opening_answer(opening, OUTCOME_ALLOW);
    manager_session_signal(session->sessions->manager, "SessionOpened", session->row.id,
                           session->row.user);
}

static int on_record_late(sd_event_source *source, uint64_t usec, void *userdata)
{
    refuse_opening(userdata, OUTCOME_UNAVAILABLE, "refused: the access log did not answer");
    return 0;
}

static int append_opened(Opening *opening)
{
    Session *session = opening->session;
    Record record = {.event = RECORD_SESSION_OPENED};
    char uid[16];

    opening->flight = calloc(1, sizeof(*opening->flight));
    if (!opening->flight)
        return -ENOMEM;
    opening->flight->opening = opening;
    fill_record(session, &record, uid);
    int r = enforcer_append(session->sessions->manager->enforcer, &record, on_opened_recorded,
                            opening->flight);
    if (r < 0) {
        free(opening->flight);
        opening->flight = NULL;
    }
    return r;
}

/* The row, and the descriptor that tells a later helper of the session's end. */
static int keep_session(Session *session)
{
    int r = store_session_put(session->sessions->manager->store, &session->row);

    if (r < 0)
        return r;
    fd_store_put(session->row.id, session->pidfd);
    return 0;
}

/* From here on the handler is called by the opening, whatever happens. The enforcer syncs the line
 * while we sync the row: the answer waits for both. */
static void start_opening(Session *session, Opening *opening)
{
    opening->session = session;
    session->opening = opening;
    int r = sd_event_add_time_relative(session->sessions->manager->event, &opening->timer,
                                       CLOCK_BOOTTIME, RECORD_PATIENCE, 0, on_record_late, opening);
    if (r >= 0)
        r = append_opened(opening);
    if (r < 0)
        refuse_opening(opening, OUTCOME_UNAVAILABLE, "refused: the access log is out of reach");
    else if (keep_session(session) < 0)
        refuse_opening(opening, OUTCOME_UNAVAILABLE, "refused: the session could not be stored");
}

/* --- registering ------------------------------------------------------------------------------ */

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
    r = random_id(session->row.id);
    if (r < 0)
        return r;
    Stamp now = stamp_now();
    session->row.opened_usec = now.wall_usec;
    memcpy(session->row.boot_id, now.boot_id, sizeof(now.boot_id));
    *ret_session = TAKE_PTR(session);
    return 0;
}

/* How the person came in, and the sign-in that opens this session, if one does. */
static int session_set_origin(Session *session, const SessionRequest *request)
{
    const SignIns *sign_ins = session->sessions->manager->sign_ins;
    char methods[AUTH_METHODS_SIZE];
    Stamp now = stamp_now();

    const SignIn *sign_in =
        sign_ins_find(sign_ins, request->sign_in, request->user, request->service, &now);
    if (sign_in)
        session->row.signed_in = sign_in->when;
    session->row.audit_session = request->audit_session;
    auth_info_methods(request->auth_info, sign_in ? sign_in->method : NULL, methods);
    return session_set_texts(session, &(SessionRow){
        .user = (char *)request->user, .ruser = (char *)request->ruser,
        .service = (char *)request->service, .rhost = (char *)request->rhost,
        .tty = (char *)request->tty, .method = methods,
        .strength = sign_in ? sign_in->strength : (char[]){""},
    });
}

static int register_session(Sessions *sessions, const SessionRequest *request,
                            Session **ret_session)
{
    _cleanup_(session_freep) Session *session = NULL;

    int r = session_new(sessions, request->leader_pidfd, &session);
    if (r < 0)
        return r;
    r = session_set_origin(session, request);
    if (r < 0)
        return r;
    r = session_watch(session);
    if (r < 0)
        return r;
    session_link(session);
    *ret_session = TAKE_PTR(session);
    return 0;
}

static bool has_room(const Sessions *sessions, const char *user)
{
    const Account *account = accounts_find(sessions->manager->accounts, user);

    return sessions->count < SESSIONS_MAX &&
           (!account || account->session_count < SESSIONS_PER_ACCOUNT_MAX);
}

static Outcome try_to_open(Sessions *sessions, const SessionRequest *request, Session **ret_session)
{
    Stamp now = stamp_now();

    const SignIn *sign_in = sign_ins_find(sessions->manager->sign_ins, request->sign_in,
                                          request->user, request->service, &now);
    const AdmissionCaller caller = {
        .user = request->user, .ruser = request->ruser, .service = request->service,
        .rhost = request->rhost,
        .audit_session = request->audit_session,
        .signed_in = sign_in ? sign_in->when : (Stamp){0},
        .strength = sign_in ? sign_in->strength : NULL,
    };
    Outcome outcome = judge(sessions, &caller);
    if (outcome != OUTCOME_ALLOW)
        return outcome;
    if (!has_room(sessions, request->user))
        return OUTCOME_TOO_MANY;
    return register_session(sessions, request, ret_session) < 0 ? OUTCOME_UNAVAILABLE
                                                                : OUTCOME_ALLOW;
}

static void say_denied(Sessions *sessions, const SessionRequest *request, Outcome outcome)
{
    const Account *account = accounts_find(sessions->manager->accounts, request->user);
    Record record = {.event = RECORD_ACCOUNT_CHECK};
    char uid[16];

    record_set(&record, RECORD_OUTCOME, outcome_to_word(outcome));
    record_set(&record, RECORD_REASON, "the session was not opened");
    record_set(&record, RECORD_USER, request->user);
    record_set(&record, RECORD_RUSER, request->ruser);
    record_set(&record, RECORD_SERVICE, request->service);
    record_set(&record, RECORD_RHOST, request->rhost);
    record_set(&record, RECORD_TTY, request->tty);
    if (account) {
        snprintf(uid, sizeof(uid), "%u", account->uid);
        record_set(&record, RECORD_UID, uid);
        record_set(&record, RECORD_IDENTITY, account->id);
        record_set(&record, RECORD_PROVIDER, account->provider);
        record_set(&record, RECORD_EVIDENCE, account->evidence);
    }
    manager_log(sessions->manager, &record);
}

void sessions_open(Sessions *sessions, const SessionRequest *request, SessionHandler handler,
                   void *userdata)
{
    _cleanup_free_ Opening *opening = calloc(1, sizeof(*opening));
    Session *session = NULL;

    Outcome outcome = opening ? try_to_open(sessions, request, &session) : OUTCOME_INTERNAL;
    sign_ins_forget(sessions->manager->sign_ins, request->sign_in);
    if (outcome != OUTCOME_ALLOW) {
        say_denied(sessions, request, outcome);
        handler(outcome, "", userdata);
        return;
    }
    opening->handler = handler;
    opening->userdata = userdata;
    start_opening(session, TAKE_PTR(opening));
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
        session_end(session, "closed");
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
    *ret_sessions = TAKE_PTR(sessions);
    return 0;
}

void sessions_stop(Sessions *sessions)
{
    for (Session *session = sessions->first; session; session = session->next)
        if (session->opening)
            refuse_opening(session->opening, OUTCOME_UNAVAILABLE, "refused: the helper stops");
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
        if (session->opening)
            opening_answer(session->opening, OUTCOME_UNAVAILABLE);
        session_free(session);
    }
    sd_event_source_disable_unref(sessions->reaper);
    sd_event_source_disable_unref(sessions->look_timer);
    free(sessions);
    return NULL;
}
