/*
 * Publishing. See publish.h.
 *
 * The order matters: the new file is complete and on disk, then the old one is marked, then the
 * rename. A reader that sees the mark looks again; one that looks in between finds the old file,
 * marked, and looks again at its next question. Nothing is ever changed under a mapping.
 */
#include "enforcer/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/limits.h"
#include "common/snapshot-format.h"
#include "common/snapshot-validate.h"
#include "common/write-all.h"

#define SNAPSHOT_NAME  "snapshot"
#define TEMPORARY_NAME ".snapshot.new"
#define SEALS_NEEDED   (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

typedef struct Mapping {
    void *base;
    size_t size;
} Mapping;

static void mapping_clear(Mapping *mapping)
{
    if (mapping->base)
        (void)munmap(mapping->base, mapping->size);
}

typedef struct Rules {
    const Settings *settings;
    const Local *local;
} Rules;

/* A pinned number that a local account has would give one the other's files. */
static bool uid_is_pinned(uint32_t uid, void *userdata)
{
    const Rules *rules = userdata;

    return settings_pins_uid(rules->settings, uid) && !local_has_uid(rules->local, uid);
}

static bool gid_is_pinned(uint32_t gid, void *userdata)
{
    const Rules *rules = userdata;

    return settings_pins_gid(rules->settings, gid) && !local_has_gid(rules->local, gid);
}

static bool local_gid_is_allowed(uint32_t gid, void *userdata)
{
    const Rules *rules = userdata;

    return settings_allows_local_gid(rules->settings, rules->local, gid);
}

static bool group_is_foreign(const char *name, void *userdata)
{
    const Rules *rules = userdata;

    return !settings_names_group(rules->settings, name);
}

static bool name_is_local(const char *name, void *userdata)
{
    const Rules *rules = userdata;

    return local_has_name(rules->local, name);
}

static int refuse(EnforcerPublishReply *reply, const char *reason, int r)
{
    (void)snprintf(reply->reason, sizeof(reply->reason), "%s", reason);
    return r;
}

/* Maps a memory file that nobody can change any more. */
static int map_sealed(int memfd, Mapping *ret_mapping, EnforcerPublishReply *reply)
{
    struct stat st;
    int seals = fcntl(memfd, F_GET_SEALS);

    if (seals < 0 || (seals & SEALS_NEEDED) != SEALS_NEEDED)
        return refuse(reply, "not a memory file sealed against writing, shrinking and growing",
                      -EPERM);
    if (fstat(memfd, &st) < 0)
        return refuse(reply, "cannot be looked at", -errno);
    if (st.st_size <= 0 || st.st_size > (off_t)SNAPSHOT_SIZE_MAX)
        return refuse(reply, "empty or too large", -EFBIG);
    void *base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, memfd, 0);
    if (base == MAP_FAILED)
        return refuse(reply, "cannot be mapped", -errno);
    *ret_mapping = (Mapping){.base = base, .size = (size_t)st.st_size};
    return 0;
}

static int validate(const Mapping *mapping, const Rules *rules, EnforcerPublishReply *reply)
{
    const SettingsData *data = settings_data(rules->settings);
    const SnapshotPolicy policy = {
        .uid_base = data->base,
        .uid_count = data->count,
        .uid_is_pinned = uid_is_pinned,
        .gid_is_pinned = gid_is_pinned,
        .local_gid_is_allowed = local_gid_is_allowed,
        .group_is_foreign = group_is_foreign,
        .name_is_local = name_is_local,
        .userdata = (void *)rules,
    };

    return snapshot_validate(mapping->base, mapping->size, &policy, &reply->generation,
                             reply->reason);
}

static int write_temporary(int dir, const Mapping *mapping)
{
    (void)unlinkat(dir, TEMPORARY_NAME, 0);
    _cleanup_close_ int fd = openat(
        dir, TEMPORARY_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, mapping->base, mapping->size);
    if (r >= 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
        r = -errno;
    return r;
}

/* Only a file that is a snapshot by its size and magic is written to. */
static int mark_superseded(int dir)
{
    static const uint8_t magic[8] = SNAPSHOT_MAGIC;
    const uint32_t word = htole32(1);
    uint8_t found[8];
    struct stat st;
    _cleanup_close_ int fd =
        openat(dir, SNAPSHOT_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(SnapshotHeader))
        return 0;
    if (pread(fd, found, sizeof(found), 0) != (ssize_t)sizeof(found) ||
        memcmp(found, magic, sizeof(found)) != 0)
        return 0;
    ssize_t n = pwrite(fd, &word, sizeof(word), offsetof(SnapshotHeader, superseded));
    return n == (ssize_t)sizeof(word) ? 0 : n < 0 ? -errno : -EIO;
}

static int put_in_place(int dir, const Mapping *mapping)
{
    int r = write_temporary(dir, mapping);

    if (r >= 0)
        r = mark_superseded(dir);
    if (r >= 0 && renameat(dir, TEMPORARY_NAME, dir, SNAPSHOT_NAME) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlinkat(dir, TEMPORARY_NAME, 0);
        return r;
    }
    return fsync(dir) < 0 ? -errno : 0;
}

int publish_snapshot(int memfd, const Settings *settings, const Local *local, const char *dir,
                     EnforcerPublishReply *ret_reply)
{
    _cleanup_(mapping_clear) Mapping mapping = {.base = NULL};
    const Rules rules = {.settings = settings, .local = local};
    EnforcerPublishReply reply = {.generation = 0};

    int r = map_sealed(memfd, &mapping, &reply);
    if (r >= 0)
        r = validate(&mapping, &rules, &reply);
    _cleanup_close_ int folder =
        r < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (r >= 0 && folder < 0)
        r = -errno;
    if (r >= 0)
        r = put_in_place(folder, &mapping);
    if (r < 0 && reply.reason[0] == '\0')
        (void)snprintf(reply.reason, sizeof(reply.reason), "writing it: %s", strerrordesc_np(-r));
    *ret_reply = reply;
    return r;
}

void publish_clean_up(const char *dir)
{
    _cleanup_close_ int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder >= 0)
        (void)unlinkat(folder, TEMPORARY_NAME, 0);
}
