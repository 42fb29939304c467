/*
 * The key of the store: a systemd credential where the administrator set one (then a copy of the
 * disk without the host's credential secret is useless), else a file beside the database (then it
 * protects copies of the database only; design §6).
 */
#include "helper/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#include "helper/store/store-crypto.h"

#define CREDENTIAL_NAME "state.key"

static int read_exactly(int fd, uint8_t *buffer, size_t size)
{
    for (size_t used = 0; used < size;) {
        ssize_t n = read(fd, buffer + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EUCLEAN;
        used += (size_t)n;
    }
    return 0;
}

static int write_exactly(int fd, const uint8_t *buffer, size_t size)
{
    for (size_t used = 0; used < size;) {
        ssize_t n = write(fd, buffer + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        used += (size_t)n;
    }
    return 0;
}

/* Ours and nobody else's to read, and as long as a key is. */
static int check_key_file(int fd, bool credential)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size != (off_t)STORE_KEY_SIZE)
        return -EUCLEAN;
    /* The service manager owns credentials and guards their folder. */
    if (!credential && (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0))
        return -EPERM;
    return 0;
}

static int read_key(const char *path, bool credential, Secret **ret_key)
{
    uint8_t bytes[STORE_KEY_SIZE];
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -errno;
    int r = check_key_file(fd, credential);
    if (r >= 0)
        r = read_exactly(fd, bytes, sizeof(bytes));
    if (r >= 0)
        r = secret_new(bytes, sizeof(bytes), ret_key);
    explicit_bzero(bytes, sizeof(bytes));
    return r;
}

static int sync_folder_of(const char *path)
{
    _cleanup_free_ char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    _cleanup_close_ int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

static int write_key(const char *path)
{
    uint8_t bytes[STORE_KEY_SIZE];
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -errno;
    int r = RAND_bytes(bytes, (int)sizeof(bytes)) == 1 ? 0 : -EIO;
    if (r >= 0)
        r = write_exactly(fd, bytes, sizeof(bytes));
    explicit_bzero(bytes, sizeof(bytes));
    if (r >= 0 && fsync(fd) < 0)
        r = -errno;
    return r;
}

/* Made beside its place and moved there whole, so that a crash leaves no half a key. The move
 * does not replace: a key that somebody else made meanwhile is the key. */
static int make_key(const char *path)
{
    _cleanup_free_ char *temporary = NULL;

    if (asprintf(&temporary, "%s.new", path) < 0) {
        temporary = NULL;
        return -ENOMEM;
    }
    if (unlink(temporary) < 0 && errno != ENOENT)
        return -errno;
    int r = write_key(temporary);
    if (r >= 0 && link(temporary, path) < 0 && errno != EEXIST)
        r = -errno;
    (void)unlink(temporary);
    return r < 0 ? r : sync_folder_of(path);
}

int store_load_key(const char *path, Secret **ret_key)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    _cleanup_free_ char *credential = NULL;

    if (folder && asprintf(&credential, "%s/" CREDENTIAL_NAME, folder) < 0) {
        credential = NULL;
        return -ENOMEM;
    }
    int r = credential ? read_key(credential, true, ret_key) : -ENOENT;
    if (r == -ENOENT)
        r = read_key(path, false, ret_key);
    if (r != -ENOENT)
        return r;
    r = make_key(path);
    return r < 0 ? r : read_key(path, false, ret_key);
}
