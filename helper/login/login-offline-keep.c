/*
 * The password's hash that is kept for an outage, where its owner wants it so: made anew by each
 * sign-in with the password, forgotten when the provider refuses what it was made of.
 *
 * What is to be forgotten signs nobody in from then on, and is tried again until it is gone.
 */
#include <errno.h>
#include <string.h>

#include "helper/login/login-internal.h"
#include "helper/store/store-offline.h"

#define RETRY_USEC       (USEC_PER_SEC / 2) /* then twice as long … */
#define RETRY_LIMIT_USEC (30 * USEC_PER_SEC)

struct OfflineKeeping {
    Logins *logins;
    char *user;
    OfflineKeeping *next;   /* of those that are to be forgotten and could not be */
    sd_event_source *retry;
    uint64_t delay_usec;
};

static OfflineKeeping *keeping_free(OfflineKeeping *keeping)
{
    if (!keeping)
        return NULL;
    sd_event_source_disable_unref(keeping->retry);
    free(keeping->user);
    free(keeping);
    return NULL;
}
DEFINE_CLEANUP(OfflineKeeping *, keeping_free)

#define ALARM "What %s signs in with offline could not be stored"

/* `hash` "" forgets. The account may have gone, or its consent, while it was computed. 0 or a
 * negative errno. */
static int keep(const OfflineKeeping *keeping, const char *hash)
{
    Manager *manager = keeping->logins->manager;
    Account *account = accounts_find(manager->accounts, keeping->user);

    if (!account || account->state != ACCOUNT_ACTIVE)
        return 0;
    int r = store_offline_set_password(manager->store, account, hash);
    if (r < 0)
        manager_alarm(manager, ALARM, account->name);
    else
        manager_alarm_over(manager, ALARM, account->name);
    return r;
}

/* --- forgetting ------------------------------------------------------------------------------- */

static void unlink_keeping(OfflineKeeping *keeping)
{
    OfflineKeeping **link = &keeping->logins->forgetting;

    while (*link && *link != keeping)
        link = &(*link)->next;
    if (*link)
        *link = keeping->next;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    OfflineKeeping *keeping = userdata;

    if (keep(keeping, "") < 0) {
        uint64_t delay = keeping->delay_usec * 2;
        keeping->delay_usec = delay < RETRY_LIMIT_USEC ? delay : RETRY_LIMIT_USEC;
        (void)sd_event_source_set_time_relative(source, keeping->delay_usec);
        (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
    }
    unlink_keeping(keeping);
    (void)keeping_free(keeping);
    return 0;
}

/* Without a timer it is remembered all the same: what is on this list signs nobody in. */
static void forget_later(OfflineKeeping *keeping)
{
    sd_event *event = keeping->logins->manager->event;

    keeping->delay_usec = RETRY_USEC;
    keeping->next = keeping->logins->forgetting;
    keeping->logins->forgetting = keeping;
    (void)sd_event_add_time_relative(event, &keeping->retry, CLOCK_BOOTTIME, keeping->delay_usec,
                                     100 * USEC_PER_MSEC, on_retry, keeping);
}

/* What the provider refuses was right before: it was changed. */
static void on_compared(int r, const char *hash, void *userdata)
{
    _cleanup_(keeping_freep) OfflineKeeping *keeping = userdata;

    if (r == 0 && keep(keeping, "") < 0)
        forget_later(TAKE_PTR(keeping));
}

static OfflineKeeping *find_forgetting(const Logins *logins, const char *user)
{
    for (OfflineKeeping *each = logins->forgetting; each; each = each->next)
        if (strcmp(each->user, user) == 0)
            return each;
    return NULL;
}

bool login_offline_is_to_be_forgotten(const Logins *logins, const Account *account)
{
    return find_forgetting(logins, account->name) != NULL;
}

void logins_offline_free(Logins *logins)
{
    while (logins->forgetting) {
        OfflineKeeping *keeping = logins->forgetting;
        logins->forgetting = keeping->next;
        (void)keeping_free(keeping);
    }
}

/* A newer one takes the place of what was to be forgotten. */
static void on_made(int r, const char *hash, void *userdata)
{
    _cleanup_(keeping_freep) OfflineKeeping *keeping = userdata;
    OfflineKeeping *older;

    if (r < 0 || keep(keeping, hash) < 0)
        return;
    while ((older = find_forgetting(keeping->logins, keeping->user))) {
        unlink_keeping(older);
        (void)keeping_free(older);
    }
}

/* --- what a login brings ---------------------------------------------------------------------- */

static OfflineKeeping *keeping_new(const Login *login)
{
    OfflineKeeping *keeping = calloc(1, sizeof(*keeping));

    if (!keeping)
        return NULL;
    keeping->logins = login->logins;
    keeping->user = strdup(login->account->name);
    return keeping->user ? keeping : keeping_free(keeping);
}

static bool is_kept(const Login *login, char ret_hash[OFFLINE_HASH_SIZE])
{
    OfflineKind kind = OFFLINE_NONE;

    return login->method == METHOD_PASSWORD && login->password && login->caller == CALLER_ROOT &&
           store_offline_get(login->logins->manager->store, login->account, &kind, ret_hash) > 0 &&
           kind == OFFLINE_PASSWORD;
}

void login_offline_keep(Login *login)
{
    _cleanup_(keeping_freep) OfflineKeeping *keeping = NULL;
    char hash[OFFLINE_HASH_SIZE];

    if (is_kept(login, hash))
        keeping = keeping_new(login);
    explicit_bzero(hash, sizeof(hash));
    if (keeping && hasher_make(login->logins->manager->hasher, login->password, on_made, keeping,
                               NULL) == 0)
        keeping = NULL;
}

void login_offline_doubt(Login *login)
{
    _cleanup_(keeping_freep) OfflineKeeping *keeping = NULL;
    char hash[OFFLINE_HASH_SIZE];

    if (is_kept(login, hash) && hash[0] != '\0')
        keeping = keeping_new(login);
    if (keeping && hasher_check(login->logins->manager->hasher, login->password, hash, on_compared,
                                keeping, NULL) == 0)
        keeping = NULL;
    explicit_bzero(hash, sizeof(hash));
}
