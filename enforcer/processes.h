/*
 * Which processes are a person's, and signalling one without ever hitting another (design §5).
 *
 * A process belongs to an account by its uid (real, effective, saved or file system), by its
 * login uid, which names the person through sudo, su, at and cron, or by sitting in the account's
 * slice. Those that only have the login uid and sit in a system service's control group are
 * spared: they were started for the host, not for the person.
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
    BELONGS_NOT = 0,
    BELONGS,        /* to be ended */
    BELONGS_SPARED, /* by the login uid only, in a service: listed, left alone */
} Belonging;

typedef struct Target {
    uint32_t uid;
    bool tied;         /* a local account: its uid runs services too, which are spared */
    const Pids *slice; /* processes of its slice */
    /* Not the person's own processes, but what runs by another's right. */
    bool elevated;
    const int32_t *spared; /* leaders of its sessions, which are root's, too */
    size_t spared_count;
} Target;

typedef struct Process {
    pid_t pid;
    char command[16]; /* control characters replaced, NUL-terminated */
} Process;

/* `proc` is a descriptor of /proc. Zombies, processes that are gone, PID 1 and this process belong
 * to nobody. */
Belonging process_belongs(int proc, pid_t pid, const Target *target, Process *ret_process);

/* The number that the last process to be started got, or -errno. */
pid_t processes_newest(int proc);

/* Sends each of the zero-terminated `signals` if the process still belongs to the target once its
 * pidfd is held. Returns 0, -ESRCH when it is gone or another one, or a negative errno. */
int process_signal(int proc, pid_t pid, const Target *target, const int *signals);

/* Sends SIGKILL to every process with that real or saved uid in one system call that no fork
 * outruns: a child takes on the uid, without any capability, and calls kill(-1). Only for an
 * account whose processes are all to go; `uid` must not be special (settings.h). Returns 0 or a negative errno. */
int processes_sweep(uint32_t uid);
