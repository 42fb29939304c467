/*
 * Text from a provider on its way to a terminal, a log or a name: hostile until cleaned.
 *
 * Beyond C0, DEL and C1, the marks that reorder or hide text on a screen go too (line and
 * paragraph separators, bidirectional embeddings and isolates, zero-width characters).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* No such character, valid UTF-8, and at most `max` bytes. Empty text is clean. */
bool text_is_clean(const char *text, size_t max);

/* A copy without such characters (invalid UTF-8 bytes go as well), cut at a character's border to
 * at most `max` bytes. The caller frees it. Returns 0 or -ENOMEM. */
int text_clean(const char *text, size_t max, char **ret_text);

/* Into a fixed buffer: printable ASCII only, everything else as '?', always terminated. For log
 * reasons. */
void text_to_ascii(const char *text, char *out, size_t size);

/* Only 0x21 to 0x7e, at least one byte and at most `max`. For codes and addresses. */
bool text_is_graphic(const char *text, size_t max);
