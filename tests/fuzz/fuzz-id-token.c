/*
 * A token and a key set, both hostile, separated by a line feed: no crash, and a person only with a
 * reason-free success. The same as an access token.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helper/token/access-token.h"
#include "helper/token/id-token.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT(text) ((char *)(uintptr_t)(text))

static const ProviderConfig config = {
    .issuer = TEXT("https://i"),
    .client_id = TEXT("c"),
    .api_audience = TEXT("c"),
    .username_claim = TEXT("preferred_username"),
    .id_claim = TEXT("sub"),
    .name_claim = TEXT("name"),
    .groups_claim = TEXT("groups"),
    .clock_skew_usec = 300000000,
};

static void validate(const char *token, const Jwks *jwks)
{
    const IdTokenRules rules = {.config = &config, .now_sec = 1800000000};
    const char *reason = NULL;
    Identity *identity = NULL;
    int r = id_token_validate(token, jwks, &rules, &identity, &reason);

    insist((r == 0) == (identity != NULL));
    insist(r == 0 || reason);
    identity_free(identity);
}

static void validate_access(const char *token, const Jwks *jwks)
{
    const TokenRules rules = {.config = &config, .now_sec = 1800000000};
    const char *reason = NULL;
    AccessToken *access = NULL;
    Identity *identity = NULL;
    int r = access_token_validate(token, jwks, &rules, &access, &identity, &reason);

    insist((r == 0) == (identity != NULL) && (r == 0) == (access != NULL));
    insist(r == 0 || reason);
    access_token_free(access);
    identity_free(identity);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *feed = size > 0 ? memchr(data, '\n', size) : NULL;
    const char *reason = NULL;
    Jwks *jwks = NULL;

    if (!feed)
        return 0;
    char *token = strndup((const char *)data, (size_t)(feed - data));
    insist(token != NULL);
    if (jwks_parse((const char *)feed + 1, (size_t)(data + size - feed - 1), &jwks, &reason) == 0) {
        insist(jwks->count > 0);
        validate(token, jwks);
        validate_access(token, jwks);
    } else {
        insist(reason && !jwks);
    }
    jwks_free(jwks);
    free(token);
    return 0;
}
