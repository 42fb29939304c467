/*
 * A QR code as plain text, for terminals (design §3).
 *
 * Drawn light on dark: the light modules are printed, the dark ones are spaces, because most
 * terminals show light text on a dark ground. No colours or other escape sequences: what a PAM
 * conversation shows must be plain text.
 */
#pragma once

#include <stddef.h>
#include "helper/config/config.h"

/* Encodes `text` (a URL). The quiet zone is 4 modules, or 2 where 4 would not fit. Returns 0 and
 * lines that end in LF (caller owns); -EMSGSIZE when it would be wider than `columns` or longer
 * than `bytes`; -EINVAL for ShowQr=no or a text that no code can hold; -ENOMEM. */
int qr_draw(const char *text, ShowQr style, size_t columns, size_t bytes, char **ret_lines);
