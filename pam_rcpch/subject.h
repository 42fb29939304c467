/*
 * Whose access is judged, and is that account ours? (design §2)
 *
 * Usually PAM_USER. When PAM_USER is local and PAM_RUSER is ours, in sudo, sudo-i, su and su-l
 * only, it is PAM_RUSER: so every elevation of our accounts is seen. root is never ours, whatever
 * any file says.
 */
#pragma once

#include <stdbool.h>

#include "common/ownership.h"

typedef struct Subject {
    const char *name;    /* borrowed from the arguments below */
    Ownership ownership;
    bool elevation;      /* name is PAM_RUSER, somebody else's session or account is asked for */
} Subject;

/* Authentication and password phase: only PAM_USER counts. */
Subject subject_of_user(const char *user);

/* Account and session phase. No argument may be NULL. */
Subject subject_of_request(const char *user, const char *ruser, const char *service);

/* True when the helper must be asked. */
bool subject_is_ours(const Subject *subject);
