/*
 * An address of a directory, put together.
 */
#pragma once

/* base + before + the escaped id + after. Returns 0, -EMSGSIZE for an address that is too long,
 * -ENOMEM; the caller owns *ret_url. */
int directory_url(const char *base, const char *before, const char *id, const char *after,
                  char **ret_url);
