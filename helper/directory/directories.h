/*
 * Directories: asked every DirectoryPollSec who there is, who is in which group and who was
 * disabled (design §4, §5). So a colleague who never signed in to this host has her account and her
 * groups here before she does, and access ends with no token involved.
 *
 * A round: what changed since the last one; the members of each group that the configuration names;
 * then, one by one, people of this host whom neither spoke of. A round that fails changes nothing.
 */
#pragma once

#include "common/cleanup.h"
#include "helper/accounts/account.h"
#include "helper/directory/directory-health.h"
#include "helper/directory/directory-refused.h"

typedef struct Manager Manager;
typedef struct Directories Directories;

/* One for each provider with Directory=, of the manager's present configuration and providers; the
 * first round begins from the loop. `accept_absence`: the first round may take groups from as many
 * as it likes (the administrator said so). Returns 0, -ENOMEM or another negative errno. */
int directories_new(Manager *manager, bool accept_absence, Directories **ret_directories);
Directories *directories_free(Directories *directories);
DEFINE_CLEANUP(Directories *, directories_free)

/* What a token says of groups (`groups`, replaced) gives and takes none that a directory answers
 * for, as long as that tells of the account: a token may be older, and may leave out groups inside
 * groups. Returns 0 or -ENOMEM; then nothing has changed. */
int directories_correct_groups(const Directories *directories, const Account *account,
                               char ***groups);

/* Is the account's provider one whose directory is asked? NULL is fine. */
bool directories_has(const Directories *directories, const Account *account);

typedef struct DirectoryStatus {
    const DirectoryHealth *health; /* borrowed, until the directories go */
    size_t people;                 /* of its accounts here */
    bool is_stale;                 /* not read to its end for several rounds */
    const DirectoryRefused *odd_names; /* members whose name no account can have; borrowed */
    const char *mend_name;             /* what to do about them; static */
} DirectoryStatus;

/* Of the provider with that section's name. False when it has no directory that is asked. */
bool directories_status(const Directories *directories, const char *provider,
                        DirectoryStatus *ret_status);
