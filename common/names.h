/*
 * What a name may look like (design §4). Checked once, on entry; everybody behind may trust it.
 */
#pragma once

#include <stdbool.h>

/* [a-z_][a-z0-9._-]*, at most NAME_SHORT_MAX bytes, not "." or "..", no trailing '$'. NULL is
 * invalid. */
bool name_is_valid_short(const char *name);

/* A short-form local part (without the length of NAME_SHORT_MAX) plus one '@' and a domain of
 * letters, digits, dots and hyphens; at most NAME_FULL_MAX bytes. */
bool name_is_valid_full(const char *name);

/* Either of the two. */
bool name_is_valid(const char *name);

/* Absolute path without "..", "//", control characters, ':' ; at most HOME_MAX bytes. */
bool path_is_valid(const char *path);

/* Free text for gecos: no ':' and no control characters, valid UTF-8, at most GECOS_MAX bytes. */
bool gecos_is_valid(const char *gecos);
