/*
 * Provider metadata (OpenID Connect Discovery §3, RFC 8414 §2, RFC 8628 §4): where the endpoints
 * are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/cleanup.h"
#include "helper/config/config.h"

typedef struct Metadata {
    char *device_endpoint;        /* NULL: the provider has none */
    char *authorization_endpoint; /* likewise */
    char *token_endpoint;
    char *jwks_uri;
    bool issuer_in_answer; /* authorization answers carry `iss` (RFC 9207 §3) */
    bool secret_in_body; /* client_secret_post instead of client_secret_basic */
} Metadata;

/* Where the metadata are: OidcUrl=, or where the type has them, or the issuer with
 * /.well-known/openid-configuration. Returns 0, -ENODATA when the type needs a setting that is not
 * given, -ENOMEM. */
int discovery_url(const ProviderConfig *config, char **ret_url);

/* Does the configuration give every endpoint that its methods use, so that nothing is to be
 * fetched? */
bool discovery_is_needless(const ProviderConfig *config);

/* Metadata from the configuration alone. Returns 0, -EBADMSG with a static *ret_reason, -ENOMEM. */
int discovery_from_config(const ProviderConfig *config, Metadata **ret_metadata,
                          const char **ret_reason);

/* Reads a metadata document. The issuer in it must be the configured one, byte by byte
 * ("{tenantid}" standing for `tenant`, which may be NULL); addresses must be https.
 * DeviceEndpoint=, AuthorizationEndpoint= and TokenEndpoint= go before what the document says,
 * JwksUri= too unless OidcUrl= is given. Returns 0, -EBADMSG with a static *ret_reason, -ENOMEM. */
int discovery_parse(const char *data, size_t size, const ProviderConfig *config, const char *tenant,
                    Metadata **ret_metadata, const char **ret_reason);

Metadata *metadata_free(Metadata *metadata);
DEFINE_CLEANUP(Metadata *, metadata_free)
