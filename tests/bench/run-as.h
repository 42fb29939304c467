/*
 * A process of a person's.
 */
#pragma once

#include <sys/types.h>

/* Starts a command (a path and its arguments, NULL-terminated) with the numbers of `user` and
 * without a session. Returns its process id, or -1 when there is no such user or no process. */
pid_t run_as(const char *user, const char *const *command);
