/*
 * A process of a person's. See run-as.h.
 */
#include "tests/bench/run-as.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

pid_t run_as(const char *user, const char *const *command)
{
    const struct passwd *person = getpwnam(user);
    pid_t child = person ? fork() : -1;

    if (child != 0)
        return child;
    if (initgroups(person->pw_name, person->pw_gid) == 0 &&
        setresgid(person->pw_gid, person->pw_gid, person->pw_gid) == 0 &&
        setresuid(person->pw_uid, person->pw_uid, person->pw_uid) == 0)
        (void)execv(command[0], (char *const *)command);
    _exit(127);
}
