/*
 * The helper's side of the enforcer socket, asynchronous (common/enforcer-protocol.h).
 *
 * Two connections: one for end and tell, one for publish and append, so that a slow disk never
 * delays a cut. Reconnects by itself. A handler is called exactly once, from the loop; with
 * -ENOTCONN or -ETIMEDOUT when the enforcer cannot be reached, with -ECANCELED when the client is
 * freed. A handler may start new requests but not free the client.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>
#include "common/enforcer-protocol.h"
#include "common/record.h"
#include "common/cleanup.h"

typedef struct EnforcerClient EnforcerClient;

typedef void (*EnforcerEndHandler)(int result, const EnforcerEndReply *reply, void *userdata);
typedef void (*EnforcerPublishHandler)(int result, const EnforcerPublishReply *reply,
                                       void *userdata);
typedef void (*EnforcerAppendHandler)(int result, const EnforcerAppendReply *reply, void *userdata);
typedef void (*EnforcerTellHandler)(int result, const EnforcerTellReply *reply, void *userdata);

int enforcer_client_new(sd_event *event, const char *socket_path, EnforcerClient **ret_client);
EnforcerClient *enforcer_client_free(EnforcerClient *client);
DEFINE_CLEANUP(EnforcerClient *, enforcer_client_free)
bool enforcer_client_connected(const EnforcerClient *client);

/* Handlers may be NULL. `reply` is never NULL; it is zero unless the enforcer filled it. Each
 * returns 0 when queued, or a negative errno (then the handler is not called): -ENOTCONN for
 * end, tell and publish without a connection, -ENOBUFS when ENFORCER_QUEUE_MAX requests wait,
 * -EMSGSIZE, -ENOMEM.
 *
 * end and tell time out after 5 s, publish after 30 s. A record to append survives
 * reconnections: unanswered, it is sent again, so that a line may come twice but not never.
 * With a handler, -ETIMEDOUT comes after 10 s and the record is then the caller's to append
 * again (it may still be written); without one it is kept until it is answered. tell cuts at
 * ENFORCER_TELL_MAX; publish duplicates the descriptor. */
int enforcer_end(EnforcerClient *client, uint32_t uid, EnforcerHow how, EnforcerEndHandler handler,
                 void *userdata);
/* `how` is LOOK, TERM or KILL, of what runs by another's right only; `spared` are left alone, at
 * most ENFORCER_SPARED_MAX. */
int enforcer_end_elevated(EnforcerClient *client, uint32_t uid, EnforcerHow how,
                          const int32_t *spared, size_t spared_count, EnforcerEndHandler handler,
                          void *userdata);
int enforcer_publish(EnforcerClient *client, int memfd, EnforcerPublishHandler handler,
                     void *userdata);
int enforcer_append(EnforcerClient *client, const Record *record, EnforcerAppendHandler handler,
                    void *userdata);
int enforcer_tell(EnforcerClient *client, uint32_t uid, const char *text,
                  EnforcerTellHandler handler, void *userdata);
