/*
 * The audit session. See audit.h.
 */
#include "common/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"

uint32_t audit_session_of_self(void)
{
    _cleanup_fclose_ FILE *file = fopen("/proc/self/sessionid", "re");
    char text[16], *end;

    if (!file || !fgets(text, sizeof(text), file) || *text < '0' || *text > '9')
        return AUDIT_SESSION_NONE;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || (*end != '\0' && *end != '\n') || number >= AUDIT_SESSION_NONE)
        return AUDIT_SESSION_NONE;
    return (uint32_t)number;
}
