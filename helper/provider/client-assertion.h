/*
 * A client that proves who it is by a certificate: private_key_jwt (OpenID Connect Core §9, RFC
 * 7523 §3), with the certificate named as Entra wants it (x5t#S256, RFC 7515 §4.1.8).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/secret.h"

/* In what services differ. */
typedef struct AssertionStyle {
    bool is_rs256;      /* RS256, where PS256 is not known (Okta) */
    bool needs_no_certificate; /* a key alone will do, and ends never */
    const char *key_id; /* which of the client's keys it is, or NULL */
} AssertionStyle;

/* Signs (PS256) that `client_id` asks `audience` at `now_sec` (wall clock). `pem` holds an RSA key
 * of 2048 bits or more and its certificate, in any order; a renewed one takes effect by being
 * written there. `*ret_expires_sec` (wall clock) is the end of the certificate, 0 without one.
 * Returns 0; -EBADMSG when the text holds no such pair, -EKEYEXPIRED after the certificate's end,
 * -EIO when OpenSSL fails, -ENOMEM. */
int client_assertion_make(const Secret *pem, const AssertionStyle *style, const char *client_id,
                          const char *audience, uint64_t now_sec, Secret **ret_assertion,
                          uint64_t *ret_expires_sec);
