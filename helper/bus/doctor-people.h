/*
 * What `doctor` tells of a provider's people without asking the provider: members whose name no
 * account can have, roles of [group] sections that no token ever told of, and local accounts that
 * are tied to them and that nobody gets in by.
 */
#pragma once

#include "helper/provider/provider-test.h"

typedef struct Manager Manager;

/* Adds rows about the provider of that section, none where there is nothing to tell. */
void doctor_people(const Manager *manager, const char *provider, ProviderTestReport *report);
