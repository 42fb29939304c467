/*
 * Provider documents. See document.h.
 *
 * Ages are taken on the wall clock, because they must outlive a restart; a content from the future
 * counts as too old to be used without asking. Pauses between attempts are on CLOCK_BOOTTIME.
 */
#include "helper/provider/document.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/limits.h"
#include "helper/base/cache-file.h"

struct Document {
    sd_event *event;
    Http *http;
    HttpOptions options;
    char *cache_dir, *name, *url;
    DocumentOwner owner;
    HttpRequest *request;
    bool has_content;
    bool was_attempted;
    bool was_urgent;
    uint64_t attempted_usec; /* CLOCK_BOOTTIME */
    uint64_t urgent_usec;    /* CLOCK_BOOTTIME */
    uint64_t fetched_usec;   /* wall clock */
    EvidenceReach reach; /* of the last attempt */
    char error[96];
};

int document_new(sd_event *event, Http *http, const HttpOptions *options, const char *cache_dir,
                 const char *name, const DocumentOwner *owner, Document **ret_document)
{
    _cleanup_(document_freep) Document *document = calloc(1, sizeof(*document));

    if (!document)
        return -ENOMEM;
    document->event = sd_event_ref(event);
    document->http = http;
    document->options = *options;
    document->owner = *owner;
    document->cache_dir = strdup(cache_dir);
    document->name = strdup(name);
    if (!document->cache_dir || !document->name)
        return -ENOMEM;
    snprintf(document->error, sizeof(document->error), "address not known yet");
    *ret_document = TAKE_PTR(document);
    return 0;
}

Document *document_free(Document *document)
{
    if (!document)
        return NULL;
    http_cancel(document->request);
    sd_event_unref(document->event);
    free(document->cache_dir);
    free(document->name);
    free(document->url);
    free(document);
    return NULL;
}

static uint64_t now_usec(const Document *document, clockid_t clock)
{
    uint64_t now = 0;

    return sd_event_now(document->event, clock, &now) >= 0 ? now : 0;
}

/* UINT64_MAX: never, or from the future. */
static uint64_t age_usec(const Document *document)
{
    uint64_t now = now_usec(document, CLOCK_REALTIME);

    return document->has_content && document->fetched_usec <= now ? now - document->fetched_usec
                                                                  : UINT64_MAX;
}

static int accept_content(Document *document, const char *body, size_t size, uint64_t fetched_usec)
{
    const char *reason = "refused";
    int r = document->owner.accept(document->owner.userdata, body, size, &reason);

    if (r < 0) {
        snprintf(document->error, sizeof(document->error), "%s", reason);
        return r;
    }
    document->has_content = true;
    document->fetched_usec = fetched_usec;
    document->error[0] = '\0';
    return 0;
}

int document_set_url(Document *document, const char *url)
{
    _cleanup_buffer_ Buffer body = BUFFER_INIT(HTTP_BODY_MAX);
    uint64_t fetched = 0;

    if (document->url && strcmp(document->url, url) == 0)
        return 0;
    char *copy = strdup(url);
    if (!copy)
        return -ENOMEM;
    free(document->url);
    document->url = copy;
    document->request = http_cancel(document->request);
    document->has_content = document->was_attempted = false;
    document->fetched_usec = 0;
    document->error[0] = '\0';
    if (cache_file_read(document->cache_dir, document->name, url, &body, &fetched) == 0)
        accept_content(document, body.data, body.size, fetched);
    return 0;
}

static void on_reply(const HttpReply *reply, void *userdata)
{
    Document *document = userdata;

    document->request = NULL;
    /* The pause counts from the end, or an attempt that timed out would be followed by the next at
     * once and those who wait would wait for ever. */
    document->attempted_usec = now_usec(document, CLOCK_BOOTTIME);
    document->reach = evidence_reach(reply->status, reply->error);
    if (reply->status == 0)
        snprintf(document->error, sizeof(document->error), "%s", reply->error);
    else if (reply->status != 200)
        snprintf(document->error, sizeof(document->error), "http %ld", reply->status);
    else if (accept_content(document, reply->body, reply->size,
                            now_usec(document, CLOCK_REALTIME)) == 0)
        (void)cache_file_write(document->cache_dir, document->name, document->url,
                               document->fetched_usec, reply->body,
                               reply->size); /* a full disk costs the cache, not the login */
    document->owner.settled(document->owner.userdata);
}

bool document_fetch(Document *document, uint64_t least_usec)
{
    uint64_t now = now_usec(document, CLOCK_BOOTTIME);

    if (document->request || !document->url)
        return document->request;
    if (document->was_attempted && now - document->attempted_usec < least_usec)
        return false;
    HttpOptions options = document->options;
    options.url = document->url;
    document->was_attempted = true;
    document->attempted_usec = now;
    int r = http_start(document->http, &options, on_reply, document, &document->request);
    if (r < 0)
        snprintf(document->error, sizeof(document->error), "%s", http_start_fault(r));
    return r >= 0;
}

bool document_fetch_urgently(Document *document)
{
    uint64_t now = now_usec(document, CLOCK_BOOTTIME);

    if (document->was_urgent && now - document->urgent_usec < DOCUMENT_URGENT_USEC)
        return document->request;
    if (!document_fetch(document, 0))
        return false;
    document->was_urgent = true;
    document->urgent_usec = now;
    return true;
}

DocumentState document_ensure(Document *document)
{
    uint64_t age = age_usec(document);

    if (age <= DOCUMENT_FRESH_USEC) {
        if (age > DOCUMENT_LOOK_AGAIN_USEC)
            document_fetch(document, DOCUMENT_URGENT_USEC);
        return DOCUMENT_READY;
    }
    if (document_fetch(document, DOCUMENT_RETRY_USEC))
        return DOCUMENT_WAIT;
    return age <= DOCUMENT_STALE_USEC ? DOCUMENT_READY : DOCUMENT_FAILED;
}

uint64_t document_fetched_usec(const Document *document)
{
    return document->has_content ? document->fetched_usec : 0;
}

EvidenceReach document_reach(const Document *document)
{
    return document->reach;
}

bool document_has_url(const Document *document)
{
    return document->url;
}

const char *document_error(const Document *document)
{
    return document->error;
}
