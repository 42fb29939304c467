/*
 * Control groups as systemd lays them out: everything of a person's sessions and user manager
 * sits below user.slice/user-UID.slice. One write to its cgroup.kill ends all of it at once,
 * however fast it forks.
 *
 * Works on cgroup v2, on the hybrid layout (v2 at /sys/fs/cgroup/unified) and on v1 (systemd's
 * named hierarchy, which has no cgroup.kill).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "common/cleanup.h"

typedef struct Pids {
    pid_t *items; /* sorted once cgroups_pids() returned */
    size_t count, room;
} Pids;

void pids_clear(Pids *pids);
/* Behind the others; pids_contain() needs them sorted. Returns 0, -E2BIG, -ENOMEM. */
int pids_add(Pids *pids, pid_t pid);
bool pids_contain(const Pids *pids, pid_t pid);

/* The path of an account's slice in systemd's hierarchy. */
#define CGROUPS_PATH_MAX 64u
void cgroups_slice_path(uint32_t uid, char ret_path[static CGROUPS_PATH_MAX]);

/* Opens a group by its path in systemd's hierarchy. Returns a descriptor, or -ENOENT when there is
 * none, or when the path leads out of what this process sees. */
int cgroups_open(const char *path);

/* People make groups of their own below their slice, as many as they like, and each costs some 20
 * us to read: so many are read at most, in 40 ms. Who sits in another is found by its uid and login
 * uid, and cgroup.kill leaves out none. */
#define CGROUPS_BELOW_MAX 2048u

/* Adds the processes of a group, with `below` also those of groups below it, sorted. What vanishes
 * meanwhile is skipped. Returns 0, -ENOMEM. */
int cgroups_pids(int group, bool below, Pids *pids);

/* Kills everything in the group and below. Returns 0, -ENOENT where the kernel cannot (v1). */
int cgroups_kill(int group);

/* The path of a process in systemd's hierarchy, from the text of /proc/PID/cgroup. NULL if it has
 * none; else `text` is cut behind it. */
char *cgroups_path_of(char *text);

/* Is it the group `slice`, or below it? */
bool cgroups_path_is_below(const char *path, const char *slice);

typedef enum CgroupsPlace {
    CGROUPS_ELSEWHERE = 0,
    CGROUPS_SERVICE,         /* below a ".service" of the host: not a person's session */
    CGROUPS_SESSION_SERVICE, /* of one that starts sessions itself (sshd, cron, atd): people's
                              * processes are found there before pam_systemd moved them, or because
                              * it never ran (design §5) */
} CgroupsPlace;
CgroupsPlace cgroups_place_of(const char *path);

/* Services in whose groups people's processes are found: unit names without ".service". */
extern const char *const cgroups_session_services[];
