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

const char *const cgroups_session_services[] = {"ssh", "sshd", "cron", "crond", "atd", NULL};

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

int pids_add(Pids *pids, pid_t pid)
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

void cgroups_slice_path(uint32_t uid, char ret_path[static CGROUPS_PATH_MAX])
{
    (void)snprintf(ret_path, CGROUPS_PATH_MAX, "/user.slice/user-%" PRIu32 ".slice", uid);
}

int cgroups_open(const char *path)
{
    if (path[0] != '/' || path[1] == '\0' || strncmp(path, "/../", 4) == 0)
        return -ENOENT;
    for (size_t i = 0; i < ELEMENTSOF(hierarchies); i++) {
        _cleanup_close_ int root = open_hierarchy(&hierarchies[i]);
        if (root < 0)
            continue;
        int fd = openat(root, path + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
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

static int walk(int dir, unsigned depth, unsigned *groups_left, Pids *pids)
{
    int r = read_procs(dir, pids);
    int copy = r < 0 || depth == 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_closedir_ DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry = NULL;

    if (!entries)
        return r;
    while (r >= 0 && *groups_left > 0 && (entry = readdir(entries))) {
        if (entry->d_type != DT_DIR || is_self_or_parent(entry->d_name))
            continue;
        _cleanup_close_ int child =
            openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0)
            continue;
        (*groups_left)--;
        r = walk(child, depth - 1, groups_left, pids);
    }
    return r;
}

int cgroups_pids(int group, bool below, Pids *pids)
{
    unsigned groups_left = CGROUPS_BELOW_MAX;
    int r = walk(group, below ? DEPTH_MAX : 0, &groups_left, pids);

    if (pids->count > 1)
        qsort(pids->items, pids->count, sizeof(*pids->items), by_number);
    return r == -E2BIG ? 0 : r; /* the walk over /proc finds the rest by uid */
}

int cgroups_kill(int group)
{
    _cleanup_close_ int fd = openat(group, "cgroup.kill", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    return write(fd, "1", 1) == 1 ? 0 : -errno;
}

/* The path in the line whose number is followed by `mark`, or NULL. People choose names of groups,
 * so only the beginning of a line is looked at. */
static char *path_in_line(char *text, const char *mark)
{
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        char *rest = line + strspn(line, "0123456789");
        if (strncmp(rest, mark, strlen(mark)) == 0)
            return rest + strlen(mark);
    }
    return NULL;
}

char *cgroups_path_of(char *text)
{
    char *unified = path_in_line(text, "::"), *named = path_in_line(text, ":name=systemd:");

    /* Where systemd does not use the unified hierarchy, everything is at its root. */
    char *path = unified && (unified[1] != '\n' || !named) ? unified : named;
    if (path)
        path[strcspn(path, "\n")] = '\0';
    return path;
}

bool cgroups_path_is_below(const char *path, const char *slice)
{
    size_t size = strlen(slice);

    return strncmp(path, slice, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

/* "ssh@12-10.0.0.1:22.service" is an instance of "ssh". */
static bool is_session_service(const char *name, size_t size)
{
    const char *at = memchr(name, '@', size);
    size_t length = at ? (size_t)(at - name) : size;

    for (const char *const *service = cgroups_session_services; *service; service++)
        if (strlen(*service) == length && memcmp(*service, name, length) == 0)
            return true;
    return false;
}

CgroupsPlace cgroups_place_of(const char *path)
{
    static const char suffix[] = ".service";
    const size_t suffix_size = sizeof(suffix) - 1;

    if (cgroups_path_is_below(path, "/user.slice")) /* its services are a person's own */
        return CGROUPS_ELSEWHERE;
    while (*path) {
        path += *path == '/';
        size_t size = strcspn(path, "/");
        if (size > suffix_size && memcmp(path + size - suffix_size, suffix, suffix_size) == 0)
            return is_session_service(path, size - suffix_size) ? CGROUPS_SESSION_SERVICE
                                                                : CGROUPS_SERVICE;
        path += size;
    }
    return CGROUPS_ELSEWHERE;
}
