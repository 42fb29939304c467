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
    pid_t *items; /* sorted once cgroups_slice_pids() returned */
    size_t count, room;
} Pids;

void pids_clear(Pids *pids);
bool pids_contain(const Pids *pids, pid_t pid);

/* Opens the folder of the account's slice. Returns a descriptor, -ENOENT when nothing of the
 * account has one. */
int cgroups_open_slice(uint32_t uid);

/* Adds the processes of the slice and of every group below it, sorted. What vanishes meanwhile is
 * skipped. Returns 0, -ENOMEM. */
int cgroups_slice_pids(int slice, Pids *pids);

/* Kills everything in the slice and below. Returns 0, -ENOENT where the kernel cannot. */
int cgroups_kill(int slice);

/* The path of a process in systemd's hierarchy, from the text of /proc/PID/cgroup. NULL if it has
 * none; else `text` is cut behind it. */
char *cgroups_path_of(char *text);

/* True for a service whose processes are not a person's session: anything below a ".service" but
 * those that start sessions themselves (sshd, cron, atd), where people's processes are
 * found before pam_systemd moved them or because it never ran (design §5). */
bool cgroups_path_is_service(const char *path);

/* True for the account's slice and everything below it. */
bool cgroups_path_is_in_slice(const char *path, uint32_t uid);
