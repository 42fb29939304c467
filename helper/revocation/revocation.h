/*
 * The verdict per account: only evidence moves it, and moving it acts (design §5).
 *
 * The moment it moves: memory; tell; 100 ms; end; then storage and log, retried until they hold.
 */
#pragma once

#include "helper/accounts/account.h"
#include "helper/provider/evidence.h"
#include "common/outcome.h"

typedef struct Manager Manager;
typedef struct Revocation Revocation;

int revocation_new(Manager *manager, Revocation **ret_revocation);
Revocation *revocation_free(Revocation *revocation);
DEFINE_CLEANUP(Revocation *, revocation_free)

/* At start: `end` for standing verdicts that end things, and again every RefreshCheckSec while
 * they stand. */
void revocation_resume(Revocation *revocation);

/* Evidence about an account from `source` ("refresh", "check", "administrator" …). Applies the
 * table of design §5. */
void revocation_evidence(Revocation *revocation, Account *account, const char *source,
                         const Evidence *evidence);

/* What a directory says of an account ("directory" is the source). As revocation_evidence(), but
 * its explicit "enabled" also lifts a DISABLED that a directory or a code about the same flag
 * brought, never an administrator's: the account is ACTIVE, and an earlier sign-in counts no more.
 * A confirmation is only remembered: who asks the directory stores many at once. */
void revocation_directory(Revocation *revocation, Account *account, const Evidence *evidence);

/* A person signed in interactively: ACTIVE since now, stored before this returns. -EACCES while
 * DISABLED (only `user reinstate` lifts that), -EBUSY while what ran under a revoked sign-in is
 * still being ended, or another negative errno; then deny. */
int revocation_signed_in(Revocation *revocation, Account *account);

/* An access token of theirs was presented that was issued at `issued`: as a sign-in of that
 * time. Nothing that is younger is made older, nor is it lifted when it is held. -ESTALE when their
 * access was ended since, also when they signed in again or were let in again after that, or when
 * the sign-in has expired. */
int revocation_token_presented(Revocation *revocation, Account *account, const Stamp *issued);
/* Would it be that? */
bool revocation_is_after(const Account *account, const Stamp *issued);

/* Forgets an account that was disabled only to be ended first: `before` is the verdict it had.
 * Where that was DISABLED, or something survived, DISABLED stays with the number, so that adding
 * the name again does not reinstate anybody. */
int revocation_forget(Revocation *revocation, Account *account, Verdict before, uint32_t left);

/* `left` when the enforcer did not answer, or refused, so that nobody knows. */
#define REVOCATION_LEFT_UNKNOWN UINT32_MAX

typedef void (*RevocationEndHandler)(uint32_t ended, uint32_t left, uint64_t elapsed_ms,
                                     const char *survivors, void *userdata);
/* `rcpchctl user revoke`: DISABLED by the administrator. The handler is called once, from the
 * loop, when nothing is left and the verdict is stored, or after 10 s (revocation_is_stored()
 * tells). 0 or a negative errno; the verdict has moved in any case. */
int revocation_revoke(Revocation *revocation, Account *account, const char *reason,
                      RevocationEndHandler handler, void *userdata);
/* Is what it runs being ended at this moment, so that a sign-in has to wait? */
bool revocation_is_ending(const Account *account);
/* Was something said against it that is held (hold.h)? */
bool revocation_is_held(const Account *account);
/* Behind it: the local accounts that are tied to the person whose own account was revoked. */
void revocation_revoke_tied(Revocation *revocation, const Account *account, const char *reason);
bool revocation_is_stored(const Revocation *revocation, const Account *account);
/* Lifts DISABLED and deletes the refresh token: UNCONFIRMED, and the person must sign in again.
 * Stored when it returns 0. -EALREADY when not DISABLED, -EBUSY while the account is still being
 * ended, or another negative errno. */
int revocation_reinstate(Revocation *revocation, Account *account);

/* A pure function (verdict.c): may this account get new access now? OUTCOME_ALLOW or why not.
 * `interactive`: an interactive sign-in is about to be asked for, so only DISABLED refuses; the
 * account phase and OpenSession pass false, and have first asked the provider where
 * verdict_needs_check() said so. `elevation`: sudo or su with RequireGroups. */
Outcome verdict_admits(const Account *account, const Config *config, bool interactive,
                       bool elevation, const Stamp *now);
/* Its two halves: what the verdict itself says (never interactive); and, for one that stands, how
 * long ago the provider vouched for the account. */
Outcome verdict_stands(const Account *account);
Outcome verdict_confirmed(const Account *account, const Config *config, bool elevation,
                          const Stamp *now);
/* Is the confirmation older than FreshSec, or missing, so that it must be checked first? */
bool verdict_needs_check(const Account *account, const Config *config, const Stamp *now);
