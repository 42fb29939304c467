/*
 * Device authorization responses and the pace of polling. See device-response.h.
 */
#include "helper/provider/device-response.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/provider/http-headers.h"
#include "helper/base/json-strict.h"
#include "helper/provider/provider-type.h"

#define USER_CODE_MAX   64u
#define URI_MAX         1024u
#define DEVICE_CODE_MAX 16384u
#define SLOW_DOWN_SEC   5u
#define BACKOFF_MAX_SEC 60u
#define USEC_PER_SECOND UINT64_C(1000000)

/* A copy of 0x21 … 0x7e (and inner spaces): what a terminal can show and a person can type. */
static int copy_for_people(const char *text, char **ret_copy)
{
    char *copy = malloc(strlen(text) + 1), *out = copy;

    if (!copy)
        return -ENOMEM;
    for (; *text; text++)
        if ((*text > 0x20 && *text < 0x7f) || (*text == ' ' && out > copy))
            *out++ = *text;
    while (out > copy && out[-1] == ' ')
        out--;
    *out = '\0';
    *ret_copy = copy;
    return 0;
}

/* A number, or a string of digits, as some providers send it. False when it is neither or not above
 * 0. */
static bool lenient_number(const json_t *value, uint64_t max, uint64_t *ret_number)
{
    double number = json_number_value(value); /* 0 for what is no number */

    if (json_is_string(value)) {
        char *end = NULL;
        const char *text = json_string_value(value);
        if (*text < '0' || *text > '9')
            return false;
        unsigned long long n = strtoull(text, &end, 10); /* saturates */
        number = *end ? 0 : (double)n;
    }
    if (!(number >= 1))
        return false;
    *ret_number = number >= (double)max ? max : (uint64_t)number;
    return true;
}

static int take_uri(const json_t *document, const char *name, bool insecure, char **ret_uri)
{
    const char *text = json_text(document, name, URI_MAX);
    int r = text ? copy_for_people(text, ret_uri) : -EBADMSG;

    if (r < 0)
        return r;
    if (url_is_allowed(*ret_uri, insecure))
        return 0;
    free(*ret_uri);
    *ret_uri = NULL;
    return -EBADMSG;
}

static int take_codes(const json_t *document, DeviceResponse *response, const char **ret_reason)
{
    const char *device_code = json_text(document, "device_code", DEVICE_CODE_MAX);
    const char *user_code = json_text(document, "user_code", USER_CODE_MAX);

    *ret_reason = "device reply: device_code or user_code is missing or too long";
    if (!device_code || !user_code)
        return -EBADMSG;
    int r = secret_new_string(device_code, &response->device_code);
    if (r == 0)
        r = copy_for_people(user_code, &response->user_code);
    return r == 0 && !*response->user_code ? -EBADMSG : r;
}

static int take_uris(const json_t *document, bool insecure, DeviceResponse *response,
                     const char **ret_reason)
{
    *ret_reason = "device reply: verification_uri is missing or not an https address";
    int r = take_uri(document, "verification_uri", insecure, &response->verification_uri);
    if (r == -EBADMSG) /* the draft's name, still sent by some */
        r = take_uri(document, "verification_url", insecure, &response->verification_uri);
    if (r < 0)
        return r;
    r = take_uri(document, "verification_uri_complete", insecure,
                 &response->verification_uri_complete);
    return r == -ENOMEM ? r : 0; /* optional: without it there is no QR code, no more */
}

static int take_all(const json_t *document, bool insecure, DeviceResponse *response,
                    const char **ret_reason)
{
    int r = take_codes(document, response, ret_reason);

    if (r == 0)
        r = take_uris(document, insecure, response, ret_reason);
    if (r < 0)
        return r;
    *ret_reason = "device reply: expires_in is missing or no time";
    if (!lenient_number(json_object_get(document, "expires_in"), DEVICE_LIFE_MAX_SEC,
                        &response->expires_in_sec))
        return -EBADMSG;
    if (!lenient_number(json_object_get(document, "interval"), DEVICE_INTERVAL_MAX_SEC,
                        &response->interval_sec))
        response->interval_sec = DEVICE_INTERVAL_DEFAULT_SEC;
    return 0;
}

int device_response_parse(const char *data, size_t size, bool allow_insecure_loopback,
                          DeviceResponse *ret_response, const char **ret_reason)
{
    json_auto_t *document = NULL;
    DeviceResponse response = {};
    int r = json_read_strict(data, size, TOKEN_RESPONSE_MAX, &document);

    *ret_response = response;
    *ret_reason = "device reply: not strict JSON";
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    r = take_all(document, allow_insecure_loopback, &response, ret_reason);
    if (r < 0)
        device_response_clear(&response);
    *ret_response = response;
    return r;
}

void device_response_clear(DeviceResponse *response)
{
    secret_free(response->device_code);
    free(response->user_code);
    free(response->verification_uri);
    free(response->verification_uri_complete);
    *response = (DeviceResponse){};
}

void device_pace_start(DevicePace *pace, ProviderType type, uint64_t interval_sec)
{
    *pace = (DevicePace){.interval_sec = interval_sec + provider_traits(type)->poll_extra_sec};
}

uint64_t device_pace_next(DevicePace *pace, EvidenceMeaning meaning, uint64_t retry_after_usec)
{
    if (meaning == EVIDENCE_LATER) {
        uint64_t pause = pace->backoff_sec ? pace->backoff_sec * 2 : pace->interval_sec * 2;
        pace->backoff_sec = pause > BACKOFF_MAX_SEC ? BACKOFF_MAX_SEC : pause;
    } else {
        pace->backoff_sec = 0;
    }
    if (meaning == EVIDENCE_SLOW_DOWN)
        pace->interval_sec += SLOW_DOWN_SEC;
    uint64_t pause =
        pace->backoff_sec > pace->interval_sec ? pace->backoff_sec : pace->interval_sec;
    uint64_t usec = pause * USEC_PER_SECOND;
    return retry_after_usec > usec ? retry_after_usec : usec;
}
