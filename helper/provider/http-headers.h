/*
 * The reply headers we act on, as pure functions, and which addresses may be asked at all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest wait a provider can impose on us. */
#define RETRY_AFTER_MAX_USEC (UINT64_C(3600) * 1000000u)

/* Retry-After (RFC 9110 §10.2.3): seconds, also with a fraction, or a date seen from `now_sec`.
 * Microseconds, capped; 0 when absent, in the past or not understood. `value` need not be
 * NUL-terminated. */
uint64_t retry_after_parse(const char *value, size_t size, uint64_t now_sec);

/* max-age of Cache-Control (RFC 9111 §5.2.2.1), microseconds, capped at a week; 0 when there is
 * none, or no-store or no-cache forbid it. */
uint64_t max_age_parse(const char *value, size_t size);

/* The address of rel="next" in a Link header (RFC 8288 §3). Returns 0 when there is one, 1 when the
 * header has none, -EBADMSG when it is not understood or the address does not fit. */
int link_next_parse(const char *value, size_t size, char *out, size_t out_size);

/* X-Rate-Limit-Reset as Okta has it: seconds since the epoch, seen from `now_sec` of the same
 * clock. As retry_after_parse(); what has passed already is a second. */
uint64_t limit_reset_parse(const char *value, size_t size, uint64_t now_sec);

/* A date as Date has it (RFC 9110 §6.6.1), seconds since the epoch; 0 when it is not understood. */
uint64_t http_date_parse(const char *value, size_t size);

/* https, or http to a literal 127.0.0.0/8, ::1 or "localhost" when `allow_insecure_loopback`. No
 * user in it. */
bool url_is_allowed(const char *url, bool allow_insecure_loopback);
