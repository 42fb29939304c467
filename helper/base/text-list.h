/*
 * A list of texts: a NULL-terminated array of strings that owns both. The empty list is an array
 * that holds only NULL, so that readers never test for two kinds of nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/cleanup.h"

/* An empty list. NULL when memory is short. */
char **text_list_new(void);

/* Adds a copy of `text` behind the last. *list may be NULL: then one is made. Returns 0,
 * -ENOMEM. */
int text_list_add(char ***list, const char *text);

/* A copy; NULL counts as empty. Returns 0, -ENOMEM. */
int text_list_copy(char *const *list, char ***ret_list);

size_t text_list_count(char *const *list);
bool text_list_contains(char *const *list, const char *text);

/* Same texts in the same order. */
bool text_list_equal(char *const *a, char *const *b);

/* All texts with `separator` between them; caller owns. NULL when memory is short. */
char *text_list_join(char *const *list, char separator);

/* Splits at any of `separators`; empty parts are left out. Returns 0, -ENOMEM. */
int text_list_split(const char *text, const char *separators, char ***ret_list);

/* Returns NULL. */
char **text_list_free(char **list);
DEFINE_CLEANUP(char **, text_list_free)
#define _cleanup_text_list_ _cleanup_(text_list_freep)
