/*
 * Writes seeds for fuzz-snapshot: real snapshots behind a byte that has the sum put right.
 * Usage: seed-snapshot FOLDER
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/snapshot-builder.h"

#define BASE 1879048192u

static const uint32_t alice_gids[] = {4, BASE + 900};
static const char *const members[] = {"alice", "deploy"};
static const SnapshotUserSpec users[] = {
    {"alice", BASE + 2, BASE + 2, "Alice", "/home/alice", "/bin/bash", alice_gids, 2},
    {"bob", BASE + 7, BASE + 7, "", "/home/bob", "/bin/sh", NULL, 0},
    {"carol@rcpch.ac.uk", 5000, 5000, "C", "/home/carol", "/bin/sh", alice_gids, 1},
};
static const SnapshotGroupSpec groups[] = {{"audit-staff", BASE + 900, members, 2}};
static const SnapshotSpec specs[] = {
    {1, NULL, 0, NULL, 0}, {2, users, 1, groups, 1}, {3, users, 3, groups, 1}};

static int write_seed(const char *folder, size_t number)
{
    _cleanup_close_ int fd = -1, out = -1;
    char path[4096], bytes[65536] = {0};
    ssize_t size;

    if (snapshot_build(&specs[number], &fd) < 0)
        return -EINVAL;
    size = pread(fd, bytes + 1, sizeof(bytes) - 1, 0);
    if (size < 0 || snprintf(path, sizeof(path), "%s/%zu", folder, number) >= (int)sizeof(path))
        return -EINVAL;
    out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0 || write(out, bytes, (size_t)size + 1) != size + 1)
        return -errno;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2 || (mkdir(argv[1], 0755) < 0 && errno != EEXIST))
        return 1;
    for (size_t i = 0; i < ELEMENTSOF(specs); i++) {
        if (write_seed(argv[1], i) < 0) {
            perror(argv[1]);
            return 1;
        }
    }
    return 0;
}
