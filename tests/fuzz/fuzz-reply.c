/*
 * Replies of the token and device endpoints on arbitrary bytes, for every kind of provider, context
 * and status: no crash, bounded printable words for the log, and no explicit evidence against an
 * account whose reply does not say so.
 */
#include <stdint.h>
#include <string.h>

#include "helper/provider/device-response.h"
#include "helper/provider/evidence.h"
#include "helper/base/hostile-text.h"
#include "helper/token/token.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool says(const uint8_t *data, size_t size, const char *what)
{
    return memmem(data, size, what, strlen(what)) != NULL;
}

static void check_evidence(const Evidence *evidence, long status, const uint8_t *data, size_t size)
{
    insist((unsigned)evidence->meaning < _EVIDENCE_MEANING_COUNT);
    insist(memchr(evidence->code, '\0', sizeof(evidence->code)) != NULL);
    for (const char *c = evidence->code; *c; c++)
        insist(*c >= 0x20 && *c < 0x7f);
    if (evidence->is_explicit)
        insist(evidence->meaning == EVIDENCE_DISABLED);
    if (evidence->meaning == EVIDENCE_DISABLED || evidence->meaning == EVIDENCE_REVOKED)
        insist(status >= 400 && status < 500 && status != 429 && says(data, size, "error"));
    if (evidence->is_explicit && !says(data, size, "\\"))
        insist(says(data, size, "50057") || says(data, size, "disabled"));
}

static void classify_all(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 302, 400, 401, 429, 503};
    Evidence evidence;

    for (unsigned type = 0; type < _PROVIDER_TYPE_COUNT; type++)
        for (unsigned context = 0; context < 2; context++)
            for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
                evidence_classify((ProviderType)type, type == context, (EvidenceContext)context,
                                  statuses[i], (const char *)data, size, &evidence);
                check_evidence(&evidence, statuses[i], data, size);
            }
}

static void parse_tokens(const char *data, size_t size)
{
    const char *reason = NULL;
    TokenResponse response;

    if (token_response_parse(data, size, &response, &reason) < 0)
        insist(reason && !response.id_token && !response.refresh_token);
    token_response_clear(&response);
}

static void parse_device(const char *data, size_t size)
{
    const char *reason = NULL;
    DeviceResponse response;

    if (device_response_parse(data, size, false, &response, &reason) < 0) {
        insist(reason && !response.device_code && !response.user_code);
        return;
    }
    insist(secret_size(response.device_code) > 0);
    insist(hostile_text_is_clean(response.user_code, 64) && *response.user_code);
    insist(hostile_text_is_graphic(response.verification_uri, 1024));
    insist(response.expires_in_sec >= 1 && response.expires_in_sec <= DEVICE_LIFE_MAX_SEC);
    insist(response.interval_sec >= 1 && response.interval_sec <= DEVICE_INTERVAL_MAX_SEC);
    device_response_clear(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    classify_all(data, size);
    parse_tokens((const char *)data, size);
    parse_device((const char *)data, size);
    return 0;
}
