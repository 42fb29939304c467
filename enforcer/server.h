/*
 * The enforcer's socket: who may speak, and what may be said (design §1).
 */
#pragma once

#include <systemd/sd-event.h>
#include "enforcer/worker.h"

typedef struct Server Server;

/* Serves `listen_fd` (taken over) on the event loop. `settings` and `worker` are borrowed and
 * outlive the server. Peers must be root or the user `peer_uid`. */
int server_new(sd_event *event, int listen_fd, uid_t peer_uid, Settings *settings, Worker *worker,
               Server **ret_server);
Server *server_free(Server *server);
DEFINE_CLEANUP(Server *, server_free)
