/*
 * What a file of numbers from another host means here (design §4): judged row by row first, then
 * carried out as a whole or not at all.
 *
 * A number that a stored account or a group already has is never changed: its files carry it. Who
 * is not here yet gets the number that the file names when they come (store-carried.h).
 */
#pragma once

#include "helper/accounts/account.h"
#include "helper/accounts/identity-file.h"

typedef enum IdentityAction {
    IDENTITY_SAME = 0, /* it is so already */
    IDENTITY_ADD,
    IDENTITY_CHANGE,   /* of what an earlier import carried here, and nobody has come for */
    IDENTITY_REFUSE,
    _IDENTITY_ACTION_COUNT,
} IdentityAction;
const char *identity_action_to_word(IdentityAction action); /* "same" … */

typedef struct IdentityFinding {
    IdentityAction action;
    uint32_t before; /* IDENTITY_CHANGE: the number that is given up */
    char why[IDENTITY_REASON_SIZE]; /* IDENTITY_REFUSE: one clause */
} IdentityFinding;

/* One finding for each row of the file, in its order; the caller frees the array. `*ret_refused` is
 * how many are refused. Changes nothing. Returns 0 or a negative errno. */
int identity_import_judge(Accounts *accounts, const Config *config, const IdentityFile *file,
                          IdentityFinding **ret_findings, size_t *ret_refused);

/* Carries the findings out, in one transaction; none of them may be IDENTITY_REFUSE (-EINVAL). */
int identity_import_apply(Accounts *accounts, const IdentityFile *file,
                          const IdentityFinding *findings);

/* All numbers of this host that another one could take over: those of its accounts that are not
 * forgotten or tied, of its groups, and those carried here. Returns 0, -E2BIG or another negative
 * errno. */
int identity_export(Accounts *accounts, const Config *config, IdentityFile **ret_file);
