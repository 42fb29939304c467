/*
 * The device authorization response (RFC 8628 §3.2), and how often to poll after it (§3.5): pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/secret.h"
#include "helper/provider/evidence.h"

typedef struct DeviceResponse {
    Secret *device_code;
    char *user_code;
    char *verification_uri;
    char *verification_uri_complete; /* NULL if absent or not usable */
    uint64_t expires_in_sec;         /* 1 … DEVICE_LIFE_MAX_SEC */
    uint64_t interval_sec;           /* 1 … DEVICE_INTERVAL_MAX_SEC */
} DeviceResponse;

#define DEVICE_LIFE_MAX_SEC         1800u
#define DEVICE_INTERVAL_DEFAULT_SEC 5u
#define DEVICE_INTERVAL_MAX_SEC     60u

/* Reads a 200 reply. Codes and addresses for people are stripped to printable ASCII; an address
 * must be https (http to loopback where `allow_insecure_loopback`). Returns 0, -EBADMSG with a
 * static *ret_reason, -ENOMEM; the response is empty then. */
int device_response_parse(const char *data, size_t size, bool allow_insecure_loopback,
                          DeviceResponse *ret_response, const char **ret_reason);
void device_response_clear(DeviceResponse *response);

typedef struct DevicePace {
    uint64_t interval_sec; /* slow_down has been added, for good */
    uint64_t backoff_sec;  /* 0, or the doubled pause after faults */
} DevicePace;

/* Starts at the announced interval, plus what the type needs (provider-type.h). */
void device_pace_start(DevicePace *pace, ProviderType type, uint64_t interval_sec);

/* The pause before the next poll, microseconds, after an answer that was PENDING, SLOW_DOWN or
 * LATER. A fault doubles the pause up to a minute; any answer of the provider ends that. */
uint64_t device_pace_next(DevicePace *pace, EvidenceMeaning meaning, uint64_t retry_after_usec);
