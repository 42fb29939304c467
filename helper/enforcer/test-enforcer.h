/*
 * For tests: an enforcer that has no process to end, only numbers.
 *
 * Listens on a SOCK_SEQPACKET socket in the test's own event loop, speaks
 * common/enforcer-protocol.h, keeps what it was asked with the time of it, and can be away, be
 * silent, answer late, refuse, and have processes that do not die.
 */
#pragma once

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-event.h>

#include "common/cleanup.h"
#include "common/enforcer-protocol.h"
#include "common/record.h"

#define FAKE_CONNECTIONS 8
#define FAKE_CALLS       4096
#define FAKE_ACCOUNTS    512

typedef struct FakeCall {
    EnforcerVerb verb;
    EnforcerHow how;
    uint32_t uid;
    uint64_t usec; /* CLOCK_BOOTTIME */
    RecordEvent event;
    char text[1500]; /* of TELL; of APPEND "key=value key=value" */
} FakeCall;

typedef struct FakeAccount {
    uint32_t uid;
    uint32_t processes;
    bool ignores_term;
    unsigned kills_needed; /* SIGKILL rounds until the processes are gone; 0 = at the first */
} FakeAccount;

typedef struct FakeEnforcer {
    sd_event *event;
    char path[100];
    int listener;
    sd_event_source *accept;
    struct {
        int fd;
        sd_event_source *io;
    } connections[FAKE_CONNECTIONS];
    FakeCall calls[FAKE_CALLS];
    unsigned call_count;
    FakeAccount accounts[FAKE_ACCOUNTS];
    uint32_t terminals;  /* that take a TELL */
    int32_t refuses_end; /* negative errno for END */
    int32_t refuses_tell;
    bool is_silent; /* takes requests and never answers */
} FakeEnforcer;

static inline uint64_t fake_now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static inline FakeAccount *fake_account(FakeEnforcer *fake, uint32_t uid)
{
    for (unsigned i = 0; i < FAKE_ACCOUNTS; i++)
        if (fake->accounts[i].uid == uid || fake->accounts[i].uid == 0) {
            fake->accounts[i].uid = uid;
            return &fake->accounts[i];
        }
    return &fake->accounts[0];
}

static inline void fake_end(FakeEnforcer *fake, const EnforcerEndRequest *request,
                            EnforcerEndReply *reply)
{
    FakeAccount *account = fake_account(fake, request->uid);

    reply->found = account->processes;
    if (request->how == ENFORCER_TERM && !account->ignores_term)
        account->processes = 0;
    if (request->how == ENFORCER_KILL) {
        if (account->kills_needed > 0)
            account->kills_needed--;
        else
            account->processes = 0;
    }
    reply->left = account->processes;
    if (account->processes > 0) {
        reply->survivor_count = 1;
        reply->survivors[0].pid = 4242;
        snprintf(reply->survivors[0].command, sizeof(reply->survivors[0].command), "stubborn");
    }
}

static inline void fake_note_record(FakeCall *call, const uint8_t *bytes, size_t size)
{
    Record record;
    size_t used = 0;

    if (record_decode(bytes, size, &record) < 0)
        return;
    call->event = record.event;
    for (int field = 1; field < _RECORD_FIELD_COUNT; field++) {
        const RecordValue *value = &record.fields[field];

        if (!value->text || used >= sizeof(call->text))
            continue;
        used += (size_t)snprintf(call->text + used, sizeof(call->text) - used, "%s=%.*s ",
                                 record_field_to_key((RecordField)field), (int)value->size,
                                 value->text);
    }
}

static inline size_t fake_handle(FakeEnforcer *fake, const EnforcerHeader *header,
                                 const uint8_t *body, uint8_t *reply, int32_t *ret_result)
{
    FakeCall *call =
        &fake->calls[fake->call_count < FAKE_CALLS ? fake->call_count++ : FAKE_CALLS - 1];

    memset(call, 0, sizeof(*call));
    call->verb = (EnforcerVerb)header->verb;
    call->usec = fake_now_usec();
    switch (call->verb) {
    case ENFORCER_END: {
        EnforcerEndRequest request;
        EnforcerEndReply end = {0};

        memcpy(&request, body, sizeof(request));
        call->uid = request.uid;
        call->how = (EnforcerHow)request.how;
        *ret_result = fake->refuses_end;
        if (fake->refuses_end == 0)
            fake_end(fake, &request, &end);
        memcpy(reply, &end, sizeof(end));
        return sizeof(end);
    }
    case ENFORCER_TELL: {
        EnforcerTellRequest request;
        EnforcerTellReply told = {.terminals = fake->terminals};

        memcpy(&request, body, sizeof(request));
        call->uid = request.uid;
        snprintf(call->text, sizeof(call->text), "%.*s", (int)request.text_size,
                 (const char *)body + sizeof(request));
        *ret_result = fake->refuses_tell;
        memcpy(reply, &told, sizeof(told));
        return sizeof(told);
    }
    case ENFORCER_APPEND: {
        EnforcerAppendReply appended = {
            .sequence = fake->call_count, .to_file = 1, .to_journal = 1};

        fake_note_record(call, body, header->size);
        memcpy(reply, &appended, sizeof(appended));
        return sizeof(appended);
    }
    case ENFORCER_PUBLISH: {
        EnforcerPublishReply published = {.generation = fake->call_count};

        memcpy(reply, &published, sizeof(published));
        return sizeof(published);
    }
    }
    return 0;
}

static inline void fake_hang_up(FakeEnforcer *fake, unsigned index)
{
    fake->connections[index].io = sd_event_source_disable_unref(fake->connections[index].io);
    if (fake->connections[index].fd >= 0)
        close(fake->connections[index].fd);
    fake->connections[index].fd = -1;
}

static inline int fake_on_request(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    FakeEnforcer *fake = userdata;
    uint8_t request[ENFORCER_MESSAGE_MAX], reply[ENFORCER_MESSAGE_MAX];
    EnforcerHeader header;
    ssize_t n = recv(fd, request, sizeof(request), MSG_DONTWAIT);

    if (n < (ssize_t)sizeof(header)) {
        for (unsigned i = 0; i < FAKE_CONNECTIONS; i++)
            if (fake->connections[i].fd == fd)
                fake_hang_up(fake, i);
        return 0;
    }
    memcpy(&header, request, sizeof(header));
    header.result = 0;
    header.size = (uint32_t)fake_handle(fake, &header, request + sizeof(header),
                                        reply + sizeof(header), &header.result);
    memcpy(reply, &header, sizeof(header));
    if (!fake->is_silent)
        (void)send(fd, reply, sizeof(header) + header.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return 0;
}

static inline int fake_on_connect(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    FakeEnforcer *fake = userdata;
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (unsigned i = 0; i < FAKE_CONNECTIONS && connection >= 0; i++)
        if (fake->connections[i].fd < 0) {
            fake->connections[i].fd = connection;
            return sd_event_add_io(fake->event, &fake->connections[i].io, connection, EPOLLIN,
                                   fake_on_request, fake);
        }
    if (connection >= 0)
        close(connection);
    return 0;
}

/* Away: nobody listens, and what was connected is cut. */
static inline void fake_down(FakeEnforcer *fake)
{
    for (unsigned i = 0; i < FAKE_CONNECTIONS; i++)
        fake_hang_up(fake, i);
    fake->accept = sd_event_source_disable_unref(fake->accept);
    if (fake->listener >= 0)
        close(fake->listener);
    fake->listener = -1;
    unlink(fake->path);
}

static inline int fake_up(FakeEnforcer *fake)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake->path);
    fake->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fake->listener < 0 ||
        bind(fake->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fake->listener, FAKE_CONNECTIONS) < 0)
        return -errno;
    return sd_event_add_io(fake->event, &fake->accept, fake->listener, EPOLLIN, fake_on_connect,
                           fake);
}

static inline int fake_new(sd_event *event, const char *directory, FakeEnforcer **ret_fake)
{
    FakeEnforcer *fake = calloc(1, sizeof(*fake));

    if (!fake)
        return -ENOMEM;
    fake->event = event;
    fake->terminals = 1;
    snprintf(fake->path, sizeof(fake->path), "%s/enforcer.sock", directory);
    for (unsigned i = 0; i < FAKE_CONNECTIONS; i++)
        fake->connections[i].fd = -1;
    *ret_fake = fake;
    return fake_up(fake);
}

static inline FakeEnforcer *fake_free(FakeEnforcer *fake)
{
    if (fake)
        fake_down(fake);
    free(fake);
    return NULL;
}

/* The n-th call (from 0) of that verb about that uid (0: any); NULL when there was none. */
static inline const FakeCall *fake_find(const FakeEnforcer *fake, EnforcerVerb verb, uint32_t uid,
                                        unsigned n)
{
    for (unsigned i = 0; i < fake->call_count; i++)
        if (fake->calls[i].verb == verb && (uid == 0 || fake->calls[i].uid == uid) && n-- == 0)
            return &fake->calls[i];
    return NULL;
}

/* The first record of that event whose fields contain both texts (either may be NULL). */
static inline const FakeCall *fake_record(const FakeEnforcer *fake, RecordEvent event,
                                          const char *a, const char *b)
{
    for (unsigned i = 0; i < fake->call_count; i++) {
        const FakeCall *call = &fake->calls[i];

        if (call->verb == ENFORCER_APPEND && call->event == event &&
            (!a || strstr(call->text, a)) && (!b || strstr(call->text, b)))
            return call;
    }
    return NULL;
}
