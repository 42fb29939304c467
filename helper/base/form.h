/*
 * application/x-www-form-urlencoded bodies (RFC 6749 appendix B), built in wiped memory.
 */
#pragma once

#include "helper/base/buffer.h"

#define FORM_SIZE_MAX (128u * 1024u)
#define FORM_INIT     BUFFER_INIT(FORM_SIZE_MAX)

/* Appends name=value, with '&' before all but the first; a NULL value adds nothing.
 * Returns 0, -EMSGSIZE, -ENOMEM. */
int form_add(Buffer *form, const char *name, const char *value);

/* Appends `text` percent-encoded: all but letters, digits and "-._~". */
int form_add_encoded(Buffer *form, const char *text);
