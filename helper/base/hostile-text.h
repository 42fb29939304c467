/*
 * Text from a provider on its way to a terminal, a log or a name: hostile until cleaned. What is
 * harmful is said in common/utf8.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8 of harmless characters, at most `max` bytes. Empty text is clean. */
bool hostile_text_is_clean(const char *text, size_t max);

/* A copy without what is harmful or invalid, cut at a character's border to at most `max` bytes.
 * The caller frees it. Returns 0 or -ENOMEM. */
int hostile_text_strip(const char *text, size_t max, char **ret_text);

/* Into a fixed buffer: printable ASCII, everything else as '?', always terminated. For reasons in
 * the log. */
void hostile_text_to_ascii(const char *text, char *out, size_t size);

/* Only 0x21 to 0x7e, at least one byte and at most `max`. For codes and addresses. */
bool hostile_text_is_graphic(const char *text, size_t max);
