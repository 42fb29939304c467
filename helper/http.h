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
    long status;             /* 0 when there was no HTTP answer */
    bool sent;               /* something of the request left this host, so it may have been carried out */
    const char *error;       /* static or borrowed text when status is 0: "timed out", "certificate not trusted" … */
    const char *body;        /* NUL-terminated, borrowed */
    size_t size;
    const char *content_type;/* or NULL */
    uint64_t retry_after_usec; /* Retry-After, 0 = none; fractions allowed */
    uint64_t max_age_usec;   /* Cache-Control: max-age, 0 = none */
} HttpReply;

typedef void (*HttpHandler)(const HttpReply *reply, void *userdata);

typedef struct HttpOptions {
    const char *url;
    const char *form;         /* application/x-www-form-urlencoded body → POST; NULL → GET. Copied and wiped. */
    const char *ca_file;      /* NULL: the system's */
    const char *proxy;
    const char *user;         /* HTTP Basic (client_secret_basic), with password; NULL: none */
    const char *password;
    bool allow_insecure_loopback;
    uint64_t timeout_usec;
    size_t body_max;          /* 0: HTTP_BODY_MAX */
} HttpOptions;

int http_new(sd_event *event, Http **ret_http);
Http *http_free(Http *http);
DEFINE_CLEANUP(Http *, http_free)

/* The handler is called exactly once from the loop; the request is freed after it. -EINVAL for an address that is not allowed. */
int http_start(Http *http, const HttpOptions *options, HttpHandler handler, void *userdata, HttpRequest **ret_request);
HttpRequest *http_cancel(HttpRequest *request); /* the handler is not called any more; returns NULL */
