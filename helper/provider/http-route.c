/*
 * The way to a provider. See http-route.h.
 */
#include "helper/provider/http-route.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "helper/base/networks.h"

#define HOST_MAX 256u

static const char name_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/* Digits and dots are an address, whatever their number; so is what has a colon or a slash. */
static bool is_written_as_address(const char *text)
{
    return strpbrk(text, ":/") || text[strspn(text, "0123456789.")] == '\0';
}

const char *no_proxy_fault(const char *entry)
{
    size_t size = strlen(entry);

    if (is_written_as_address(entry))
        return network_fault(entry);
    if (size >= HOST_MAX || strspn(entry, name_letters) != size || entry[0] == '.' ||
        entry[0] == '-' || strstr(entry, ".."))
        return "is neither a host name, nor an address, nor a network";
    return NULL;
}

/* Read as curl will read it when it asks; without brackets and the dot at its end. "" when there is
 * none, or it is too long. */
static void host_of(const char *url, char ret_host[HOST_MAX])
{
    CURLU *parts = curl_url();
    char *host = NULL;

    ret_host[0] = '\0';
    if (parts && curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        const char *start = host + (host[0] == '[');
        size_t size = strcspn(start, "]");
        if (size > 0 && start[size - 1] == '.')
            size--;
        if (size < HOST_MAX)
            (void)snprintf(ret_host, HOST_MAX, "%.*s", (int)size, start);
    }
    curl_free(host);
    curl_url_cleanup(parts);
}

static bool is_this_host(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || networks_same_place(host, "::1");
}

/* The same name, or one below it. */
static bool is_below(const char *host, const char *name)
{
    size_t host_size = strlen(host), size = strlen(name);

    if (size > 0 && name[size - 1] == '.')
        size--;
    if (size == 0 || host_size < size || strncasecmp(host + host_size - size, name, size) != 0)
        return false;
    return host_size == size || host[host_size - size - 1] == '.';
}

bool route_is_straight(const char *url, char *const *no_proxy)
{
    char host[HOST_MAX];

    host_of(url, host);
    if (host[0] == '\0' || is_this_host(host))
        return host[0] != '\0';
    for (size_t i = 0; no_proxy && no_proxy[i]; i++)
        if (is_below(host, no_proxy[i]))
            return true;
    return networks_contain(no_proxy, host);
}

HttpOptions http_options_for(const ProviderConfig *config)
{
    return (HttpOptions){
        .ca_file = config->ca_file,
        .proxy = config->proxy,
        .proxy_secret_file = config->proxy_secret_file,
        .no_proxy = config->no_proxy,
        .allow_insecure_loopback = config->allow_insecure_loopback,
        .timeout_usec = config->http_timeout_usec,
    };
}
