/*
 * Writing seeds: texts into numbered files of a folder that is made here.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"

static inline int seed_write(const char *folder, size_t number, const char *text)
{
    char path[4096];

    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return EXIT_FAILURE;
    if (snprintf(path, sizeof(path), "%s/%zu", folder, number) >= (int)sizeof(path))
        return EXIT_FAILURE;
    _cleanup_fclose_ FILE *file = fopen(path, "we");
    return file && fputs(text, file) >= 0 && fflush(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int seeds_write(int argc, char **argv, const char *const *texts, size_t count)
{
    int result = argc == 2 ? EXIT_SUCCESS : EXIT_FAILURE;

    for (size_t i = 0; result == EXIT_SUCCESS && i < count; i++)
        result = seed_write(argv[1], i, texts[i]);
    return result;
}
