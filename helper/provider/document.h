/*
 * A document the provider publishes (metadata, keys): fetched when needed, shared by all who wait,
 * kept in memory and on disk (facts/providers.md §1: cache 24 h, look again hourly).
 *
 * Its content belongs to the owner: `accept` parses and keeps it, or refuses it; a refused or
 * failed fetch never takes a good content away.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "helper/provider/evidence.h"
#include "helper/provider/http.h"

#define DOCUMENT_LOOK_AGAIN_USEC (UINT64_C(3600) * 1000000u)       /* in the background */
#define DOCUMENT_FRESH_USEC      (UINT64_C(24) * 3600u * 1000000u) /* then fetched before use */
#define DOCUMENT_STALE_USEC                                                                        \
    (UINT64_C(3) * 24u * 3600u * 1000000u)            /* with the provider down: not used beyond */
#define DOCUMENT_RETRY_USEC  (UINT64_C(5) * 1000000u) /* between attempts without content */
#define DOCUMENT_URGENT_USEC (UINT64_C(300) * 1000000u) /* between fetches for an unknown kid */

typedef struct Document Document;

typedef enum DocumentState {
    DOCUMENT_FAILED = 0, /* no content, and none to be had now: see document_error() */
    DOCUMENT_READY,
    DOCUMENT_WAIT, /* a fetch is under way; `settled` will be called */
} DocumentState;

typedef struct DocumentOwner {
    /* Parses `body` and keeps the result. 0, or a negative errno with a static *ret_reason. */
    int (*accept)(void *userdata, const char *body, size_t size, const char **ret_reason);
    /* A fetch ended, well or badly. Called from the loop. */
    void (*settled)(void *userdata);
    void *userdata;
} DocumentOwner;

/* `options` gives certificate, proxy and time-out (its strings must outlive the document);
 * `cache_dir` and `name` say where it is kept (copied). Without an address yet it is
 * DOCUMENT_FAILED. */
int document_new(sd_event *event, Http *http, const HttpOptions *options, const char *cache_dir,
                 const char *name, const DocumentOwner *owner, Document **ret_document);
Document *document_free(Document *document);
DEFINE_CLEANUP(Document *, document_free)

/* Sets the address; another one than before drops what was known, then looks on disk. Returns 0 or
 * -ENOMEM. */
int document_set_url(Document *document, const char *url);

/* Makes the content usable: starts a fetch where the age asks for it. */
DocumentState document_ensure(Document *document);

/* Fetches anew unless the last attempt is younger than `least_usec`. True when a fetch is under
 * way. */
bool document_fetch(Document *document, uint64_t least_usec);

/* Fetches anew because something unknown was named (a kid), at most once in DOCUMENT_URGENT_USEC
 * however often it is asked for. Ordinary fetches do not count: keys may rotate right after one.
 * True when a fetch is under way. */
bool document_fetch_urgently(Document *document);

/* Wall clock of the last good fetch, 0 = never. */
uint64_t document_fetched_usec(const Document *document);
/* Why the last fetch failed, or "". Owned by the document. */
const char *document_error(const Document *document);
/* How far the last fetch came; REACH_ANSWERED before the first. */
EvidenceReach document_reach(const Document *document);
/* Is it known where to fetch it? */
bool document_has_url(const Document *document);
