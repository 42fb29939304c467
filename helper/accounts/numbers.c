/*
 * Numbers of people and groups (design §4): a hash, so that every host gives the same person the
 * same number without asking anybody, and a table, so that a number once seen is never another's.
 */
#include "helper/accounts/accounts-private.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "helper/config/config.h"
#include "helper/store/store.h"

static EVP_MD_CTX *digest_free(EVP_MD_CTX *digest)
{
    EVP_MD_CTX_free(digest);
    return NULL;
}
DEFINE_CLEANUP(EVP_MD_CTX *, digest_free)

int identity_digest(const char *issuer, const char *id, uint8_t ret_digest[32])
{
    _cleanup_(digest_freep) EVP_MD_CTX *digest = EVP_MD_CTX_new();

    if (!digest)
        return -ENOMEM;
    /* The NUL behind the issuer is hashed too: no two pairs give the same bytes. */
    if (EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(digest, issuer, strlen(issuer) + 1) != 1 ||
        EVP_DigestUpdate(digest, id, strlen(id)) != 1 ||
        EVP_DigestFinal_ex(digest, ret_digest, NULL) != 1)
        return -EIO;
    return 0;
}

uint32_t number_of(const char *issuer, const char *id, uint32_t base, uint32_t count)
{
    uint8_t digest[32];
    uint64_t hash = 0;

    if (count == 0 || identity_digest(issuer, id, digest) < 0)
        return 0;
    for (size_t i = 0; i < 8; i++)
        hash = hash << 8 | digest[i];
    return base + (uint32_t)(hash % count);
}

int number_claim(Store *store, const char *owner, uint32_t number)
{
    _cleanup_free_ char *present = NULL;
    int r = store_number_owner(store, number, &present);

    if (r == -ENOENT)
        return store_number_put(store, owner, number);
    if (r < 0)
        return r;
    return strcmp(present, owner) == 0 ? 0 : -EADDRINUSE;
}

int number_claim_pinned(Store *store, const char *owner, uint32_t number)
{
    _cleanup_free_ char *pinned = NULL, *present = NULL;
    int r = store_number_owner(store, number, &present);

    if (r >= 0 && strcmp(present, owner) == 0)
        return 0;
    if (asprintf(&pinned, "pinned:%u:%s", number, owner) < 0) {
        pinned = NULL;
        return -ENOMEM;
    }
    return number_claim(store, pinned, number);
}

const char *group_issuer(const Config *config, const GroupConfig *group)
{
    const ProviderConfig *provider = NULL;

    if (group->provider)
        provider = config_provider(config, group->provider);
    else if (config->provider_count == 1)
        provider = &config->providers[0];
    return provider ? provider->issuer : NULL;
}

int group_owner(const char *issuer, const char *id, const char *role, char **ret_owner)
{
    bool by_id = id && *id;

    if (asprintf(ret_owner, "%s:%s %s", by_id ? "group" : "role", issuer, by_id ? id : role) < 0) {
        *ret_owner = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* A role's name is no id: both may be the same text, so their numbers are taken of different
 * ones. */
static uint32_t group_hash(const Config *config, const GroupConfig *group, const char *issuer)
{
    _cleanup_free_ char *role = NULL;

    if (*group->id)
        return number_of(issuer, group->id, config->uid_base, config->uid_count);
    if (asprintf(&role, "role %s", group->role) < 0) {
        role = NULL;
        return 0;
    }
    return number_of(issuer, role, config->uid_base, config->uid_count);
}

int group_number(Store *store, const Config *config, const GroupConfig *group, const char *issuer,
                 uint32_t *ret_gid)
{
    _cleanup_free_ char *owner = NULL;
    uint32_t number = group->gid;

    int r = group_owner(issuer, group->id, group->role, &owner);
    if (r < 0)
        return r;
    if (number != 0) {
        r = number_claim_pinned(store, owner, number);
    } else {
        r = store_number_get(store, owner, &number);
        if (r == -ENOENT) {
            number = group_hash(config, group, issuer);
            r = number == 0 ? -EIO : number_claim(store, owner, number);
        }
    }
    if (r < 0)
        return r;
    *ret_gid = number;
    return 0;
}
