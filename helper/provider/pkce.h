/*
 * Proof Key for Code Exchange (RFC 7636): whoever redeems a code shows that they asked for it.
 *
 * Only S256: `plain` would send the proof through the browser, where the code comes back as well.
 */
#pragma once

#include <stddef.h>

#define PKCE_CHALLENGE_SIZE 44u /* base64url of a SHA-256, and the NUL */

/* code_challenge = BASE64URL(SHA256(ASCII(code_verifier))) (RFC 7636 §4.2). Returns 0 or -EIO when
 * OpenSSL fails. */
int pkce_challenge(const char *verifier, char ret_challenge[PKCE_CHALLENGE_SIZE]);
