/*
 * Room in the write-ahead log. See store-wal.h.
 */
#include "helper/store/store-wal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/write-all.h"

#define BLOCK_SIZE 65536

/* Written, not fallocate()d: what is only allocated costs a journal commit when it is first
 * written to. */
static int write_zeros(int fd, off_t from)
{
    static const char zeros[BLOCK_SIZE];
    int r = 0;

    if (lseek(fd, from, SEEK_SET) < 0)
        return -errno;
    while (r == 0 && from < STORE_WAL_SIZE) {
        off_t left = STORE_WAL_SIZE - from, size = left < BLOCK_SIZE ? left : BLOCK_SIZE;
        r = write_all(fd, zeros, (size_t)size);
        from += size;
    }
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r;
}

void store_wal_reserve(Store *store)
{
    const char *path = sqlite3_filename_wal(sqlite3_db_filename(store->db, "main"));
    _cleanup_close_ int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size >= STORE_WAL_SIZE)
        return;
    /* What does not fit is given back: the disk is full, and others need it more. */
    if (write_zeros(fd, st.st_size) < 0 && ftruncate(fd, st.st_size) < 0)
        return;
}
