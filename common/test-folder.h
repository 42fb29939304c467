/*
 * For tests: a folder of their own, files in it, and its end with all that is in it. In memory
 * where that can be had: what a test has synced there waits for no disk that something else keeps
 * busy.
 */
#pragma once

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Makes "/dev/shm/test-NAME-…" or "/tmp/test-NAME-…" and writes its path into `folder`. */
static inline void test_folder_make(char folder[64], const char *name)
{
    const char *memory = "/dev/shm", *made;

    snprintf(folder, 64, "%s/test-%s-XXXXXX", access(memory, W_OK | X_OK) == 0 ? memory : "/tmp",
             name);
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
