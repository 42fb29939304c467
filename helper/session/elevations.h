/*
 * What runs by a right that the directory took away ([service sudo] EndElevated=yes).
 *
 * Membership is stored through here. The moment an account leaves the last group that such a
 * service requires, what it runs under another uid ends: told, SIGTERM, 2 s, SIGKILL, and once more
 * a second later, for what was just being started. The person's own session stays.
 */
#pragma once

#include "helper/accounts/account.h"

typedef struct Manager Manager;
typedef struct Elevations Elevations;

int elevations_new(Manager *manager, Elevations **ret_elevations);
Elevations *elevations_free(Elevations *elevations);
DEFINE_CLEANUP(Elevations *, elevations_free)

/* account_set_groups(), account_set_roles(), and what follows from them. Same errors; then nothing
 * has changed. */
int elevations_set_groups(Manager *manager, Account *account, char *const *ids);
int elevations_set_roles(Manager *manager, Account *account, char *const *roles);

/* Everybody who has an open session by sudo or su and is out of the group: at the helper's start,
 * which a crash may have cut short, and when an administrator enforces another configuration. */
void elevations_review(Elevations *elevations);

/* The group that an EndElevated= service requires and the account is not in; NULL when there is
 * none. Borrowed from `config`. */
const char *elevations_lost_group(const Account *account, const Config *config);
