/*
 * Local users that may ask. See local-caller.h.
 */
#include "helper/bus/local-caller.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/base/text-list.h"

static bool has_number(char *const *users, uid_t uid)
{
    char number[16];

    (void)snprintf(number, sizeof(number), "%u", uid);
    return text_list_contains(users, number);
}

static bool has_name_of(char *const *users, uid_t uid, const char *passwd_file)
{
    _cleanup_fclose_ FILE *stream = fopen(passwd_file, "re");
    const struct passwd *entry;

    while (stream && (entry = fgetpwent(stream)))
        if (entry->pw_uid == uid && text_list_contains(users, entry->pw_name))
            return true;
    return false;
}

bool local_caller_is(char *const *users, uid_t uid, const char *passwd_file)
{
    if (uid == 0 || !users[0])
        return false;
    return has_number(users, uid) || has_name_of(users, uid, passwd_file);
}
