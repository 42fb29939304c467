/*
 * The users of CallerUid=. See service-caller.h.
 */
#include "helper/bus/service-caller.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/base/text-list.h"

/* config-check-service.c has seen that what begins with a digit is a number: no name does. */
static bool has_number(char *const *callers, uid_t uid)
{
    for (size_t i = 0; callers[i]; i++)
        if (callers[i][0] >= '0' && callers[i][0] <= '9' && strtoull(callers[i], NULL, 10) == uid)
            return true;
    return false;
}

static bool has_name_of(char *const *callers, uid_t uid, const char *passwd_file)
{
    _cleanup_fclose_ FILE *stream = fopen(passwd_file, "re");
    const struct passwd *entry;

    while (stream && (entry = fgetpwent(stream)))
        if (entry->pw_uid == uid && text_list_contains(callers, entry->pw_name))
            return true;
    return false;
}

bool service_caller_is(const ServiceConfig *service, uid_t uid, const char *passwd_file)
{
    if (!service || uid == 0 || !service->caller_uid[0])
        return false;
    return has_number(service->caller_uid, uid) ||
           has_name_of(service->caller_uid, uid, passwd_file);
}
