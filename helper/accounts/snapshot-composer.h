/*
 * From accounts and configuration to a snapshot: who is in it, with which groups, and what is
 * left out, each with a reason.
 */
#pragma once

#include <stdint.h>
#include "helper/accounts/account.h"
#include "helper/accounts/local-names.h"

/* Told of every row that is left out. */
typedef void (*ComposerAlarm)(const char *text, void *userdata);

typedef struct ComposerInput {
    Store *store;
    Accounts *accounts;
    const Config *config;
    const LocalNames *local;
    uint64_t generation;
    ComposerAlarm alarm;
    void *userdata;
} ComposerInput;

/* Returns 0 and a sealed memory file that the caller owns, or a negative errno. A row that the
 * enforcer would refuse never makes the whole fail: it is left out. */
int snapshot_compose(const ComposerInput *input, int *ret_fd);
