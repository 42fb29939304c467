/*
 * PKCE challenges. See pkce.h.
 */
#include "helper/provider/pkce.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "helper/base/base64url.h"

_Static_assert(PKCE_CHALLENGE_SIZE == BASE64URL_ENCODED_SIZE(32u), "a SHA-256 has 32 bytes");

int pkce_challenge(const char *verifier, char ret_challenge[PKCE_CHALLENGE_SIZE])
{
    uint8_t digest[32];

    if (EVP_Digest(verifier, strlen(verifier), digest, NULL, EVP_sha256(), NULL) != 1)
        return -EIO;
    base64url_encode(digest, sizeof(digest), ret_challenge);
    return 0;
}
