/*
 * Text that is meant for a terminal, a log line or the message bus.
 *
 * The helper reads hostile bytes; whatever of them reaches a person's terminal or root's log must
 * be valid UTF-8 and free of control characters, or an escape sequence could rewrite what the
 * person believes to see. Both ends of every boundary check.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Length in bytes of the UTF-8 character at `bytes` (RFC 3629: shortest form, no surrogates), or
 * 0 when there is none within `size`. */
size_t text_character(const char *bytes, size_t size);

/* True for valid UTF-8 whose only control character is LF: no C0, no DEL, no C1, no NUL. */
bool text_is_clean(const char *text, size_t size);

/* Copies `text` (NULL is "") into `out`, at most out_size - 1 bytes, cut on a character boundary;
 * every byte that text_is_clean() refuses, and every LF when !keep_lf, becomes '?'. Returns out. */
char *text_clean(const char *text, bool keep_lf, char *out, size_t out_size);
