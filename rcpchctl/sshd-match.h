/*
 * The Match blocks of sshd's configuration, each with somebody of ours to whom it applies.
 *
 * What a block does is asked of sshd itself (sshd -T -C): here is only whom to ask about. Values
 * are taken from the block's own patterns, so that the connection is one that it means.
 */
#pragma once

#include <stddef.h>
#include "common/cleanup.h"
#include "rcpchctl/host-files.h"

/* Somebody who signs in through us. Borrowed texts; `groups` up to NULL. */
typedef struct SshdPerson {
    const char *name;
    const char *const *groups;
} SshdPerson;

typedef struct SshdMatch {
    char *file;
    char *line;       /* "Match Group contractors" */
    char *user;       /* whom of ours it is about */
    char *connection; /* user=…,host=…,addr=…,laddr=…,lport=… for sshd -C */
} SshdMatch;

typedef struct SshdMatches {
    SshdMatch *rows;
    size_t count;
    bool is_cut; /* there are more than SSHD_MATCHES_MAX */
} SshdMatches;

/* Reads sshd_config and what it includes. Blocks that are about nobody of ours are left out.
 * Returns 0 or -ENOMEM; a file that cannot be read is sshd's own to complain about. */
int sshd_matches_read(const Host *host, const SshdPerson *people, size_t count,
                      SshdMatches *ret_matches);
void sshd_matches_clear(SshdMatches *matches);
