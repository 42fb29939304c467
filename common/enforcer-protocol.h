/*
 * What passes between the helper and the enforcer over /run/rcpch/enforcer.sock (SOCK_SEQPACKET).
 *
 * One datagram is one request or one reply; replies come in the order of the requests of their
 * connection and carry the request's tag. Everything is fixed-size native-endian structs behind
 * one header, plus bounded text: root's process parses nothing else from the helper. The server
 * checks SO_PEERCRED: only user rcpch (and root) is heard.
 *
 *   verb     request payload                 descriptor   reply payload
 *   END      EnforcerEndRequest [+ pids]     -            EnforcerEndReply
 *   PUBLISH  -                               memfd        EnforcerPublishReply
 *   APPEND   encoded record (common/record.h) -           EnforcerAppendReply
 *   TELL     EnforcerTellRequest + text      -            EnforcerTellReply
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/limits.h"

#define ENFORCER_MAGIC   0x31454352u /* "RCE1" */

typedef enum EnforcerVerb {
    ENFORCER_END = 1,
    ENFORCER_PUBLISH = 2,
    ENFORCER_APPEND = 3,
    ENFORCER_TELL = 4,
} EnforcerVerb;

typedef enum EnforcerHow {
    ENFORCER_LOOK = 1, /* count only */
    ENFORCER_TERM = 2, /* SIGTERM (and SIGHUP, for shells that ignore SIGTERM) once */
    ENFORCER_KILL = 3, /* SIGKILL, cgroup.kill first, until none is left or the call's time is up */
    /* The same for nothing but what the person runs by another's right: processes that carry the
     * account's login uid, and whose real and effective uid are not the account's. The person's own
     * processes are not touched. */
    ENFORCER_LOOK_ELEVATED = 4,
    ENFORCER_TERM_ELEVATED = 5,
    ENFORCER_KILL_ELEVATED = 6,
} EnforcerHow;

static inline bool enforcer_how_is_elevated(uint32_t how)
{
    return how >= ENFORCER_LOOK_ELEVATED && how <= ENFORCER_KILL_ELEVATED;
}

typedef struct EnforcerHeader {
    uint32_t magic;
    uint32_t verb;
    uint32_t tag;    /* chosen by the client, returned in the reply */
    uint32_t size;   /* bytes behind the header; datagram size must be exactly header + size */
    int32_t result;  /* reply: 0 or a negative errno; request: 0 */
    uint32_t reserved; /* 0 */
} EnforcerHeader;

/* Behind an ELEVATED one, at most ENFORCER_SPARED_MAX int32_t: the leaders of the account's
 * sessions, such as sshd's monitor, which are root's and carry its login uid, too. To name a
 * process here saves it and never harms another, so this may come from the helper. */
typedef struct EnforcerEndRequest {
    uint32_t uid;
    uint32_t how; /* EnforcerHow */
} EnforcerEndRequest;

typedef struct EnforcerSurvivor {
    int32_t pid;
    char command[16]; /* NUL-terminated, control characters replaced */
} EnforcerSurvivor;

typedef struct EnforcerEndReply {
    uint32_t found;      /* processes seen at the first look of this call */
    uint32_t signalled;  /* signals sent one by one (those of cgroup.kill are not counted) */
    uint32_t left;       /* processes still alive when the call ended; zombies do not count */
    uint32_t elapsed_ms; /* how long this call worked */
    uint32_t survivor_count; /* some of those that are left, then some that are spared: processes
                              * of a service that only carry the login uid, which `left` does not
                              * count */
    EnforcerSurvivor survivors[ENFORCER_SURVIVORS_MAX];
} EnforcerEndReply;

typedef struct EnforcerPublishReply {
    uint64_t generation;  /* of the snapshot now in force */
    char reason[128];     /* why it was refused, for the log; empty on success */
} EnforcerPublishReply;

typedef struct EnforcerAppendReply {
    uint64_t sequence;    /* of the line written */
    uint32_t to_file;     /* 1 when the line is in the file and synced */
    uint32_t to_journal;  /* 1 when the journal took it */
} EnforcerAppendReply;

typedef struct EnforcerTellRequest {
    uint32_t uid;
    uint32_t text_size; /* bytes of text right behind this struct, no NUL, no control characters */
} EnforcerTellRequest;

typedef struct EnforcerTellReply {
    uint32_t terminals; /* how many terminals took the text */
} EnforcerTellReply;
