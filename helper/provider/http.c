/*
 * curl's multi interface on sd-event: sockets become I/O sources, curl's one timeout becomes one
 * timer. See http.h.
 *
 * HTTP/1.1 on purpose: with HTTP/2 all requests to a provider share one connection, and one that
 * stalls would stall the others with it. Each request has its own total timeout, which also
 * bounds a server that sends one byte a second.
 */
#include "helper/provider/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "common/limits.h"
#include "helper/base/buffer.h"
#include "helper/provider/client-auth.h"
#include "helper/provider/http-headers.h"
#include "helper/provider/http-route.h"

#define CONNECTIONS_KEPT    32L
#define TIMER_ACCURACY_USEC 1000u
#define PROXY_SECRET_MAX    4096u

typedef enum Way {
    WAY_STRAIGHT = 0,
    WAY_CONNECT, /* by an http or https proxy, which says whether it opened the way */
    WAY_SOCKS,
} Way;

struct HttpRequest {
    Http *http;
    HttpRequest *previous, *next;
    CURL *easy;
    struct curl_slist *headers;
    Buffer form;
    Buffer body;
    size_t header_bytes;
    uint64_t timeout_usec;
    bool too_large;
    uint64_t retry_after_usec;
    char limit_reset[24]; /* as it was said; "": not at all */
    char *next_page;      /* of Link */
    uint64_t max_age_usec;
    uint64_t date_sec;
    Way way;
    char error[96];
    HttpHandler handler;
    void *userdata;
};

struct Http {
    sd_event *event;
    CURLM *multi;
    sd_event_source *timer;
    HttpRequest *requests;
};

/* What the log and the person in charge read for curl's codes; the rest is "failed". */
static const struct {
    CURLcode code;
    const char *text;
} error_texts[] = {
    {CURLE_OPERATION_TIMEDOUT, "timed out"},
    {CURLE_COULDNT_RESOLVE_HOST, "host name not found"},
    {CURLE_COULDNT_RESOLVE_PROXY, "name not found"}, /* always behind "proxy: " */
    {CURLE_COULDNT_CONNECT, "connection refused"},
    {CURLE_SSL_CACERT_BADFILE, "CA file not readable"},
    {CURLE_SSL_CONNECT_ERROR, "TLS handshake failed"},
    {CURLE_SEND_ERROR, "connection lost"},
    {CURLE_RECV_ERROR, "connection lost"},
    {CURLE_GOT_NOTHING, "connection closed without an answer"},
    {CURLE_PARTIAL_FILE, "answer cut short"},
    {CURLE_OUT_OF_MEMORY, "out of memory"},
    {CURLE_PROXY, "refused"},
    {CURLE_WEIRD_SERVER_REPLY, "answer is not HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, "answer is not HTTP"},
};

/* What OpenSSL found wrong with the certificate. Names are compared by curl itself, which leaves
 * the result at "unspecified" when that is all that is wrong. */
static const char *certificate_text(const HttpRequest *request, CURLINFO whose)
{
    static const struct {
        long found;
        const char *text;
    } rows[] = {
        {X509_V_ERR_UNSPECIFIED, "certificate not trusted: it is for another name"},
        {X509_V_ERR_HOSTNAME_MISMATCH, "certificate not trusted: it is for another name"},
        {X509_V_ERR_CERT_HAS_EXPIRED, "certificate not trusted: it has expired"},
        {X509_V_ERR_CERT_NOT_YET_VALID, "certificate not trusted: it is not valid yet"},
    };
    long found = X509_V_OK;

    (void)curl_easy_getinfo(request->easy, whose, &found);
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (rows[i].found == found)
            return rows[i].text;
    return "certificate not trusted";
}

/* Was there a connection to the provider itself, with TLS and all, new or kept? */
static bool is_ready(const HttpRequest *request)
{
    curl_off_t usec = 0;

    return curl_easy_getinfo(request->easy, CURLINFO_PRETRANSFER_TIME_T, &usec) == CURLE_OK &&
           usec > 0;
}

/* What an http proxy answered to CONNECT; 0: nothing. */
static long connect_answer(const HttpRequest *request)
{
    long answer = 0;

    (void)curl_easy_getinfo(request->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
    return answer;
}

/* When a proxy has opened the way, what fails afterwards is not its fault. */
static bool is_fault_of_proxy(const HttpRequest *request, CURLcode code)
{
    long answer = connect_answer(request);

    if (request->way == WAY_CONNECT)
        return answer != 0 ? answer / 100 != 2 : !is_ready(request);
    return request->way == WAY_SOCKS && (code == CURLE_PROXY || code == CURLE_COULDNT_CONNECT ||
                                         code == CURLE_COULDNT_RESOLVE_PROXY);
}

static const char *text_of(const HttpRequest *request, CURLcode code, CURLINFO whose_certificate)
{
    if (request->too_large)
        return "answer too large";
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return certificate_text(request, whose_certificate);
    for (size_t i = 0; i < ELEMENTSOF(error_texts); i++)
        if (error_texts[i].code == code)
            return error_texts[i].text;
    return "failed";
}

static const char *proxy_error_text(HttpRequest *request, CURLcode code)
{
    long answer = connect_answer(request);

    if (answer == 407)
        return "proxy: wants a name and password";
    if (answer != 0)
        (void)snprintf(request->error, sizeof(request->error), "proxy: refused with http %ld",
                       answer);
    else
        (void)snprintf(request->error, sizeof(request->error), "proxy: %s",
                       text_of(request, code, CURLINFO_PROXY_SSL_VERIFYRESULT));
    return request->error;
}

static const char *error_text(HttpRequest *request, CURLcode code)
{
    return is_fault_of_proxy(request, code)
               ? proxy_error_text(request, code)
               : text_of(request, code, CURLINFO_SSL_VERIFYRESULT);
}

/* What a proxy is asked is not the request. */
bool http_was_sent(const HttpRequest *request)
{
    long sent = 0;

    if (curl_easy_getinfo(request->easy, CURLINFO_REQUEST_SIZE, &sent) != CURLE_OK)
        return true;
    return sent > 0 && (request->way == WAY_STRAIGHT || is_ready(request));
}

static HttpRequest *request_free(HttpRequest *request)
{
    if (!request)
        return NULL;
    if (request->previous)
        request->previous->next = request->next;
    else if (request->http && request->http->requests == request)
        request->http->requests = request->next;
    if (request->next)
        request->next->previous = request->previous;
    if (request->easy) {
        curl_multi_remove_handle(request->http->multi, request->easy);
        curl_easy_cleanup(request->easy);
    }
    curl_slist_free_all(request->headers);
    buffer_clear(&request->form);
    buffer_clear(&request->body);
    free(request->next_page);
    free(request);
    return NULL;
}
DEFINE_CLEANUP(HttpRequest *, request_free)

/* By the clock that said it, where it says what time it is. */
static uint64_t wait_for_limit(const HttpRequest *request)
{
    uint64_t now = 0;

    (void)sd_event_now(request->http->event, CLOCK_REALTIME, &now);
    return limit_reset_parse(request->limit_reset, strlen(request->limit_reset),
                             request->date_sec ? request->date_sec : now / 1000000u);
}

static void finish(HttpRequest *request, CURLcode code)
{
    HttpReply reply = {.body = "", .error = "failed", .peer = ""};
    char *type = NULL, *peer = NULL;

    reply.sent = http_was_sent(request);
    reply.by_proxy = request->way != WAY_STRAIGHT;
    if (code == CURLE_OK &&
        curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &reply.status) != CURLE_OK)
        reply.status = 0;
    if (curl_easy_getinfo(request->easy, CURLINFO_PRIMARY_IP, &peer) == CURLE_OK && peer)
        reply.peer = peer;
    if (reply.status != 0) {
        curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &type);
        reply.error = NULL;
        reply.content_type = type;
        reply.body = request->body.data ? request->body.data : "";
        reply.size = request->body.size;
        reply.max_age_usec = request->max_age_usec;
        reply.date_sec = request->date_sec;
        reply.retry_after_usec = request->retry_after_usec;
        if (reply.status == 429 && reply.retry_after_usec == 0)
            reply.retry_after_usec = wait_for_limit(request);
        reply.next = request->next_page;
    } else {
        reply.error = error_text(request, code);
    }
    /* The handler may cancel by a pointer it still holds: what it started with is gone for it now.
     */
    HttpHandler handler = TAKE_PTR(request->handler);
    if (handler)
        handler(&reply, request->userdata);
    request_free(request);
}

/* setopt calls, one after the other, until one fails. */
#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        if (curl_easy_setopt((easy), (option), (value)) != CURLE_OK)                               \
            return -ENOMEM;                                                                        \
    } while (0)

/* curl sends a request again when a kept connection breaks before the first byte of the answer, for
 * POST too; what must not happen twice gets a connection of its own. */
static int set_repetition(CURL *easy, bool once)
{
    SET(easy, CURLOPT_FRESH_CONNECT, once ? 1L : 0L);
    SET(easy, CURLOPT_FORBID_REUSE, once ? 1L : 0L);
    return 0;
}

static int set_caps(CURL *easy, uint64_t timeout_usec)
{
    uint64_t ms = (timeout_usec + 999u) / 1000u;
    long timeout = ms > INT32_MAX ? (long)INT32_MAX : ms > 0 ? (long)ms : 1L;

    SET(easy, CURLOPT_TIMEOUT_MS, timeout);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A cancelled or timed-out request does not wait for a resolver thread that is stuck. */
    SET(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return 0;
}

/* --- kept connections that the server has closed meanwhile ------------------------------------ */

/* Nothing of an answer came, and all that was tried were connections kept from earlier requests:
 * curl goes through a few of them and gives up, though there may be more. What must not be sent
 * twice never has a kept one (set_repetition). */
static bool had_dead_connections_only(const HttpRequest *request, CURLcode code)
{
    long connected = 1;

    return (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING) &&
           request->header_bytes == 0 &&
           curl_easy_getinfo(request->easy, CURLINFO_NUM_CONNECTS, &connected) == CURLE_OK &&
           connected == 0;
}

/* Once more with a connection of its own, in what is left of the request's time. */
static int repeat(HttpRequest *request)
{
    curl_off_t spent = 0;

    if (curl_easy_getinfo(request->easy, CURLINFO_TOTAL_TIME_T, &spent) != CURLE_OK || spent < 0 ||
        (uint64_t)spent >= request->timeout_usec)
        return -ETIMEDOUT;
    curl_multi_remove_handle(request->http->multi, request->easy);
    int r = set_repetition(request->easy, true);
    if (r == 0)
        r = set_caps(request->easy, request->timeout_usec - (uint64_t)spent);
    if (r == 0 && curl_multi_add_handle(request->http->multi, request->easy) != CURLM_OK)
        r = -EIO;
    return r;
}

/* Hands finished transfers to their handlers, which may start and cancel others meanwhile. */
static void dispatch_finished(Http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        HttpRequest *request = NULL;
        CURLcode code = message->data.result; /* the message dies with the next call into curl */
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        if (!request || (had_dead_connections_only(request, code) && repeat(request) == 0))
            continue;
        finish(request, code);
    }
}

static int on_socket_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Http *http = userdata;
    int running;
    int mask = (revents & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (revents & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (revents & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

    curl_multi_socket_action(http->multi, fd, mask, &running);
    dispatch_finished(http);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Http *http = userdata;
    int running;

    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    dispatch_finished(http);
    return 0;
}

static uint32_t events_of(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

/* CURLMOPT_SOCKETFUNCTION. `source` is what we assigned to the socket before. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *source)
{
    Http *http = userdata;

    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(http->multi, fd, NULL);
        sd_event_source_disable_unref(source);
        return 0;
    }
    if (source)
        return sd_event_source_set_io_events(source, events_of(what)) < 0 ? -1 : 0;
    sd_event_source *added = NULL;
    if (sd_event_add_io(http->event, &added, fd, events_of(what), on_socket_ready, http) < 0)
        return -1;
    curl_multi_assign(http->multi, fd, added);
    return 0;
}

/* CURLMOPT_TIMERFUNCTION. Never calls back into curl, which may be in the middle of http_start().
 */
static int set_timer(CURLM *multi, long timeout_ms, void *userdata)
{
    Http *http = userdata;

    if (timeout_ms < 0)
        return sd_event_source_set_enabled(http->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
    if (sd_event_source_set_time_relative(http->timer, (uint64_t)timeout_ms * 1000u) < 0)
        return -1;
    return sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

static int set_up_multi(Http *http)
{
    http->multi = curl_multi_init();
    if (!http->multi)
        return -ENOMEM;
    if (curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) != CURLM_OK ||
        curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http) != CURLM_OK ||
        curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK ||
        curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) != CURLM_OK ||
        curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT) != CURLM_OK ||
        curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) != CURLM_OK)
        return -EIO;
    return 0;
}

int http_new(sd_event *event, Http **ret_http)
{
    /* OpenSSL writes to sockets without MSG_NOSIGNAL; a provider that hangs up must not kill us. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -errno;
    _cleanup_(http_freep) Http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    http->event = sd_event_ref(event);
    int r = sd_event_add_time(event, &http->timer, CLOCK_MONOTONIC, UINT64_MAX, TIMER_ACCURACY_USEC,
                              on_timer, http);
    if (r >= 0)
        r = sd_event_source_set_enabled(http->timer, SD_EVENT_OFF);
    if (r >= 0)
        r = set_up_multi(http);
    if (r < 0)
        return r;
    *ret_http = TAKE_PTR(http);
    return 0;
}

Http *http_free(Http *http)
{
    if (!http)
        return NULL;
    while (http->requests)
        request_free(http->requests);
    if (http->multi)
        curl_multi_cleanup(
            http->multi); /* closes kept connections: watch_socket() releases their sources */
    sd_event_source_disable_unref(http->timer);
    sd_event_unref(http->event);
    free(http);
    return NULL;
}

static size_t on_body(char *data, size_t unit, size_t count, void *userdata)
{
    HttpRequest *request = userdata;
    size_t size = unit * count; /* curl: unit is always 1 */
    int r = buffer_add(&request->body, data, size);

    request->too_large = request->too_large || r == -EMSGSIZE;
    return r < 0 ? size + 1 : size; /* any other number than `size` aborts the transfer */
}

static bool header_is(const char *line, size_t size, const char *name, const char **ret_value,
                      size_t *ret_size)
{
    size_t length = strlen(name);

    if (size <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
        return false;
    *ret_value = line + length + 1;
    *ret_size = size - length - 1;
    return true;
}

/* Pages lead on by Link in several lines, of which one is the next. */
static bool take_link(HttpRequest *request, const char *value, size_t size)
{
    char address[HTTP_URL_MAX + 1] = "";

    if (link_next_parse(value, size, address, sizeof(address)) == 1)
        return true;
    free(request->next_page);
    request->next_page = strdup(address);
    return request->next_page != NULL;
}

static size_t on_header(char *line, size_t unit, size_t count, void *userdata)
{
    HttpRequest *request = userdata;
    size_t size = unit * count, value_size;
    const char *value;
    uint64_t now = 0;

    request->header_bytes += size;
    if (request->header_bytes > HTTP_HEADER_MAX) {
        request->too_large = true;
        return size + 1;
    }
    if (header_is(line, size, "Retry-After", &value, &value_size) &&
        sd_event_now(request->http->event, CLOCK_REALTIME, &now) >= 0)
        request->retry_after_usec = retry_after_parse(value, value_size, now / 1000000u);
    if (header_is(line, size, "Date", &value, &value_size))
        request->date_sec = http_date_parse(value, value_size);
    if (header_is(line, size, "Cache-Control", &value, &value_size))
        request->max_age_usec = max_age_parse(value, value_size);
    if (header_is(line, size, "X-Rate-Limit-Reset", &value, &value_size) &&
        value_size < sizeof(request->limit_reset)) {
        memcpy(request->limit_reset, value, value_size);
        request->limit_reset[value_size] = '\0';
    }
    if (header_is(line, size, "Link", &value, &value_size) &&
        !take_link(request, value, value_size))
        return size + 1;
    return size;
}

static int set_protocols(CURL *easy, bool insecure)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(easy, CURLOPT_PROTOCOLS_STR, insecure ? "http,https" : "https");
#else
    SET(easy, CURLOPT_PROTOCOLS,
        insecure ? (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS) : (long)CURLPROTO_HTTPS);
#endif
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return 0;
}

/* NAME:PASSWORD. A colon in the password is one of it (RFC 7617 §2). */
static int set_proxy_secret(CURL *easy, const char *path)
{
    _cleanup_buffer_ Buffer secret = BUFFER_INIT(PROXY_SECRET_MAX);
    char *colon = NULL;

    if (client_secret_read(path, &secret) == 0)
        colon = memchr(secret.data, ':', secret.size);
    if (!colon)
        return -EKEYREJECTED;
    *colon = '\0';
    SET(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    SET(easy, CURLOPT_PROXYUSERNAME, secret.data);
    SET(easy, CURLOPT_PROXYPASSWORD, colon + 1);
    return 0;
}

/* The way is opened for TLS from end to end, never for single requests; our headers are for the
 * provider alone. */
static int set_proxy(HttpRequest *request, const HttpOptions *options)
{
    CURL *easy = request->easy;

    SET(easy, CURLOPT_PROXY, options->proxy);
    SET(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    SET(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_SOCKS5_AUTH, (unsigned long)CURLAUTH_BASIC);
    request->way = strncmp(options->proxy, "socks", 5) == 0 ? WAY_SOCKS : WAY_CONNECT;
    return options->proxy_secret_file ? set_proxy_secret(easy, options->proxy_secret_file) : 0;
}

/* Empty strings keep curl from asking the environment for proxies; netrc is off unless switched on.
 */
static int set_route(HttpRequest *request, const HttpOptions *options)
{
    CURL *easy = request->easy;
    bool is_straight = !options->proxy || route_is_straight(options->url, options->no_proxy);

    SET(easy, CURLOPT_NOPROXY, "");
    if (is_straight)
        SET(easy, CURLOPT_PROXY, "");
    return is_straight ? 0 : set_proxy(request, options);
}

static int set_trust(CURL *easy, const HttpOptions *options)
{
    if (options->ca_file) {
        SET(easy, CURLOPT_CAINFO, options->ca_file);
        SET(easy, CURLOPT_CAPATH, NULL);
        SET(easy, CURLOPT_PROXY_CAINFO, options->ca_file);
        SET(easy, CURLOPT_PROXY_CAPATH, NULL);
    }
    if (options->user) {
        SET(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(easy, CURLOPT_USERNAME, options->user);
        SET(easy, CURLOPT_PASSWORD, options->password ? options->password : "");
    }
    return 0;
}

static int set_transfer(HttpRequest *request, const HttpOptions *options)
{
    CURL *easy = request->easy;

    SET(easy, CURLOPT_URL, options->url);
    SET(easy, CURLOPT_USERAGENT, "rcpch-helper/" RCPCH_VERSION);
    SET(easy, CURLOPT_PRIVATE, request);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, request);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, request);
    SET(easy, CURLOPT_HTTPHEADER, request->headers);
    if (!options->form)
        return 0;
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->form.size);
    SET(easy, CURLOPT_POSTFIELDS, request->form.data ? request->form.data : "");
    return 0;
}

/* "Expect:" empty: no waiting for "100 Continue". */
static int add_headers(HttpRequest *request)
{
    static const char *const lines[] = {"Accept: application/json", "Expect:"};

    for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
        struct curl_slist *longer = curl_slist_append(request->headers, lines[i]);
        if (!longer)
            return -ENOMEM;
        request->headers = longer;
    }
    return 0;
}

static int add_bearer(HttpRequest *request, const char *scheme, const char *token)
{
    _cleanup_buffer_ Buffer line = BUFFER_INIT(TOKEN_MAX + 64);
    int r = buffer_add_text(&line, "Authorization: ");

    if (r == 0)
        r = buffer_add_text(&line, scheme ? scheme : "Bearer");
    if (r == 0)
        r = buffer_add_text(&line, " ");
    if (r == 0)
        r = buffer_add_text(&line, token);
    if (r < 0)
        return r;
    struct curl_slist *longer = curl_slist_append(request->headers, line.data);
    if (!longer)
        return -ENOMEM;
    request->headers = longer;
    return 0;
}

static int prepare(HttpRequest *request, const HttpOptions *options)
{
    int r = options->form ? buffer_add_text(&request->form, options->form) : 0;

    if (r == 0)
        r = add_headers(request);
    if (r == 0 && options->bearer)
        r = add_bearer(request, options->scheme, options->bearer);
    if (r < 0)
        return r;
    request->easy = curl_easy_init();
    if (!request->easy)
        return -ENOMEM;
    r = set_protocols(request->easy, options->allow_insecure_loopback);
    if (r == 0)
        r = set_route(request, options);
    if (r == 0)
        r = set_trust(request->easy, options);
    if (r == 0)
        r = set_caps(request->easy, options->timeout_usec);
    if (r == 0)
        r = set_repetition(request->easy, options->once);
    return r == 0 ? set_transfer(request, options) : r;
}

int http_start(Http *http, const HttpOptions *options, HttpHandler handler, void *userdata,
               HttpRequest **ret_request)
{
    if (!url_is_allowed(options->url, options->allow_insecure_loopback))
        return -EINVAL;
    _cleanup_(request_freep) HttpRequest *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    request->http = http;
    request->handler = handler;
    request->userdata = userdata;
    request->timeout_usec = options->timeout_usec;
    request->form = BUFFER_INIT(HTTP_BODY_MAX);
    request->body = BUFFER_INIT(options->body_max > 0 ? options->body_max : HTTP_BODY_MAX);
    int r = prepare(request, options);
    if (r < 0)
        return r;
    if (curl_multi_add_handle(http->multi, request->easy) != CURLM_OK)
        return -EIO;
    request->next = http->requests;
    if (request->next)
        request->next->previous = request;
    http->requests = request;
    *ret_request = TAKE_PTR(request);
    return 0;
}

const char *http_start_fault(int r)
{
    if (r == -EINVAL)
        return "the address is not an https address";
    if (r == -EKEYREJECTED)
        return "proxy secret: the file is missing, not private, or has no NAME:PASSWORD";
    return "the request could not be started";
}

HttpRequest *http_cancel(HttpRequest *request)
{
    /* Without a handler it is being finished just now: finish() frees it. */
    if (request && request->handler)
        request_free(request);
    return NULL;
}
