/*
 * How the host proves to the token endpoint which client it is (RFC 6749 §2.3.1).
 */
#pragma once

#include <stdbool.h>
#include "common/secret.h"
#include "helper/base/buffer.h"
#include "helper/config/config.h"

/* Adds client_id to the form and, with a secret in the body, client_secret; with a secret for HTTP
 * Basic it fills `user` and `password`, percent-encoded as the RFC demands. The secret's file is
 * read each time, so that it can be renewed under a running helper. Returns 0; -EPERM when others
 * may read the secret's file; another negative errno. */
int client_auth_add(const ProviderConfig *config, bool secret_in_body, Buffer *form, Buffer *user,
                    Buffer *password);

/* A whole private file, such as a key with its certificate; same demands and errors, -EFBIG beyond
 * 64 KiB. */
int client_file_read(const char *path, Secret **ret_text);

/* The first line of a private file; same demands. -EBADMSG when it is empty. */
int client_secret_read(const char *path, Buffer *secret);

/* The same for a client given apart; `secret_file` may be NULL. */
int client_auth_add_as(const char *client_id, const char *secret_file, bool secret_in_body,
                       Buffer *form, Buffer *user, Buffer *password);
