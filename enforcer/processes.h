/*
 * Which processes are a person's, and signalling one without ever hitting another (design §5).
 *
 * A process belongs to an account by its uid (real, effective, saved or file system), by its
 * login uid, which names the person through sudo, su, at and cron, or by sitting in the account's
 * slice. Two kinds are spared, and listed: those that only have the login uid and sit in a system
 * service's control group, started for the host and not for the person; and those that only have
 * the uid of a local account that is tied to the directory, its services.
 *
 * What a person runs by another's right (sudo, su, pkexec) is told apart by the kernel's own marks:
 * the login uid is the account's, and neither the real nor the effective uid is. So the person's
 * own shell, and a setuid program that it started, are not meant (their real uid is the person's).
 * Nor are a session's leader, which is root's from the start, and the person's rootless
 * containers, whose uids are others inside a user namespace that the person owns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "enforcer/cgroups.h"

typedef enum Belonging {
    BELONGS_GONE = -1, /* there is no such process, or a zombie */
    BELONGS_NOT = 0,
    BELONGS,        /* to be ended */
    BELONGS_SPARED, /* listed, left alone */
} Belonging;

/* [revocation] KillLoginUid=: are processes ended that have only the login uid? */
typedef enum KillLoginUid {
    KILL_LOGIN_UID_SESSIONS = 0, /* not those in services other than sshd, cron and atd */
    KILL_LOGIN_UID_ALL,
    KILL_LOGIN_UID_NO, /* only those in the account's slice */
    _KILL_LOGIN_UID_COUNT,
} KillLoginUid;

/* Whom to end, and what of it; from root's configuration. */
typedef struct EndRules {
    bool tied;          /* a local account: its uid runs services too, which are spared */
    bool kill_services; /* [user] KillServices=: not spared */
    KillLoginUid kill_login_uid;
} EndRules;

typedef struct Target {
    uint32_t uid;
    EndRules rules;
    const Pids *slice; /* processes that were listed in its slice; looked at again one by one */
    /* Not the person's own processes, but what runs by another's right. */
    bool elevated;
    const int32_t *spared; /* leaders of its sessions, which are root's, too */
    size_t spared_count;
} Target;

typedef struct Process {
    pid_t pid;
    char command[16]; /* control characters replaced, NUL-terminated */
} Process;

/* Who a process is. */
typedef struct Identity {
    uint32_t uids[4]; /* real, effective, saved, file system */
    uint32_t login_uid;
} Identity;

/* Returns 0, or a negative errno when the process is gone. */
int process_identify(int proc, pid_t pid, Identity *ret_identity);

/* False: process_belongs() would say BELONGS_NOT. For many targets, of which most have nothing to
 * do with it. */
bool process_may_belong(pid_t pid, const Identity *identity, const Target *target);

/* `proc` is a descriptor of /proc. PID 1 and this process belong to nobody. */
Belonging process_belongs(int proc, pid_t pid, const Target *target, Process *ret_process);

/* The path of the control group of a process, in `buffer`; NULL when it cannot be told. */
#define PROCESS_CGROUP_MAX 8192u
char *process_cgroup(int proc, pid_t pid, char buffer[static PROCESS_CGROUP_MAX]);

/* The number that the last process to be started got, or -errno. */
pid_t processes_newest(int proc);

/* Sends each of the zero-terminated `signals` if the process still belongs to the target once its
 * pidfd is held. Returns 0, -ESRCH when it is gone, -ENOENT when it is not the target's, or another
 * negative errno. */
int process_signal(int proc, pid_t pid, const Target *target, const int *signals);
