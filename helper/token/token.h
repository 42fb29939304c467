/*
 * Successful replies of a token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3), read
 * purely.
 */
#pragma once

#include <stddef.h>
#include "common/secret.h"

typedef struct TokenResponse {
    Secret *id_token;      /* NULL if absent */
    Secret *refresh_token; /* NULL if absent: the old one stays good */
} TokenResponse;

/* Reads a 200 reply. Returns 0, -EBADMSG with a static *ret_reason, -ENOMEM; on error the response
 * is empty. */
int token_response_parse(const char *data, size_t size, TokenResponse *ret_response,
                         const char **ret_reason);

void token_response_clear(TokenResponse *response);
