/*
 * The round of a directory. See directories.h.
 *
 * One request at a time, each out of the provider's budget, so that a host is never more than one
 * caller. What comes back is taken in directory-answer.c.
 */
#include "helper/directory/directory-internal.h"

#include <string.h>

#define REST_USEC       (100 * USEC_PER_MSEC) /* between two rounds, however long one took */
#define SILENCE_USEC    (60 * USEC_PER_SEC)   /* without an answer, then it is said */
#define RETRY_AFTER_MAX (900 * USEC_PER_SEC)

#define ALARM_SILENT "Directory of %s gives no answer"

uint64_t directory_boot_usec(const Directory *directory)
{
    uint64_t now = 0;

    return sd_event_now(directory->manager->event, CLOCK_BOOTTIME, &now) >= 0 ? now : 0;
}

void directory_arm(Directory *directory, uint64_t at_usec)
{
    if (sd_event_source_set_time(directory->timer, at_usec) >= 0)
        (void)sd_event_source_set_enabled(directory->timer, SD_EVENT_ONESHOT);
}

bool directory_tells_changes(const Directory *directory)
{
    return directory->kind->group_changes_url &&
           !(directory->kind->without_changes & 1u << directory->settings->type);
}

/* --- the end of a round ---------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t next_poll_usec(const Directory *directory)
{
    return directory->started_usec + directory->config->directory_poll_usec;
}

/* Not before it is time, nor while the directory is to be left alone. */
static uint64_t next_round_usec(const Directory *directory)
{
    return larger(next_poll_usec(directory),
                  larger(directory->wait_until_usec, directory->pause_until_usec));
}

static void rest_until(Directory *directory, uint64_t usec)
{
    uint64_t least = directory_boot_usec(directory) + REST_USEC;

    directory->stage = DIRECTORY_IDLE;
    directory_roll_clear(&directory->roll);
    directory_people_clear(&directory->people);
    directory_arm(directory, larger(usec, least));
}

static void rest(Directory *directory)
{
    rest_until(directory, next_round_usec(directory));
}

static void begin_applying(Directory *directory);

/* Nothing was learnt, so nothing changes; but lists that are whole are worth what they tell, or a
 * directory that throttles after some of many would never be read to its end. A silence that is
 * known to last is said at once. */
void directory_give_up(Directory *directory, bool is_fault, const char *what)
{
    bool is_reading =
        directory->stage == DIRECTORY_MEMBERS || directory->stage == DIRECTORY_LOOKING;

    directory_health_failed(&directory->health, what, stamp_now().wall_usec);
    if (is_fault || next_round_usec(directory) - directory->answered_usec >= SILENCE_USEC)
        manager_alarm(directory->manager, ALARM_SILENT ": %s. Nobody is cut or removed by that.",
                      directory->settings->name, what);
    directory->is_cut_short = true;
    directory->has_told = false;
    if (is_reading &&
        (directory_groups_listed_any(&directory->groups) || directory_looks_any_done(directory)))
        begin_applying(directory);
    else
        rest(directory);
    directory_checks_fail(directory, what);
}

void directory_told_to_wait(Directory *directory, uint64_t retry_after_usec)
{
    uint64_t wait = retry_after_usec < RETRY_AFTER_MAX ? retry_after_usec : RETRY_AFTER_MAX;

    directory->wait_until_usec =
        larger(directory->wait_until_usec, directory_boot_usec(directory) + wait);
}

void directory_back_off(Directory *directory, uint64_t retry_after_usec, const char *what)
{
    if (retry_after_usec > 0)
        directory_told_to_wait(directory, retry_after_usec);
    else
        directory->pause_until_usec =
            directory_boot_usec(directory) + directory->config->directory_poll_usec;
    directory_give_up(directory, false, what);
}

static void end_round(Directory *directory)
{
    directory_people_judge(directory);
    directory->answered_usec = directory_boot_usec(directory);
    directory->round_usec = directory->answered_usec - directory->started_usec;
    directory_health_synced(&directory->health, stamp_now().wall_usec);
    directory->has_told = true;
    directory->lost_count = 0;
    directory->is_fresh = directory->accepts_absence = false;
    manager_alarm_over(directory->manager, ALARM_SILENT, directory->settings->name);
    directory_checks_fail(directory, "nobody was asked for"); /* so there was no token either */
    directory_people_keep(directory);
    /* Where a check was told to stay away meanwhile, the next round says so and keeps away. */
    rest_until(directory, next_poll_usec(directory));
}

/* --- from one request to the next ------------------------------------------------------------ */

void directory_ask_next_person(Directory *directory)
{
    PeopleToAsk *people = &directory->people;
    char *url = NULL;

    while (people->at < people->count && !people->accounts[people->at]->id)
        people->at++; /* forgotten meanwhile */
    directory->stage = DIRECTORY_PEOPLE;
    (void)directory_list_begin(&directory->list, NULL);
    if (people->at == people->count) {
        end_round(directory);
        return;
    }
    int r = directory->kind->person_url(directory->settings->directory_url,
                                        directory_person_id(people->accounts[people->at]), &url);
    r = directory_ask_more(directory, r, &url);
    directory_ask_for(directory, directory_made(r, url));
}

/* Nobody waits for those who are still to be asked for by id. */
static void end_applying(Directory *directory)
{
    directory_apply_end(directory);
    if (directory->is_changed)
        (void)publisher_request(directory->manager->publisher, NULL, NULL);
    directory->is_changed = false;
    if (directory->is_cut_short)
        rest(directory);
    else if (directory_people_choose(directory) < 0)
        directory_give_up(directory, true, "out of memory");
    else
        directory_ask_next_person(directory);
}

static void apply(Directory *directory)
{
    if (directory_apply_slice(directory))
        directory_arm(directory, 0);
    else
        end_applying(directory);
}

static void begin_applying(Directory *directory)
{
    directory->stage = DIRECTORY_APPLYING;
    directory_apply_begin(directory);
    apply(directory);
}

void directory_look_at_next(Directory *directory)
{
    if (!directory_looks_ask(directory))
        begin_applying(directory);
}

static bool is_held_back(const Directory *directory)
{
    return directory_boot_usec(directory) < directory->lists_until_usec;
}

static void begin_looking(Directory *directory)
{
    directory->stage = DIRECTORY_LOOKING;
    if (is_held_back(directory)) {
        begin_applying(directory);
        return;
    }
    directory_looks_begin(directory);
    directory_look_at_next(directory);
}

void directory_list_group(Directory *directory, const char *id)
{
    char *url = NULL;
    int r = directory->kind->members_url(directory->settings->directory_url, id, &url);

    r = directory_ask_more(directory, r, &url);
    directory_ask_for(directory, directory_made(r, url));
}

void directory_list_next_group(Directory *directory)
{
    directory->group = directory_groups_next(&directory->groups);
    if (!directory->group)
        begin_looking(directory);
    else if (directory_list_begin(&directory->list, directory->group->id) < 0)
        directory_give_up(directory, true, "out of memory");
    else
        directory_list_group(directory, directory->group->id);
}

void directory_begin_listing(Directory *directory)
{
    directory->stage = DIRECTORY_MEMBERS;
    if (!is_held_back(directory))
        directory_groups_choose(&directory->groups, directory_tells_changes(directory),
                                directory->looks.count > 0, directory_boot_usec(directory));
    directory_list_next_group(directory);
}

/* From the link, or from now on. */
static void ask_for_changes(Directory *directory, const ChangeLink *link,
                            int (*make_url)(const char *, char **))
{
    char *url = NULL;
    int r = 0;

    (void)directory_list_begin(&directory->list, NULL);
    if (link->link)
        url = strdup(link->link);
    else
        r = directory_ask_more(directory, make_url(directory->settings->directory_url, &url), &url);
    directory_ask_for(directory, directory_made(r, url));
}

void directory_begin_group_changes(Directory *directory)
{
    directory->stage = DIRECTORY_GROUP_CHANGES;
    ask_for_changes(directory, &directory->group_link, directory->kind->group_changes_url);
}

void directory_begin_changes(Directory *directory)
{
    if (!directory_tells_changes(directory)) {
        directory_begin_listing(directory);
        return;
    }
    if (!directory->people_link.link) {
        directory->is_fresh = true;
        directory->fresh_usec = directory_boot_usec(directory);
        directory_groups_want_all(&directory->groups);
    }
    directory->stage = DIRECTORY_CHANGES;
    ask_for_changes(directory, &directory->people_link, directory->kind->changes_url);
}

/* --- rounds ---------------------------------------------------------------------------------- */

static void begin_round(Directory *directory)
{
    if (directory_boot_usec(directory) < directory->wait_until_usec) {
        directory_give_up(directory, false, "it asked to be left alone");
        return;
    }
    directory_links_keep(directory);
    directory->began = stamp_now();
    directory->started_usec = directory_boot_usec(directory);
    directory->knows_somebody = directory->is_cut_short = false;
    directory->token.was_refused = false;
    directory_groups_begin(&directory->groups);
    directory_looks_reset(&directory->looks);
    directory_looks_doubt(directory);
    directory_begin_changes(directory);
}

void directory_wake(Directory *directory)
{
    if (directory->stage == DIRECTORY_IDLE)
        directory_arm(directory, 0);
}

int directory_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Directory *directory = userdata;

    if (directory->stage == DIRECTORY_IDLE)
        begin_round(directory);
    else if (directory->stage == DIRECTORY_APPLYING)
        apply(directory);
    else
        directory_ask(directory);
    return 0;
}
