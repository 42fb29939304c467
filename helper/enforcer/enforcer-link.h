/*
 * One connection to the enforcer: a bounded queue of requests, their tags, deadlines, and the
 * connection's own coming and going. Knows no verb's payload.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "common/cleanup.h"
#include "common/enforcer-protocol.h"

typedef struct EnforcerLink EnforcerLink;
typedef struct EnforcerCall EnforcerCall;

/* How a call ended: the reply's payload when one of the right size came, else NULL. */
typedef void (*EnforcerCallHandler)(const EnforcerCall *call, int result, const void *payload);

/* A request to be queued; copied. */
struct EnforcerCall {
    EnforcerVerb verb;
    size_t reply_size;          /* exactly what the verb's reply holds */
    uint64_t timeout_usec;      /* from queueing to the handler's -ETIMEDOUT */
    bool survives;              /* sent again on the next connection instead of -ENOTCONN */
    bool keep;                  /* kept after the timeout too, until it is answered */
    EnforcerCallHandler handler;
    void (*user_handler)(void); /* for `handler`, cast back to its own type */
    void *userdata;
};

int enforcer_link_new(sd_event *event, const char *socket_path, EnforcerLink **ret_link);

/* Every call that waits is told -ECANCELED. */
EnforcerLink *enforcer_link_free(EnforcerLink *link);
DEFINE_CLEANUP(EnforcerLink *, enforcer_link_free)

bool enforcer_link_connected(const EnforcerLink *link);

/* Queues a request; it is sent from the loop. `fd` (or -1) is duplicated. Returns 0; -ENOTCONN when
 * there is no connection and the call does not survive that; -ENOBUFS when the queue is full;
 * -EMSGSIZE; -ENOMEM; then the handler is not called. */
int enforcer_link_call(EnforcerLink *link, const EnforcerCall *call, const void *payload,
                       size_t size, int fd);
