/*
 * How a directory does. See directory-health.h.
 */
#include "helper/directory/directory-health.h"

#include "helper/base/hostile-text.h"

void directory_health_failed(DirectoryHealth *health, const char *what, uint64_t wall_usec)
{
    hostile_text_to_ascii(what, health->error, sizeof(health->error));
    if (health->error_since_usec == 0)
        health->error_since_usec = wall_usec;
}

void directory_health_synced(DirectoryHealth *health, uint64_t wall_usec)
{
    health->synced_usec = wall_usec;
    health->error_since_usec = 0;
    health->error[0] = '\0';
}

bool directory_health_is_stale(uint64_t silent_usec, uint64_t poll_usec, uint64_t round_usec)
{
    uint64_t round = round_usec > poll_usec ? round_usec : poll_usec;

    return silent_usec > DIRECTORY_STALE_ROUNDS * round;
}
