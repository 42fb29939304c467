/*
 * Whose access is judged, and is that account ours? (design §2)
 *
 * Usually PAM_USER. When PAM_USER is local and PAM_RUSER is ours, in sudo, sudo-i, su and su-l
 * only, it is PAM_RUSER: so every elevation of our accounts is seen. root is never ours, whatever
 * any file says.
 *
 * su leaves PAM_RUSER out when it cannot find its caller's name, and a caller can bring that about
 * (with limits on memory, say). Such a caller is unknown, not nobody.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/ownership.h"

typedef struct Subject {
    const char *name; /* borrowed from the arguments below */
    Ownership ownership;
    bool elevation; /* name is PAM_RUSER, somebody else's session or account is asked for */
} Subject;

/* Authentication and password phase: only PAM_USER counts. */
Subject subject_of_user(const char *user);

/* Account and session phase. No text may be NULL; `caller` is the process's real uid. */
Subject subject_of_request(const char *user, const char *ruser, const char *service, uid_t caller);

/* True for a name that ours could have and that no account on this host has, by getpwnam(3); false
 * where that cannot be told. Root is always somebody. */
bool subject_is_unknown(const Subject *subject);

/* True when the helper must be asked. */
bool subject_is_ours(const Subject *subject);
