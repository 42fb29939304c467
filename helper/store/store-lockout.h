/*
 * Lock-out counters and known places in the state database (helper/login/lockout.h). Both are
 * bounded: the oldest go.
 */
#pragma once

#include "helper/login/lockout.h"
#include "helper/store/store.h"

#define LOCKOUTS_MAX     10000u
#define KNOWN_PLACES_MAX 16u /* of one account */

/* 0 also when there is none: then *ret_count is untouched. */
int store_lockout_get(Store *store, const char *key, LockoutCount *ret_count);
int store_lockout_put(Store *store, const char *key, const LockoutCount *count);
/* That one, and all that begin so. 0, also when there was none. */
int store_lockout_delete(Store *store, const char *key, const char *beginning);

int store_place_is_known(Store *store, const Account *account, const char *place); /* 1, 0, errno */
int store_places_delete(Store *store, const Account *account);
int store_place_put(Store *store, const Account *account, const char *place, uint64_t now_usec);
