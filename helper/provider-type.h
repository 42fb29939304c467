/*
 * In what the kinds of provider differ, as one table. What their errors mean is another one
 * (evidence-table.c); everything else is the same code for all.
 */
#pragma once

#include <stdbool.h>
#include "helper/config.h"

typedef struct ProviderTraits {
    bool has_tenant; /* the issuer holds a tenant: tokens must name it in tid, ids get it
                      * in front, and keys may be for another issuer */
    const char
        *id_token_kind; /* what the payload's own typ says of an ID token; NULL: no such claim */
    unsigned poll_extra_sec;  /* a device code is polled so much slower than announced */
    bool has_error_codes;     /* errors carry numbers, which go to the log */
    bool description_is_code; /* the description is all there is, and goes to the log */
    bool refusal_is_bare;     /* a refused refresh says no reason: RefusedRefresh= reads it */
} ProviderTraits;

/* Never NULL; what is no type is read as PROVIDER_GENERIC. Static. */
const ProviderTraits *provider_traits(ProviderType type);
