/*
 * Control groups. See cgroups.h.
 */
#include "enforcer/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PIDS_MAX        65536u
#define DEPTH_MAX       32u   /* people make groups of their own below user@.service */
#define PROCS_LINE_MAX  32u

typedef struct Hierarchy {
    const char *path;
    long magic;
} Hierarchy;

/* In the order of preference. */
static const Hierarchy hierarchies[] = {
    {"/sys/fs/cgroup", CGROUP2_SUPER_MAGIC},
    {"/sys/fs/cgroup/unified", CGROUP2_SUPER_MAGIC},
    {"/sys/fs/cgroup/systemd", CGROUP_SUPER_MAGIC},
};

/* Services in whose groups people's processes are found. */
static const char *const session_services[] = {"ssh", "sshd", "cron", "crond", "atd"};

void pids_clear(Pids *pids)
{
    free(pids->items);
    *pids = (Pids){.items = NULL};
}

static int by_number(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

    return x < y ? -1 : x > y;
}

bool pids_contain(const Pids *pids, pid_t pid)
{
    return pids->count > 0 &&
           bsearch(&pid, pids->items, pids->count, sizeof(pid), by_number) != NULL;
}

static int pids_add(Pids *pids, pid_t pid)
{
    if (pids->count == pids->room) {
        size_t room = pids->room ? 2 * pids->room : 64;
        if (room > PIDS_MAX)
            return -E2BIG;
        pid_t *items = reallocarray(pids->items, room, sizeof(*items));
        if (!items)
            return -ENOMEM;
        pids->items = items;
        pids->room = room;
    }
    pids->items[pids->count++] = pid;
    return 0;
}

static int open_hierarchy(const Hierarchy *hierarchy)
{
    struct statfs fs;
    _cleanup_close_ int fd = open(hierarchy->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstatfs(fd, &fs) < 0)
        return -errno;
    if ((long)fs.f_type != hierarchy->magic)
        return -ENOENT;
    return TAKE_FD(fd);
}

int cgroups_open_slice(uint32_t uid)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "user.slice/user-%" PRIu32 ".slice", uid);
    for (size_t i = 0; i < ELEMENTSOF(hierarchies); i++) {
        _cleanup_close_ int root = open_hierarchy(&hierarchies[i]);
        if (root < 0)
            continue;
        int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    return -ENOENT;
}

static int read_procs(int dir, Pids *pids)
{
    char line[PROCS_LINE_MAX];
    int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    _cleanup_fclose_ FILE *stream = fdopen(fd, "re");
    if (!stream) {
        close(fd);
        return -ENOMEM;
    }
    while (fgets(line, sizeof(line), stream)) {
        long pid = strtol(line, NULL, 10);
        if (pid <= 1 || pid > INT32_MAX) /* 0: a process of an outer PID namespace */
            continue;
        int r = pids_add(pids, (pid_t)pid);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Nothing else is passed over: people may give their groups names that begin with a dot. */
static bool is_self_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int walk(int dir, unsigned depth, Pids *pids)
{
    int r = read_procs(dir, pids);
    int copy = r < 0 || depth == 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_closedir_ DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry = NULL;

    if (!entries)
        return r;
    while (r >= 0 && (entry = readdir(entries))) {
        if (entry->d_type != DT_DIR || is_self_or_parent(entry->d_name))
            continue;
        _cleanup_close_ int child =
            openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child >= 0)
            r = walk(child, depth - 1, pids);
    }
    return r;
}

int cgroups_slice_pids(int slice, Pids *pids)
{
    int r = walk(slice, DEPTH_MAX, pids);

    if (pids->count > 1)
        qsort(pids->items, pids->count, sizeof(*pids->items), by_number);
    return r == -E2BIG ? 0 : r; /* the walk over /proc finds the rest by uid */
}

int cgroups_kill(int slice)
{
    _cleanup_close_ int fd = openat(slice, "cgroup.kill", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return write(fd, "1", 1) == 1 ? 0 : -errno;
}

/* The path behind `prefix` at the beginning of a line, or NULL. */
static char *path_in_line(char *text, const char *prefix)
{
    char *at = strstr(text, prefix);

    return at ? at + strlen(prefix) : NULL;
}

char *cgroups_path_of(char *text)
{
    char *unified = path_in_line(text, "0::"), *named = path_in_line(text, ":name=systemd:");

    /* Where systemd does not use the unified hierarchy, everything is at its root. */
    char *path = unified && (unified[1] != '\n' || !named) ? unified : named;
    if (path)
        path[strcspn(path, "\n")] = '\0';
    return path;
}

/* "ssh@12-10.0.0.1:22.service" is an instance of "ssh". */
static bool is_session_service(const char *name, size_t size)
{
    const char *at = memchr(name, '@', size);
    size_t length = at ? (size_t)(at - name) : size;

    for (size_t i = 0; i < ELEMENTSOF(session_services); i++)
        if (strlen(session_services[i]) == length &&
            memcmp(session_services[i], name, length) == 0)
            return true;
    return false;
}

bool cgroups_path_is_service(const char *path)
{
    static const char suffix[] = ".service";
    static const char people[] = "/user.slice/"; /* its services are a person's own */
    const size_t suffix_size = sizeof(suffix) - 1;

    if (strncmp(path, people, sizeof(people) - 1) == 0)
        return false;
    while (*path) {
        path += *path == '/';
        size_t size = strcspn(path, "/");
        if (size > suffix_size && memcmp(path + size - suffix_size, suffix, suffix_size) == 0)
            return !is_session_service(path, size - suffix_size);
        path += size;
    }
    return false;
}

bool cgroups_path_is_in_slice(const char *path, uint32_t uid)
{
    char slice[64];
    int size = snprintf(slice, sizeof(slice), "/user.slice/user-%" PRIu32 ".slice", uid);

    return strncmp(path, slice, (size_t)size) == 0 && (path[size] == '/' || path[size] == '\0');
}
