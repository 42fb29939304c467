/* The clock of the enforcer's own time limits. See clock.h. */
#include "enforcer/clock.h"

#include <time.h>

uint64_t monotonic_usec(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
