/*
 * The configuration's way into the running helper: at start and at a reload (design §7).
 */
#pragma once

#include "helper/manager.h"

/* At start: reads it and builds the providers. When it is broken, the defaults stand in (no
 * provider, nobody allowed), alarmed, with the messages in manager->config_error. Returns 0 or a
 * negative errno. */
int manager_load_config(Manager *manager);

/* The local accounts of [service-account] sections that are not there yet: nobody adds them by
 * hand. What cannot be added is alarmed. */
void manager_add_service_accounts(Manager *manager);

/* Pins of [user] sections that are not in force, because the account had a number before: alarmed,
 * and said in `messages` unless that is NULL. */
void manager_tell_pins(Manager *manager, ConfigMessages *messages);
