/*
 * What the account files share: how a change becomes durable before it becomes visible.
 */
#pragma once

#include "helper/accounts/account.h"

Store *accounts_store(const Accounts *accounts);

/* Makes room for one more, so that accounts_insert() cannot fail. Returns 0, -ENOSPC, -ENOMEM. */
int accounts_reserve(Accounts *accounts);

/* Takes ownership of a stored account. */
void accounts_insert(Accounts *accounts, Account *account);

/* The identity is about to change, or has: takes the account out of, or puts it into, the index. */
void accounts_unindex_identity(Accounts *accounts, const Account *account);
void accounts_index_identity(Accounts *accounts, const Account *account);

/* The directory name's digest that a forgotten account keeps. */
int directory_name_digest(const char *directory_name, uint8_t ret_digest[32]);

/* Who has a group's number in the table of numbers. A group that has an id is that group, whatever
 * role it has besides. Returns 0, -ENOMEM. */
int group_owner(const char *issuer, const char *id, const char *role, char **ret_owner);

/* Was any digest kept? */
bool former_is_set(const uint8_t former[32]);
