/*
 * The subject of a request. See subject.h.
 */
#include "pam_rcpch/subject.h"

#include <string.h>

#include "common/cleanup.h"

/* The services whose PAM_RUSER is the invoking user as the program itself found it out. */
static const char *const elevation_services[] = {"sudo", "sudo-i", "su", "su-l"};

static bool is_elevation_service(const char *service)
{
    for (size_t i = 0; i < ELEMENTSOF(elevation_services); i++)
        if (strcmp(service, elevation_services[i]) == 0)
            return true;
    return false;
}

Subject subject_of_user(const char *user)
{
    bool root = strcmp(user, "root") == 0;

    return (Subject){.name = user, .ownership = root ? OWNERSHIP_NOT_OURS : ownership_of(user)};
}

Subject subject_of_request(const char *user, const char *ruser, const char *service)
{
    Subject target = subject_of_user(user);

    if (target.ownership != OWNERSHIP_NOT_OURS)
        return target;
    if (*ruser == '\0' || strcmp(user, ruser) == 0 || !is_elevation_service(service))
        return target;
    Subject actor = subject_of_user(ruser);
    if (actor.ownership == OWNERSHIP_NOT_OURS)
        return target;
    actor.elevation = true;
    return actor;
}

bool subject_is_ours(const Subject *subject)
{
    return subject->ownership == OWNERSHIP_OURS || subject->ownership == OWNERSHIP_TIED;
}
