/*
 * Replaced configurations. See retired.h.
 */
#include "helper/retired.h"

#include <errno.h>

#define GENERATIONS_MAX 64u
#define MARGIN_USEC     (60 * USEC_PER_SEC)

struct Retired {
    Retired *next;
    Manager *manager;
    Config *config;
    Provider **providers;
    sd_event_source *timer;
};

Provider **providers_free(Provider **providers, size_t count)
{
    if (!providers)
        return NULL;
    for (size_t i = 0; i < count; i++)
        provider_free(providers[i]);
    free(providers);
    return NULL;
}

static Retired *retired_free(Retired *retired)
{
    if (!retired)
        return NULL;
    sd_event_source_disable_unref(retired->timer);
    if (retired->config)
        providers_free(retired->providers, retired->config->provider_count);
    config_free(retired->config);
    free(retired);
    return NULL;
}
DEFINE_CLEANUP(Retired *, retired_free)

static bool is_in_use(const Retired *retired)
{
    for (size_t i = 0; i < retired->config->provider_count; i++)
        if (provider_is_busy(retired->providers[i]))
            return true;
    return false;
}

/* After a suspended hour all timers are due at once, this one perhaps before an operation's own. */
static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    Retired *retired = userdata;
    Retired **link = &retired->manager->retired;

    if (is_in_use(retired)) {
        int r = sd_event_source_set_time_relative(source, MARGIN_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    }
    while (*link && *link != retired)
        link = &(*link)->next;
    if (*link)
        *link = retired->next;
    retired_free(retired);
    return 0;
}

int retired_check(const Manager *manager)
{
    unsigned count = 0;

    for (const Retired *retired = manager->retired; retired; retired = retired->next)
        count++;
    return count < GENERATIONS_MAX ? 0 : -EBUSY;
}

int retired_add(Manager *manager, Config *config, Provider **providers)
{
    int r = retired_check(manager);
    if (r < 0)
        return r;
    _cleanup_(retired_freep) Retired *retired = calloc(1, sizeof(*retired));
    if (!retired)
        return -ENOMEM;
    r = sd_event_add_time_relative(manager->event, &retired->timer, CLOCK_BOOTTIME,
                                   LOGIN_LIFE_MAX_USEC + MARGIN_USEC, USEC_PER_SEC, on_time,
                                   retired);
    if (r < 0)
        return r;
    retired->manager = manager;
    retired->config = config;
    retired->providers = providers;
    retired->next = manager->retired;
    manager->retired = retired;
    retired = NULL;
    return 0;
}

void retired_clear(Manager *manager)
{
    while (manager->retired) {
        Retired *retired = manager->retired;
        manager->retired = retired->next;
        retired_free(retired);
    }
}
