/*
 * Access token validation. See access-token.h.
 *
 * Each check is a function that gives NULL or the reason of refusal; they stand in one table, in
 * the order in which the log should name the first that fails.
 */
#include "helper/token/access-token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/limits.h"
#include "helper/base/json-strict.h"
#include "helper/base/text-list.h"
#include "helper/provider/provider-type.h"
#include "helper/base/hostile-text.h"
#include "helper/token/claims.h"
#include "helper/token/identity.h"

typedef const char *(*ClaimCheck)(const json_t *payload, const TokenRules *rules);

/* --- claims ----------------------------------------------------------------------------------- */

/* What only an ID token has (OpenID Connect Core §2, §3.3.2.11). Older Keycloaks copy the nonce
 * into access tokens, and say what each of their tokens is. */
static bool is_of_id_token(const json_t *payload, const char *kind)
{
    static const char *const names[] = {"at_hash", "c_hash", "s_hash"};

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (json_object_get(payload, names[i]))
            return true;
    return json_object_get(payload, "nonce") && !(kind && token_claim_is(payload, "typ", kind));
}

static const char *check_purpose(const json_t *payload, const TokenRules *rules)
{
    const char *kind = provider_traits(rules->config->type)->access_token_kind;

    if (json_object_get(payload, "events"))
        return "access token: it is a security event";
    if (kind && json_object_get(payload, "typ") && !token_claim_is(payload, "typ", kind))
        return "access token: its typ claim says it is another token";
    if (json_object_get(payload, "token_use") && !token_claim_is(payload, "token_use", "access"))
        return "access token: token_use says it is another token";
    if (is_of_id_token(payload, kind))
        return "access token: it is an id token";
    if (json_object_get(payload, "cnf"))
        return "access token: it is bound to a key, which this host cannot check";
    return NULL;
}

static const char *check_issuer(const json_t *payload, const TokenRules *rules)
{
    static const char v1[] = "https://sts.windows.net/";
    const char *issuer = json_text(payload, "iss", CLAIM_MAX);

    if (token_claim_is(payload, "iss", rules->config->issuer))
        return NULL;
    return issuer && strncmp(issuer, v1, sizeof(v1) - 1) == 0
               ? "access token: iss mismatch, a v1.0 token; set requestedAccessTokenVersion to 2"
               : "access token: iss mismatch";
}

static const char *check_tenant(const json_t *payload, const TokenRules *rules)
{
    return token_is_of_tenant(payload, rules) ? NULL : "access token: tid mismatch";
}

static const char *check_policy(const json_t *payload, const TokenRules *rules)
{
    return token_is_of_policy(payload, rules->config) ? NULL : "access token: of another policy";
}

static const char *check_audience(const json_t *payload, const TokenRules *rules)
{
    const char *audience = rules->config->api_audience;

    if (!audience)
        return "access token: ApiAudience= is not set";
    return token_audience_has(payload, audience) ? NULL : "access token: aud mismatch";
}

static const char *check_times(const json_t *payload, const TokenRules *rules)
{
    static const char *const reasons[_TOKEN_TIMES_COUNT] = {
        [TOKEN_TIMES_NO_EXP] = "access token: exp is missing or no time",
        [TOKEN_TIMES_NO_IAT] = "access token: iat is missing or no time",
        [TOKEN_TIMES_FUTURE] = "access token: issued in the future; check the clock of this host",
        [TOKEN_TIMES_BAD_NBF] = "access token: nbf is no time",
        [TOKEN_TIMES_EARLY] = "access token: not valid yet; check the clock of this host",
        [TOKEN_TIMES_EXPIRED] = "access token: expired",
    };

    return reasons[token_times(payload, rules)];
}

static const char *check_subject(const json_t *payload, const TokenRules *rules)
{
    return json_text(payload, "sub", CLAIM_MAX) ? NULL
                                                : "access token: sub is missing, empty or too long";
}

static const char *client_of(const json_t *payload, const ProviderConfig *config)
{
    const ProviderTraits *traits = provider_traits(config->type);

    for (size_t i = 0; i < ELEMENTSOF(traits->client_claims) && traits->client_claims[i]; i++) {
        const char *client =
            claim_exact_text(json_object_get(payload, traits->client_claims[i]));
        if (client)
            return client;
    }
    return NULL;
}

static const char *check_client(const json_t *payload, const TokenRules *rules)
{
    return client_of(payload, rules->config) ? NULL
                                             : "access token: it names no client it was given to";
}

static const ClaimCheck claim_checks[] = {
    check_purpose, check_issuer, check_tenant,  check_policy,
    check_audience, check_times, check_subject, check_client,
};

const char *access_token_check_claims(const json_t *payload, const TokenRules *rules)
{
    for (size_t i = 0; i < ELEMENTSOF(claim_checks); i++) {
        const char *reason = claim_checks[i](payload, rules);
        if (reason)
            return reason;
    }
    return NULL;
}

/* --- a person, or a client that asked for itself ---------------------------------------------- */

/* RFC 9068 §2.2: without a person sub is the client. "@clients" is how Auth0 writes it. */
static bool subject_is_client(const json_t *payload, const char *client)
{
    const char *subject = json_text(payload, "sub", CLAIM_MAX);
    size_t size = strlen(client);

    return subject && strncmp(subject, client, size) == 0 &&
           (subject[size] == '\0' || strcmp(subject + size, "@clients") == 0);
}

static bool is_app_of_entra(const json_t *payload)
{
    const char *subject = json_text(payload, "sub", CLAIM_MAX);

    if (json_object_get(payload, "idtyp"))
        return token_claim_is(payload, "idtyp", "app");
    return !json_object_get(payload, "scp") && subject && token_claim_is(payload, "oid", subject);
}

/* The account of a client has a name that no client's person has, and client_id, which is no
 * claim of a person's. */
static bool is_app_of_keycloak(const json_t *payload, const char *client)
{
    static const char prefix[] = "service-account-";
    const char *name = json_text(payload, "preferred_username", CLAIM_MAX);

    return name && strncmp(name, prefix, sizeof(prefix) - 1) == 0 &&
           (token_claim_is(payload, "client_id", client) ||
            token_claim_is(payload, "clientId", client));
}

static bool is_app(const json_t *payload, const ProviderConfig *config, const char *client)
{
    switch (provider_traits(config->type)->app_tokens) {
    case APP_TOKENS_IDTYP:
        return is_app_of_entra(payload);
    case APP_TOKENS_SERVICE_ACCOUNT:
        return is_app_of_keycloak(payload, client);
    case APP_TOKENS_SUBJECT:
        break;
    }
    return subject_is_client(payload, client) && !json_object_get(payload, "uid");
}

/* Okta's access tokens have a person's login in sub, and their id in uid. */
static int read_identity(const json_t *payload, const TokenRules *rules, bool app,
                         Identity **ret_identity)
{
    const char *claim = provider_traits(rules->config->type)->access_id_claim;
    ProviderConfig config = *rules->config;

    if (claim && !app)
        config.id_claim = (char *)(uintptr_t)claim;
    int r = identity_from_claims(payload, &config, rules->tenant, ret_identity);
    return r > 0 ? TOKEN_E_REFUSED : r;
}

/* --- scopes ----------------------------------------------------------------------------------- */

/* RFC 6749 §3.3: printable ASCII. Whoever reads the answer is not to be disturbed by another. */
static int add_scope(char ***list, const char *word)
{
    return hostile_text_is_graphic(word, CLAIM_MAX) ? text_list_add(list, word) : 0;
}

/* The same: words with blanks between. */
static int add_words(char ***list, const char *text)
{
    int r = 0;

    while (r >= 0 && *(text += strspn(text, " "))) {
        size_t size = strcspn(text, " ");
        _cleanup_free_ char *word = strndup(text, size);
        r = word ? add_scope(list, word) : -ENOMEM;
        text += size;
    }
    return r;
}

/* `scp` of Entra and Okta, a text or a list; `scope` of RFC 9068. What is malformed is no scope. */
static int read_scopes(const json_t *payload, AccessToken *token)
{
    const json_t *value = json_object_get(payload, "scp");
    int r = 0;

    value = value ? value : json_object_get(payload, "scope");
    token->scopes = text_list_new();
    if (!token->scopes)
        return -ENOMEM;
    if (json_is_string(value))
        return add_words(&token->scopes, json_string_value(value));
    size_t count = json_array_size(value);
    for (size_t i = 0; r >= 0 && i < count && i < CLAIM_GROUPS_MAX; i++)
        if (json_is_string(json_array_get(value, i)))
            r = add_scope(&token->scopes, json_string_value(json_array_get(value, i)));
    return r;
}

static bool has_one(char *const *list, char *const *wanted)
{
    bool any = false;

    for (size_t i = 0; wanted && wanted[i]; i++) {
        any = true;
        if (text_list_contains(list, wanted[i]))
            return true;
    }
    return !any;
}

bool access_token_has_scope(const AccessToken *token, char *const *wanted)
{
    return has_one(token->scopes, wanted);
}

bool access_token_has_role(const Identity *identity, char *const *wanted)
{
    static char *none[] = {NULL};

    return has_one(identity->roles_known ? identity->roles : none, wanted);
}

/* --- its mark --------------------------------------------------------------------------------- */

/* jti is RFC 7519's; Entra calls it uti. The hash, because ids are the provider's to print. */
static void read_mark(const json_t *payload, AccessToken *token)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    const char *id = json_text(payload, "jti", CLAIM_MAX);

    id = id ? id : json_text(payload, "uti", CLAIM_MAX);
    if (!id || EVP_Digest(id, strlen(id), hash, NULL, EVP_sha256(), NULL) != 1)
        return;
    for (size_t i = 0; i < (ACCESS_TOKEN_MARK_SIZE - 1) / 2; i++)
        snprintf(token->mark + 2 * i, 3, "%02x", hash[i]);
}

/* --- all together ----------------------------------------------------------------------------- */

static int read_token(const json_t *payload, const TokenRules *rules, AccessToken **ret_token,
                      Identity **ret_identity)
{
    _cleanup_(access_token_freep) AccessToken *token = calloc(1, sizeof(*token));

    if (!token)
        return -ENOMEM;
    token->client = strdup(client_of(payload, rules->config));
    if (!token->client)
        return -ENOMEM;
    token->is_app = is_app(payload, rules->config, token->client);
    token->is_managed = token->is_app && json_is_string(json_object_get(payload, "xms_mirid"));
    (void)token_numeric_date(payload, "iat", &token->issued_sec);
    (void)token_numeric_date(payload, "exp", &token->expires_sec);
    read_mark(payload, token);
    int r = read_scopes(payload, token);
    if (r >= 0)
        r = read_identity(payload, rules, token->is_app, ret_identity);
    if (r == 0)
        *ret_token = TAKE_PTR(token);
    return r;
}

int access_token_validate(const char *token, const Jwks *jwks, const TokenRules *rules,
                          AccessToken **ret_token, Identity **ret_identity,
                          const char **ret_reason)
{
    _cleanup_(jwt_freep) Jwt *jwt = NULL;
    int r = jwt_parse_access(token, strlen(token), &jwt, ret_reason);

    if (r < 0)
        return r == -ENOMEM ? r : TOKEN_E_REFUSED;
    r = token_verify(jwt, jwks, rules);
    *ret_reason = r == TOKEN_E_UNKNOWN_KEY
                      ? "access token: signed by a key the provider does not publish"
                      : "access token: signature is wrong";
    if (r != 0)
        return r;
    const char *reason = access_token_check_claims(jwt->payload, rules);
    if (reason) {
        *ret_reason = reason;
        return TOKEN_E_REFUSED;
    }
    *ret_reason = "access token: the id claim is missing, too long or has control characters";
    return read_token(jwt->payload, rules, ret_token, ret_identity);
}

AccessToken *access_token_free(AccessToken *token)
{
    if (!token)
        return NULL;
    free(token->client);
    text_list_free(token->scopes);
    free(token);
    return NULL;
}
