/*
 * Checks of addresses: of the provider, of where a browser ends, of a proxy.
 */
#include "helper/config/config-check-private.h"

#include <string.h>

#include "common/limits.h"
#include "helper/base/networks.h"
#include "helper/provider/http-route.h"

/* "127.0.0.1", "[::1]" or "localhost", as the whole host: 127.example.org is somewhere else. */
static bool is_loopback(const char *host, size_t size)
{
    if (size == 9 && strncmp(host, "localhost", 9) == 0)
        return true;
    if (size == 5 && strncmp(host, "[::1]", 5) == 0)
        return true;
    return size > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= size;
}

/* An address in brackets holds colons itself; what follows the bracket is still the host's. */
static size_t host_size(const char *host)
{
    size_t bracket = host[0] == '[' ? strcspn(host, "]/?#") : 0;

    return bracket + strcspn(host + bracket, ":/?#");
}

/* What is wrong with an address of the provider; NULL when nothing is. */
static const char *url_fault(const char *url, bool allow_http_loopback)
{
    bool https = strncmp(url, "https://", 8) == 0;
    const char *host = url + (https ? 8 : 7);

    if (!https && strncmp(url, "http://", 7) != 0)
        return "is not an https:// address";
    for (const char *p = url; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f)
            return "holds a character that an address cannot hold";
    }
    if (memchr(host, '@', strcspn(host, "/?")))
        return "must not hold a user name or password";
    if (strchr(host, '#'))
        return "must not hold a '#'";
    if (host_size(host) == 0)
        return "names no host";
    if (!https && !is_loopback(host, host_size(host)))
        return "is not https; http is for loopback addresses only";
    if (!https && !allow_http_loopback)
        return "is not https; http on loopback needs AllowInsecureLoopback=yes";
    return NULL;
}

void config_check_url(const ProviderConfig *provider, const char *key, const char *url,
                      ConfigReport *report)
{
    const char *fault = url ? url_fault(url, provider->allow_insecure_loopback) : NULL;

    if (fault)
        config_report_error(report, "provider", provider->name, key, "%s", fault);
}

/* What comes behind it is the answer. By default it is made of the issuer, whose fault is said. */
void config_check_redirect_uri(const ProviderConfig *provider, ConfigReport *report)
{
    const char *uri = provider->redirect_uri;
    const char *fault = url_fault(uri, true);

    if (provider->issuer && url_fault(provider->issuer, true))
        return;
    if (!fault && strlen(uri) > REDIRECT_URI_MAX)
        fault = "is too long";
    if (!fault && strchr(uri, '?'))
        fault = "must not hold a '?'";
    if (fault)
        config_report_error(report, "provider", provider->name, "RedirectUri", "%s", fault);
}

/* Nothing, or a port; a slash behind it means nothing. */
static bool is_end(const char *text)
{
    size_t digits = text[0] == ':' ? strspn(text + 1, "0123456789") : 0;

    if (text[0] == ':' && (digits == 0 || digits > 5))
        return false;
    if (text[0] == ':')
        text += 1 + digits;
    return strcmp(text, "") == 0 || strcmp(text, "/") == 0;
}

/* What is wrong with a proxy's address; NULL when nothing is. rcpch.conf is read by more people
 * than should know a password, and shown. */
static const char *proxy_fault(const char *proxy)
{
    static const char *const schemes[] = {"http://", "https://", "socks5h://"};
    const char *host = NULL;

    for (size_t i = 0; i < ELEMENTSOF(schemes) && !host; i++)
        if (strncmp(proxy, schemes[i], strlen(schemes[i])) == 0)
            host = proxy + strlen(schemes[i]);
    if (!host)
        return "is none of http://, https://, socks5h://";
    if (strchr(host, '@'))
        return "must not hold a user name or password: ProxySecretFile= names a file for them";
    for (const char *p = host; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return "holds a character that an address cannot hold";
    if (host_size(host) == 0)
        return "names no host";
    return is_end(host + host_size(host)) ? NULL : "is more than scheme, host and port";
}

void config_check_proxy(const ProviderConfig *provider, ConfigReport *report)
{
    const char *fault = provider->proxy ? proxy_fault(provider->proxy) : NULL;

    if (fault)
        config_report_error(report, "provider", provider->name, "Proxy", "%s", fault);
    for (size_t i = 0; provider->no_proxy[i]; i++)
        if ((fault = no_proxy_fault(provider->no_proxy[i])))
            config_report_error(report, "provider", provider->name, "NoProxy", "'%.100s' %s",
                                provider->no_proxy[i], fault);
    if (!provider->proxy && (provider->no_proxy[0] || provider->proxy_secret_file))
        config_report_warning(report, "provider", provider->name,
                              provider->no_proxy[0] ? "NoProxy" : "ProxySecretFile",
                              "has no effect without Proxy=");
}
