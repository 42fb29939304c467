/*
 * Text of several lines that is meant for a terminal, a log line or the message bus.
 *
 * The helper reads hostile bytes; whatever of them reaches a person's terminal or root's log must
 * be valid UTF-8 and harmless (common/utf8.h), or an escape sequence could rewrite what the
 * person believes to see. Both ends of every boundary check.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True for valid UTF-8 of harmless characters and LF. Empty is fine. */
bool text_is_clean(const char *text, size_t size);

/* Copies `text` (NULL is "") into `out`, at most out_size - 1 bytes, cut on a character boundary;
 * every byte that text_is_clean() refuses, and every LF when !keep_lf, becomes '?'. Returns out. */
char *text_clean(const char *text, bool keep_lf, char *out, size_t out_size);
