/*
 * What the administrator must hear, kept for `status`: the newest, bounded, and each text said
 * again only after a while, so that a fault that repeats every second does not fill the log.
 */
#pragma once

#include <stdbool.h>
#include "helper/manager.h"

/* Remembers `text` at `now_usec` (CLOCK_BOOTTIME). True when it is to be said: it is new, or was
 * said long ago. */
bool alarms_add(Manager *manager, const char *text, uint64_t now_usec);
/* Forgets the alarms that begin with `start`: what they said is over. */
void alarms_drop(Manager *manager, const char *start);
void alarms_clear(Manager *manager);
