/*
 * Compact JWS. See jwt.h.
 */
#include "helper/token/jwt.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "helper/base/base64url.h"
#include "helper/token/issuer.h"
#include "helper/base/json-strict.h"

/* Most keys tried for one token: a set of a thousand keys must not become a thousand RSA
 * operations. */
#define ATTEMPTS_MAX 16u

/* Header members whose presence alone refuses: extensions we would have to understand, compression,
 * encryption, a payload that is itself a token. */
static const struct {
    const char *name;
    const char *reason;
} refused_members[] = {
    {"crit", "token header has crit"}, {"b64", "token header has b64"},
    {"zip", "token is compressed"},    {"enc", "token is encrypted"},
    {"cty", "token is nested"},
};

typedef struct Segments {
    const char *start[3];
    size_t size[3];
} Segments;

static bool split(const char *token, size_t size, Segments *segments)
{
    size_t n = 0;

    segments->start[0] = token;
    for (size_t i = 0; i < size; i++) {
        if (token[i] != '.')
            continue;
        segments->size[n] = (size_t)(token + i - segments->start[n]);
        if (++n == 3)
            return false;
        segments->start[n] = token + i + 1;
    }
    if (n != 2)
        return false;
    segments->size[2] = (size_t)(token + size - segments->start[2]);
    return segments->size[0] > 0 && segments->size[1] > 0 && segments->size[2] > 0;
}

static int decode_object(const char *text, size_t size, json_t **ret_object)
{
    _cleanup_free_ uint8_t *bytes = NULL;
    size_t n = 0;
    int r = base64url_decode_alloc(text, size, &bytes, &n);

    if (r < 0)
        return r;
    r = json_read_strict((const char *)bytes, n, TOKEN_MAX, ret_object);
    explicit_bzero(bytes, n);
    return r;
}

/* RFC 8725 §3.11: an ID token says nothing or "JWT", an access token may say what RFC 9068 §2.1
 * has it say; secevent+jwt and logout+jwt are other things. Up to NULL. */
static const char *const plain_types[] = {"JWT", "application/jwt", NULL};
static const char *const access_types[] = {"at+jwt", "application/at+jwt", "JWT", "application/jwt",
                                           NULL};

static bool type_is_among(const json_t *header, const char *const *types)
{
    const json_t *typ = json_object_get(header, "typ");

    if (!typ)
        return true;
    for (; json_is_string(typ) && *types; types++)
        if (strcasecmp(json_string_value(typ), *types) == 0)
            return true;
    return false;
}

static const char *header_refusal(const json_t *header, const char *const *types,
                                  const SignatureAlgorithm **ret_algorithm)
{
    const json_t *alg = json_object_get(header, "alg"), *kid = json_object_get(header, "kid");

    for (size_t i = 0; i < ELEMENTSOF(refused_members); i++)
        if (json_object_get(header, refused_members[i].name))
            return refused_members[i].reason;
    if (!json_is_string(alg))
        return "token has no alg";
    *ret_algorithm = signature_algorithm(json_string_value(alg));
    if (!*ret_algorithm)
        return "alg of the token is not allowed";
    if (kid && !json_is_string(kid))
        return "kid of the token is no string";
    if (type_is_among(header, types))
        return NULL;
    return types == plain_types ? "typ of the token is not JWT"
                                : "typ of the token is not that of an access token";
}

static int parse_header(Jwt *jwt, const Segments *segments, const char *const *types,
                        const char **ret_reason)
{
    *ret_reason = "token header is not strict base64url and JSON";
    int r = decode_object(segments->start[0], segments->size[0], &jwt->header);
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    const char *refusal = header_refusal(jwt->header, types, &jwt->algorithm);
    if (refusal) {
        *ret_reason = refusal;
        return -EBADMSG;
    }
    const json_t *kid = json_object_get(jwt->header, "kid");
    if (!kid)
        return 0;
    jwt->kid = strdup(json_string_value(kid));
    return jwt->kid ? 0 : -ENOMEM;
}

static int parse_rest(Jwt *jwt, const Segments *segments, const char **ret_reason)
{
    *ret_reason = "token payload is not strict base64url and JSON";
    int r = decode_object(segments->start[1], segments->size[1], &jwt->payload);
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    *ret_reason = "token signature is not strict base64url";
    r = base64url_decode_alloc(segments->start[2], segments->size[2], &jwt->signature,
                               &jwt->signature_size);
    return r == -ENOBUFS ? -EBADMSG : r;
}

static int parse(const char *token, size_t size, const char *const *types, Jwt **ret_jwt,
                 const char **ret_reason)
{
    Segments segments = {};

    *ret_reason = "token is too long";
    if (size > TOKEN_MAX)
        return -EBADMSG;
    *ret_reason = "token has not three segments";
    if (!split(token, size, &segments))
        return -EBADMSG;
    _cleanup_(jwt_freep) Jwt *jwt = calloc(1, sizeof(*jwt));
    if (!jwt)
        return -ENOMEM;
    int r = parse_header(jwt, &segments, types, ret_reason);
    if (r == 0)
        r = parse_rest(jwt, &segments, ret_reason);
    if (r < 0)
        return r;
    jwt->input = token;
    jwt->input_size = segments.size[0] + 1 + segments.size[1];
    *ret_jwt = TAKE_PTR(jwt);
    return 0;
}

int jwt_parse(const char *token, size_t size, Jwt **ret_jwt, const char **ret_reason)
{
    return parse(token, size, plain_types, ret_jwt, ret_reason);
}

int jwt_parse_access(const char *token, size_t size, Jwt **ret_jwt, const char **ret_reason)
{
    return parse(token, size, access_types, ret_jwt, ret_reason);
}

bool jwt_looks_like(const char *text, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    Segments segments = {};

    return size > 2 && memcmp(text, "eyJ", 3) == 0 && split(text, size, &segments) &&
           strspn(text, letters) >= size;
}

/* Does the key say that it signs for somebody else? */
static bool is_of_another(const Jwk *key, const char *const *issuers, const char *tenant)
{
    if (!issuers || !key->issuer)
        return false;
    for (; *issuers; issuers++)
        if (issuer_matches(key->issuer, *issuers, tenant))
            return false;
    return true;
}

/* Is this the key, or one of the keys, that the token names? */
static bool is_named(const Jwt *jwt, const Jwk *key)
{
    return !jwt->kid || (key->kid && strcmp(jwt->kid, key->kid) == 0);
}

/* RFC 8725 §3.1: the key decides which algorithms it takes, not the token. */
static bool takes_algorithm(const Jwk *key, const SignatureAlgorithm *algorithm)
{
    return signature_algorithm_takes(algorithm, key->kind) &&
           (!key->algorithm || key->algorithm == algorithm);
}

int jwt_verify(const Jwt *jwt, const Jwks *jwks, const char *const *issuers, const char *tenant)
{
    unsigned attempts = 0;
    bool known = false;

    for (size_t i = 0; i < jwks->count && attempts < ATTEMPTS_MAX; i++) {
        const Jwk *key = jwks->keys[i];
        if (!is_named(jwt, key) || is_of_another(key, issuers, tenant))
            continue;
        known = jwt->kid;
        if (!takes_algorithm(key, jwt->algorithm))
            continue;
        attempts++;
        if (signature_is_valid(jwt->algorithm, key->kind, key->key, jwt->input, jwt->input_size,
                               jwt->signature, jwt->signature_size))
            return 0;
    }
    return known ? JWT_E_BAD_SIGNATURE : JWT_E_UNKNOWN_KEY;
}

Jwt *jwt_free(Jwt *jwt)
{
    if (!jwt)
        return NULL;
    json_decref(jwt->header);
    json_decref(jwt->payload);
    free(jwt->kid);
    free(jwt->signature);
    free(jwt);
    return NULL;
}
