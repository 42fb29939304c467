/*
 * A connection that is expected to break: the enforcer may be restarted, stopped or hung at any
 * time, and the helper goes on (design §1 "Start and recovery"). Requests are sent and handlers
 * called from the loop only, never from inside the call that queued them.
 */
#include "helper/enforcer/enforcer-link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "helper/base/clock.h"

#define BACKOFF_FIRST_USEC (100 * USEC_PER_MSEC)
#define BACKOFF_MAX_USEC   (5 * USEC_PER_SEC)
#define BUSY_RETRY_USEC    (1 * USEC_PER_SEC)
/* A reply this late will not come: the connection is given up. */
#define DEAD_USEC          (60 * USEC_PER_SEC)

typedef struct Request {
    struct Request *next;
    EnforcerCall call;
    uint32_t tag;
    int fd;
    bool sent;
    bool told;              /* the handler has been called */
    uint64_t deadline_usec; /* of the handler, CLOCK_MONOTONIC */
    uint64_t sent_usec;
    size_t size;            /* header and payload */
    uint8_t bytes[];
} Request;

struct EnforcerLink {
    sd_event *event;
    char *path;
    int fd;
    sd_event_source *io, *timer;
    Request *first, **last;
    size_t count;
    uint32_t next_tag;
    uint64_t backoff_usec;
    uint64_t retry_usec; /* when to connect or, connected, to send again; 0 = not waiting */
    bool blocked;        /* the socket took no more */
};

static uint64_t now_usec(const EnforcerLink *link)
{
    uint64_t now = 0;

    if (sd_event_now(link->event, CLOCK_MONOTONIC, &now) < 0)
        return 0;
    return now;
}

/* --- the queue -------------------------------------------------------------------------------- */

static Request *request_free(Request *request)
{
    if (!request)
        return NULL;
    if (request->fd >= 0)
        close(request->fd);
    free(request);
    return NULL;
}
DEFINE_CLEANUP(Request *, request_free)

static void tell(Request *request, int result, const void *payload)
{
    if (request->told)
        return;
    request->told = true;
    request->call.handler(&request->call, result, payload);
}

/* Takes a request out of the queue; the caller owns it. */
static Request *unlink_request(EnforcerLink *link, Request **place)
{
    Request *request = *place;

    *place = request->next;
    if (!*place)
        link->last = place;
    link->count--;
    request->next = NULL;
    return request;
}

static void append_request(EnforcerLink *link, Request *request)
{
    *link->last = request;
    link->last = &request->next;
    link->count++;
}

/* Takes out what `matches` says, in order, and tells each. Handlers may queue new requests; those
 * are not looked at. */
static void finish_matching(EnforcerLink *link, bool (*matches)(const Request *, uint64_t),
                            uint64_t argument, int result)
{
    Request *finished = NULL, **end = &finished;

    for (Request **place = &link->first; *place;) {
        if (!matches(*place, argument)) {
            place = &(*place)->next;
            continue;
        }
        *end = unlink_request(link, place);
        end = &(*end)->next;
    }
    while (finished) {
        Request *request = finished;
        finished = request->next;
        tell(request, result, NULL);
        request_free(request);
    }
}

/* --- connecting ------------------------------------------------------------------------------- */

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata);

static void wait_longer(EnforcerLink *link)
{
    link->retry_usec = now_usec(link) + link->backoff_usec;
    link->backoff_usec *= 2;
    if (link->backoff_usec > BACKOFF_MAX_USEC)
        link->backoff_usec = BACKOFF_MAX_USEC;
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static int connect_now(EnforcerLink *link)
{
    _cleanup_close_ int fd = open_socket(link->path);

    if (fd < 0)
        return fd;
    int r = sd_event_add_io(link->event, &link->io, fd, EPOLLIN, on_io, link);
    if (r < 0)
        return r;
    link->fd = TAKE_FD(fd);
    link->retry_usec = 0;
    link->blocked = false;
    return 0;
}

static void connect_or_wait(EnforcerLink *link)
{
    if (connect_now(link) < 0)
        wait_longer(link);
}

/* What has been told of its timeout is the caller's again. */
static bool dies_with_connection(const Request *request, uint64_t unused)
{
    return !request->call.survives || (request->told && !request->call.keep);
}

/* The connection is over. What survives is sent again, in order, on the next one. */
static void disconnect(EnforcerLink *link)
{
    link->io = sd_event_source_disable_unref(link->io);
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
    for (Request *request = link->first; request; request = request->next)
        request->sent = false;
    wait_longer(link);
    finish_matching(link, dies_with_connection, 0, -ENOTCONN);
}

/* --- sending ---------------------------------------------------------------------------------- */

static int send_request(EnforcerLink *link, Request *request)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {request->bytes, request->size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (request->fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control.space);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &request->fd, sizeof(int));
    }
    for (;;) {
        ssize_t n = sendmsg(link->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == (ssize_t)request->size)
            return 0;
        if (n >= 0)
            return -EIO;
        if (errno != EINTR)
            return -errno;
    }
}

/* Sends what waits. Returns a negative errno when the connection is broken. */
static int send_waiting(EnforcerLink *link)
{
    link->blocked = false;
    for (Request *request = link->first; request; request = request->next) {
        if (request->sent)
            continue;
        int r = send_request(link, request);
        if (r == -EAGAIN) {
            link->blocked = true;
            return 0;
        }
        if (r < 0)
            return r;
        request->sent = true;
        request->sent_usec = now_usec(link);
    }
    return 0;
}

/* --- receiving -------------------------------------------------------------------------------- */

static bool is_transient(int result)
{
    static const int transient[] = {EAGAIN, ENOMEM, ENOSPC, EDQUOT, EIO, EROFS, EBUSY, EINTR};

    for (size_t i = 0; i < ELEMENTSOF(transient); i++) {
        if (result == -transient[i])
            return true;
    }
    return false;
}

/* The enforcer could not do it just now, and nobody but us remembers that it must be done. */
static void keep_for_later(EnforcerLink *link, Request *request, int result)
{
    tell(request, result, NULL);
    request->sent = false;
    link->retry_usec = now_usec(link) + BUSY_RETRY_USEC;
}

static Request **find_sent(EnforcerLink *link, uint32_t tag)
{
    for (Request **place = &link->first; *place; place = &(*place)->next) {
        if ((*place)->sent && (*place)->tag == tag)
            return place;
    }
    return NULL;
}

/* Returns 0, or -EBADMSG for what no honest enforcer sends. */
static int take_reply(EnforcerLink *link, const uint8_t *bytes, size_t size)
{
    EnforcerHeader header;

    if (size < sizeof(header))
        return -EBADMSG;
    memcpy(&header, bytes, sizeof(header));
    if (header.magic != ENFORCER_MAGIC || header.size != size - sizeof(header) ||
        header.result > 0)
        return -EBADMSG;
    Request **place = find_sent(link, header.tag);
    if (!place || header.verb != (*place)->call.verb)
        return -EBADMSG;
    bool whole = header.size == (*place)->call.reply_size;
    if (!whole && (header.size != 0 || header.result == 0))
        return -EBADMSG;
    link->backoff_usec = BACKOFF_FIRST_USEC;
    if ((*place)->call.keep && is_transient(header.result)) {
        keep_for_later(link, *place, header.result);
        return 0;
    }
    _cleanup_(request_freep) Request *request = unlink_request(link, place);
    tell(request, header.result, whole ? bytes + sizeof(header) : NULL);
    return 0;
}

/* One datagram. 1: there may be more; 0: none now; negative: the connection is over. */
static int receive_one(EnforcerLink *link)
{
    _Alignas(uint64_t) uint8_t bytes[ENFORCER_MESSAGE_MAX];

    ssize_t n = recv(link->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && errno == EINTR)
        return 1;
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    if (n == 0)
        return -ECONNRESET;
    if ((size_t)n > sizeof(bytes))
        return -EBADMSG;
    int r = take_reply(link, bytes, (size_t)n);
    return r < 0 ? r : 1;
}

/* --- the loop --------------------------------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool has_unsent(const EnforcerLink *link)
{
    for (const Request *request = link->first; request; request = request->next) {
        if (!request->sent)
            return true;
    }
    return false;
}

static uint64_t next_wakeup(const EnforcerLink *link)
{
    uint64_t wakeup = link->retry_usec ? link->retry_usec : UINT64_MAX;

    for (const Request *request = link->first; request; request = request->next) {
        if (!request->told)
            wakeup = sooner(wakeup, request->deadline_usec);
        if (request->sent)
            wakeup = sooner(wakeup, request->sent_usec + DEAD_USEC);
    }
    return wakeup;
}

/* Sets what the loop waits for. Called at the end of everything that changes the queue. */
static int rearm(EnforcerLink *link)
{
    uint64_t wakeup = next_wakeup(link);
    bool write = link->fd >= 0 && link->retry_usec == 0 && has_unsent(link);
    int r = 0;

    if (link->io)
        r = sd_event_source_set_io_events(link->io, EPOLLIN | (write ? EPOLLOUT : 0u));
    if (r >= 0)
        r = sd_event_source_set_time(link->timer, wakeup);
    if (r >= 0)
        r = sd_event_source_set_enabled(link->timer,
                                        wakeup == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
    return r;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    EnforcerLink *link = userdata;
    int r = 1;

    /* A bounded number, so that a fast enforcer cannot hold the loop. */
    for (unsigned i = 0; r > 0 && i < 64; i++)
        r = receive_one(link);
    if (r >= 0 && (events & EPOLLOUT))
        r = send_waiting(link);
    if (r < 0)
        disconnect(link);
    return rearm(link);
}

static bool is_late(const Request *request, uint64_t now)
{
    return !request->told && request->deadline_usec <= now;
}

/* Late and of no use later: not sent yet, so that it can still be taken back. */
static bool is_late_and_unsent(const Request *request, uint64_t now)
{
    return is_late(request, now) && !request->sent && !request->call.keep;
}

static Request *find_late(EnforcerLink *link, uint64_t now)
{
    for (Request *request = link->first; request; request = request->next) {
        if (is_late(request, now))
            return request;
    }
    return NULL;
}

static bool is_dead(const EnforcerLink *link, uint64_t now)
{
    for (const Request *request = link->first; request; request = request->next) {
        if (request->sent && request->sent_usec + DEAD_USEC <= now)
            return true;
    }
    return false;
}

/* Those that were sent stay in the queue, told, so that their late reply is recognised. */
static void expire(EnforcerLink *link, uint64_t now)
{
    Request *request;

    finish_matching(link, is_late_and_unsent, now, -ETIMEDOUT);
    while ((request = find_late(link, now)))
        tell(request, -ETIMEDOUT, NULL);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    EnforcerLink *link = userdata;
    uint64_t now = now_usec(link);

    expire(link, now);
    if (link->fd >= 0 && is_dead(link, now))
        disconnect(link);
    if (link->retry_usec != 0 && link->retry_usec <= now) {
        link->retry_usec = 0;
        if (link->fd < 0)
            connect_or_wait(link);
    }
    return rearm(link);
}

/* --- construction ----------------------------------------------------------------------------- */

int enforcer_link_new(sd_event *event, const char *socket_path, EnforcerLink **ret_link)
{
    _cleanup_(enforcer_link_freep) EnforcerLink *link = calloc(1, sizeof(*link));

    if (!link)
        return -ENOMEM;
    link->fd = -1;
    link->last = &link->first;
    link->backoff_usec = BACKOFF_FIRST_USEC;
    link->event = sd_event_ref(event);
    link->path = strdup(socket_path);
    if (!link->path)
        return -ENOMEM;
    int r = sd_event_add_time(event, &link->timer, CLOCK_MONOTONIC, UINT64_MAX, 1, on_timer, link);
    if (r < 0)
        return r;
    connect_or_wait(link);
    r = rearm(link);
    if (r < 0)
        return r;
    *ret_link = TAKE_PTR(link);
    return 0;
}

static bool is_any(const Request *request, uint64_t unused)
{
    return true;
}

EnforcerLink *enforcer_link_free(EnforcerLink *link)
{
    if (!link)
        return NULL;
    finish_matching(link, is_any, 0, -ECANCELED);
    sd_event_source_disable_unref(link->io);
    sd_event_source_disable_unref(link->timer);
    if (link->fd >= 0)
        close(link->fd);
    sd_event_unref(link->event);
    free(link->path);
    free(link);
    return NULL;
}

bool enforcer_link_connected(const EnforcerLink *link)
{
    return link->fd >= 0;
}

static int request_new(EnforcerLink *link, const EnforcerCall *call, const void *payload,
                       size_t size, Request **ret_request)
{
    Request *request = calloc(1, sizeof(*request) + sizeof(EnforcerHeader) + size);

    if (!request)
        return -ENOMEM;
    request->call = *call;
    request->fd = -1;
    request->tag = link->next_tag++;
    request->deadline_usec = now_usec(link) + call->timeout_usec;
    request->size = sizeof(EnforcerHeader) + size;
    EnforcerHeader header = {ENFORCER_MAGIC, call->verb, request->tag, (uint32_t)size, 0, 0};
    memcpy(request->bytes, &header, sizeof(header));
    if (size > 0)
        memcpy(request->bytes + sizeof(header), payload, size);
    *ret_request = request;
    return 0;
}

int enforcer_link_call(EnforcerLink *link, const EnforcerCall *call, const void *payload,
                       size_t size, int fd)
{
    _cleanup_(request_freep) Request *request = NULL;

    if (size > ENFORCER_MESSAGE_MAX - sizeof(EnforcerHeader))
        return -EMSGSIZE;
    if (link->count >= ENFORCER_QUEUE_MAX)
        return -ENOBUFS;
    /* Somebody who wants it now need not wait for the next attempt. */
    if (link->fd < 0)
        (void)connect_now(link);
    if (link->fd < 0 && !call->survives)
        return -ENOTCONN;
    int r = request_new(link, call, payload, size, &request);
    if (r < 0)
        return r;
    if (fd >= 0) {
        request->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (request->fd < 0)
            return -errno;
    }
    append_request(link, TAKE_PTR(request));
    /* Now, not in the loop's next turn: the enforcer works while the caller goes on. Of a broken
     * connection that turn hears by itself. */
    if (link->fd >= 0 && link->retry_usec == 0 && !link->blocked)
        (void)send_waiting(link);
    return rearm(link);
}
