/*
 * What must hold between the values of a configuration, and the defaults of what was left out.
 */
#pragma once

#include "helper/config/config.h"
#include "helper/config/config-report.h"

/* Fills what has a default and was not set. Returns 0, -ENOMEM. */
int config_fill(Config *config);

/* All checks that need more than one value; run after config_fill(). `check_owner`: also owner
 * and mode of the files that the configuration names. */
void config_check(const Config *config, bool check_owner, ConfigReport *report);

/* Of these: what the provider's type and claims ask for (config-check-type.c). */
void config_check_type(const ProviderConfig *provider, ConfigReport *report);
