/*
 * Access tokens that people presented beforehand, for a sudo that is still to come: its prompt
 * takes 511 bytes, and a token is longer (`rcpchctl token use`).
 *
 * Kept are what a token said and until when, never the token. It is good once, for sudo by the
 * same account in the same login session (the kernel's audit session), until the token expires,
 * at most PRESENTED_LIFE; one for each account, a newer one replacing it; a restart of the helper
 * forgets it. Whether it admits is judged anew when it is used. The clock is a parameter.
 */
#pragma once

#include "helper/accounts/account.h"
#include "helper/base/clock.h"
#include "helper/provider/provider.h"

#define PRESENTED_LIFE_USEC (300 * USEC_PER_SEC)

typedef struct PresentedTokens PresentedTokens;

/* What a token said; both are owned. */
typedef struct PresentedToken {
    Identity *identity;
    AccessToken *access;
} PresentedToken;

int presented_new(PresentedTokens **ret_tokens);
PresentedTokens *presented_free(PresentedTokens *tokens);

/* How long a token may still be used; 0: no more. */
uint64_t presented_life_usec(const AccessToken *access, const Stamp *now);

/* Takes `token` over; the one that expires first goes when there are too many. */
void presented_put(PresentedTokens *tokens, uint32_t uid, uint32_t audit_session,
                   PresentedToken *token, const Stamp *now);

/* Takes it out: there is none any more. False when there was none. */
bool presented_take(PresentedTokens *tokens, uint32_t uid, uint32_t audit_session,
                    const Stamp *now, PresentedToken *ret_token);

/* Whose access was ended has none. */
void presented_forget(PresentedTokens *tokens, uint32_t uid);

void presented_token_clear(PresentedToken *token);

/* May this user present another one now? */
bool presented_may_ask(PresentedTokens *tokens, uint32_t uid, const Stamp *now);
