/*
 * Tokens presented beforehand. See presented.h.
 */
#include "helper/login/presented.h"

#include <errno.h>
#include <stdlib.h>

#include "common/limits.h"
#include "helper/base/caller-limit.h"
#include "helper/token/access-token.h"

static const CallerRate asks_rate = {.burst = 10, .interval_usec = 6 * USEC_PER_SEC};

typedef struct Row {
    uint32_t uid, audit_session;
    Stamp since;
    uint64_t life_usec; /* 0: free */
    PresentedToken token;
} Row;

struct PresentedTokens {
    Row rows[PRESENTED_MAX];
    CallerLimit asks;
};

void presented_token_clear(PresentedToken *token)
{
    token->identity = identity_free(token->identity);
    token->access = access_token_free(token->access);
}

static void clear_row(Row *row)
{
    presented_token_clear(&row->token);
    *row = (Row){0};
}

int presented_new(PresentedTokens **ret_tokens)
{
    *ret_tokens = calloc(1, sizeof(**ret_tokens));
    return *ret_tokens ? 0 : -ENOMEM;
}

PresentedTokens *presented_free(PresentedTokens *tokens)
{
    for (size_t i = 0; tokens && i < PRESENTED_MAX; i++)
        clear_row(&tokens->rows[i]);
    free(tokens);
    return NULL;
}

/* No skew is allowed here: what a clock that is slow takes for young is not kept for later. */
uint64_t presented_life_usec(const AccessToken *access, const Stamp *now)
{
    uint64_t expires = access->expires_sec < UINT64_MAX / USEC_PER_SEC
                           ? access->expires_sec * USEC_PER_SEC
                           : UINT64_MAX;
    uint64_t left = expires > now->wall_usec ? expires - now->wall_usec : 0;

    return left < PRESENTED_LIFE_USEC ? left : PRESENTED_LIFE_USEC;
}

/* 0 for what is free or over. A clock that was set back makes nothing young again. */
static uint64_t left_usec(const Row *row, const Stamp *now)
{
    uint64_t age = row->life_usec > 0 ? stamp_age_usec(&row->since, now) : AGE_STALE;

    return age < row->life_usec ? row->life_usec - age : 0;
}

/* Its own, else the one with the least left. What is over is cleared on the way. */
static Row *place_for(PresentedTokens *tokens, uint32_t uid, const Stamp *now)
{
    Row *least = &tokens->rows[0];

    for (size_t i = 0; i < PRESENTED_MAX; i++) {
        Row *row = &tokens->rows[i];
        if (left_usec(row, now) == 0)
            clear_row(row);
        else if (row->uid == uid)
            return row;
        if (left_usec(row, now) < left_usec(least, now))
            least = row;
    }
    return least;
}

void presented_put(PresentedTokens *tokens, uint32_t uid, uint32_t audit_session,
                   PresentedToken *token, const Stamp *now)
{
    Row *row = place_for(tokens, uid, now);

    clear_row(row);
    *row = (Row){.uid = uid, .audit_session = audit_session, .since = *now, .token = *token,
                 .life_usec = presented_life_usec(token->access, now)};
    *token = (PresentedToken){0};
}

bool presented_take(PresentedTokens *tokens, uint32_t uid, uint32_t audit_session,
                    const Stamp *now, PresentedToken *ret_token)
{
    for (size_t i = 0; i < PRESENTED_MAX; i++) {
        Row *row = &tokens->rows[i];
        if (left_usec(row, now) == 0)
            clear_row(row);
        if (row->life_usec == 0 || row->uid != uid || row->audit_session != audit_session)
            continue;
        *ret_token = row->token;
        *row = (Row){0};
        return true;
    }
    return false;
}

void presented_forget(PresentedTokens *tokens, uint32_t uid)
{
    for (size_t i = 0; i < PRESENTED_MAX; i++)
        if (tokens->rows[i].uid == uid)
            clear_row(&tokens->rows[i]);
}

bool presented_may_ask(PresentedTokens *tokens, uint32_t uid, const Stamp *now)
{
    return caller_limit_take(&tokens->asks, &asks_rate, uid, now->boot_usec);
}
