/*
 * Access tokens that are signed JWTs (RFC 9068; Entra, Keycloak and Okta before it), as a
 * resource checks them: pure functions of the token, the keys, the rules and the time.
 *
 * An ID token is none: it is for the client that asked for it, says nothing of what may be
 * done, and must not open a door (RFC 8725 §3.12). So ApiAudience= is never the client's own
 * id.
 */
#pragma once

#include "helper/provider/provider.h"
#include "helper/token/token-claims.h"

#define ACCESS_TOKEN_MARK_SIZE 17u /* 8 bytes of SHA-256 in hexadecimal digits */

struct AccessToken {
    char *client;       /* the client that it was given to */
    char **scopes;      /* scp or scope, NULL-terminated */
    bool is_app;        /* of a client that asked for itself: nobody signed in */
    bool is_managed;    /* of these, of an Azure managed identity */
    uint64_t issued_sec, expires_sec; /* since the epoch */
    char mark[ACCESS_TOKEN_MARK_SIZE]; /* of jti, or uti, for the log: the same for the same token;
                                        * "" where it has neither */
};

/* Validates a NUL-terminated token against Issuer= and ApiAudience=. On any positive result
 * *ret_reason is a static text for the log. *ret_identity is the person, or the application's
 * own id and roles. Returns 0, TOKEN_E_*, -ENOMEM; nothing is set unless 0. */
int access_token_validate(const char *token, const Jwks *jwks, const TokenRules *rules,
                          AccessToken **ret_token, Identity **ret_identity,
                          const char **ret_reason);

/* The claims alone, of a payload whose signature was checked. NULL when all hold. */
const char *access_token_check_claims(const json_t *payload, const TokenRules *rules);

/* One of them is enough; none wanted is enough, too. */
bool access_token_has_scope(const AccessToken *token, char *const *wanted);
bool access_token_has_role(const Identity *identity, char *const *wanted);

AccessToken *access_token_free(AccessToken *token);
DEFINE_CLEANUP(AccessToken *, access_token_free)
