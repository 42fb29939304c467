/*
 * The verdict per account: only evidence moves it, and moving it acts (design §5).
 *
 * The moment it moves: memory; tell; 100 ms; end; then storage and log, retried until they hold.
 */
#pragma once

#include "helper/account.h"
#include "helper/evidence.h"
#include "common/outcome.h"

typedef struct Manager Manager;
typedef struct Revocation Revocation;

int revocation_new(Manager *manager, Revocation **ret_revocation);
Revocation *revocation_free(Revocation *revocation);
DEFINE_CLEANUP(Revocation *, revocation_free)

/* At start: `end` for standing DISABLED and REVOKED verdicts. */
void revocation_resume(Revocation *revocation);

/* Evidence about an account from `source` ("refresh", "check", "administrator" …). Applies the table of design §5. */
void revocation_evidence(Revocation *revocation, Account *account, const char *source, const Evidence *evidence);

/* A person signed in interactively, or the provider confirmed: ACTIVE since now (unless DISABLED by the administrator). */
int revocation_signed_in(Revocation *revocation, Account *account);

typedef void (*RevocationEndHandler)(uint32_t ended, uint32_t left, uint64_t elapsed_ms, const char *survivors, void *userdata);
/* `rcpchctl user revoke`. The handler is called when nothing is left, or after 10 s. */
int revocation_revoke(Revocation *revocation, Account *account, const char *reason, RevocationEndHandler handler, void *userdata);
int revocation_reinstate(Revocation *revocation, Account *account);

/* A pure function: may this account get new access now? OUTCOME_ALLOW or why not. `elevation`: sudo or su with RequireGroups. */
Outcome verdict_admits(const Account *account, const Config *config, bool interactive, bool elevation, const Stamp *now);
/* Is the confirmation older than FreshSec, so that it must be checked first? */
bool verdict_needs_check(const Account *account, const Config *config, const Stamp *now);
