/*
 * What comes back in a directory's round: pages of changes, members and people, what is not there,
 * and refusals. Each answer leads to the next step, which is in directory.c.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define ALARM_UNKNOWN_GROUP "Directory of %s does not know [group %s]"

/* --- pages ----------------------------------------------------------------------------------- */

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
    go_on(directory, &directory->people_link, page, directory_begin_group_changes);
}

/* A few people are asked for their groups; otherwise the group is listed. What groups went in or
 * out only a list shows. */
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
    go_on(directory, &directory->group_link, page, directory_begin_listing);
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
        directory_list_group(directory, inner);
        return;
    }
    group->is_listed = true;
    manager_alarm_over(directory->manager, ALARM_UNKNOWN_GROUP, directory->settings->name,
                       directory->config->groups[group->section].name);
    directory_list_next_group(directory);
}

static void take_look(Directory *directory, DirectoryPage *page)
{
    bool is_asking = directory_looks_at_groups(directory)
                         ? directory_looks_take_groups(directory, page)
                         : directory_looks_take_person(directory, page);

    if (!is_asking)
        directory_look_at_next(directory);
}

static void take_person(Directory *directory, DirectoryPage *page)
{
    PeopleToAsk *people = &directory->people;

    if (!people->accounts[people->at]->id) {
        directory_ask_next_person(directory);
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
    directory_ask_next_person(directory);
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
    directory_ask_next_person(directory);
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
        r = directory_page_take_link(page, reply->next, directory->settings->directory_url,
                                     &reason);
    if (r == 0)
        r = directory_list_take(&directory->list, page, &reason);
    if (r < 0)
        directory_give_up(directory, true, reason);
    else if (r == DIRECTORY_LIST_E_CHANGED)
        directory_give_up(directory, false, "a list changes whenever it is read");
    else
        stages[directory->stage].take(directory, page);
}

/* --- what is not there ----------------------------------------------------------------------- */

/* A deleted group is not an empty one: its people keep it until the configuration drops it. */
static void skip_group(Directory *directory)
{
    manager_alarm(directory->manager, ALARM_UNKNOWN_GROUP, directory->settings->name,
                  directory->config->groups[directory->group->section].name);
    directory_group_miss(directory->group, directory_boot_usec(directory));
    directory_list_next_group(directory);
}

/* The directory has forgotten where we were: nobody is gone by that, and everybody is asked for
 * anew. */
static bool start_over(Directory *directory)
{
    if (directory->stage == DIRECTORY_CHANGES && directory->people_link.link) {
        directory_forget_people_link(directory);
        directory_begin_changes(directory);
        return true;
    }
    if (directory->stage == DIRECTORY_GROUP_CHANGES && directory->group_link.link) {
        directory_forget_group_link(directory);
        directory_begin_group_changes(directory);
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
        directory_look_at_next(directory);
    } else {
        directory_people_missing(directory);
        directory_ask_next_person(directory);
    }
    return true;
}

/* --- answers --------------------------------------------------------------------------------- */

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
