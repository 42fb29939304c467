/*
 * Inside jwk.c and its three kinds of key: how each makes an OpenSSL key of a JWK's members.
 */
#pragma once

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include "helper/token/signature.h"

/* Each returns 0 and a key the caller owns, JWK_E_UNUSABLE with a static reason, or -ENOMEM. */
int jwk_rsa_parse(const json_t *object, KeyKind *ret_kind, EVP_PKEY **ret_key,
                  const char **ret_reason);
int jwk_ec_parse(const json_t *object, KeyKind *ret_kind, EVP_PKEY **ret_key,
                 const char **ret_reason);
int jwk_okp_parse(const json_t *object, KeyKind *ret_kind, EVP_PKEY **ret_key,
                  const char **ret_reason);

/* The base64url member `name`, at most `max` bytes decoded. Returns 0, JWK_E_UNUSABLE, -ENOMEM. */
int jwk_member(const json_t *object, const char *name, size_t max, uint8_t **ret_data,
               size_t *ret_size);

/* A public key of the built parameters; NULL when OpenSSL refuses it. */
EVP_PKEY *jwk_key_from_params(const char *type, OSSL_PARAM_BLD *builder);
