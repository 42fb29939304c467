/*
 * The round of a directory. See directories.h.
 *
 * One request at a time, each out of the provider's budget, so that a host is never more than one
 * caller. What the answers do to accounts is in directory-apply.c.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <string.h>

#include "helper/revocation/revocation.h"

#define REST_USEC          (100 * USEC_PER_MSEC) /* between two rounds, however long one took */
#define SILENCE_USEC       (60 * USEC_PER_SEC)   /* without an answer, then it is said */
#define RETRY_AFTER_MAX    (900 * USEC_PER_SEC)
#define BACK_OFF_MAX       (300 * USEC_PER_SEC)

#define ALARM_SILENT "Directory of %s gives no answer"
#define ALARM_UNKNOWN_GROUP "Directory of %s does not know [group %s]"

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

/* --- the end of a round ----------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Not before it is time, nor while the directory is to be left alone. */
static uint64_t next_round_usec(const Directory *directory)
{
    uint64_t until = directory->started_usec + directory->config->directory_poll_usec;

    return larger(until, larger(directory->wait_until_usec, directory->pause_until_usec));
}

static void rest(Directory *directory)
{
    uint64_t least = directory_boot_usec(directory) + REST_USEC;

    directory->stage = DIRECTORY_IDLE;
    directory_roll_clear(&directory->roll);
    directory_people_clear(&directory->people);
    directory_arm(directory, larger(next_round_usec(directory), least));
}

static void begin_applying(Directory *directory);

/* Nothing was learnt, so nothing changes; but lists that are whole are worth what they tell, or a
 * directory that throttles after some of many would never be read to its end. A silence that is known
 * to last is said at once. */
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
    if (is_reading && (directory_groups_listed_any(&directory->groups) ||
                       directory_looks_any_done(directory)))
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
    unsigned shift = directory->throttled < 8 ? directory->throttled : 8;
    uint64_t wait = directory->config->directory_poll_usec << shift;

    wait = wait < BACK_OFF_MAX ? wait : BACK_OFF_MAX;
    directory->throttled++;
    if (retry_after_usec > 0)
        directory_told_to_wait(directory, retry_after_usec);
    else
        directory->pause_until_usec = directory_boot_usec(directory) + wait;
    directory_give_up(directory, false, what);
}

static void end_round(Directory *directory)
{
    directory_people_judge(directory);
    directory->answered_usec = directory_boot_usec(directory);
    directory->round_usec = directory->answered_usec - directory->started_usec;
    directory_health_synced(&directory->health, stamp_now().wall_usec);
    directory->throttled = 0;
    directory->has_told = true;
    directory->lost_count = 0;
    directory->is_fresh = directory->accepts_absence = false;
    manager_alarm_over(directory->manager, ALARM_SILENT, directory->settings->name);
    directory_checks_fail(directory, "nobody was asked for"); /* so there was no token either */
    directory_people_keep(directory);
    rest(directory);
}

/* --- from one request to the next ------------------------------------------------------------- */

static void ask_for_next_person(Directory *directory)
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
        ask_for_next_person(directory);
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

static void look_at_next(Directory *directory)
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
    look_at_next(directory);
}

static void list_group(Directory *directory, const char *id)
{
    char *url = NULL;
    int r = directory->kind->members_url(directory->settings->directory_url, id, &url);

    r = directory_ask_more(directory, r, &url);
    directory_ask_for(directory, directory_made(r, url));
}

static void list_next_group(Directory *directory)
{
    directory->group = directory_groups_next(&directory->groups);
    if (!directory->group)
        begin_looking(directory);
    else if (directory_list_begin(&directory->list, directory->group->id) < 0)
        directory_give_up(directory, true, "out of memory");
    else
        list_group(directory, directory->group->id);
}

static void begin_listing(Directory *directory)
{
    directory->stage = DIRECTORY_MEMBERS;
    if (!is_held_back(directory))
        directory_groups_choose(&directory->groups, directory_tells_changes(directory),
                                directory->looks.count > 0, directory_boot_usec(directory));
    list_next_group(directory);
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

static void begin_group_changes(Directory *directory)
{
    directory->stage = DIRECTORY_GROUP_CHANGES;
    ask_for_changes(directory, &directory->group_link, directory->kind->group_changes_url);
}

static void begin_changes(Directory *directory)
{
    if (!directory_tells_changes(directory)) {
        begin_listing(directory);
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

/* --- answers ---------------------------------------------------------------------------------- */

/* The next page of changes, or what comes behind the last. */
static void go_on(Directory *directory, ChangeLink *link, DirectoryPage *page,
                  void (*behind)(Directory *))
{
    link->was_told |= page->count > 0 || page->change_count > 0;
    if (page->next) {
        directory_ask_for(directory, TAKE_PTR(page->next));
    } else if (!page->link) {
        directory_give_up(directory, true, "changes that end without a link");
    } else {
        directory_link_take(link, &page->link);
        behind(directory);
    }
}

static void take_changes(Directory *directory, DirectoryPage *page)
{
    for (size_t i = 0; i < page->count; i++)
        directory_take_state(directory, &page->people[i]);
    go_on(directory, &directory->people_link, page, begin_group_changes);
}

/* A few people are asked for their groups; otherwise the group is listed. What groups went in or out
 * only a list shows. */
static void take_change(Directory *directory, const DirectoryChange *change)
{
    DirectoryGroups *groups = &directory->groups;
    const DirectoryGroup *group = directory_groups_find(groups, change->group);
    bool is_back = group && group->is_missing;
    bool is_small = !change->is_removed && !change->has_groups && !is_back;

    if (!directory_groups_concern(groups, change->group))
        return;
    for (char *const *id = change->people; is_small && *id; id++)
        is_small = directory_looks_add(directory, *id, NULL);
    if (is_small)
        directory_groups_recheck(groups, change->group, directory_boot_usec(directory));
    else
        directory_groups_want(groups, change->group);
}

static void take_group_changes(Directory *directory, DirectoryPage *page)
{
    for (size_t i = 0; i < page->change_count; i++)
        take_change(directory, &page->changes[i]);
    go_on(directory, &directory->group_link, page, begin_listing);
}

static void take_members(Directory *directory, DirectoryPage *page)
{
    DirectoryGroup *group = directory->group;
    int r = directory_group_add_inside(group, page->groups);

    if (r >= 0)
        r = directory_roll_add(&directory->roll, page, group->section);
    if (r < 0) {
        directory_give_up(directory, true, r == -E2BIG ? "too many members" : "out of memory");
        return;
    }
    if (page->next) {
        directory_ask_for(directory, TAKE_PTR(page->next));
        return;
    }
    const char *inner = directory_list_next(&directory->list);
    if (inner) {
        list_group(directory, inner);
        return;
    }
    group->is_listed = true;
    manager_alarm_over(directory->manager, ALARM_UNKNOWN_GROUP, directory->settings->name,
                       directory->config->groups[group->section].name);
    list_next_group(directory);
}

static void take_look(Directory *directory, DirectoryPage *page)
{
    bool is_asking = directory_looks_at_groups(directory)
                         ? directory_looks_take_groups(directory, page)
                         : directory_looks_take_person(directory, page);

    if (!is_asking)
        look_at_next(directory);
}

static void take_person(Directory *directory, DirectoryPage *page)
{
    PeopleToAsk *people = &directory->people;

    if (!people->accounts[people->at]->id) {
        ask_for_next_person(directory);
        return;
    }
    if (strcmp(page->people[0].id, directory_person_id(people->accounts[people->at])) != 0) {
        directory_give_up(directory, true, "an answer about somebody else");
        return;
    }
    directory->knows_somebody = true;
    if (page->people[0].state == DIRECTORY_DOUBTED && page->next) {
        directory->stage = DIRECTORY_SETTLING;
        directory_ask_for(directory, TAKE_PTR(page->next));
        return;
    }
    directory_take_state(directory, &page->people[0]);
    people->at++;
    ask_for_next_person(directory);
}

/* The list of those of this name who are stored as disabled. */
static void take_settled(Directory *directory, DirectoryPage *page)
{
    const Account *account = directory->people.accounts[directory->people.at];

    for (size_t i = 0; account->id && i < page->count; i++) {
        if (strcmp(page->people[i].id, directory_person_id(account)) != 0)
            continue;
        page->people[i].state = directory_state(directory->kind->source, "?enabled", "false");
        directory_take_state(directory, &page->people[i]);
    }
    directory->people.at++;
    ask_for_next_person(directory);
}

static const struct {
    void (*take)(Directory *directory, DirectoryPage *page);
    size_t parser; /* where in the kind it is */
} stages[] = {
    [DIRECTORY_CHANGES] = {take_changes, offsetof(DirectoryKind, parse_page)},
    [DIRECTORY_GROUP_CHANGES] = {take_group_changes, offsetof(DirectoryKind, parse_group_changes)},
    [DIRECTORY_MEMBERS] = {take_members, offsetof(DirectoryKind, parse_page)},
    [DIRECTORY_LOOKING] = {take_look, offsetof(DirectoryKind, parse_person)},
    [DIRECTORY_PEOPLE] = {take_person, offsetof(DirectoryKind, parse_person)},
    [DIRECTORY_SETTLING] = {take_settled, offsetof(DirectoryKind, parse_page)},
};

static DirectoryParser parser_of(const Directory *directory)
{
    const DirectoryKind *kind = directory->kind;

    if (directory->stage == DIRECTORY_LOOKING && directory_looks_at_groups(directory))
        return kind->parse_groups;
    return *(const DirectoryParser *)(const void *)((const char *)kind +
                                                    stages[directory->stage].parser);
}

static void take_page(Directory *directory, const HttpReply *reply)
{
    _cleanup_(directory_page_freep) DirectoryPage *page = NULL;
    const char *reason = "out of memory";

    int r = parser_of(directory)(reply->body, reply->size, directory->settings, directory->url,
                                 &page, &reason);
    if (r == 0 && directory->kind->next_in_header)
        r = directory_page_take_link(page, reply->next, directory->settings->directory_url, &reason);
    if (r == 0)
        r = directory_list_take(&directory->list, page, &reason);
    if (r < 0)
        directory_give_up(directory, true, reason);
    else if (r == DIRECTORY_LIST_E_CHANGED)
        directory_give_up(directory, false, "a list changes whenever it is read");
    else
        stages[directory->stage].take(directory, page);
}

/* A deleted group is not an empty one: its people keep it until the configuration drops it. */
static void skip_group(Directory *directory)
{
    manager_alarm(directory->manager, ALARM_UNKNOWN_GROUP, directory->settings->name,
                  directory->config->groups[directory->group->section].name);
    directory_group_miss(directory->group, directory_boot_usec(directory));
    list_next_group(directory);
}

/* The directory has forgotten where we were: nobody is gone by that, and everybody is asked for
 * anew. */
static bool start_over(Directory *directory)
{
    if (directory->stage == DIRECTORY_CHANGES && directory->people_link.link) {
        directory_forget_people_link(directory);
        begin_changes(directory);
        return true;
    }
    if (directory->stage == DIRECTORY_GROUP_CHANGES && directory->group_link.link) {
        directory_forget_group_link(directory);
        begin_group_changes(directory);
        return true;
    }
    return false;
}

static bool person_is_gone(const Directory *directory, const HttpReply *reply)
{
    const EvidenceFact *fact =
        evidence_fact_of_status(directory->kind->source, EVIDENCE_ABOUT_PERSON, reply->status);

    return fact && fact->is_gone &&
           directory_kind_says(directory->kind, reply, directory->kind->no_person);
}

static bool group_is_gone(const Directory *directory, const HttpReply *reply)
{
    return reply->status == 404 &&
           directory_kind_says(directory->kind, reply, directory->kind->no_group);
}

static bool take_absence(Directory *directory, const HttpReply *reply)
{
    bool is_about_person =
        directory->stage == DIRECTORY_PEOPLE || directory->stage == DIRECTORY_LOOKING;

    if (reply->status == 410 && start_over(directory))
        return true;
    if (directory->stage == DIRECTORY_MEMBERS && group_is_gone(directory, reply)) {
        skip_group(directory);
        return true;
    }
    if (!is_about_person || !person_is_gone(directory, reply))
        return false;
    if (directory->stage == DIRECTORY_LOOKING) {
        directory_looks_miss(directory);
        look_at_next(directory);
    } else {
        directory_people_missing(directory);
        ask_for_next_person(directory);
    }
    return true;
}

static void take_refusal(Directory *directory, const HttpReply *reply)
{
    const EvidenceFact *fact =
        evidence_fact_of_status(EVIDENCE_OF_HTTP, EVIDENCE_ABOUT_ANY, reply->status);
    char code[64], what[96];

    directory->kind->error_code(reply->body, reply->size, code, sizeof(code));
    snprintf(what, sizeof(what), "http %ld%s%s", reply->status, *code ? " " : "", code);
    if (fact && fact->meaning == EVIDENCE_LATER)
        directory_back_off(directory, reply->retry_after_usec, what);
    else
        directory_give_up(directory, true, what);
}

void directory_take_answer(Directory *directory, const HttpReply *reply)
{
    if (reply->status == 200) {
        directory->token.was_refused = false;
        take_page(directory, reply);
    } else if (reply->status == 0) {
        directory_give_up(directory, false, reply->error);
    } else if (reply->status == 401 && !directory->token.was_refused) {
        directory_token_clear(&directory->token);
        directory->token.was_refused = true;
        directory_ask(directory);
    } else if (!take_absence(directory, reply)) {
        take_refusal(directory, reply);
    }
}

/* --- rounds ----------------------------------------------------------------------------------- */

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
    begin_changes(directory);
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
