/*
 * In what the kinds of provider differ, as one table (facts/providers.md §1, §3, §4). What their
 * errors mean is another one (evidence.tsv); everything else is the same code for all. A new
 * kind is a row here, its word in config-keys.c, and rows of the evidence table if it has a dialect
 * of its own.
 */
#pragma once

#include <stdbool.h>
#include "helper/config/config.h"

/* In what words the token endpoint refuses. */
typedef enum ErrorDialect {
    DIALECT_PLAIN = 0, /* RFC 6749 alone: a refusal says no reason, RefusedRefresh= reads it */
    DIALECT_AADSTS,    /* numbers in error_codes */
    DIALECT_AADB2C,    /* a number at the head of the description */
    DIALECT_KEYCLOAK,  /* the description is all there is */
    _DIALECT_COUNT,
} ErrorDialect;

typedef enum TenantClaim {
    TENANT_CLAIM_NONE = 0, /* tid means nothing */
    TENANT_CLAIM_OPTIONAL, /* where there is a tid it is the tenant's */
    TENANT_CLAIM_NEEDED,
} TenantClaim;

/* How an access token says that a client asked for itself, and nobody signed in. */
typedef enum AppTokens {
    APP_TOKENS_SUBJECT = 0,     /* sub is the client (RFC 9068 §2.2) */
    APP_TOKENS_IDTYP,           /* idtyp, or sub is oid and there is no scp */
    APP_TOKENS_SERVICE_ACCOUNT, /* the account's name is service-account-… */
} AppTokens;

/* Addresses and texts hold {tenant}, {policy}, {client}, {origin} (scheme and host of the issuer),
 * {login} and {ciam} (hosts of the cloud). */
typedef struct ProviderTraits {
    const char *issuer;   /* what Issuer= is when only Tenant= is given; NULL: it must be given */
    const char *metadata; /* where the metadata are; NULL: below the issuer */
    const char *redirect_uri; /* where the browser method ends; NULL: on the person's own machine */
    const char *scope;
    const char *id_claim, *username_claim;
    const char *roles_claim; /* NULL: roles */
    ErrorDialect dialect;
    bool has_tenant;      /* the issuer's path holds a tenant; ids get it in front, in lower case */
    TenantClaim tenant_claim;
    bool keys_name_issuer; /* a key may be for another issuer, and says so */
    const char *keys_issuer; /* what its own keys may say besides Issuer=; NULL: nothing */
    bool names_contexts; /* authentication contexts: asked for by `claims`, told in acrs */
    bool has_policy;       /* Policy= is a part of the path, and tokens name it in tfp or acr */
    bool has_cloud;        /* Cloud= says which hosts are its own */
    const char *one_time_code_field; /* of the password grant, beside the password; NULL: it takes
                                      * no code */
    const char
        *id_token_kind; /* what the payload's own typ says of an ID token; NULL: no such claim */
    const char *access_token_kind; /* the same of an access token */
    const char *access_id_claim;   /* IdClaim= of a person's access token, where that is another */
    const char *client_claims[2];  /* in which it names the client it was given to */
    AppTokens app_tokens;
    bool asks_consent;       /* without prompt=consent it gives no refresh token (Core §11) */
    unsigned poll_extra_sec; /* a device code is polled so much slower than announced */
} ProviderTraits;

/* Never NULL; what is no type is read as PROVIDER_GENERIC. Static. */
const ProviderTraits *provider_traits(ProviderType type);

/* Hosts of Microsoft's clouds, by Cloud=. */
typedef struct CloudHosts {
    const char *login; /* Entra ID's */
    const char *ciam;  /* External ID's, below which each tenant has its own; NULL: not known here,
                        * Issuer= must be given */
} CloudHosts;

/* Never NULL; what is no cloud is read as CLOUD_PUBLIC. Static. */
const CloudHosts *cloud_hosts(Cloud cloud);
/* Whose login host an issuer has. False when it is none of the table's. */
bool cloud_of_issuer(const char *issuer, Cloud *ret_cloud);

/* A text of the table with its holes filled from the configuration; the caller frees it. Returns 0,
 * -ENODATA when the configuration has no value for a hole, -ENOMEM. */
int provider_expand(const char *text, const ProviderConfig *config, char **ret_text);
