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

/* The same for the number. */
void accounts_unindex_number(Accounts *accounts, const Account *account);
void accounts_index_number(Accounts *accounts, const Account *account);

/* Grows whenever somebody is added, bound, forgotten, or gets another number. */
uint64_t accounts_version(const Accounts *accounts);

/* Room for the text of a refusal that names somebody; it holds until the next one. */
#define ACCOUNTS_WHY_SIZE 256
char *accounts_why(Accounts *accounts);

/* The directory name's digest that a forgotten account keeps. */
int directory_name_digest(const char *directory_name, uint8_t ret_digest[32]);

/* Who has a group's number in the table of numbers. A group that has an id is that group, whatever
 * role it has besides. Returns 0, -ENOMEM. */
int group_owner(const char *issuer, const char *id, const char *role, char **ret_owner);

/* A pinned number stands beside the one that was given at first sight, which stays taken. Returns
 * 0, -EADDRINUSE when it is somebody else's, or another negative errno. */
int number_claim_pinned(Store *store, const char *owner, uint32_t number);

/* Was any digest kept? */
bool former_is_set(const uint8_t former[32]);
