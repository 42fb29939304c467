/*
 * The table of provider types. See provider-type.h.
 */
#include "helper/provider-type.h"

#include <stddef.h>

#include "common/cleanup.h"

static const ProviderTraits table[_PROVIDER_TYPE_COUNT] = {
    [PROVIDER_GENERIC] = {.refusal_is_bare = true},
    [PROVIDER_ENTRA] = {.has_tenant = true, .has_error_codes = true},
    /* Polling exactly at the interval can draw slow_down; access, refresh and logout tokens are
     * signed by the key of the ID tokens. */
    [PROVIDER_KEYCLOAK] = {.id_token_kind = "ID", .poll_extra_sec = 1, .description_is_code = true},
};

const ProviderTraits *provider_traits(ProviderType type)
{
    unsigned index = (unsigned)type;

    return &table[index < ELEMENTSOF(table) ? index : PROVIDER_GENERIC];
}
