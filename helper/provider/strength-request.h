/*
 * Asking a provider for a sign-in of some strength: acr_values (OpenID Connect Core §3.1.2.1, RFC
 * 9470 §4), or the claims parameter (§5.5) where the provider names authentication contexts. Asking
 * obliges nobody: what the token says of it is what counts (strength.h).
 */
#pragma once

#include "helper/base/buffer.h"
#include "helper/config/config.h"

typedef struct StrengthRequest {
    char *acr_values; /* in the order of preference; NULL: not asked for */
    char *claims;     /* JSON; NULL: not asked for */
} StrengthRequest;

/* `service` may be NULL: then nothing is asked for. Returns 0 or -ENOMEM, with nothing to clear. */
int strength_request_init(const ServiceConfig *service, ProviderType type,
                          StrengthRequest *ret_request);
void strength_request_clear(StrengthRequest *request);

/* Appends the parameters. Returns 0, -EMSGSIZE, -ENOMEM. */
int strength_request_add(const StrengthRequest *request, Buffer *form);
