/*
 * What the Manager interface shows: accounts, sessions, groups and the helper's state as the
 * dictionaries that helper/uk.ac.rcpch.Helper1.xml describes.
 */
#pragma once

#include "helper/bus/explain.h"
#include "helper/manager.h"
#include "helper/session/sessions.h"

/* Each appends one a{sv} to a message. Returns 0 or a negative errno. */
int manager_view_status(sd_bus_message *message, Manager *manager);
int manager_view_user(sd_bus_message *message, Manager *manager, const Account *account);
int manager_view_group(sd_bus_message *message, Manager *manager, const GroupConfig *group);
int manager_view_explanation(sd_bus_message *message, Manager *manager,
                             const Explanation *explanation);
int manager_view_session(sd_bus_message *message, const SessionRow *session);
