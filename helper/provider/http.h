/*
 * HTTPS requests: curl's multi interface driven by sd-event (design §7).
 *
 * TLS always verified, redirects never followed, https only (http for loopback where the
 * configuration says so), every reply capped in size and time. The body of a reply is wiped
 * after the callback.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "common/cleanup.h"

typedef struct Http Http;
typedef struct HttpRequest HttpRequest;

typedef struct HttpReply {
    long status;               /* 0 when there was no HTTP answer */
    bool sent;                 /* something of the request left this host: it may be carried out */
    const char *error;         /* text when status is 0: "timed out", "connection refused" … */
    const char *body;          /* NUL-terminated, borrowed */
    size_t size;
    const char *content_type;  /* or NULL */
    uint64_t retry_after_usec; /* Retry-After, 0 = none; fractions allowed. At 429 also what
                                * X-Rate-Limit-Reset says */
    const char *next;          /* Link: rel="next", "" when it is not understood; NULL: none */
    uint64_t max_age_usec;     /* Cache-Control: max-age, 0 = none */
    uint64_t date_sec;         /* Date: the server's clock, 0 = not said */
    const char *peer;          /* the address that was reached, or ""; the proxy's where there is */
    bool by_proxy;             /* a proxy had to open the way; where it failed to, `error` begins
                                * with "proxy: " */
} HttpReply;

typedef void (*HttpHandler)(const HttpReply *reply, void *userdata);

typedef struct HttpOptions {
    const char *url;
    const char *form;     /* application/x-www-form-urlencoded body → POST; NULL → GET. Copied. */
    const char *ca_file;  /* NULL: the system's */
    const char *proxy;    /* an address, or NULL; what the environment says is never used */
    const char *proxy_secret_file; /* NAME:PASSWORD for it, read each time; or NULL */
    char *const *no_proxy;         /* what goes straight (http-route.h), or NULL */
    const char *user;     /* HTTP Basic (client_secret_basic), with password; NULL: none */
    const char *password;
    const char *bearer;   /* an access token (RFC 6750 §2.1), or NULL */
    const char *scheme;   /* what stands before it; NULL: Bearer */
    bool allow_insecure_loopback;
    bool once;            /* never sent again by itself, on whatever fault (RFC 9110 §9.2.2) */
    uint64_t timeout_usec;
    size_t body_max;      /* 0: HTTP_BODY_MAX */
} HttpOptions;

/* One per process: sets SIGPIPE to be ignored. */
int http_new(sd_event *event, Http **ret_http);
Http *http_free(Http *http); /* not from within a handler; requests under way are cancelled */
DEFINE_CLEANUP(Http *, http_free)

/* Starts a request. The handler is called exactly once, from the loop, and the request is freed
 * after it; until then the caller may cancel by *ret_request. Everything in `options` is copied,
 * and wiped in the end. Returns 0, -EINVAL for an address that is not allowed, -EKEYREJECTED for a
 * proxy's secret that cannot be used, -ENOMEM, -EIO. */
int http_start(Http *http, const HttpOptions *options, HttpHandler handler, void *userdata,
               HttpRequest **ret_request);
/* These, in words; static. */
const char *http_start_fault(int r);

/* Has something of a request that is under way left this host, towards the provider? */
bool http_was_sent(const HttpRequest *request);

/* The handler is not called any more. NULL, and the request that is being handled, are fine.
 * Returns NULL. */
HttpRequest *http_cancel(HttpRequest *request);
