/*
 * What an administrator does about what a provider answered: the command or the portal's page.
 * Data, as the evidence table is; what an answer proves about an account is said there.
 */
#pragma once

#include "helper/config/config.h"

/* `what`: the log's word for the answer or the fault, such as "invalid_client 7000218", "http 404"
 * or "connection refused". Never NULL: what has no row is advised about in general. Static. */
const char *provider_mend(ProviderType type, const char *what);
