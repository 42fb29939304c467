/*
 * Lock-out: how many wrong answers a name, a place and the whole host may give before nothing more
 * is tried for a while. Counted across services and restarts, for names that exist and that do not.
 *
 * It guards what can be guessed: passwords and one-time codes. A locked name still gets in from a
 * place it signed in from before, with its second factor: who only knows the name cannot keep its
 * owner out. Nobody locks a place for others: what a service says of a place counts for that
 * service alone, and on the host itself, which is everybody's place, who asks is one of their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "helper/accounts/account.h"

typedef struct Manager Manager;

#define LOCKOUT_PLACE_SIZE 64u

/* One counter. Wall clock, microseconds: it must outlive a reboot. */
typedef struct LockoutCount {
    uint32_t failures; /* in the window that began at … */
    uint32_t level;    /* how often it was locked: each time twice as long */
    uint64_t window_usec;
    uint64_t locked_until_usec; /* 0: never */
} LockoutCount;

typedef struct LockoutRules {
    uint32_t limit;       /* failures … */
    uint64_t window_usec; /* … within this time lock for this time, then for twice as long … */
    bool stays_short;     /* … or always for the same time */
} LockoutRules;

#define LOCKOUT_LONGEST_USEC (24 * UINT64_C(3600000000))

/* Pure. A lock that lasts longer than the longest, after a clock was set back, is none. */
bool lockout_count_is_locked(const LockoutCount *count, uint64_t now_usec);
/* Returns true when this failure locks. */
bool lockout_count_failure(LockoutCount *count, const LockoutRules *rules, uint64_t now_usec);

/* What counts as one place: an address, a network of 2^64 addresses of IPv6, or "local". */
void lockout_place(const char *rhost, char ret_place[LOCKOUT_PLACE_SIZE]);

typedef struct LockoutAttempt {
    const char *user;
    const Account *account; /* NULL: there is none of that name */
    const char *rhost;
    const char *service; /* whose word rhost is, of CallerUid=; NULL: root's */
    const char *asker;   /* who of this host asks, where there is no rhost; NULL: nobody says so */
    bool is_known; /* the owner signed in from there before, and a second factor is asked for: then
                    * only this name at this place counts, and is counted */
} LockoutAttempt;

bool lockout_knows_place(Manager *manager, const Account *account, const char *rhost);

/* What keeps this attempt from being tried, for the log; NULL: nothing. While counting fails
 * nothing is tried. */
const char *lockout_reason(Manager *manager, const LockoutAttempt *attempt);

/* After a wrong answer. */
void lockout_failed(Manager *manager, const LockoutAttempt *attempt);
/* The name's counters begin anew, wherever it was tried from. 0 or a negative errno. */
int lockout_unlock(Manager *manager, const Account *account);
/* After an admission: the name's counter begins anew, and the place is known. */
void lockout_succeeded(Manager *manager, const Account *account, const char *rhost);
