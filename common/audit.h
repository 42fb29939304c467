/*
 * The kernel's audit session of this process: the same number in a login session and in whatever
 * sudo, su, at or cron start from it, so that the helper finds the login an elevation belongs to.
 */
#pragma once

#include <stdint.h>

#define AUDIT_SESSION_NONE UINT32_MAX /* the kernel's own word for it */

/* Never fails: AUDIT_SESSION_NONE without a session, without /proc, and on kernels without
 * audit. */
uint32_t audit_session_of_self(void);
