/*
 * Who is in the directory's groups and can have no account here (the name is taken, say): each is
 * written down once, not in every round, and one alarm speaks of all of them while it is so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct DirectoryRefused {
    char **before; /* names of the last round that came to its end */
    char **now;    /* of this one, at most DIRECTORY_REFUSED_MAX */
    size_t count, count_before; /* with those who found no place in the list */
    char why[256]; /* of the last round's first */
} DirectoryRefused;

void directory_refused_begin(DirectoryRefused *refused);

/* Notes a name of this round. True when it is news. */
bool directory_refused_note(DirectoryRefused *refused, const char *name, const char *why);

/* The end of a whole round. True when it differs from the one before. */
bool directory_refused_end(DirectoryRefused *refused);

/* "dana@… and 2 more: …", of the last whole round. False when nobody was refused. */
bool directory_refused_describe(const DirectoryRefused *refused, char *ret_text, size_t size);

void directory_refused_clear(DirectoryRefused *refused);
