/*
 * The subject of a request. See subject.h.
 */
#include "pam_rcpch/subject.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/names.h"

#define PASSWD_TEXTS_SIZE 4096u

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

/* The invoking user of sudo or su. */
static Subject subject_of_actor(const char *ruser, uid_t caller)
{
    if (*ruser != '\0')
        return subject_of_user(ruser);
    return (Subject){.name = "", .ownership = caller == 0 ? OWNERSHIP_NOT_OURS : OWNERSHIP_UNKNOWN};
}

Subject subject_of_request(const char *user, const char *ruser, const char *service, uid_t caller)
{
    Subject target = subject_of_user(user);

    if (target.ownership != OWNERSHIP_NOT_OURS || !is_elevation_service(service))
        return target;
    if (strcmp(user, ruser) == 0)
        return target;
    Subject actor = subject_of_actor(ruser, caller);
    if (actor.ownership == OWNERSHIP_NOT_OURS)
        return target;
    actor.elevation = true;
    return actor;
}

bool subject_is_unknown(const Subject *subject)
{
    struct passwd row, *found = NULL;
    char texts[PASSWD_TEXTS_SIZE];
    int saved = errno;

    /* Local accounts are not to depend on getpwnam(), which may crash where memory has run out. */
    if (subject->ownership != OWNERSHIP_NOT_OURS || !name_is_valid(subject->name) ||
        ownership_may_be_local(subject->name))
        return false;
    int r = getpwnam_r(subject->name, &row, texts, sizeof(texts), &found);
    errno = saved;
    return r == 0 && !found; /* ERANGE is somebody with long texts */
}

bool subject_is_ours(const Subject *subject)
{
    return subject->ownership == OWNERSHIP_OURS || subject->ownership == OWNERSHIP_TIED;
}
