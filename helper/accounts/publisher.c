/*
 * Publications, one at a time. A request during one waits for the next, because the one under way
 * may not contain its change; all that wait share it.
 */
#include "helper/accounts/publisher.h"

#include <errno.h>
#include <string.h>

#include "helper/base/clock.h"
#include "helper/config/config.h"
#include "helper/accounts/publisher-private.h"
#include "helper/accounts/snapshot-composer.h"
#include "helper/store/store.h"
#include "helper/base/text-list.h"

#define GENERATION_KEY   "snapshot-generation"
#define RETRY_FIRST_USEC (1 * USEC_PER_SEC)
#define RETRY_MAX_USEC   (30 * USEC_PER_SEC)

typedef struct Waiter {
    struct Waiter *next;
    PublisherHandler handler;
    void *userdata;
} Waiter;

/* What the enforcer client holds while it works; outlives the publisher if it must. */
typedef struct Flight {
    Publisher *publisher;
} Flight;

struct Publisher {
    sd_event *event;
    Store *store;
    Accounts *accounts;
    EnforcerClient *enforcer;
    const Config *config;
    const char *passwd_file, *group_file;
    PublisherAlarm alarm;
    void *userdata;

    sd_event_source *begin; /* runs once when something is to be published */
    sd_event_source *retry;
    Flight *flight;         /* a publication is under way */
    bool dirty;             /* something changed since it began */
    Waiter *waiting;        /* for a publication that has not begun */
    Waiter *riding;         /* with the one under way */
    Waiter *leaving;        /* being told */
    uint64_t generation; /* of the last snapshot composed */
    uint64_t in_force;   /* of the last one published */
    uint64_t retry_usec;
    char **alarmed, **alarming; /* what was left out last time, and this time */
};

/* --- waiters ---------------------------------------------------------------------------------- */

static void waiters_free(Waiter *waiter)
{
    while (waiter) {
        Waiter *next = waiter->next;
        free(waiter);
        waiter = next;
    }
}

static void waiters_drop(Waiter **list, PublisherHandler handler, const void *userdata)
{
    while (*list) {
        Waiter *waiter = *list;
        if (waiter->handler != handler || waiter->userdata != userdata) {
            list = &waiter->next;
            continue;
        }
        *list = waiter->next;
        free(waiter);
    }
}

void publisher_forget(Publisher *publisher, PublisherHandler handler, void *userdata)
{
    waiters_drop(&publisher->waiting, handler, userdata);
    waiters_drop(&publisher->riding, handler, userdata);
    waiters_drop(&publisher->leaving, handler, userdata);
}

/* A handler may forget others that leave with it, or ask for the next publication. */
static void tell_riders(Publisher *publisher, int result)
{
    Waiter **end = &publisher->leaving;

    while (*end)
        end = &(*end)->next;
    *end = TAKE_PTR(publisher->riding);
    while (publisher->leaving) {
        Waiter *waiter = publisher->leaving;
        publisher->leaving = waiter->next;
        waiter->handler(result, waiter->userdata);
        free(waiter);
    }
}

/* --- alarms ----------------------------------------------------------------------------------- */

/* Says it when it was not so last time. */
static void raise_alarm(const char *text, void *userdata)
{
    Publisher *publisher = userdata;

    if (text_list_contains(publisher->alarming, text))
        return;
    /* Without memory it is said again next time: better twice than never. */
    (void)text_list_add(&publisher->alarming, text);
    if (!text_list_contains(publisher->alarmed, text) && publisher->alarm)
        publisher->alarm(text, false, publisher->userdata);
}

static void close_alarms(Publisher *publisher)
{
    for (char **text = publisher->alarmed; text && *text && publisher->alarm; text++) {
        if (!text_list_contains(publisher->alarming, *text))
            publisher->alarm(*text, true, publisher->userdata);
    }
    text_list_free(publisher->alarmed);
    publisher->alarmed = TAKE_PTR(publisher->alarming);
}

/* --- one publication -------------------------------------------------------------------------- */

static int schedule(Publisher *publisher)
{
    publisher->dirty = true;
    if (publisher->flight)
        return 0;
    return sd_event_source_set_enabled(publisher->begin, SD_EVENT_ONESHOT);
}

static void finish(Publisher *publisher, int result)
{
    publisher->flight = NULL;
    if (result >= 0) {
        publisher->retry_usec = RETRY_FIRST_USEC;
    } else {
        publisher->dirty = true;
        (void)sd_event_source_set_time_relative(publisher->retry, publisher->retry_usec);
        (void)sd_event_source_set_enabled(publisher->retry, SD_EVENT_ONESHOT);
        publisher->retry_usec *= 2;
        if (publisher->retry_usec > RETRY_MAX_USEC)
            publisher->retry_usec = RETRY_MAX_USEC;
    }
    /* Who asked meanwhile does not wait for the retry. */
    if (publisher->waiting || (result >= 0 && publisher->dirty))
        (void)schedule(publisher);
    tell_riders(publisher, result);
}

static void on_published(int result, const EnforcerPublishReply *reply, void *userdata)
{
    _cleanup_free_ Flight *flight = userdata;
    Publisher *publisher = flight->publisher;
    char text[256];

    if (!publisher)
        return;
    /* Should the state have been lost, the enforcer knows the higher number. */
    if (reply->generation > publisher->generation)
        publisher->generation = reply->generation;
    if (result >= 0)
        publisher->in_force = reply->generation;
    if (result < 0 && reply->reason[0]) {
        snprintf(text, sizeof(text), "The enforcer refused the snapshot: %s", reply->reason);
        raise_alarm(text, publisher);
    }
    close_alarms(publisher);
    finish(publisher, result);
}

/* The number is stored before it is used, so that no two snapshots ever share it. */
static int next_generation(Publisher *publisher, uint64_t *ret_generation)
{
    uint64_t generation = publisher->generation + 1;
    int r = store_value_put(publisher->store, GENERATION_KEY, generation);

    if (r < 0)
        return r;
    publisher->generation = generation;
    *ret_generation = generation;
    return 0;
}

static int compose(Publisher *publisher, int *ret_fd)
{
    _cleanup_(local_names_freep) LocalNames *local = NULL;
    ComposerInput input = {
        .store = publisher->store, .accounts = publisher->accounts, .config = publisher->config,
        .alarm = raise_alarm, .userdata = publisher,
    };

    int r = local_names_load(publisher->passwd_file, publisher->group_file, &local);
    if (r >= 0)
        r = next_generation(publisher, &input.generation);
    if (r < 0)
        return r;
    input.local = local;
    return snapshot_compose(&input, ret_fd);
}

static int send_snapshot(Publisher *publisher)
{
    _cleanup_close_ int fd = -1;
    _cleanup_free_ Flight *flight = calloc(1, sizeof(*flight));

    if (!flight)
        return -ENOMEM;
    flight->publisher = publisher;
    int r = compose(publisher, &fd);
    if (r >= 0)
        r = enforcer_publish(publisher->enforcer, fd, on_published, flight);
    if (r < 0)
        return r;
    publisher->flight = TAKE_PTR(flight);
    return 0;
}

static int on_begin(sd_event_source *source, void *userdata)
{
    Publisher *publisher = userdata;

    if (publisher->flight)
        return 0;
    (void)sd_event_source_set_enabled(publisher->retry, SD_EVENT_OFF);
    publisher->dirty = false;
    publisher->riding = TAKE_PTR(publisher->waiting);
    int r = send_snapshot(publisher);
    if (r < 0) {
        close_alarms(publisher);
        finish(publisher, r);
    }
    return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    return schedule(userdata);
}

/* --- the outside ------------------------------------------------------------------------------ */

static int add_sources(Publisher *publisher)
{
    int r = sd_event_add_defer(publisher->event, &publisher->begin, on_begin, publisher);

    if (r >= 0)
        r = sd_event_source_set_enabled(publisher->begin, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time(publisher->event, &publisher->retry, CLOCK_MONOTONIC, UINT64_MAX, 1,
                              on_retry, publisher);
    if (r >= 0)
        r = sd_event_source_set_enabled(publisher->retry, SD_EVENT_OFF);
    return r;
}

int publisher_new(sd_event *event, Store *store, Accounts *accounts, EnforcerClient *enforcer,
                  const Config *config, PublisherAlarm alarm, void *userdata,
                  Publisher **ret_publisher)
{
    _cleanup_(publisher_freep) Publisher *publisher = calloc(1, sizeof(*publisher));

    if (!publisher)
        return -ENOMEM;
    publisher->event = sd_event_ref(event);
    publisher->store = store;
    publisher->accounts = accounts;
    publisher->enforcer = enforcer;
    publisher->config = config;
    publisher->alarm = alarm;
    publisher->userdata = userdata;
    publisher->retry_usec = RETRY_FIRST_USEC;
    publisher_set_local_files(publisher, LOCAL_PASSWD_FILE, LOCAL_GROUP_FILE);
    int r = store_value_get(store, GENERATION_KEY, &publisher->generation);
    if (r == -ENOENT)
        r = 0;
    publisher->in_force = publisher->generation;
    if (r >= 0)
        r = add_sources(publisher);
    if (r < 0)
        return r;
    *ret_publisher = TAKE_PTR(publisher);
    return 0;
}

Publisher *publisher_free(Publisher *publisher)
{
    if (!publisher)
        return NULL;
    if (publisher->flight)
        publisher->flight->publisher = NULL;
    waiters_free(publisher->waiting);
    waiters_free(publisher->riding);
    waiters_free(publisher->leaving);
    sd_event_source_disable_unref(publisher->begin);
    sd_event_source_disable_unref(publisher->retry);
    sd_event_unref(publisher->event);
    text_list_free(publisher->alarmed);
    text_list_free(publisher->alarming);
    free(publisher);
    return NULL;
}

void publisher_set_config(Publisher *publisher, const Config *config)
{
    publisher->config = config;
}

void publisher_set_local_files(Publisher *publisher, const char *passwd_file,
                               const char *group_file)
{
    publisher->passwd_file = passwd_file;
    publisher->group_file = group_file;
}

int publisher_request(Publisher *publisher, PublisherHandler handler, void *userdata)
{
    Waiter *waiter = NULL;

    if (handler) {
        waiter = calloc(1, sizeof(*waiter));
        if (!waiter)
            return -ENOMEM;
        *waiter = (Waiter){publisher->waiting, handler, userdata};
    }
    int r = schedule(publisher);
    if (r < 0) {
        free(waiter);
        return r;
    }
    if (waiter)
        publisher->waiting = waiter;
    return 0;
}

uint64_t publisher_generation(const Publisher *publisher)
{
    return publisher->in_force;
}
