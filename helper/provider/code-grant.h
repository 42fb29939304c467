/*
 * The authorization code grant for a host without a browser (RFC 6749 §4.1, OpenID Connect Core
 * §3.1, RFC 7636, RFC 9207): the address that a person opens, and the address on which their
 * browser ends, which they bring back by hand. Pure functions: random bytes come from outside.
 */
#pragma once

#include <stdbool.h>
#include "common/limits.h"
#include "common/secret.h"
#include "helper/base/buffer.h"
#include "helper/config/config.h"
#include "helper/provider/strength-request.h"

#define CODE_RANDOM_BYTES 64u /* 16 for the state, 16 for the nonce, 32 for the verifier */
#define CODE_STATE_SIZE   23u /* base64url of 16 bytes, and the NUL */

/* What one authorization request is known by. The verifier never leaves the host but to the token
 * endpoint. */
typedef struct CodeRequest {
    char state[CODE_STATE_SIZE]; /* ties the answer to this login */
    char nonce[CODE_STATE_SIZE]; /* ties the ID token to this login */
    Secret *verifier;
} CodeRequest;

/* Returns 0 or -ENOMEM; on error the request is empty. */
int code_request_init(CodeRequest *request, const uint8_t random[CODE_RANDOM_BYTES]);
/* Wipes and empties it. */
void code_request_clear(CodeRequest *request);

/* Appends the address to open (Core §3.1.2.1). `login_hint` (may be NULL) spares the person typing
 * their name; `strength` is what is asked of the sign-in. Returns 0, -EMSGSIZE, -ENOMEM, -EIO. */
int code_request_url(const CodeRequest *request, const ProviderConfig *config,
                     const char *endpoint, const char *login_hint,
                     const StrengthRequest *strength, Buffer *url);

/* What a pasted address turns out to be. */
typedef enum CodeAnswer {
    CODE_ANSWER_CODE = 0,       /* good: a code for this login */
    CODE_ANSWER_REFUSED,        /* good: the provider says why there is none */
    CODE_ANSWER_INCOMPLETE,     /* a good beginning; the rest may follow */
    CODE_ANSWER_OTHER_STATE,    /* of another login, or forged */
    CODE_ANSWER_OTHER_ISSUER,   /* of another provider: a mix-up (RFC 9207 §2.4) */
    CODE_ANSWER_NONSENSE,       /* not the address on which a sign-in ends */
} CodeAnswer;

/* By what an answer is judged. Texts are borrowed. */
typedef struct CodeAnswerRules {
    const char *redirect_uri;
    const char *state;
    const char *issuer, *tenant; /* the expected `iss`, and what "{tenantid}" in it stands for */
    bool issuer_required;        /* the provider announces that it sends one */
    bool is_whole;               /* nothing follows: what is incomplete is nonsense */
} CodeAnswerRules;

/* Reads `size` bytes of a pasted address. *ret_code is set (caller owns) with CODE_ANSWER_CODE,
 * `ret_error` (RFC 6749 §4.1.2.1, printable ASCII) with CODE_ANSWER_REFUSED. Returns 0 and the
 * verdict, or -ENOMEM. */
#define CODE_ERROR_SIZE 65u
int code_answer_read(const char *text, size_t size, const CodeAnswerRules *rules,
                     CodeAnswer *ret_answer, Secret **ret_code, char ret_error[CODE_ERROR_SIZE]);

/* Appends another pasted piece to `address`; one that begins as the address does begins anew.
 * Returns 0, -EMSGSIZE, -ENOMEM. */
int code_answer_add(Buffer *address, const char *piece, size_t size, const char *redirect_uri);

/* Terminals and PAM applications cut what is longer than they read, and say nothing: did this piece
 * end there? */
bool code_answer_may_be_cut(size_t piece_size);
