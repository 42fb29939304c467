/*
 * The providers of a login. See login-provider.h.
 */
#include "helper/login/login-provider.h"

#include <string.h>

#include "helper/base/text-list.h"

static const char *shared_domain(const Account *account, const Config *config)
{
    const char *at = strchr(account->directory_name, '@');

    return at && text_list_contains(config->shared_domains, at + 1) ? at + 1 : NULL;
}

/* Who binds nobody at a first sign-in cannot be chosen for one. */
static size_t of_domain(const Config *config, const char *domain, const ProviderConfig **ret_list)
{
    size_t count = 0;

    for (size_t i = 0; i < config->provider_count; i++) {
        const ProviderConfig *provider = &config->providers[i];
        if (provider->first_bind != FIRST_BIND_NO && text_list_contains(provider->domains, domain))
            ret_list[count++] = provider;
    }
    return count;
}

static bool narrow(const ProviderConfig **list, size_t count, const ProviderConfig *hinted)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == hinted) {
            list[0] = hinted;
            return true;
        }
    return false;
}

size_t login_providers(const Account *account, const Config *config, const char *service,
                       const char *hint, const ProviderConfig *ret_providers[CONFIG_PROVIDERS_MAX])
{
    const char *domain = account->id ? NULL : shared_domain(account, config);
    const ServiceConfig *section = config_service(config, service);
    size_t count = domain ? of_domain(config, domain, ret_providers) : 0;

    if (count == 0) {
        ret_providers[0] = config_provider(config, account->provider);
        return ret_providers[0] ? 1 : 0;
    }
    if (section && section->provider &&
        narrow(ret_providers, count, config_provider_or_issuer(config, section->provider)))
        return 1;
    if (hint && narrow(ret_providers, count, config_provider_or_issuer(config, hint)))
        return 1;
    return count;
}
