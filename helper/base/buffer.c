/*
 * The growing, wiping buffer. See buffer.h.
 */
#include "helper/base/buffer.h"

#include <errno.h>
#include <string.h>

#define BUFFER_CAPACITY_MIN 512u

static int buffer_reserve(Buffer *buffer, size_t size)
{
    size_t capacity =
        buffer->capacity < BUFFER_CAPACITY_MIN ? BUFFER_CAPACITY_MIN : buffer->capacity;

    if (size < buffer->capacity)
        return 0;
    while (capacity <= size)
        capacity *= 2;
    char *data = malloc(capacity);
    if (!data)
        return -ENOMEM;
    if (buffer->size > 0)
        memcpy(data, buffer->data, buffer->size);
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    free(buffer->data);
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int buffer_add(Buffer *buffer, const void *data, size_t size)
{
    if (size > buffer->max - buffer->size)
        return -EMSGSIZE;
    int r = buffer_reserve(buffer, buffer->size + size);
    if (r < 0)
        return r;
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
    return 0;
}

int buffer_add_text(Buffer *buffer, const char *text)
{
    return buffer_add(buffer, text, strlen(text));
}

void buffer_clear(Buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    free(buffer->data);
    *buffer = BUFFER_INIT(buffer->max);
}
