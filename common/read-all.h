/*
 * Reading to the end.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Reads to the end of `fd`, over interruptions, but no more than `capacity` bytes. Returns how many
 * came (of `capacity`: there may be more), or -errno. */
ssize_t read_all(int fd, void *buffer, size_t capacity);
