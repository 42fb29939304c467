/*
 * How strongly somebody signed in, as the ID token says it (OpenID Connect Core §2: acr, amr; Entra
 * ID: acrs, the authentication contexts that were satisfied), and what [service] asks of it.
 *
 * It is kept as one text of words, "acr=gold amr=pwd amr=mfa acrs=c1", because it is stored, logged
 * and shown so. A claim of the wrong shape says nothing: who cannot show it has not got it.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include "helper/config/config.h"

/* Of a payload that was validated; "" when it says nothing. The caller frees it. Returns 0,
 * -ENOMEM. */
int strength_from_claims(const json_t *payload, char **ret_strength);

/* Is "claim=value" among the words? NULL has none. */
bool strength_has(const char *strength, const char *claim, const char *value);

/* Does the service ask anything of a sign-in? NULL asks nothing. */
bool strength_is_required(const ServiceConfig *service);

/* Is that asked which a provider of this type can tell: RequireAuthContext= of those that name
 * contexts, RequireAcr= of the others? Borrowed; NULL when nothing is. */
char *const *strength_wanted(const ServiceConfig *service, ProviderType type);

/* One of them is enough. What the type cannot tell, nobody has. */
bool strength_meets(const char *strength, const ServiceConfig *service, ProviderType type);

/* An entry of RequireAcr= that names a method (RFC 8176) rather than a class: "amr:mfa" gives
 * "mfa". Borrowed; NULL when it names a class. */
const char *strength_method_of(const char *entry);

/* c1 to c99. */
bool strength_is_context(const char *text);
