/*
 * For tests: a folder of their own below /tmp, files in it, and its end with all that is in it.
 */
#pragma once

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

/* Makes "/tmp/test-NAME-…" and writes its path into `folder`. */
static inline void test_folder_make(char folder[64], const char *name)
{
    const char *made;

    snprintf(folder, 64, "/tmp/test-%s-XXXXXX", name);
    made = mkdtemp(folder);
    assert(made);
}

static inline int test_folder_remove_entry(const char *path, const struct stat *info, int type,
                                           struct FTW *ftw)
{
    return remove(path);
}

static inline void test_folder_remove(const char *folder)
{
    int r = nftw(folder, test_folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);

    assert(r == 0);
}

/* A file with that text, instead of what was there. */
static inline void test_file_write(const char *path, const char *text)
{
    FILE *stream = fopen(path, "we");

    assert(stream);
    fputs(text, stream);
    int r = fclose(stream);
    assert(r == 0);
}
