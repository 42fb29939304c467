/*
 * A provider's set of keys (RFC 7517 §5).
 *
 * Keys we cannot use are left out and counted, the rest stays; several keys of one kid are all
 * kept, because a verifier must try each. A set without one usable key is refused as a whole, so
 * that it never replaces a good one.
 */
#pragma once

#include "helper/token/jwk.h"

typedef struct Jwks {
    Jwk **keys;
    size_t count;
    size_t unusable; /* keys that were left out */
} Jwks;

/* Bytes of a JWKS document to a set. Returns 0, -EBADMSG with a static *ret_reason, -ENOMEM. */
int jwks_parse(const char *data, size_t size, Jwks **ret_jwks, const char **ret_reason);

Jwks *jwks_free(Jwks *jwks);
DEFINE_CLEANUP(Jwks *, jwks_free)
