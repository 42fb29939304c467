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

/* An import on its way, in parts of some milliseconds so that nobody else waits for it. Whatever
 * else happens meanwhile comes first: it finds nothing of the import, which is judged anew where
 * that matters. So what it does is what one that took no time would have done at its end. */
typedef struct IdentityImport {
    IdentityFile *file;
    IdentityFinding *findings; /* one for each row of the file, in its order */
    size_t refused, changed;   /* ADD and CHANGE */
    struct IdentityRun *run;
} IdentityImport;

/* `file` is taken over; `accounts` is borrowed. Dry: it is only judged. Returns 0 or -ENOMEM. */
int identity_import_new(Accounts *accounts, IdentityFile *file, bool is_dry,
                        IdentityImport **ret_import);

/* What is not done yet never happened. */
IdentityImport *identity_import_free(IdentityImport *import);
DEFINE_CLEANUP(IdentityImport *, identity_import_free)

/* The next part, under the configuration that is in force. 1: there is more. 0: it is done, and
 * durable; with `refused` nothing was changed. A negative errno: nothing was changed. */
int identity_import_step(IdentityImport *import, const Config *config);

/* All numbers of this host that another one could take over: those of its accounts that are not
 * forgotten or tied, of its groups, and those carried here. Returns 0, -E2BIG or another negative
 * errno. */
int identity_export(Accounts *accounts, const Config *config, IdentityFile **ret_file);
