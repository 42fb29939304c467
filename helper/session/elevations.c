/*
 * Ending what runs by a right that is gone. See elevations.h.
 *
 * The enforcer knows such processes by the kernel's login uid (enforcer/processes.h). A session's
 * leader is root's, too, and looks the same; those are known here, because they registered, and
 * are named to the enforcer as to be left alone.
 */
#include "helper/session/elevations.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "helper/session/admission.h"
#include "helper/enforcer/ending.h"
#include "helper/manager.h"
#include "helper/session/sessions.h"

#define FOLLOW_UP_USEC USEC_PER_SEC

typedef struct Elevation {
    Elevations *elevations;
    Account *account;
    struct Elevation *next;
    Ending *ending;
    sd_event_source *follow_up;
    char group[72]; /* that it lost */
    bool again;     /* the follow-up is still to come */
} Elevation;

struct Elevations {
    Manager *manager;
    Elevation *first; /* one for each account that ever lost a group; kept */
};

const char *elevations_lost_group(const Account *account, const Config *config)
{
    for (size_t i = 0; i < config->service_count; i++) {
        const ServiceConfig *service = &config->services[i];
        const char *missing =
            service->end_elevated ? admission_missing_group(account, config, service->name) : NULL;
        if (missing)
            return missing;
    }
    return NULL;
}

/* --- what the enforcer is told ---------------------------------------------------------------- */

/* sshd's monitor, login, cron's child: who opened the account's own sessions. */
static size_t list_leaders(int32_t *pids, size_t max, void *userdata)
{
    const Elevation *one = userdata;
    const Sessions *sessions = one->elevations->manager->sessions;
    const SessionRow *row;
    size_t iterator = 0, count = 0;

    while ((row = sessions_next((Sessions *)sessions, &iterator))) {
        if (row->leader == 0 || strcmp(row->user, one->account->name) != 0 ||
            service_elevates(row->service))
            continue;
        if (count == max) /* SESSIONS_PER_ACCOUNT_MAX: nobody may. Rather all than a way to hide */
            return 0;
        pids[count++] = (int32_t)row->leader;
    }
    return count;
}

static void log_elevation_ended(const Elevation *one, const EndingResult *result)
{
    const Account *account = one->account;
    Record record = {.event = RECORD_ENDED};
    EndingTexts texts;
    char uid[16], reason[96];

    snprintf(uid, sizeof(uid), "%" PRIu32, account->uid);
    snprintf(reason, sizeof(reason), "no longer in %.64s", one->group);
    record_set(&record, RECORD_USER, account->name);
    record_set(&record, RECORD_UID, uid);
    record_set(&record, RECORD_IDENTITY, account->id);
    record_set(&record, RECORD_PROVIDER, account->provider);
    record_set(&record, RECORD_ACTION, "elevated");
    record_set(&record, RECORD_REASON, reason);
    ending_fill_record(result, &record, &texts);
    manager_log(one->elevations->manager, &record);
}

/* --- one ending and its follow-up ------------------------------------------------------------- */

static void on_acted(int result, void *userdata)
{
    const Elevation *one = userdata;

    if (result < 0)
        manager_alarm(one->elevations->manager,
                      "The enforcer did not end what %s runs elevated (%s); it is asked again.",
                      one->account->name, strerror(-result));
}

static void on_done(const EndingResult *result, void *userdata)
{
    Elevation *one = userdata;
    Manager *manager = one->elevations->manager;

    one->ending = NULL;
    if (result->ended > 0 || result->left > 0 || result->error < 0 || one->again)
        log_elevation_ended(one, result);
    if (result->error < 0 || result->left > 0)
        manager_alarm(manager, "What %s runs elevated is not all ended: %s", one->account->name,
                      result->error < 0 ? strerror(-result->error) : result->survivors);
    else
        manager_alarm_over(manager, "The enforcer did not end what %s runs elevated ",
                           one->account->name);
    if (one->again && sd_event_source_set_time_relative(one->follow_up, FOLLOW_UP_USEC) >= 0)
        (void)sd_event_source_set_enabled(one->follow_up, SD_EVENT_ONESHOT);
}

static void elevation_end(Elevation *one, const char *text)
{
    static const EndingHandlers handlers = {
        .on_acted = on_acted, .on_done = on_done, .list_spared = list_leaders};
    Manager *manager = one->elevations->manager;
    EndingOrder order = {.uid = one->account->uid, .text = text, .term_first = text != NULL,
                         .elevated_only = true};

    (void)sd_event_now(manager->event, CLOCK_BOOTTIME, &order.known_usec);
    int r = ending_start(manager->event, manager->enforcer, &order, &handlers, one, &one->ending);
    if (r < 0)
        manager_alarm(manager, "What %s runs elevated cannot be ended (%s).", one->account->name,
                      strerror(-r));
}

static int on_follow_up(sd_event_source *source, uint64_t usec, void *userdata)
{
    Elevation *one = userdata;

    one->again = false;
    if (!one->ending)
        elevation_end(one, NULL);
    return 0;
}

static Elevation *elevation_free(Elevation *one)
{
    if (!one)
        return NULL;
    ending_cancel(one->ending);
    sd_event_source_disable_unref(one->follow_up);
    free(one);
    return NULL;
}
DEFINE_CLEANUP(Elevation *, elevation_free)

static Elevation *elevation_of(Elevations *elevations, Account *account)
{
    _cleanup_(elevation_freep) Elevation *one = NULL;

    for (Elevation *known = elevations->first; known; known = known->next)
        if (known->account == account)
            return known;
    one = calloc(1, sizeof(*one));
    if (!one || sd_event_add_time_relative(elevations->manager->event, &one->follow_up,
                                           CLOCK_BOOTTIME, 0, 0, on_follow_up, one) < 0 ||
        sd_event_source_set_enabled(one->follow_up, SD_EVENT_OFF) < 0)
        return NULL;
    one->elevations = elevations;
    one->account = account;
    one->next = elevations->first;
    elevations->first = one;
    return TAKE_PTR(one);
}

static void elevations_end(Elevations *elevations, Account *account, const char *group)
{
    Elevation *one = elevation_of(elevations, account);
    char text[ENFORCER_TELL_MAX];

    if (!one) {
        manager_alarm(elevations->manager, "Out of memory: what %s runs elevated is not ended.",
                      account->name);
        return;
    }
    one->again = true;
    snprintf(one->group, sizeof(one->group), "%.64s", group);
    if (one->ending)
        return;
    snprintf(text, sizeof(text),
             "You are no longer in the group %.64s, which is needed here to work as another user: "
             "what you started that way ends now. Your own session stays.",
             group);
    elevation_end(one, text);
}

/* Back in the group before all of it was over. */
static void elevations_stop(Elevations *elevations, const Account *account)
{
    for (Elevation *one = elevations->first; one; one = one->next)
        if (one->account == account) {
            one->ending = ending_cancel(one->ending);
            (void)sd_event_source_set_enabled(one->follow_up, SD_EVENT_OFF);
        }
}

/* --- from outside ----------------------------------------------------------------------------- */

static int set_membership(Manager *manager, Account *account, char *const *texts,
                          int (*set)(Accounts *, Account *, char *const *))
{
    bool had_lost = elevations_lost_group(account, manager->config) != NULL;

    int r = set(manager->accounts, account, texts);
    if (r < 0 || !manager->elevations)
        return r;
    const char *lost = elevations_lost_group(account, manager->config);
    if (lost && !had_lost)
        elevations_end(manager->elevations, account, lost);
    else if (!lost && had_lost)
        elevations_stop(manager->elevations, account);
    return 0;
}

int elevations_set_groups(Manager *manager, Account *account, char *const *ids)
{
    return set_membership(manager, account, ids, account_set_groups);
}

int elevations_set_roles(Manager *manager, Account *account, char *const *roles)
{
    return set_membership(manager, account, roles, account_set_roles);
}

void elevations_review(Elevations *elevations)
{
    Manager *manager = elevations->manager;
    const SessionRow *row;
    size_t iterator = 0;

    while ((row = sessions_next(manager->sessions, &iterator))) {
        Account *account =
            service_elevates(row->service) ? accounts_find(manager->accounts, row->user) : NULL;
        const char *lost = account ? elevations_lost_group(account, manager->config) : NULL;
        if (lost)
            elevations_end(elevations, account, lost);
    }
}

int elevations_new(Manager *manager, Elevations **ret_elevations)
{
    *ret_elevations = calloc(1, sizeof(**ret_elevations));
    if (!*ret_elevations)
        return -ENOMEM;
    (*ret_elevations)->manager = manager;
    return 0;
}

Elevations *elevations_free(Elevations *elevations)
{
    if (!elevations)
        return NULL;
    while (elevations->first) {
        Elevation *next = elevations->first->next;
        elevation_free(elevations->first);
        elevations->first = next;
    }
    free(elevations);
    return NULL;
}
