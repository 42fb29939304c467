/*
 * Which way a request goes: by the proxy of Proxy=, or straight.
 *
 * Straight are the names of NoProxy=, and this host itself, which is another one seen from a proxy.
 * What the environment says of proxies is never asked.
 */
#pragma once

#include <stdbool.h>

#include "helper/config/config.h"
#include "helper/provider/http.h"

/* What is wrong with an entry of NoProxy=: one clause, static; NULL when nothing is. */
const char *no_proxy_fault(const char *entry);

/* Does a request to `url` go straight although there is a proxy? An entry of `no_proxy` is a host
 * name, which means those below it, too; an address; or a network. A name is not looked up: it is
 * in no network. */
bool route_is_straight(const char *url, char *const *no_proxy);

/* What all requests to a provider have in common; the strings are borrowed. The rest is empty. */
HttpOptions http_options_for(const ProviderConfig *config);
