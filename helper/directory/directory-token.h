/*
 * The access token that this host asks the directory with (RFC 6749 §4.4, client credentials),
 * or one that was made for it (RFC 6750).
 */
#pragma once

#include "helper/provider/evidence.h"
#include "helper/provider/http.h"
#include "helper/provider/provider.h"

typedef struct DirectoryToken {
    Secret *token;
    uint64_t until_usec; /* CLOCK_BOOTTIME; asked for anew before that */
    uint64_t expires_sec;/* the certificate that got it; wall clock, 0: none */
    bool was_refused;    /* the directory did not take it: a new one was asked for */
} DirectoryToken;

bool directory_token_is_good(const DirectoryToken *token, uint64_t now_usec);

/* Posts the request to `url`. Returns 0; -EPERM or -ENOENT when the secret's or certificate's
 * file is not private or not there, -EBADMSG or -EKEYEXPIRED for a certificate; another negative
 * errno. */
int directory_token_request(DirectoryToken *token, Http *http, const ProviderConfig *settings,
                            const char *url, bool secret_in_body, HttpHandler handler,
                            void *userdata, HttpRequest **ret_request);

/* Takes the token of DirectoryTokenFile= instead. Same errors. */
int directory_token_read(DirectoryToken *token, const ProviderConfig *settings, uint64_t now_usec);

/* Does the certificate end within 30 days of `now_sec` (wall clock)? In how many days? */
bool directory_token_ends_soon(const DirectoryToken *token, uint64_t now_sec, unsigned *ret_days);

/* Takes the reply over. 0, or -EACCES with what refused it in `ret_evidence`, -ENOMEM. */
int directory_token_take(DirectoryToken *token, const ProviderConfig *settings,
                         const HttpReply *reply, uint64_t now_usec, Evidence *ret_evidence);

void directory_token_clear(DirectoryToken *token);
