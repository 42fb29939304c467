/*
 * AllowFrom=: networks, single addresses, and "local" for what comes from no remote host.
 *
 *   10.0.0.0/8  192.0.2.7  2001:db8::/32  local
 *
 * Where a request comes from is PAM_RHOST, and only a literal address counts: a host name is what
 * its owner's name server says.
 */
#pragma once

#include <stdbool.h>

/* What is wrong with an entry: one clause, static; NULL when nothing is. */
const char *network_fault(const char *entry);

/* Is `rhost` ("" for no remote host) in one of the entries? A zone ("%eth0") is not looked at, and
 * an IPv4 address in IPv6's clothes is IPv4. False for an empty list. */
bool networks_contain(char *const *entries, const char *rhost);

/* Are both addresses one place's, so that who has one can have the other for nothing? The host
 * itself (127.0.0.0/8 and ::1), or one network of 2^64 addresses of IPv6. Anything else, host names
 * and "" too, only when it is the same text. */
bool networks_same_place(const char *a, const char *b);

/* Why networks_contain() said no, for the log; static. */
const char *networks_refusal(const char *rhost);
