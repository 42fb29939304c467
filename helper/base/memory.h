/*
 * Memory that is wiped before it is given back, for the libraries that hold our secrets.
 *
 * curl keeps request bodies and Authorization headers, jansson whole token responses, OpenSSL
 * TLS records. None of them wipes; so each of them allocates here. What they hand out for the
 * caller to free (json_dumps() …) then belongs to wiping_free(), not to free().
 */
#pragma once

#include <stddef.h>

/* To be called first thing in main(), before any thread and before curl, jansson or OpenSSL have
 * allocated. Also takes SSLKEYLOGFILE out of the environment, because curl would write TLS keys
 * there. Returns 0, or -EBUSY when a library had allocated already. */
int memory_init(void);

/* The allocators themselves; a block from one of these must be released by wiping_free(). */
void *wiping_malloc(size_t size);
void *wiping_calloc(size_t count, size_t size);
void *wiping_realloc(void *block, size_t size);
char *wiping_strdup(const char *text);
void wiping_free(void *block);
