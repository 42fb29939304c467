/*
 * One person asked for by id at once, because somebody waits at a login (design §5: older than
 * FreshSec, and the provider has a directory). It goes beside the round, with the round's token.
 */
#pragma once

#include "helper/directory/directories.h"
#include "helper/provider/evidence.h"

typedef struct DirectoryCheck DirectoryCheck;

/* Called once, from the loop. What the directory says of the person is in force by then
 * (`is_said`); anything else proves nothing, and `evidence` says why. NULL: the directories were
 * replaced meanwhile; ask again. */
typedef void (*DirectoryCheckHandler)(const Evidence *evidence, bool is_said, void *userdata);

/* Does a directory know this account by its id? */
bool directories_know(const Directories *directories, const Account *account);

/* Is it the account of a client, whose own entry the directory has? Only this check looks at it. */
bool directories_know_client(const Directories *directories, const Account *account);

/* NULL: the handler will be called. Else why nobody can be asked now: a text that is good until the
 * loop goes on. Only for accounts that directories_know(). */
const char *directories_check(Directories *directories, Account *account,
                              DirectoryCheckHandler handler, void *userdata,
                              DirectoryCheck **ret_check);

/* The handler is not called any more. Returns NULL. */
DirectoryCheck *directory_check_cancel(DirectoryCheck *check);
