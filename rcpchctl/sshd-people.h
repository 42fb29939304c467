/*
 * Who signs in here through us: the snapshot's people with their groups, and tied local accounts.
 */
#pragma once

#include "rcpchctl/sshd-match.h"

typedef struct SshdPeople {
    SshdPerson *people;
    size_t count;
} SshdPeople;

/* Returns 0, or a negative errno: without a snapshot there is nobody, and that is another check's
 * to say. */
int sshd_people_read(const Host *host, SshdPeople *ret_people);
void sshd_people_clear(SshdPeople *people);
