/*
 * Writing a whole buffer.
 */
#pragma once

#include <stddef.h>

/* Writes all `size` bytes, over interruptions and short writes. 0, or -errno (-EIO when
 * nothing more is taken); then part of it may have been written. */
int write_all(int fd, const void *data, size_t size);
