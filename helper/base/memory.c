/*
 * Wiping allocators: each block carries its size in front, so that freeing it can wipe all of it.
 * malloc_usable_size() would do without the header, but what lies beyond the requested size is
 * not ours to write (FORTIFY_SOURCE=3 and the sanitizers say so).
 */
#include "helper/base/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct Block {
    size_t size;
    _Alignas(max_align_t) unsigned char data[];
} Block;

static Block *block_of(void *data)
{
    return (Block *)(void *)((unsigned char *)data - offsetof(Block, data));
}

void *wiping_malloc(size_t size)
{
    if (size > PTRDIFF_MAX - sizeof(Block))
        return NULL;
    Block *block = malloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    block->size = size;
    return block->data;
}

void *wiping_calloc(size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *data = wiping_malloc(total);
    if (data)
        memset(data, 0, total);
    return data;
}

void *wiping_realloc(void *data, size_t size)
{
    if (!data)
        return wiping_malloc(size);
    if (size == 0) {
        wiping_free(data);
        return NULL;
    }
    size_t old = block_of(data)->size;
    void *moved = wiping_malloc(size);
    if (!moved)
        return NULL;
    memcpy(moved, data, old < size ? old : size);
    wiping_free(data);
    return moved;
}

char *wiping_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wiping_malloc(size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void wiping_free(void *data)
{
    if (!data)
        return;
    Block *block = block_of(data);
    explicit_bzero(block->data, block->size);
    free(block);
}

/* jansson 2.14 writes through a wild pointer when an allocation of its scanner fails (found by
 * test-out-of-memory). Its inputs are bounded, so that happens only to a process that is lost
 * anyhow: it ends here, cleanly, and systemd starts another. */
static void *json_malloc(size_t size)
{
    void *data = wiping_malloc(size);

    if (!data)
        abort();
    return data;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    return wiping_malloc(size);
}

static void *openssl_realloc(void *data, size_t size, const char *file, int line)
{
    return wiping_realloc(data, size);
}

static void openssl_free(void *data, const char *file, int line)
{
    wiping_free(data);
}

int memory_init(void)
{
    if (unsetenv("SSLKEYLOGFILE") < 0)
        return -errno;
    json_set_alloc_funcs(json_malloc, wiping_free);
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
        return -EBUSY;
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiping_malloc, wiping_free, wiping_realloc,
                             wiping_strdup, wiping_calloc) != CURLE_OK)
        return -EBUSY;
    return 0;
}
