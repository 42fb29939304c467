/*
 * Whose account is it that an administrator added without an id, and that nobody has signed in to?
 * Of the name (directory-newcomer.c) or, where MatchBy= allows it, of the e-mail address and then
 * of the telephone number. Once bound, an account is its identity's and is never matched again.
 */
#pragma once

#include "helper/directory/directory-internal.h"

/* With a closed roll that is believed. Binds the account when exactly one person of the roll has
 * the address or the number; where several have it nobody is matched, and it is said. */
void directory_match(Directory *directory, Account *account);

/* May somebody without an account be the person whom an account waits for? Where a round does not
 * believe its roll, such an account is to be matched in the next one, by all lists. True when there
 * is one. */
bool directory_match_awaits(Directory *directory, const DirectoryPerson *person);
