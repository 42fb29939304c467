/*
 * Who calls? The EUID that the bus recorded for the connection when it was made, and nothing else:
 * no /proc look-up (a process can be another one by then), nothing the caller says (design §2).
 */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

/* Returns 0 and the EUID, or a negative errno: then the call is to be refused. */
int bus_caller_uid(sd_bus_message *message, uid_t *ret_uid);

/* 0 when the caller is root; otherwise a negative errno with `ret_error` filled (AccessDenied). */
int bus_caller_require_root(sd_bus_message *message, sd_bus_error *ret_error);
