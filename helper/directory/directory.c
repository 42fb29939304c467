/*
 * The round of a directory. See directories.h.
 *
 * One request at a time, each out of the provider's budget, so that a host is never more than one
 * caller. What the answers do to accounts is in directory-apply.c.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>
#include <string.h>

#include "helper/provider/http-route.h"
#include "helper/revocation/revocation.h"

#define DOCUMENT_WAIT_USEC (250 * USEC_PER_MSEC)
#define REST_USEC          (100 * USEC_PER_MSEC) /* between two rounds, however long one took */
#define SILENCE_USEC       (60 * USEC_PER_SEC)   /* without an answer, then it is said */
#define RETRY_AFTER_MAX    (900 * USEC_PER_SEC)
#define BACK_OFF_MAX       (300 * USEC_PER_SEC)

#define CREDENTIALS  "DirectoryCertificateFile=, DirectorySecretFile= or DirectoryTokenFile="
#define ALARM_SILENT "Directory of %s gives no answer"
#define ALARM_UNKNOWN_GROUP "Directory of %s does not know [group %s]"
#define ALARM_EXPIRY "Directory of %s: the certificate of DirectoryCertificateFile= ends in"

uint64_t directory_boot_usec(const Directory *directory)
{
    uint64_t now = 0;

    return sd_event_now(directory->manager->event, CLOCK_BOOTTIME, &now) >= 0 ? now : 0;
}

static void arm(Directory *directory, uint64_t at_usec)
{
    if (sd_event_source_set_time(directory->timer, at_usec) >= 0)
        (void)sd_event_source_set_enabled(directory->timer, SD_EVENT_ONESHOT);
}

bool directory_owns_group(const Directory *directory, const GroupConfig *group)
{
    if (!group->id || !*group->id) /* known by its role alone */
        return false;
    return group->provider ? strcmp(group->provider, directory->settings->name) == 0
                           : directory->config->provider_count == 1;
}

bool directory_tells_changes(const Directory *directory)
{
    return !(directory->kind->without_changes & 1u << directory->settings->type);
}

/* --- the end of a round ----------------------------------------------------------------------- */

static void rest(Directory *directory, uint64_t until_usec)
{
    uint64_t least = directory_boot_usec(directory) + REST_USEC;

    directory->stage = DIRECTORY_IDLE;
    directory_roll_clear(&directory->roll);
    directory_people_clear(&directory->people);
    arm(directory, until_usec > least ? until_usec : least);
}

static uint64_t next_round_usec(const Directory *directory)
{
    return directory->started_usec + directory->config->directory_poll_usec;
}

/* The next round is not before `until`. A silence that is known to last is said at once. */
static void give_up_until(Directory *directory, bool is_fault, const char *what, uint64_t until)
{
    until = until > directory->wait_until_usec ? until : directory->wait_until_usec;
    directory_health_failed(&directory->health, what, stamp_now().wall_usec);
    if (is_fault || until - directory->answered_usec >= SILENCE_USEC)
        manager_alarm(directory->manager, ALARM_SILENT ": %s. Nobody is cut or removed by that.",
                      directory->settings->name, what);
    directory->has_told = false;
    rest(directory, until);
    directory_checks_fail(directory, what);
}

/* Nothing was learnt, so nothing changes. `is_fault`: waiting will not mend it. */
static void give_up(Directory *directory, bool is_fault, const char *what)
{
    give_up_until(directory, is_fault, what, next_round_usec(directory));
}

void directory_told_to_wait(Directory *directory, uint64_t retry_after_usec)
{
    uint64_t wait = retry_after_usec < RETRY_AFTER_MAX ? retry_after_usec : RETRY_AFTER_MAX;
    uint64_t until = directory_boot_usec(directory) + wait;

    if (directory->wait_until_usec < until)
        directory->wait_until_usec = until;
}

/* Told to stay away (RFC 9110 §10.2.3), or not told for how long. */
static void back_off(Directory *directory, uint64_t retry_after_usec, const char *what)
{
    unsigned shift = directory->throttled < 8 ? directory->throttled : 8;
    uint64_t wait = directory->config->directory_poll_usec << shift;

    wait = wait < BACK_OFF_MAX ? wait : BACK_OFF_MAX;
    directory->throttled++;
    if (retry_after_usec > 0) {
        directory_told_to_wait(directory, retry_after_usec);
        wait = 0;
    }
    give_up_until(directory, false, what, directory_boot_usec(directory) + wait);
}

static void end_round(Directory *directory)
{
    directory_people_judge(directory);
    directory->answered_usec = directory_boot_usec(directory);
    directory->round_usec = directory->answered_usec - directory->started_usec;
    directory_health_synced(&directory->health, stamp_now().wall_usec);
    directory->throttled = 0;
    directory->has_told = true;
    directory->is_fresh = directory->accepts_absence = false;
    directory->lost_count = 0;
    manager_alarm_over(directory->manager, ALARM_SILENT, directory->settings->name);
    directory_checks_fail(directory, "nobody was asked for"); /* so there was no token either */
    if (directory->is_changed)
        (void)publisher_request(directory->manager->publisher, NULL, NULL);
    directory->is_changed = false;
    rest(directory, next_round_usec(directory));
}

/* --- requests --------------------------------------------------------------------------------- */

static void ask(Directory *directory);
static void ask_directory(Directory *directory);
static void take_answer(Directory *directory, const HttpReply *reply);

static void on_token(const HttpReply *reply, void *userdata)
{
    Directory *directory = userdata;
    Evidence evidence;

    directory->request = NULL;
    int r = directory_token_take(&directory->token, directory->settings, reply,
                                 directory_boot_usec(directory), &evidence);
    if (r == 0)
        ask(directory);
    else if (r == -EACCES && evidence.meaning == EVIDENCE_LATER)
        back_off(directory, evidence.retry_after_usec, evidence.code);
    else
        give_up(directory, true, r == -EACCES ? evidence.code : "out of memory");
}

/* Why the token could not be asked for. */
static const char *credential_fault(int error)
{
    if (error == -EKEYEXPIRED)
        return "the certificate of DirectoryCertificateFile= has expired";
    if (error == -EBADMSG)
        return CREDENTIALS " does not hold what it should";
    if (error == -EPERM || error == -ENOENT || error == -EACCES)
        return CREDENTIALS " is missing or not private";
    return "a token could not be asked for";
}

static void warn_of_expiry(Directory *directory)
{
    unsigned days;

    if (directory_token_ends_soon(&directory->token, stamp_now().wall_usec / USEC_PER_SEC, &days))
        manager_alarm(directory->manager, ALARM_EXPIRY " %u days", directory->settings->name, days);
    else
        manager_alarm_over(directory->manager, ALARM_EXPIRY, directory->settings->name);
}

static void read_token(Directory *directory)
{
    int r = directory_token_read(&directory->token, directory->settings,
                                 directory_boot_usec(directory));

    if (r < 0)
        give_up(directory, true, credential_fault(r));
    else
        ask_directory(directory);
}

static void ask_for_token(Directory *directory)
{
    const char *url;
    bool secret_in_body;

    if (directory->settings->directory_token_file) {
        read_token(directory);
        return;
    }
    switch (provider_token_endpoint(directory->provider, &url, &secret_in_body)) {
    case DOCUMENT_WAIT:
        arm(directory, directory_boot_usec(directory) + DOCUMENT_WAIT_USEC);
        return;
    case DOCUMENT_FAILED:
        give_up(directory, false, "the provider's metadata cannot be had");
        return;
    case DOCUMENT_READY:
        break;
    }
    int r = directory_token_request(&directory->token, directory->manager->http,
                                    directory->settings, url, secret_in_body, on_token, directory,
                                    &directory->request);
    if (r < 0)
        give_up(directory, true, credential_fault(r));
    else
        warn_of_expiry(directory);
}

static void on_reply(const HttpReply *reply, void *userdata)
{
    Directory *directory = userdata;

    directory->request = NULL;
    take_answer(directory, reply);
}

int directory_start_request(Directory *directory, const char *url, HttpHandler handler,
                            void *userdata, HttpRequest **ret_request)
{
    HttpOptions options = http_options_for(directory->settings);

    options.url = url;
    options.bearer = secret_peek(directory->token.token);
    if (directory->settings->directory_token_file)
        options.scheme = directory->kind->token_scheme;
    return http_start(directory->manager->http, &options, handler, userdata, ret_request);
}

static void ask_directory(Directory *directory)
{
    int r = directory_start_request(directory, directory->url, on_reply, directory,
                                    &directory->request);

    directory_checks_send(directory);
    if (r < 0)
        give_up(directory, true, http_start_fault(r));
}

/* Asks for directory->url, now or when the budget allows. */
static void ask(Directory *directory)
{
    uint64_t now = directory_boot_usec(directory), wait;

    wait = provider_take_request(directory->provider);
    if (wait > 0)
        arm(directory, now + wait);
    else if (directory_token_is_good(&directory->token, now))
        ask_directory(directory);
    else
        ask_for_token(directory);
}

/* Takes `url` over; NULL when there was no memory for it. */
static void ask_for(Directory *directory, char *url)
{
    free(directory->url);
    directory->url = url;
    if (url)
        ask(directory);
    else
        give_up(directory, true, "out of memory");
}

static int ask_more(const Directory *directory, char **url)
{
    int r = directory->kind->ask_more ? directory->kind->ask_more(directory->settings, url) : 0;

    if (r < 0) {
        free(*url);
        *url = NULL;
    }
    return r;
}

static char *made(int r, char *url)
{
    return r < 0 ? NULL : url;
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
    r = r < 0 ? r : ask_more(directory, &url);
    ask_for(directory, made(r, url));
}

static void apply(Directory *directory)
{
    if (directory_apply_slice(directory))
        arm(directory, 0);
    else if (directory_people_choose(directory) < 0)
        give_up(directory, true, "out of memory");
    else
        ask_for_next_person(directory);
}

static void list_next_group(Directory *directory)
{
    const Config *config = directory->config;
    char *url = NULL;

    directory->stage = DIRECTORY_MEMBERS;
    while (directory->group < config->group_count &&
           !directory_owns_group(directory, &config->groups[directory->group]))
        directory->group++;
    if (directory->group == config->group_count) {
        directory->stage = DIRECTORY_APPLYING;
        directory_apply_begin(directory);
        apply(directory);
        return;
    }
    const char *id = config->groups[directory->group].id;
    int r = directory_list_begin(&directory->list, id);
    if (r == 0)
        r = directory->kind->members_url(directory->settings->directory_url, id, &url);
    r = r < 0 ? r : ask_more(directory, &url);
    ask_for(directory, made(r, url));
}

static void begin_changes(Directory *directory)
{
    char *url = NULL;
    int r = 0;

    if (!directory_tells_changes(directory)) {
        list_next_group(directory);
        return;
    }
    directory->stage = DIRECTORY_CHANGES;
    (void)directory_list_begin(&directory->list, NULL);
    if (directory->link) {
        url = strdup(directory->link);
    } else {
        directory->is_fresh = true;
        r = directory->kind->changes_url(directory->settings->directory_url, &url);
        r = r < 0 ? r : ask_more(directory, &url);
    }
    ask_for(directory, made(r, url));
}

/* --- the link to the changes ------------------------------------------------------------------ */

static bool all_verdicts_are_stored(const Directory *directory)
{
    size_t iterator = 0;
    const Account *account;

    while ((account = accounts_next(directory->manager->accounts, &iterator)))
        if (!revocation_is_stored(directory->manager->revocation, account))
            return false;
    return true;
}

/* Only once all that was told on the way there is stored, and after beginning anew everybody has been
 * asked for: a crash repeats rather than forgets. */
static void keep_link(Directory *directory)
{
    if (directory->is_unkept && !directory->is_fresh && all_verdicts_are_stored(directory) &&
        store_link_put(directory->manager->store, directory->settings->issuer,
                       directory->link) >= 0)
        directory->is_unkept = false;
}

static void take_link(Directory *directory, char **link)
{
    free(directory->link);
    directory->link = TAKE_PTR(*link);
    directory->is_unkept = true;
}

/* The directory has forgotten where we were (410): nobody is gone by that, and everybody is asked
 * for anew. */
static void start_over(Directory *directory)
{
    free(directory->link);
    directory->link = NULL;
    (void)store_link_put(directory->manager->store, directory->settings->issuer, NULL);
    begin_changes(directory);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void take_changes(Directory *directory, DirectoryPage *page)
{
    for (size_t i = 0; i < page->count; i++)
        directory_take_state(directory, &page->people[i]);
    if (page->next) {
        ask_for(directory, TAKE_PTR(page->next));
        return;
    }
    if (!page->link) {
        give_up(directory, true, "changes that end without a link");
        return;
    }
    take_link(directory, &page->link);
    list_next_group(directory);
}

static void take_members(Directory *directory, DirectoryPage *page)
{
    int r = directory_roll_add(&directory->roll, page, (unsigned)directory->group);

    if (r < 0) {
        give_up(directory, true, r == -E2BIG ? "too many members" : "out of memory");
        return;
    }
    if (page->next) {
        ask_for(directory, TAKE_PTR(page->next));
        return;
    }
    const char *inner = directory_list_next(&directory->list);
    if (inner) {
        char *url = NULL;
        r = directory->kind->members_url(directory->settings->directory_url, inner, &url);
        ask_for(directory, made(r, url));
        return;
    }
    manager_alarm_over(directory->manager, ALARM_UNKNOWN_GROUP, directory->settings->name,
                       directory->config->groups[directory->group].name);
    directory->listed[directory->group++] = true;
    list_next_group(directory);
}

static void take_person(Directory *directory, DirectoryPage *page)
{
    PeopleToAsk *people = &directory->people;

    if (!people->accounts[people->at]->id) {
        ask_for_next_person(directory);
        return;
    }
    if (strcmp(page->people[0].id, directory_person_id(people->accounts[people->at])) != 0) {
        give_up(directory, true, "an answer about somebody else");
        return;
    }
    directory->knows_somebody = true;
    if (page->people[0].state == DIRECTORY_DOUBTED && page->next) {
        directory->stage = DIRECTORY_SETTLING;
        ask_for(directory, TAKE_PTR(page->next));
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

static void take_page(Directory *directory, const HttpReply *reply)
{
    bool is_person = directory->stage == DIRECTORY_PEOPLE;
    const DirectoryParser parse =
        is_person ? directory->kind->parse_person : directory->kind->parse_page;
    _cleanup_(directory_page_freep) DirectoryPage *page = NULL;
    const char *reason = "out of memory";

    int r = parse(reply->body, reply->size, directory->settings, directory->url, &page, &reason);
    if (r == 0 && directory->kind->next_in_header)
        r = directory_page_take_link(page, reply->next, directory->settings->directory_url, &reason);
    if (r == 0)
        r = directory_list_take(&directory->list, page, &reason);
    if (r < 0)
        give_up(directory, true, reason);
    else if (r == DIRECTORY_LIST_E_CHANGED)
        give_up(directory, false, "a list changes whenever it is read");
    else if (is_person)
        take_person(directory, page);
    else if (directory->stage == DIRECTORY_SETTLING)
        take_settled(directory, page);
    else if (directory->stage == DIRECTORY_MEMBERS)
        take_members(directory, page);
    else
        take_changes(directory, page);
}

/* A deleted group is not an empty one: its people keep it until the configuration drops it. */
static void skip_group(Directory *directory)
{
    manager_alarm(directory->manager, ALARM_UNKNOWN_GROUP, directory->settings->name,
                  directory->config->groups[directory->group].name);
    directory->group++;
    list_next_group(directory);
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
    long status = reply->status;

    if (status == 410 && directory->stage == DIRECTORY_CHANGES && directory->link) {
        start_over(directory);
    } else if (directory->stage == DIRECTORY_MEMBERS && group_is_gone(directory, reply)) {
        skip_group(directory);
    } else if (directory->stage == DIRECTORY_PEOPLE && person_is_gone(directory, reply)) {
        directory_people_missing(directory);
        ask_for_next_person(directory);
    } else {
        return false;
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
        back_off(directory, reply->retry_after_usec, what);
    else
        give_up(directory, true, what);
}

static void take_answer(Directory *directory, const HttpReply *reply)
{
    if (reply->status == 200) {
        directory->token.was_refused = false;
        take_page(directory, reply);
    } else if (reply->status == 0) {
        give_up(directory, false, reply->error);
    } else if (reply->status == 401 && !directory->token.was_refused) {
        directory_token_clear(&directory->token);
        directory->token.was_refused = true;
        ask(directory);
    } else if (!take_absence(directory, reply)) {
        take_refusal(directory, reply);
    }
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void begin_round(Directory *directory)
{
    if (directory_boot_usec(directory) < directory->wait_until_usec) {
        give_up_until(directory, false, "it asked to be left alone", 0);
        return;
    }
    keep_link(directory);
    directory->started_usec = directory_boot_usec(directory);
    directory->group = 0;
    directory->knows_somebody = false;
    directory->token.was_refused = false;
    memset(directory->listed, 0, directory->config->group_count * sizeof(*directory->listed));
    begin_changes(directory);
}

void directory_wake(Directory *directory)
{
    if (directory->stage == DIRECTORY_IDLE)
        arm(directory, 0);
}

int directory_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    Directory *directory = userdata;

    if (directory->stage == DIRECTORY_IDLE)
        begin_round(directory);
    else if (directory->stage == DIRECTORY_APPLYING)
        apply(directory);
    else
        ask(directory);
    return 0;
}
