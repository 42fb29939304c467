/*
 * Processes of a person. See processes.h.
 */
#include "enforcer/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define STAT_HEAD    256u /* the flags are the ninth field */
#define TASK_EXITING 4u   /* PF_EXITING of proc_pid_stat(5) */
#define STATUS_HEAD  2048u /* Name to Uid come first, Name is at most 64 bytes */
#define USER_NAMESPACES_MAX 33u /* the kernel nests no deeper */

/* linux/pidfd.h from 6.13 on. An earlier kernel says ENOTTY. */
#define GET_PIDFD_INFO _IOWR(0xFF, 11, PidfdInfo)
#define PIDFD_HAS_CREDS (UINT64_C(1) << 1)

typedef struct PidfdInfo {
    uint64_t mask, cgroup_id;
    uint32_t pid, thread_group, parent;
    uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
} PidfdInfo;

/* Reads up to size - 1 bytes of /proc/PID/`name`. */
static int read_proc(int proc, pid_t pid, const char *name, char *text, size_t size)
{
    char path[48];

    (void)snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
    _cleanup_close_ int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, text, size - 1);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    return 0;
}

/* A process whose first thread has ended looks like a zombie while other threads run on. */
static bool has_other_threads(int proc, pid_t pid)
{
    char path[32];
    unsigned count = 0;

    (void)snprintf(path, sizeof(path), "%d/task", (int)pid);
    int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_closedir_ DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry = NULL;
    while (entries && (entry = readdir(entries)))
        count += entry->d_name[0] != '.';
    return count > 1;
}

/* "Uid:\t1000\t1000\t1000\t1000" */
static int parse_uids(const char *status, uint32_t uids[4])
{
    const char *text = strstr(status, "\nUid:");

    if (!text)
        return -EBADMSG;
    text += strlen("\nUid:");
    for (size_t i = 0; i < 4; i++) {
        char *end = NULL;
        unsigned long value = strtoul(text, &end, 10);
        if (end == text || value > UINT32_MAX)
            return -EBADMSG;
        uids[i] = (uint32_t)value;
        text = end;
    }
    return 0;
}

static uint32_t read_login_uid(int proc, pid_t pid)
{
    char text[16] = "";
    char *end = NULL;

    if (read_proc(proc, pid, "loginuid", text, sizeof(text)) < 0)
        return UINT32_MAX;
    unsigned long value = strtoul(text, &end, 10);
    return end == text || value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static int read_status(int proc, pid_t pid, char status[static STATUS_HEAD])
{
    return read_proc(proc, pid, "status", status, STATUS_HEAD);
}

/* A fifth of what the text of /proc/PID/status costs, which most processes are asked for in
 * vain. */
static int read_uids_by_pidfd(pid_t pid, uint32_t uids[4])
{
    PidfdInfo info = {.mask = PIDFD_HAS_CREDS};
    _cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0 || ioctl(pidfd, GET_PIDFD_INFO, &info) < 0)
        return -errno;
    if ((info.mask & PIDFD_HAS_CREDS) == 0)
        return -ENODATA;
    uids[0] = info.ruid;
    uids[1] = info.euid;
    uids[2] = info.suid;
    uids[3] = info.fsuid;
    return 0;
}

static int read_uids(int proc, pid_t pid, uint32_t uids[4])
{
    char status[STATUS_HEAD];

    if (read_uids_by_pidfd(pid, uids) == 0)
        return 0;
    int r = read_status(proc, pid, status);
    return r < 0 ? r : parse_uids(status, uids);
}

int process_identify(int proc, pid_t pid, Identity *ret_identity)
{
    Identity identity = {.login_uid = UINT32_MAX};
    int r = read_uids(proc, pid, identity.uids);

    if (r < 0)
        return r;
    identity.login_uid = read_login_uid(proc, pid);
    *ret_identity = identity;
    return 0;
}

/* Dead, and waiting for its parent to notice; or gone. */
static bool is_dead(int proc, pid_t pid)
{
    char status[STATUS_HEAD];
    const char *state =
        read_status(proc, pid, status) < 0 ? NULL : strstr(status, "\nState:\t");

    if (!state)
        return true;
    state += strlen("\nState:\t");
    return *state == 'X' || (*state == 'Z' && !has_other_threads(proc, pid));
}

/* Dying: it has left its control group (on v1) and cannot be told by it any more. */
static bool is_exiting(int proc, pid_t pid)
{
    char text[STAT_HEAD];
    unsigned flags = 0;

    if (read_proc(proc, pid, "stat", text, sizeof(text)) < 0)
        return true;
    const char *behind_name = strrchr(text, ')');
    return !behind_name ||
           sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1 ||
           (flags & TASK_EXITING) != 0;
}

static bool identity_has_uid(const Identity *identity, uint32_t uid)
{
    for (size_t i = 0; i < ELEMENTSOF(identity->uids); i++)
        if (identity->uids[i] == uid)
            return true;
    return false;
}

char *process_cgroup(int proc, pid_t pid, char buffer[static PROCESS_CGROUP_MAX])
{
    if (read_proc(proc, pid, "cgroup", buffer, PROCESS_CGROUP_MAX) < 0)
        return NULL;
    return cgroups_path_of(buffer);
}

/* A process whose group cannot be told is not taken for a service's. */
static CgroupsPlace place_of(int proc, pid_t pid)
{
    char buffer[PROCESS_CGROUP_MAX];
    const char *path = process_cgroup(proc, pid, buffer);

    return path ? cgroups_place_of(path) : CGROUPS_ELSEWHERE;
}

/* The list names numbers, which may have passed on since it was read. */
static bool in_slice(int proc, pid_t pid, const Target *target)
{
    char buffer[PROCESS_CGROUP_MAX], slice[CGROUPS_PATH_MAX];

    if (!pids_contain(target->slice, pid))
        return false;
    const char *path = process_cgroup(proc, pid, buffer);
    cgroups_slice_path(target->uid, slice);
    return path && cgroups_path_is_below(path, slice);
}

static void read_command(int proc, pid_t pid, char command[16])
{
    char text[32] = "";

    if (read_proc(proc, pid, "comm", text, sizeof(text)) < 0)
        text[0] = '\0';
    text[15] = '\0';
    text[strcspn(text, "\n")] = '\0';
    for (char *c = text; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    memcpy(command, text, 16);
}

/* In a user namespace that the account owns, or in one below: a rootless container of its own. */
static bool in_own_user_namespace(int proc, pid_t pid, uint32_t uid)
{
    char path[32];

    (void)snprintf(path, sizeof(path), "%d/ns/user", (int)pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    for (unsigned depth = 0; fd >= 0 && depth < USER_NAMESPACES_MAX; depth++) {
        _cleanup_close_ int here = fd;
        uid_t owner = 0;
        if (ioctl(here, NS_GET_OWNER_UID, &owner) < 0)
            return false;
        if (owner == uid)
            return true;
        fd = ioctl(here, NS_GET_PARENT); /* EPERM behind the outermost */
    }
    closep(&fd);
    return false;
}

static bool is_spared(const Target *target, pid_t pid)
{
    for (size_t i = 0; i < target->spared_count; i++)
        if (target->spared[i] == pid)
            return true;
    return false;
}

static bool is_elevated(int proc, pid_t pid, const Target *target, const Identity *identity)
{
    return identity->login_uid == target->uid && identity->uids[0] != target->uid &&
           identity->uids[1] != target->uid && !is_spared(target, pid) &&
           !in_own_user_namespace(proc, pid, target->uid);
}

/* The login uid is the account's: to be ended, but in services that start no sessions. */
static Belonging judge_login(const Target *target, CgroupsPlace place)
{
    bool all = target->rules.kill_login_uid == KILL_LOGIN_UID_ALL;

    return place == CGROUPS_SERVICE && !all ? BELONGS_SPARED : BELONGS;
}

/* The uid of a tied local account. Its sessions have the login uid, too; where the kernel keeps
 * none, they are told by the services that start them. What others run under that uid (sudo -u by
 * an administrator) is theirs. */
static Belonging judge_tied(const Target *target, const Identity *identity, CgroupsPlace place)
{
    if (identity->login_uid == target->uid)
        return judge_login(target, place);
    if (identity->login_uid == UINT32_MAX && place == CGROUPS_SESSION_SERVICE)
        return BELONGS;
    return BELONGS_SPARED;
}

/* As judge(), of a process that lives. */
static Belonging judge_identity(int proc, pid_t pid, const Target *target,
                                const Identity *identity)
{
    const EndRules *rules = &target->rules;
    bool by_uid = identity_has_uid(identity, target->uid);

    if (target->elevated)
        return is_elevated(proc, pid, target, identity) ? judge_login(target, place_of(proc, pid))
                                                        : BELONGS_NOT;
    if ((by_uid && (!rules->tied || rules->kill_services)) || in_slice(proc, pid, target))
        return BELONGS;
    if (by_uid)
        return judge_tied(target, identity, place_of(proc, pid));
    if (identity->login_uid != target->uid)
        return BELONGS_NOT;
    return rules->kill_login_uid == KILL_LOGIN_UID_NO ? BELONGS_SPARED
                                                      : judge_login(target, place_of(proc, pid));
}

bool process_may_belong(pid_t pid, const Identity *identity, const Target *target)
{
    return identity->login_uid == target->uid ||
           (!target->elevated && (identity_has_uid(identity, target->uid) ||
                                  pids_contain(target->slice, pid)));
}

/* Most processes are strangers: only those that are not are asked whether they live. */
static Belonging judge(int proc, pid_t pid, const Target *target)
{
    Identity identity;

    if (pid <= 1 || pid == getpid())
        return BELONGS_NOT;
    if (process_identify(proc, pid, &identity) < 0)
        return BELONGS_GONE;
    Belonging belonging = judge_identity(proc, pid, target, &identity);
    if (belonging == BELONGS_NOT)
        return BELONGS_NOT;
    if (is_dead(proc, pid) || (belonging == BELONGS_SPARED && is_exiting(proc, pid)))
        return BELONGS_GONE;
    return belonging;
}

/* "0.00 0.01 0.05 1/123 4567" */
pid_t processes_newest(int proc)
{
    char text[96];
    _cleanup_close_ int fd = openat(proc, "loadavg", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n < 0)
        return -errno;
    text[n] = '\0';
    const char *last = strrchr(text, ' ');
    long pid = last ? strtol(last, NULL, 10) : 0;
    return pid > 0 && pid < INT32_MAX ? (pid_t)pid : -EBADMSG;
}

Belonging process_belongs(int proc, pid_t pid, const Target *target, Process *ret_process)
{
    Belonging belonging = judge(proc, pid, target);

    if (belonging > BELONGS_NOT) {
        ret_process->pid = pid;
        read_command(proc, pid, ret_process->command);
    }
    return belonging;
}

int process_signal(int proc, pid_t pid, const Target *target, const int *signals)
{
    _cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0)
        return -errno;
    /* The number may have passed to another process since it was listed; from here on the pidfd
     * holds one process, and a number that is reused now only makes the signal fail. */
    Belonging belonging = judge(proc, pid, target);
    if (belonging != BELONGS)
        return belonging == BELONGS_GONE ? -ESRCH : -ENOENT;
    for (size_t i = 0; signals[i] != 0; i++)
        if (syscall(SYS_pidfd_send_signal, pidfd, signals[i], NULL, 0) < 0)
            return -errno;
    return 0;
}
