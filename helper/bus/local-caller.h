/*
 * Who may ask for what beside root: the local users that CallerUid= and VerifyUsers= name.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Is this one of `users`, each a name or a number? Names are looked up in `passwd_file` alone, each
 * time: no directory account can take the name of one, and `useradd` tells nobody. False for root,
 * and for names when the file cannot be read. */
bool local_caller_is(char *const *users, uid_t uid, const char *passwd_file);
