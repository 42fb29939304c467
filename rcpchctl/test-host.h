/*
 * For tests: a host made of a few files below a folder of its own.
 */
#pragma once

#include <string.h>
#include <sys/stat.h>

#include "common/test-folder.h"
#include "rcpchctl/host-files.h"

typedef struct FakeHost {
    char root[64];
    Host host;
} FakeHost;

static inline FakeHost *fake_host_new(void)
{
    FakeHost *fake = calloc(1, sizeof(*fake));

    assert_non_null(fake);
    test_folder_make(fake->root, "host");
    fake->host.root = fake->root;
    return fake;
}

static inline FakeHost *fake_host_free(FakeHost *fake)
{
    if (fake)
        test_folder_remove(fake->root);
    free(fake);
    return NULL;
}
DEFINE_CLEANUP(FakeHost *, fake_host_free)
#define _cleanup_host_ _cleanup_(fake_host_freep)

/* Writes a file, with the folders above it. */
static inline void fake_host_write(FakeHost *fake, const char *path, const char *text)
{
    char whole[512];

    (void)snprintf(whole, sizeof(whole), "%s%s", fake->root, path);
    for (char *slash = whole + strlen(fake->root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}
