/*
 * Configurations that a reload replaced, kept until nothing can be using them.
 *
 * Operations under way hold their provider, and a provider borrows its configuration. A sign-in
 * lasts at most LOGIN_LIFE_MAX_USEC; after that the old generation is freed. So a reload disturbs
 * no sign-in and no redemption, and what they bring is judged by the new configuration.
 */
#pragma once

#include "helper/manager.h"

#define LOGIN_LIFE_MAX_USEC (900 * USEC_PER_SEC)

/* Takes `config` and its providers over. -EBUSY when too many generations wait: the reload is then
 * refused. */
int retired_add(Manager *manager, Config *config, Provider **providers);
/* Room for one more? 0 or -EBUSY. */
int retired_check(const Manager *manager);
/* At the helper's end. */
void retired_clear(Manager *manager);

/* Frees a list of `count` providers. Takes NULL, returns NULL. */
Provider **providers_free(Provider **providers, size_t count);
