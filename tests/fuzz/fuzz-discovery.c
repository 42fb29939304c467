/*
 * Provider metadata on arbitrary bytes: what is accepted has the configured issuer in it, and only
 * https addresses.
 */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "helper/provider/discovery.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT(text) ((char *)(uintptr_t)(text))

static void check_address(const char *url, bool may_be_absent)
{
    insist(url ? strncasecmp(url, "https://", 8) == 0 : may_be_absent);
}

static void try_config(const ProviderConfig *config, const char *tenant, const uint8_t *data,
                       size_t size)
{
    const char *reason = NULL;
    Metadata *metadata = NULL;
    int r = discovery_parse((const char *)data, size, config, tenant, &metadata, &reason);

    insist((r == 0) == (metadata != NULL));
    if (r < 0) {
        insist(reason != NULL);
        return;
    }
    check_address(metadata->token_endpoint, false);
    check_address(metadata->jwks_uri, false);
    check_address(metadata->device_endpoint, true);
    metadata_free(metadata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ProviderConfig config = {.issuer = TEXT("https://login.example/t-1/v2.0")};

    try_config(&config, NULL, data, size);
    config.type = PROVIDER_ENTRA;
    try_config(&config, "t-1", data, size);
    return 0;
}
