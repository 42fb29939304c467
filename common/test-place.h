/*
 * A private /var/lib for tests of the readers: root's own mount namespace with an empty file system
 * there, in which snapshots are published as the enforcer does it. Nothing on the host changes.
 */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/snapshot-builder.h"
#include "common/snapshot-format.h"

#define PLACE_TEMPORARY RCPCH_SNAPSHOT_DIR "/snapshot.new"

/* Tests cannot go on when their own set-up fails. */
#define PLACE_NEEDS(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            perror(#condition);                                                                    \
            exit(99); /* meson: an error of the test itself */                                     \
        }                                                                                          \
    } while (0)

static inline void place_make(void)
{
    PLACE_NEEDS(unshare(CLONE_NEWNS) == 0);
    PLACE_NEEDS(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    PLACE_NEEDS(mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=0755") == 0);
    PLACE_NEEDS(mkdir(RCPCH_SNAPSHOT_DIR, 0755) == 0);
}

/* Puts bytes where the snapshot belongs: new file, mark on the old one, rename. */
static inline void place_publish_bytes(const uint8_t *bytes, size_t size)
{
    const uint32_t word = 1;
    int fd = open(PLACE_TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int old = open(RCPCH_SNAPSHOT_FILE, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    PLACE_NEEDS(fd >= 0 && fchmod(fd, 0644) == 0);
    PLACE_NEEDS(write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    if (old >= 0) {
        struct stat st;

        /* A file that a test made too short for the word has no readers either. */
        PLACE_NEEDS(fstat(old, &st) == 0);
        if (st.st_size >= (off_t)sizeof(SnapshotHeader))
            PLACE_NEEDS(pwrite(old, &word, sizeof(word), offsetof(SnapshotHeader, superseded)) ==
                        sizeof(word));
        close(old);
    }
    PLACE_NEEDS(rename(PLACE_TEMPORARY, RCPCH_SNAPSHOT_FILE) == 0);
}

/* The bytes of a built snapshot; the caller frees them. */
static inline uint8_t *place_build(const SnapshotSpec *spec, size_t *ret_size)
{
    struct stat st;
    uint8_t *bytes;
    int fd = -1;

    PLACE_NEEDS(snapshot_build(spec, &fd) == 0);
    PLACE_NEEDS(fstat(fd, &st) == 0);
    bytes = malloc((size_t)st.st_size);
    PLACE_NEEDS(bytes && pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size);
    close(fd);
    *ret_size = (size_t)st.st_size;
    return bytes;
}

static inline void place_publish(const SnapshotSpec *spec)
{
    size_t size;
    uint8_t *bytes = place_build(spec, &size);

    place_publish_bytes(bytes, size);
    free(bytes);
}

/* No snapshot at all. Readers that have one must learn of it. */
static inline void place_clear(void)
{
    static const uint8_t nothing[1];

    place_publish_bytes(nothing, sizeof(nothing));
    PLACE_NEEDS(unlink(RCPCH_SNAPSHOT_FILE) == 0);
}
