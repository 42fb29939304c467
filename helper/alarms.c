/*
 * The list of alarms. See alarms.h.
 */
#include "helper/alarms.h"

#include <string.h>

#define ALARMS_MAX 32u
#define AGAIN_USEC (600 * USEC_PER_SEC)

static bool make_room(Manager *manager)
{
    if (!manager->alarms)
        manager->alarms = calloc(ALARMS_MAX + 1, sizeof(*manager->alarms));
    if (!manager->alarm_usec)
        manager->alarm_usec = calloc(ALARMS_MAX + 1, sizeof(*manager->alarm_usec));
    return manager->alarms && manager->alarm_usec;
}

static void drop(Manager *manager, size_t index)
{
    size_t behind = manager->alarm_count - index - 1;

    free(manager->alarms[index]);
    memmove(&manager->alarms[index], &manager->alarms[index + 1],
            behind * sizeof(*manager->alarms));
    memmove(&manager->alarm_usec[index], &manager->alarm_usec[index + 1],
            behind * sizeof(*manager->alarm_usec));
    manager->alarms[--manager->alarm_count] = NULL;
}

bool alarms_add(Manager *manager, const char *text, uint64_t now_usec)
{
    if (!make_room(manager))
        return true;
    for (size_t i = 0; i < manager->alarm_count; i++) {
        if (strcmp(manager->alarms[i], text) != 0)
            continue;
        if (now_usec - manager->alarm_usec[i] < AGAIN_USEC)
            return false;
        drop(manager, i);
        break;
    }
    if (manager->alarm_count == ALARMS_MAX)
        drop(manager, 0);
    char *copy = strdup(text);
    if (!copy)
        return true;
    manager->alarms[manager->alarm_count] = copy;
    manager->alarm_usec[manager->alarm_count++] = now_usec;
    return true;
}

void alarms_drop(Manager *manager, const char *start)
{
    for (size_t i = manager->alarm_count; i-- > 0;) {
        if (strncmp(manager->alarms[i], start, strlen(start)) == 0)
            drop(manager, i);
    }
}

void alarms_clear(Manager *manager)
{
    while (manager->alarm_count > 0)
        drop(manager, 0);
    free(manager->alarms);
    free(manager->alarm_usec);
    manager->alarms = NULL;
    manager->alarm_usec = NULL;
}
