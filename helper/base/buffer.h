/*
 * Bytes that grow up to a maximum and are wiped whenever they move or go: request forms, replies.
 */
#pragma once

#include <stddef.h>
#include "common/cleanup.h"

typedef struct Buffer {
    char *data;  /* NUL-terminated once something was added; NULL before */
    size_t size; /* without the NUL */
    size_t capacity;
    size_t max; /* size never passes this */
} Buffer;

#define BUFFER_INIT(maximum) ((Buffer){.max = (maximum)})

/* Appends. Returns 0, -EMSGSIZE beyond the maximum (nothing is added then), -ENOMEM. */
int buffer_add(Buffer *buffer, const void *data, size_t size);
int buffer_add_text(Buffer *buffer, const char *text);

/* Wipes and releases; the buffer is then empty and usable again. */
void buffer_clear(Buffer *buffer);
#define _cleanup_buffer_ _cleanup_(buffer_clear)
