/*
 * The access token that this host asks the directory with (RFC 6749 §4.4, client credentials).
 */
#pragma once

#include "helper/evidence.h"
#include "helper/http.h"
#include "helper/provider.h"

typedef struct DirectoryToken {
    Secret *token;
    uint64_t until_usec; /* CLOCK_BOOTTIME; asked for anew before that */
    bool was_refused;    /* the directory did not take it: a new one was asked for */
} DirectoryToken;

bool directory_token_is_good(const DirectoryToken *token, uint64_t now_usec);

/* Posts the request to `url`. Returns 0; -EPERM or -ENOENT when the secret's file is not private or
 * not there; another negative errno. */
int directory_token_request(Http *http, const ProviderConfig *settings, const char *base,
                            const char *url, bool secret_in_body, HttpHandler handler,
                            void *userdata, HttpRequest **ret_request);

/* Takes the reply over. 0, or -EACCES with what refused it in `ret_evidence`, -ENOMEM. */
int directory_token_take(DirectoryToken *token, const ProviderConfig *settings,
                         const HttpReply *reply, uint64_t now_usec, Evidence *ret_evidence);

void directory_token_clear(DirectoryToken *token);
