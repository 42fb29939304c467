/*
 * Who may ask for a service beside root: the users that [service] CallerUid= names.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include "helper/config/config.h"

/* Is this one of the service's own users? Names are looked up in `passwd_file` alone, each time:
 * no directory account can take the name of one, and `useradd` tells nobody. False for a NULL
 * service, for root, and when the file cannot be read. */
bool service_caller_is(const ServiceConfig *service, uid_t uid, const char *passwd_file);
