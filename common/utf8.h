/*
 * Stepping through UTF-8 that somebody else wrote, and telling what may reach a terminal or a
 * log line: no control characters, nothing that reorders or breaks a line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the character at `text` (RFC 3629: shortest form, no surrogates, at most U+10FFFF).
 * Returns the bytes it takes (1 to 4) or -EBADMSG for anything else, an empty rest included. */
int utf8_next(const char *text, size_t size, uint32_t *ret_code);

/* False for C0, DEL, C1, the line and paragraph separators and the bidirectional controls
 * (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069, U+FFF9 to U+FFFB), and for what is
 * no character (U+FDD0 to U+FDEF, U+FFFE, U+FFFF and the same of each plane): sd-bus takes no
 * message that holds one. */
bool utf8_is_harmless(uint32_t code);

/* Valid UTF-8 with harmless characters only. Empty is fine. */
bool utf8_text_is_harmless(const char *text, size_t size);
