/*
 * Lock-out. See lockout.h.
 */
#include "helper/login/lockout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "helper/base/networks.h"
#include "helper/manager.h"
#include "helper/store/store-lockout.h"

#define FORGIVEN_AFTER_USEC (24 * UINT64_C(3600000000)) /* then the level is forgotten */
#define PLACE_FACTOR        5u   /* a place may be a whole office behind one address */
#define HOST_FACTOR         100u
#define KEY_SIZE            320u
#define ALARM_COUNTING      "Wrong passwords and codes cannot be counted"

/* --- one counter ----------------------------------------------------------------------------- */

bool lockout_count_is_locked(const LockoutCount *count, uint64_t now_usec)
{
    return count->locked_until_usec > now_usec &&
           count->locked_until_usec - now_usec <= LOCKOUT_LONGEST_USEC;
}

static uint64_t lock_time(const LockoutRules *rules, uint32_t level)
{
    uint64_t usec = rules->window_usec;

    for (uint32_t i = 0; !rules->stays_short && i < level && usec < LOCKOUT_LONGEST_USEC; i++)
        usec *= 2;
    return usec < LOCKOUT_LONGEST_USEC ? usec : LOCKOUT_LONGEST_USEC;
}

bool lockout_count_failure(LockoutCount *count, const LockoutRules *rules, uint64_t now_usec)
{
    bool goes_on = now_usec >= count->window_usec &&
                   now_usec - count->window_usec <= rules->window_usec;

    if (now_usec > count->window_usec && now_usec - count->window_usec > FORGIVEN_AFTER_USEC)
        count->level = 0;
    if (!goes_on) {
        count->failures = 0;
        count->window_usec = now_usec;
    }
    if (++count->failures < rules->limit)
        return false;
    count->locked_until_usec = now_usec + lock_time(rules, count->level);
    count->level++;
    count->failures = 0;
    return true;
}

/* --- places ---------------------------------------------------------------------------------- */

void lockout_place(const char *rhost, char ret_place[LOCKOUT_PLACE_SIZE])
{
    struct in6_addr address;
    struct in_addr old;
    const uint16_t *parts = address.s6_addr16;

    if (*rhost == '\0' || networks_same_place(rhost, "127.0.0.1"))
        snprintf(ret_place, LOCKOUT_PLACE_SIZE, "local");
    else if (inet_pton(AF_INET6, rhost, &address) != 1)
        snprintf(ret_place, LOCKOUT_PLACE_SIZE, "%s", rhost);
    else if (IN6_IS_ADDR_V4MAPPED(&address)) {
        memcpy(&old, &address.s6_addr[12], sizeof(old));
        inet_ntop(AF_INET, &old, ret_place, LOCKOUT_PLACE_SIZE);
    } else
        snprintf(ret_place, LOCKOUT_PLACE_SIZE, "%x:%x:%x:%x::/64", ntohs(parts[0]),
                 ntohs(parts[1]), ntohs(parts[2]), ntohs(parts[3]));
}

/* --- the counters of an attempt -------------------------------------------------------------- */

typedef struct Counter {
    char key[KEY_SIZE];
    uint32_t factor;
    bool stays_short;
    const char *reason;
} Counter;

#define COUNTERS_MAX 3u

/* A space stands in no name: neither is ever taken for another one. */
static void make_keys(const LockoutAttempt *attempt, const char *place, Counter counters[])
{
    char of[KEY_SIZE - sizeof("source ") - LOCKOUT_PLACE_SIZE] = "";

    if (attempt->service)
        snprintf(of, sizeof(of), " of service %s", attempt->service);
    snprintf(counters[0].key, KEY_SIZE, "user %s", attempt->user);
    snprintf(counters[2].key, KEY_SIZE, "host%s", of);
    if (attempt->asker)
        snprintf(of, sizeof(of), " of %s", attempt->asker);
    snprintf(counters[1].key, KEY_SIZE, "source %s%s", place, of);
}

/* The host's lock shuts out people who did nothing: it is never a long one. */
static size_t make_counters(const LockoutAttempt *attempt, Counter counters[COUNTERS_MAX])
{
    char place[LOCKOUT_PLACE_SIZE];

    lockout_place(attempt->rhost, place);
    counters[0] = (Counter){.factor = 1, .reason = "locked: too many failures of this name"};
    if (attempt->is_known) {
        snprintf(counters[0].key, KEY_SIZE, "user %s at %s", attempt->user, place);
        return 1;
    }
    counters[1] =
        (Counter){.factor = PLACE_FACTOR, .reason = "locked: too many failures from this source"};
    counters[2] = (Counter){.factor = HOST_FACTOR, .stays_short = true,
                            .reason = "locked: too many failures on this host"};
    make_keys(attempt, place, counters);
    return COUNTERS_MAX;
}

bool lockout_knows_place(Manager *manager, const Account *account, const char *rhost)
{
    char place[LOCKOUT_PLACE_SIZE];

    lockout_place(rhost, place);
    return account && store_place_is_known(manager->store, account, place) > 0;
}

/* A disk that is full again takes the next count; until then nobody guesses. */
static bool cannot_count(Manager *manager)
{
    LockoutCount count = {0};

    if (manager->lockout_is_broken && store_lockout_get(manager->store, "host", &count) >= 0 &&
        store_lockout_put(manager->store, "host", &count) >= 0) {
        manager->lockout_is_broken = false;
        manager_alarm_over(manager, ALARM_COUNTING);
    }
    return manager->lockout_is_broken;
}

const char *lockout_reason(Manager *manager, const LockoutAttempt *attempt)
{
    uint64_t now = stamp_now().wall_usec;
    Counter counters[COUNTERS_MAX];
    size_t size = make_counters(attempt, counters);

    if (cannot_count(manager))
        return "locked: failures cannot be counted";
    for (size_t i = 0; i < size; i++) {
        LockoutCount count = {0};
        if (store_lockout_get(manager->store, counters[i].key, &count) < 0)
            return "locked: the counters cannot be read";
        if (lockout_count_is_locked(&count, now))
            return counters[i].reason;
    }
    return NULL;
}

static void say_locked(Manager *manager, const LockoutAttempt *attempt, const char *reason)
{
    Record record = {.event = RECORD_ACCOUNT};

    record_set(&record, RECORD_ACTION, "locked");
    record_set(&record, RECORD_USER, attempt->user);
    record_set(&record, RECORD_RHOST, attempt->rhost);
    record_set(&record, RECORD_REASON, reason);
    manager_log(manager, &record);
}

static int count_failure(Manager *manager, const Counter *counter, uint64_t now, bool *ret_locks)
{
    const Config *config = manager->config;
    const LockoutRules rules = {config->lock_after * counter->factor, config->lock_window_usec,
                                counter->stays_short};
    LockoutCount count = {0};

    int r = store_lockout_get(manager->store, counter->key, &count);
    if (r < 0)
        return r;
    *ret_locks = lockout_count_failure(&count, &rules, now);
    return store_lockout_put(manager->store, counter->key, &count);
}

void lockout_failed(Manager *manager, const LockoutAttempt *attempt)
{
    uint64_t now = stamp_now().wall_usec;
    bool locks[COUNTERS_MAX] = {false};
    Counter counters[COUNTERS_MAX];
    size_t size = make_counters(attempt, counters);

    int r = store_begin(manager->store);
    if (r >= 0) {
        for (size_t i = 0; r >= 0 && i < size; i++)
            r = count_failure(manager, &counters[i], now, &locks[i]);
        r = store_end(manager->store, r < 0 ? r : 0);
    }
    manager->lockout_is_broken = r < 0;
    if (r < 0)
        manager_alarm(manager, ALARM_COUNTING ": no sign-in by password until they can be (%s)",
                      strerror(-r));
    for (size_t i = 0; r >= 0 && i < size; i++)
        if (locks[i])
            say_locked(manager, attempt, counters[i].reason);
}

int lockout_unlock(Manager *manager, const Account *account)
{
    char name[KEY_SIZE], places[KEY_SIZE];

    snprintf(name, sizeof(name), "user %s", account->name);
    snprintf(places, sizeof(places), "user %s at ", account->name);
    return store_lockout_delete(manager->store, name, places);
}

void lockout_succeeded(Manager *manager, const Account *account, const char *rhost)
{
    char place[LOCKOUT_PLACE_SIZE];

    lockout_place(rhost, place);
    if (lockout_unlock(manager, account) < 0 ||
        store_place_put(manager->store, account, place, stamp_now().wall_usec) < 0)
        manager_alarm(manager, "Where %s signs in from could not be stored", account->name);
}
