/*
 * Who is asked to sign somebody in: the provider that the account is bound to, or that answers for
 * its domain. Only of a domain that several share (SharedDomains=) may an account that was never
 * bound choose: by the service's Provider=, the module's provider=, or the person.
 */
#pragma once

#include "common/limits.h"
#include "helper/accounts/account.h"
#include "helper/config/config.h"

/* The providers that may be asked, in the order of the configuration; `hint` (NULL or "": none) is
 * a section's name or an issuer, and one that fits none has no effect. Borrowed from `config`.
 * Returns how many: 0 when the account's section is gone, more than 1 when somebody must choose. */
size_t login_providers(const Account *account, const Config *config, const char *service,
                       const char *hint, const ProviderConfig *ret_providers[CONFIG_PROVIDERS_MAX]);
