/*
 * Connections, requests and replies. See server.h.
 *
 * END and TELL are done at once, here; APPEND and PUBLISH go to the worker. Every request takes a
 * place in its connection's queue of replies, so that replies leave in the order of the requests
 * whoever is done first.
 */
#include "enforcer/server.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <systemd/sd-journal.h>

#include "common/paths.h"
#include "enforcer/end.h"
#include "enforcer/request.h"
#include "enforcer/tell.h"

#define CONNECTIONS_MAX 16u
#define REPLIES_MAX     128u /* waiting on one connection; then it is not read from */
#define READS_PER_TURN  16u

typedef struct Reply {
    struct Reply *next;
    uint64_t serial;
    bool ready;
    EnforcerHeader header;
    union {
        EnforcerEndReply end;
        EnforcerPublishReply publish;
        EnforcerAppendReply append;
        EnforcerTellReply tell;
    } payload;
} Reply;

typedef struct Connection {
    struct Connection *next;
    Server *server;
    uint64_t id;
    int fd;
    sd_event_source *source;
    Reply *head, *tail;
    unsigned replies;
} Connection;

struct Server {
    sd_event *event;
    int listen_fd;
    uid_t peer_uid;
    Settings *settings;
    Worker *worker;
    sd_event_source *listen_source, *worker_source;
    Connection *connections;
    unsigned connection_count;
    uint64_t next_id, next_serial;
    /* SIGKILLs of one turn: carried out together, because one walk does for all of them. */
    EndOrder orders[END_ORDERS_MAX];
    Reply *order_replies[END_ORDERS_MAX];
    unsigned order_count;
    EnforcerEndReply last_end; /* what was logged last: a rescan that changes nothing is not */
    uint32_t last_end_uid;
    Sweeper sweeper;
};

/* --- connections -------------------------------------------------------------------------- */

static void connection_close(Connection *connection)
{
    Server *server = connection->server;

    for (Connection **link = &server->connections; *link; link = &(*link)->next)
        if (*link == connection) {
            *link = connection->next;
            server->connection_count--;
            break;
        }
    while (connection->head) {
        Reply *reply = connection->head;
        connection->head = reply->next;
        free(reply);
    }
    sd_event_source_disable_unref(connection->source);
    close(connection->fd);
    free(connection);
}

static Connection *connection_find(Server *server, uint64_t id)
{
    for (Connection *c = server->connections; c; c = c->next)
        if (c->id == id)
            return c;
    return NULL;
}

static Reply *connection_add_reply(Connection *connection, const Request *request)
{
    Reply *reply = calloc(1, sizeof(*reply));

    if (!reply)
        return NULL;
    reply->serial = ++connection->server->next_serial;
    reply->header = (EnforcerHeader){.magic = ENFORCER_MAGIC, .verb = request->verb,
                                     .tag = request->tag,
                                     .size = (uint32_t)request_reply_size(request->verb)};
    if (connection->tail)
        connection->tail->next = reply;
    else
        connection->head = reply;
    connection->tail = reply;
    connection->replies++;
    return reply;
}

static int reply_send(int fd, const Reply *reply)
{
    struct iovec parts[] = {
        {.iov_base = (void *)&reply->header, .iov_len = sizeof(reply->header)},
        {.iov_base = (void *)&reply->payload, .iov_len = reply->header.size},
    };
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = ELEMENTSOF(parts)};

    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Sends what is ready at the head of the queue. A peer that does not read its replies is not
 * waited for: an error ends the connection. */
static int connection_flush(Connection *connection)
{
    while (connection->head && connection->head->ready) {
        Reply *reply = connection->head;
        int r = reply_send(connection->fd, reply);
        if (r < 0)
            return r;
        connection->head = reply->next;
        if (!connection->head)
            connection->tail = NULL;
        connection->replies--;
        free(reply);
    }
    return sd_event_source_set_enabled(
        connection->source, connection->replies < REPLIES_MAX ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* --- records of our own ------------------------------------------------------------------- */

static void log_own(Server *server, const Record *record)
{
    uint8_t buffer[ENFORCER_MESSAGE_MAX];
    int size = record_encode(record, buffer, sizeof(buffer));
    _cleanup_(work_freep) Work *work =
        size < 0 ? NULL : work_new(WORK_APPEND, buffer, (size_t)size);

    if (work && worker_submit(server->worker, work) >= 0)
        (void)TAKE_PTR(work);
}

static void format_survivors(const EnforcerEndReply *reply, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < reply->survivor_count && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%" PRId32 ":%s", i > 0 ? " " : "",
                         reply->survivors[i].pid, reply->survivors[i].command);
        used += n > 0 ? (size_t)n : 0;
    }
}

static bool end_is_news(Server *server, uint32_t uid, const EnforcerEndReply *reply)
{
    bool news = server->last_end_uid != uid || server->last_end.found != reply->found ||
                server->last_end.left != reply->left ||
                memcmp(server->last_end.survivors, reply->survivors, sizeof(reply->survivors)) != 0;

    server->last_end = *reply;
    server->last_end_uid = uid;
    return news;
}

static void log_end(Server *server, const EnforcerEndRequest *request,
                    const EnforcerEndReply *reply)
{
    static const char *const actions[] = {
        [ENFORCER_TERM] = "terminate",
        [ENFORCER_KILL] = "kill",
        [ENFORCER_TERM_ELEVATED] = "terminate elevated",
        [ENFORCER_KILL_ELEVATED] = "kill elevated",
    };
    Record record = {.event = RECORD_ENDED};
    char uid[16], count[16], left[16], elapsed[16], survivors[RECORD_FIELD_MAX];

    if (request->how >= ELEMENTSOF(actions) || !actions[request->how] || reply->found == 0 ||
        !end_is_news(server, request->uid, reply))
        return;
    (void)snprintf(uid, sizeof(uid), "%" PRIu32, request->uid);
    (void)snprintf(count, sizeof(count), "%" PRIu32, reply->found);
    (void)snprintf(left, sizeof(left), "%" PRIu32, reply->left);
    (void)snprintf(elapsed, sizeof(elapsed), "%" PRIu32, reply->elapsed_ms);
    format_survivors(reply, survivors, sizeof(survivors));
    record_set(&record, RECORD_ACTION, actions[request->how]);
    record_set(&record, RECORD_UID, uid);
    record_set(&record, RECORD_COUNT, count);
    record_set(&record, RECORD_LEFT, left);
    record_set(&record, RECORD_ELAPSED_MS, elapsed);
    record_set(&record, RECORD_SURVIVORS, survivors);
    log_own(server, &record);
}

static void log_told(Server *server, const Request *request, uint32_t terminals)
{
    Record record = {.event = RECORD_TOLD};
    char uid[16], count[16], text[ENFORCER_TELL_MAX + 1];

    (void)snprintf(uid, sizeof(uid), "%" PRIu32, request->tell.uid);
    (void)snprintf(count, sizeof(count), "%" PRIu32, terminals);
    (void)snprintf(text, sizeof(text), "%.*s", (int)request->tell.text_size, request->text);
    record_set(&record, RECORD_UID, uid);
    record_set(&record, RECORD_COUNT, count);
    record_set(&record, RECORD_REASON, text);
    log_own(server, &record);
}

/* --- verbs -------------------------------------------------------------------------------- */

/* May the helper name this uid? A number that a local account has is that account's, and then only
 * a tie in root's configuration makes it ours. /etc/passwd unreadable (no descriptors left) does
 * not stop an ending within the range. */
static int check_uid(Server *server, uint32_t uid, EndRules *ret_rules)
{
    _cleanup_(local_freep) Local *local = NULL;

    (void)settings_refresh(server->settings);
    if (local_read("/etc/passwd", "/etc/group", &local) < 0)
        local = NULL;
    EndRules rules = settings_end_rules(server->settings, local, uid);
    bool own = settings_owns_uid(server->settings, uid) && !(local && local_has_uid(local, uid));
    if (!rules.tied && !own)
        return -EPERM;
    *ret_rules = rules;
    return 0;
}

static void end_reply(Server *server, const EndOrder *order, Reply *reply)
{
    const EnforcerEndRequest request = {.uid = order->uid, .how = order->how};

    reply->header.result = order->result;
    reply->payload.end = order->reply;
    reply->ready = true;
    if (order->result >= 0)
        log_end(server, &request, &order->reply);
}

/* What has been collected in this turn. */
static void run_orders(Server *server)
{
    unsigned count = server->order_count;

    server->order_count = 0;
    if (count > 0)
        end_accounts(server->orders, count);
    for (unsigned i = 0; i < count; i++)
        end_reply(server, &server->orders[i], server->order_replies[i]);
}

/* No room, or the account is among them: then its first order comes first. */
static bool must_run_orders(const Server *server, uint32_t uid)
{
    for (unsigned i = 0; i < server->order_count; i++)
        if (server->orders[i].uid == uid)
            return true;
    return server->order_count == END_ORDERS_MAX;
}

static int do_end(Server *server, const Request *request, Reply *reply)
{
    EndOrder order = {.uid = request->end.uid, .how = (EnforcerHow)request->end.how,
                      .spared = request->spared, .spared_count = request->spared_count,
                      .sweeper = &server->sweeper};
    int r = check_uid(server, order.uid, &order.rules);

    if (r < 0)
        return r;
    if (order.how != ENFORCER_KILL) {
        end_accounts(&order, 1);
        end_reply(server, &order, reply);
        return 0;
    }
    if (must_run_orders(server, order.uid))
        run_orders(server);
    server->order_replies[server->order_count] = reply;
    server->orders[server->order_count++] = order;
    return 0;
}

static int do_tell(Server *server, const Request *request, EnforcerTellReply *reply)
{
    EndRules rules;
    int r = check_uid(server, request->tell.uid, &rules);

    if (r >= 0)
        r = tell_terminals(request->tell.uid, request->text, request->tell.text_size,
                           &reply->terminals);
    if (r >= 0)
        log_told(server, request, reply->terminals);
    return r;
}

/* Queues for the worker. Takes over `*fd` on success. */
static int submit(Connection *connection, const Request *request, const Reply *reply, int *fd)
{
    bool append = request->verb == ENFORCER_APPEND;
    _cleanup_(work_freep) Work *work = work_new(append ? WORK_APPEND : WORK_PUBLISH,
                                                request->payload, append ? request->size : 0);
    if (!work)
        return -ENOMEM;
    work->client = connection->id;
    work->serial = reply->serial;
    work->source = "helper";
    work->fd = *fd;
    int r = worker_submit(connection->server->worker, work);
    if (r < 0) {
        work->fd = -1;
        return r;
    }
    (void)TAKE_PTR(work);
    *fd = -1;
    return 0;
}

static int serve(Connection *connection, const Request *request, int parsed, int *fd)
{
    Server *server = connection->server;
    Reply *reply = connection_add_reply(connection, request);
    int r = parsed;

    if (!reply)
        return -ENOMEM;
    if (r >= 0 && request->verb == ENFORCER_END && (r = do_end(server, request, reply)) >= 0)
        return 0;
    if (r >= 0 && request->verb == ENFORCER_TELL)
        r = do_tell(server, request, &reply->payload.tell);
    else if (r >= 0 && (r = submit(connection, request, reply, fd)) >= 0)
        return 0;
    reply->header.result = r;
    reply->ready = true;
    return 0;
}

/* --- receiving ---------------------------------------------------------------------------- */

/* At most one descriptor is taken; more of them, or anything cut off, ends the connection. Room for
 * one is, by alignment, room for two: what is surplus must be closed here. */
static int take_descriptor(struct msghdr *message, int *ret_fd)
{
    bool surplus = false;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            _cleanup_close_ int fd = -1;
            memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
            surplus |= *ret_fd >= 0;
            if (*ret_fd < 0)
                *ret_fd = TAKE_FD(fd);
        }
    }
    return surplus || (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? -EBADMSG : 0;
}

/* Returns the size of one datagram, 0 at the end, -EAGAIN, -EBADMSG. */
static ssize_t receive(int fd, uint8_t *buffer, size_t size, int *ret_fd)
{
    union {
        struct cmsghdr header;
        uint8_t space[CMSG_SPACE(sizeof(int))];
    } control = {.space = {0}};
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof(control)};

    ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return -errno;
    int r = take_descriptor(&message, ret_fd);
    return r < 0 ? r : n;
}

/* Returns 1 when a request was served, 0 when none waits, negative to end the connection. */
static int serve_one(Connection *connection)
{
    uint8_t buffer[ENFORCER_MESSAGE_MAX];
    Request request = {.tag = 0};
    _cleanup_close_ int fd = -1;
    ssize_t n = receive(connection->fd, buffer, sizeof(buffer), &fd);

    if (n == -EAGAIN || n == -EINTR)
        return 0;
    if (n <= 0)
        return n < 0 ? (int)n : -ENOTCONN;
    int r = request_parse(buffer, (size_t)n, fd >= 0, &request);
    if (r == -EBADMSG)
        return r;
    r = serve(connection, &request, r, &fd);
    return r < 0 ? r : 1;
}

static int on_request(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Connection *connection = userdata;
    int r = 1;

    for (unsigned i = 0; r > 0 && i < READS_PER_TURN && connection->replies < REPLIES_MAX; i++)
        r = serve_one(connection);
    run_orders(connection->server);
    if (r >= 0)
        r = connection_flush(connection);
    if (r == -EBADMSG)
        (void)sd_journal_print(4, "A client does not speak the protocol: connection closed");
    if (r < 0)
        connection_close(connection);
    return 0;
}

/* --- accepting ---------------------------------------------------------------------------- */

static int check_peer(const Server *server, int fd)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    return peer.uid == 0 || peer.uid == server->peer_uid ? 0 : -EPERM;
}

static int connection_new(Server *server, int fd)
{
    Connection *connection = calloc(1, sizeof(*connection));

    if (!connection)
        return -ENOMEM;
    int r = sd_event_add_io(server->event, &connection->source, fd, EPOLLIN, on_request,
                            connection);
    if (r < 0) {
        free(connection);
        return r;
    }
    connection->server = server;
    connection->id = ++server->next_id;
    connection->fd = fd;
    connection->next = server->connections;
    server->connections = connection;
    server->connection_count++;
    return 0;
}

static int on_connect(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
    Server *server = userdata;
    _cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return 0;
    if (check_peer(server, fd) < 0) {
        (void)sd_journal_print(4, "A connection of a user who may not speak here was closed");
        return 0;
    }
    if (server->connection_count >= CONNECTIONS_MAX || connection_new(server, fd) < 0)
        return 0;
    (void)TAKE_FD(fd);
    return 0;
}

/* --- what the worker has done ------------------------------------------------------------- */

static void reply_fill(Reply *reply, const Work *work)
{
    reply->header.result = work->result;
    if (work->kind == WORK_PUBLISH) {
        reply->payload.publish = work->published;
    } else {
        reply->payload.append.sequence = work->receipt.sequence;
        reply->payload.append.to_file = work->receipt.to_file;
        reply->payload.append.to_journal = work->receipt.to_journal;
    }
    reply->ready = true;
}

static void answer(Server *server, const Work *work)
{
    Connection *connection = connection_find(server, work->client);

    if (!connection)
        return;
    for (Reply *reply = connection->head; reply; reply = reply->next)
        if (reply->serial == work->serial)
            reply_fill(reply, work);
    if (connection_flush(connection) < 0)
        connection_close(connection);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Server *server = userdata;

    for (Work *work = worker_take_done(server->worker); work;) {
        Work *next = work->next;
        answer(server, work);
        (void)work_free(work);
        work = next;
    }
    return 0;
}

int server_new(sd_event *event, int listen_fd, uid_t peer_uid, Settings *settings, Worker *worker,
               Server **ret_server)
{
    _cleanup_(server_freep) Server *server = calloc(1, sizeof(*server));

    if (!server) {
        close(listen_fd);
        return -ENOMEM;
    }
    server->event = sd_event_ref(event);
    server->listen_fd = listen_fd;
    server->peer_uid = peer_uid;
    server->settings = settings;
    server->worker = worker;
    server->sweeper = (Sweeper)SWEEPER_INIT;
    sweeper_prepare(&server->sweeper);
    int r = sd_event_add_io(event, &server->listen_source, listen_fd, EPOLLIN, on_connect, server);
    if (r >= 0)
        r = sd_event_add_io(event, &server->worker_source, worker_fd(worker), EPOLLIN, on_done,
                            server);
    if (r < 0)
        return r;
    *ret_server = TAKE_PTR(server);
    return 0;
}

Server *server_free(Server *server)
{
    if (!server)
        return NULL;
    while (server->connections)
        connection_close(server->connections);
    sweeper_clear(&server->sweeper);
    sd_event_source_disable_unref(server->listen_source);
    sd_event_source_disable_unref(server->worker_source);
    closep(&server->listen_fd);
    sd_event_unref(server->event);
    free(server);
    return NULL;
}
