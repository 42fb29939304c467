/*
 * Reply headers and addresses. See http-headers.h.
 */
#include "helper/provider/http-headers.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/base/hostile-text.h"

#define HEADER_VALUE_MAX 512u
#define MAX_AGE_MAX_SEC  (7u * 24u * 3600u)

/* Copies without the white space around. False when it does not fit or is empty. */
static bool copy_trimmed(const char *value, size_t size, char *out, size_t out_size)
{
    while (size > 0 && strchr(" \t\r\n", value[0]))
        value++, size--;
    while (size > 0 && strchr(" \t\r\n", value[size - 1]))
        size--;
    if (size == 0 || size >= out_size)
        return false;
    memcpy(out, value, size);
    out[size] = '\0';
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "120", "0.5", "1." is not. Microseconds, saturating at `max`. */
static bool parse_decimal(const char *text, uint64_t max, uint64_t *ret_usec)
{
    uint64_t seconds = 0, fraction = 0, unit = 100000;

    if (!is_digit(*text))
        return false;
    for (; is_digit(*text); text++)
        if (seconds <= max / 1000000u)
            seconds = seconds * 10 + (uint64_t)(*text - '0');
    if (*text == '.') {
        if (!is_digit(*++text))
            return false;
        for (; is_digit(*text); text++, unit /= 10)
            fraction += (uint64_t)(*text - '0') * unit;
    }
    if (*text)
        return false;
    *ret_usec = seconds >= max / 1000000u ? max : seconds * 1000000u + fraction;
    return true;
}

uint64_t retry_after_parse(const char *value, size_t size, uint64_t now_sec)
{
    char text[HEADER_VALUE_MAX];
    uint64_t usec;

    if (!copy_trimmed(value, size, text, sizeof(text)))
        return 0;
    if (parse_decimal(text, RETRY_AFTER_MAX_USEC, &usec))
        return usec;
    if (is_digit(text[0]) || text[0] == '-')
        return 0;
    time_t date = curl_getdate(text, NULL);
    if (date < 0 || (uint64_t)date <= now_sec)
        return 0;
    uint64_t wait = (uint64_t)date - now_sec;
    return wait >= RETRY_AFTER_MAX_USEC / 1000000u ? RETRY_AFTER_MAX_USEC : wait * 1000000u;
}

uint64_t max_age_parse(const char *value, size_t size)
{
    char text[HEADER_VALUE_MAX], *state = NULL;
    uint64_t age = 0;

    if (!copy_trimmed(value, size, text, sizeof(text)))
        return 0;
    for (char *part = strtok_r(text, ", \t", &state); part; part = strtok_r(NULL, ", \t", &state)) {
        if (strcasecmp(part, "no-store") == 0 || strcasecmp(part, "no-cache") == 0)
            return 0;
        if (strncasecmp(part, "max-age=", 8) == 0 &&
            !parse_decimal(part + 8, MAX_AGE_MAX_SEC * UINT64_C(1000000), &age))
            age = 0;
    }
    return age;
}

/* From behind the address to the comma before the next one; sets whether rel names "next". NULL:
 * not understood. */
static const char *read_parameters(const char *p, bool *ret_is_next)
{
    *ret_is_next = false;
    while (*p == ';') {
        p += 1 + strspn(p + 1, " \t");
        size_t name = strcspn(p, "=;, \t");
        bool is_rel = name == 3 && strncasecmp(p, "rel", 3) == 0;
        p += name;
        if (*p == '=') {
            bool is_quoted = *++p == '"';
            p += is_quoted;
            size_t width = strcspn(p, is_quoted ? "\"" : ";, \t");
            if (is_quoted && p[width] != '"')
                return NULL;
            if (is_rel && width == 4 && strncasecmp(p, "next", 4) == 0)
                *ret_is_next = true;
            p += width + is_quoted;
        }
        p += strspn(p, " \t");
    }
    return p;
}

int link_next_parse(const char *value, size_t size, char *out, size_t out_size)
{
    char text[HTTP_URL_MAX + HEADER_VALUE_MAX];
    const char *p = text;
    bool is_next = false;

    if (!copy_trimmed(value, size, text, sizeof(text)))
        return size > HTTP_URL_MAX ? -EBADMSG : 1;
    while (*p == '<') {
        const char *address = p + 1, *end = strchr(address, '>');
        if (!end)
            return -EBADMSG;
        p = read_parameters(end + 1 + strspn(end + 1, " \t"), &is_next);
        if (!p || (*p && *p != ','))
            return -EBADMSG;
        if (is_next)
            return copy_trimmed(address, (size_t)(end - address), out, out_size) ? 0 : -EBADMSG;
        p += strspn(p, ", \t");
    }
    return *p ? -EBADMSG : 1;
}

uint64_t limit_reset_parse(const char *value, size_t size, uint64_t now_sec)
{
    char text[HEADER_VALUE_MAX];
    uint64_t reset;

    if (!copy_trimmed(value, size, text, sizeof(text)) ||
        strspn(text, "0123456789.") != strlen(text) ||
        !parse_decimal(text, UINT64_C(1) << 62, &reset))
        return 0;
    reset /= 1000000u;
    uint64_t wait = reset > now_sec ? reset - now_sec : 1;
    return wait >= RETRY_AFTER_MAX_USEC / 1000000u ? RETRY_AFTER_MAX_USEC : wait * 1000000u;
}

uint64_t http_date_parse(const char *value, size_t size)
{
    char text[HEADER_VALUE_MAX];
    time_t date = copy_trimmed(value, size, text, sizeof(text)) ? curl_getdate(text, NULL) : -1;

    return date > 0 ? (uint64_t)date : 0;
}

/* The literal addresses only: a name may resolve to anything, except "localhost", which curl maps
 * itself. */
static bool host_is_loopback(const char *host)
{
    struct in_addr four;

    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

static bool parts_are_allowed(CURLU *parts, bool allow_insecure_loopback)
{
    char *scheme = NULL, *host = NULL, *user = NULL;
    bool allowed = false;

    if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host &&
        curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER)
        allowed =
            strcmp(scheme, "https") == 0 ||
            (strcmp(scheme, "http") == 0 && allow_insecure_loopback && host_is_loopback(host));
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    return allowed;
}

/* curl would take "https:///x" and "https:/x" for "https://x". */
static bool has_two_slashes(const char *url)
{
    size_t scheme = strcspn(url, ":");

    return strncmp(url + scheme, "://", 3) == 0 && url[scheme + 3] != '/';
}

bool url_is_allowed(const char *url, bool allow_insecure_loopback)
{
    if (!url || !hostile_text_is_graphic(url, HTTP_URL_MAX))
        return false;
    if (!has_two_slashes(url))
        return false;
    CURLU *parts = curl_url();
    bool allowed = parts &&
                   curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                   parts_are_allowed(parts, allow_insecure_loopback);
    curl_url_cleanup(parts);
    return allowed;
}
