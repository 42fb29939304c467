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

#define FORGIVEN_AFTER_USEC (24 * UINT64_C(3600000000)) /* without a failure the level is forgotten */
#define PLACE_FACTOR        5u   /* a place may be a whole office behind one address */
#define HOST_FACTOR         100u
#define KEY_SIZE            320u

/* --- one counter ------------------------------------------------------------------------------- */

bool lockout_count_is_locked(const LockoutCount *count, uint64_t now_usec)
{
    return count->locked_until_usec > now_usec &&
           count->locked_until_usec - now_usec <= LOCKOUT_LONGEST_USEC;
}

static uint64_t lock_time(const LockoutRules *rules, uint32_t level)
{
    uint64_t usec = rules->window_usec;

    for (uint32_t i = 0; i < level && usec < LOCKOUT_LONGEST_USEC; i++)
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

/* --- places ------------------------------------------------------------------------------------ */

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

/* --- the three counters of an attempt ---------------------------------------------------------- */

typedef struct Counter {
    char key[KEY_SIZE];
    uint32_t factor;
    const char *reason;
} Counter;

enum { OF_NAME, OF_PLACE, OF_HOST, COUNTERS };

static void make_counters(const char *user, const char *rhost, Counter counters[COUNTERS])
{
    char place[LOCKOUT_PLACE_SIZE];

    lockout_place(rhost, place);
    counters[OF_NAME] = (Counter){.factor = 1, .reason = "locked: too many failures of this name"};
    counters[OF_PLACE] =
        (Counter){.factor = PLACE_FACTOR, .reason = "locked: too many failures from this source"};
    counters[OF_HOST] =
        (Counter){.factor = HOST_FACTOR, .reason = "locked: too many failures on this host"};
    snprintf(counters[OF_NAME].key, KEY_SIZE, "user %s", user);
    snprintf(counters[OF_PLACE].key, KEY_SIZE, "source %s", place);
    snprintf(counters[OF_HOST].key, KEY_SIZE, "host");
}

static bool is_known_place(Manager *manager, const Account *account, const char *rhost)
{
    char place[LOCKOUT_PLACE_SIZE];

    lockout_place(rhost, place);
    return account && store_place_is_known(manager->store, account, place) > 0;
}

const char *lockout_reason(Manager *manager, const char *user, const Account *account,
                           const char *rhost, bool has_second_factor)
{
    uint64_t now = stamp_now().wall_usec;
    Counter counters[COUNTERS];

    make_counters(user, rhost, counters);
    for (size_t i = 0; i < COUNTERS; i++) {
        LockoutCount count = {0};
        if (store_lockout_get(manager->store, counters[i].key, &count) < 0)
            return "locked: the counters cannot be read";
        if (lockout_count_is_locked(&count, now))
            return has_second_factor && is_known_place(manager, account, rhost)
                       ? NULL
                       : counters[i].reason;
    }
    return NULL;
}

static void say_locked(Manager *manager, const char *user, const char *rhost, const char *reason)
{
    Record record = {.event = RECORD_ACCOUNT};

    record_set(&record, RECORD_ACTION, "locked");
    record_set(&record, RECORD_USER, user);
    record_set(&record, RECORD_RHOST, rhost);
    record_set(&record, RECORD_REASON, reason);
    manager_log(manager, &record);
}

static int count_failure(Manager *manager, const Counter *counter, uint64_t now, bool *ret_locks)
{
    const Config *config = manager->config;
    const LockoutRules rules = {config->lock_after * counter->factor, config->lock_window_usec};
    LockoutCount count = {0};

    int r = store_lockout_get(manager->store, counter->key, &count);
    if (r < 0)
        return r;
    *ret_locks = lockout_count_failure(&count, &rules, now);
    return store_lockout_put(manager->store, counter->key, &count);
}

void lockout_failed(Manager *manager, const char *user, const char *rhost)
{
    uint64_t now = stamp_now().wall_usec;
    bool locks[COUNTERS] = {false};
    Counter counters[COUNTERS];

    make_counters(user, rhost, counters);
    int r = store_begin(manager->store);
    for (size_t i = 0; r >= 0 && i < COUNTERS; i++)
        r = count_failure(manager, &counters[i], now, &locks[i]);
    r = store_end(manager->store, r < 0 ? r : 0);
    if (r < 0)
        manager_alarm(manager, "A wrong sign-in could not be counted: %s", strerror(-r));
    for (size_t i = 0; r >= 0 && i < COUNTERS; i++)
        if (locks[i])
            say_locked(manager, user, rhost, counters[i].reason);
}

int lockout_unlock(Manager *manager, const Account *account)
{
    Counter counters[COUNTERS];

    make_counters(account->name, "", counters);
    return store_lockout_delete(manager->store, counters[OF_NAME].key);
}

void lockout_succeeded(Manager *manager, const Account *account, const char *rhost)
{
    char place[LOCKOUT_PLACE_SIZE];
    Counter counters[COUNTERS];

    make_counters(account->name, rhost, counters);
    lockout_place(rhost, place);
    if (store_lockout_delete(manager->store, counters[OF_NAME].key) < 0 ||
        store_place_put(manager->store, account, place, stamp_now().wall_usec) < 0)
        manager_alarm(manager, "Where %s signs in from could not be stored", account->name);
}
