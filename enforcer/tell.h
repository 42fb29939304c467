/*
 * One line on every terminal of a person, so that a session does not vanish without a word.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes CR LF, the text, CR LF to each pseudo terminal in /dev/pts that the uid owns. Never waits:
 * a terminal that does not take all of it at once is not counted. Returns 0 with the number of
 * terminals, -EINVAL for a text that is empty, longer than ENFORCER_TELL_MAX or not harmless
 * UTF-8, or a negative errno when /dev/pts cannot be read. */
int tell_terminals(uint32_t uid, const char *text, size_t size, uint32_t *ret_terminals);
