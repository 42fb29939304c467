/*
 * An enforcer for the tests of its client, in the test's own event loop: it answers what the test
 * says, late, wrongly, or not at all.
 */
#pragma once

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>

#include "common/cleanup.h"
#include "common/enforcer-protocol.h"

#define FAKE_CONNECTIONS_MAX 16
#define FAKE_LOG_MAX         512

typedef enum FakeMood {
    FAKE_ANSWERS = 0,  /* result 0 and a filled reply */
    FAKE_FAILS,        /* `error`, with an empty reply of the right size */
    FAKE_FAILS_SHORT,  /* `error`, without a reply */
    FAKE_SILENT,       /* reads, says nothing */
    FAKE_HANGS_UP,     /* closes instead of answering */
    FAKE_WRONG_TAG,
    FAKE_WRONG_MAGIC,
    FAKE_WRONG_SIZE,   /* the header promises more than comes */
    FAKE_SHORT_REPLY,  /* success with half a reply */
    FAKE_TOO_LONG,     /* more than ENFORCER_MESSAGE_MAX */
    FAKE_EMPTY,        /* a datagram shorter than the header */
} FakeMood;

typedef struct FakeRequest {
    EnforcerHeader header;
    uint8_t payload[ENFORCER_MESSAGE_MAX];
    int fd; /* what came with it, or -1 */
    int connection;
} FakeRequest;

typedef struct FakeEnforcer {
    sd_event *event;
    struct sockaddr_un address;
    int listener;
    sd_event_source *listening;
    int connections[FAKE_CONNECTIONS_MAX];
    sd_event_source *sources[FAKE_CONNECTIONS_MAX];
    unsigned accepted;
    FakeMood mood;
    int error;
    unsigned moody;        /* requests to treat by `mood`; later ones are answered. 0: all */
    uint64_t generation;   /* in publish replies; the highest seen where 0 */
    char reason[128];
    FakeRequest log[FAKE_LOG_MAX];
    size_t count;
} FakeEnforcer;

static size_t fake_reply_size(uint32_t verb)
{
    switch (verb) {
    case ENFORCER_END:
        return sizeof(EnforcerEndReply);
    case ENFORCER_PUBLISH:
        return sizeof(EnforcerPublishReply);
    case ENFORCER_APPEND:
        return sizeof(EnforcerAppendReply);
    default:
        return sizeof(EnforcerTellReply);
    }
}

static void fake_fill(FakeEnforcer *fake, uint32_t verb, void *payload)
{
    if (verb == ENFORCER_END) {
        EnforcerEndReply reply = {.found = 3, .left = 1, .elapsed_ms = 7, .survivor_count = 99};
        memset(reply.survivors, 'x', sizeof(reply.survivors));
        memcpy(payload, &reply, sizeof(reply));
    } else if (verb == ENFORCER_PUBLISH) {
        EnforcerPublishReply reply = {.generation = fake->generation};
        memcpy(reply.reason, fake->reason, sizeof(reply.reason));
        memcpy(payload, &reply, sizeof(reply));
    } else if (verb == ENFORCER_APPEND) {
        EnforcerAppendReply reply = {.sequence = fake->count, .to_file = 1, .to_journal = 1};
        memcpy(payload, &reply, sizeof(reply));
    } else {
        EnforcerTellReply reply = {.terminals = 2};
        memcpy(payload, &reply, sizeof(reply));
    }
}

static void fake_hang_up(FakeEnforcer *fake, int index)
{
    fake->sources[index] = sd_event_source_disable_unref(fake->sources[index]);
    close(fake->connections[index]);
    fake->connections[index] = -1;
}

/* Answers one request of the log as the mood says. */
static void fake_answer(FakeEnforcer *fake, const FakeRequest *request, FakeMood mood)
{
    uint8_t bytes[ENFORCER_MESSAGE_MAX + 64] = {0};
    EnforcerHeader header = request->header;
    size_t size = fake_reply_size(header.verb);

    header.result = 0;
    if (mood == FAKE_FAILS || mood == FAKE_FAILS_SHORT)
        header.result = fake->error;
    if (mood == FAKE_FAILS_SHORT)
        size = 0;
    if (mood == FAKE_SHORT_REPLY)
        size /= 2;
    if (mood == FAKE_WRONG_TAG)
        header.tag += 1000;
    if (mood == FAKE_WRONG_MAGIC)
        header.magic ^= 1;
    header.size = (uint32_t)size + (mood == FAKE_WRONG_SIZE ? 1 : 0);
    if (size > 0 && mood != FAKE_FAILS)
        fake_fill(fake, header.verb, bytes + sizeof(header));
    if (mood == FAKE_FAILS && header.verb == ENFORCER_PUBLISH)
        memcpy(bytes + sizeof(header) + offsetof(EnforcerPublishReply, reason), fake->reason,
               sizeof(fake->reason));
    memcpy(bytes, &header, sizeof(header));
    size += sizeof(header);
    if (mood == FAKE_TOO_LONG)
        size = sizeof(bytes);
    if (mood == FAKE_EMPTY)
        size = 3;
    if (fake->connections[request->connection] >= 0)
        (void)send(fake->connections[request->connection], bytes, size, MSG_NOSIGNAL);
}

static int fake_receive(int connection, FakeRequest *request)
{
    uint8_t bytes[ENFORCER_MESSAGE_MAX];
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {bytes, sizeof(bytes)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);

    if (n < (ssize_t)sizeof(EnforcerHeader))
        return -ECONNRESET;
    memcpy(&request->header, bytes, sizeof(request->header));
    memcpy(request->payload, bytes + sizeof(request->header), (size_t)n - sizeof(request->header));
    request->fd = -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&request->fd, CMSG_DATA(header), sizeof(int));
    return request->header.magic == ENFORCER_MAGIC &&
                   request->header.size == (size_t)n - sizeof(request->header)
               ? 0
               : -EBADMSG;
}

static int fake_on_request(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    FakeEnforcer *fake = userdata;
    FakeRequest *request = &fake->log[fake->count % FAKE_LOG_MAX];
    int index = 0;

    while (fake->connections[index] != fd)
        index++;
    if (fake_receive(fd, request) < 0) {
        fake_hang_up(fake, index);
        return 0;
    }
    request->connection = index;
    fake->count++;
    FakeMood mood = fake->moody == 0 || fake->count <= fake->moody ? fake->mood : FAKE_ANSWERS;
    if (mood == FAKE_HANGS_UP)
        fake_hang_up(fake, index);
    else if (mood != FAKE_SILENT)
        fake_answer(fake, request, mood);
    return 0;
}

static int fake_on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    FakeEnforcer *fake = userdata;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    for (int i = 0; connection >= 0 && i < FAKE_CONNECTIONS_MAX; i++) {
        if (fake->connections[i] >= 0)
            continue;
        fake->connections[i] = connection;
        fake->accepted++;
        return sd_event_add_io(fake->event, &fake->sources[i], connection, EPOLLIN,
                               fake_on_request, fake);
    }
    return -EMFILE;
}

static int fake_start(FakeEnforcer *fake)
{
    unlink(fake->address.sun_path);
    fake->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fake->listener < 0 ||
        bind(fake->listener, (struct sockaddr *)&fake->address, sizeof(fake->address)) < 0 ||
        listen(fake->listener, 8) < 0)
        return -errno;
    return sd_event_add_io(fake->event, &fake->listening, fake->listener, EPOLLIN,
                           fake_on_connection, fake);
}

/* As if the process had died: socket and connections gone. */
static void fake_stop(FakeEnforcer *fake)
{
    for (int i = 0; i < FAKE_CONNECTIONS_MAX; i++) {
        if (fake->connections[i] >= 0)
            fake_hang_up(fake, i);
    }
    fake->listening = sd_event_source_disable_unref(fake->listening);
    if (fake->listener >= 0)
        close(fake->listener);
    fake->listener = -1;
    unlink(fake->address.sun_path);
}

static FakeEnforcer *fake_new(sd_event *event, const char *path)
{
    FakeEnforcer *fake = calloc(1, sizeof(*fake));

    if (!fake)
        return NULL;
    fake->event = event;
    fake->listener = -1;
    fake->address.sun_family = AF_UNIX;
    strncpy(fake->address.sun_path, path, sizeof(fake->address.sun_path) - 1);
    for (int i = 0; i < FAKE_CONNECTIONS_MAX; i++)
        fake->connections[i] = -1;
    return fake;
}

static void fake_free(FakeEnforcer *fake)
{
    fake_stop(fake);
    for (size_t i = 0; i < fake->count && i < FAKE_LOG_MAX; i++) {
        if (fake->log[i].fd >= 0)
            close(fake->log[i].fd);
    }
    free(fake);
}

static int fake_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    *(bool *)userdata = true;
    return 0;
}

/* Runs the loop until `done` says so, or for `usec`. Returns whether it was done. */
static bool fake_run(sd_event *event, bool (*done)(void *), void *argument, uint64_t usec)
{
    sd_event_source *timer = NULL;
    bool over = false;

    if (sd_event_add_time_relative(event, &timer, CLOCK_MONOTONIC, usec, 1, fake_deadline,
                                   &over) < 0)
        return false;
    while (!done(argument) && !over) {
        if (sd_event_run(event, UINT64_MAX) < 0)
            break;
    }
    sd_event_source_disable_unref(timer);
    return done(argument);
}
