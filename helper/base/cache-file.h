/*
 * Public documents of a provider (keys, metadata) kept on disk, so that a restart during an outage
 * of the provider still knows its keys.
 *
 * A file is one header line ("rcpch-cache 1 <fetched, microseconds> <address>") and the document.
 * It is a hint, never trusted more than the network: whoever reads it parses it again.
 */
#pragma once

#include <stdint.h>
#include "helper/base/buffer.h"

/* Reads `name` in `dir` if it was fetched from `url`. `body` is cleared first. Returns 0, -ENOENT,
 * -EPERM when the file is not ours alone to write, -EBADMSG for another format or address,
 * -EMSGSIZE, or another negative errno. */
int cache_file_read(const char *dir, const char *name, const char *url, Buffer *body,
                    uint64_t *ret_fetched_usec);

/* Replaces the file by rename: a reader sees the old or the new one. Returns 0 or a negative errno.
 */
int cache_file_write(const char *dir, const char *name, const char *url, uint64_t fetched_usec,
                     const void *data, size_t size);
