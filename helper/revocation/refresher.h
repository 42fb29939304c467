/*
 * Redeems refresh tokens: every RefreshCheckSec for accounts with open sessions, and on demand
 * for the account phase (one request for many askers). Feeds revocation with what it learns.
 */
#pragma once

#include "helper/accounts/account.h"
#include "helper/provider/evidence.h"

typedef struct Manager Manager;
typedef struct Refresher Refresher;
typedef struct RefreshWait RefreshWait;

int refresher_new(Manager *manager, Refresher **ret_refresher);
Refresher *refresher_free(Refresher *refresher);
DEFINE_CLEANUP(Refresher *, refresher_free)

/* Called when sessions of an account begin or end, so that polling starts and stops. */
void refresher_account_changed(Refresher *refresher, Account *account);

/* Checks one account now. The handler is called once, when an answer came or `timeout_usec`
 * passed; the verdict has moved by then. Concurrent askers share one request. After
 * refresher_wait_cancel() it is not called. */
typedef void (*RefresherHandler)(Account *account, const Evidence *evidence, void *userdata);
int refresher_check(Refresher *refresher, Account *account, uint64_t timeout_usec,
                    RefresherHandler handler, void *userdata, RefreshWait **ret_wait);
RefreshWait *refresher_wait_cancel(RefreshWait *wait);
