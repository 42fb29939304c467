/*
 * The check of one person. See directory-check.h.
 *
 * There is one token, and the round gets it. A check without one wakes the round and waits for it;
 * a round that fails answers all who wait. A directory that asked to be left alone is.
 */
#include "helper/directory/directory-check.h"

#include <errno.h>
#include <string.h>

#include "helper/directory/directory-internal.h"

struct DirectoryCheck {
    Directory *directory;
    DirectoryCheck *next;
    char *id;
    char *settling; /* the list that settles what is doubted of them; NULL: it is not */
    sd_event_source *timer; /* the budget allows it later */
    HttpRequest *request;   /* neither of them: waits for the token */
    bool is_client;         /* not a person: nothing else in here knows it */
    bool was_refused;       /* a token: a new one was waited for */
    DirectoryCheckHandler handler;
    void *userdata;
};

static void check_unlink(DirectoryCheck *check)
{
    DirectoryCheck **link = &check->directory->checks;

    while (*link && *link != check)
        link = &(*link)->next;
    if (*link)
        *link = check->next;
}

DirectoryCheck *directory_check_cancel(DirectoryCheck *check)
{
    if (!check)
        return NULL;
    check_unlink(check);
    http_cancel(check->request);
    sd_event_source_disable_unref(check->timer);
    free(check->settling);
    free(check->id);
    free(check);
    return NULL;
}
DEFINE_CLEANUP(DirectoryCheck *, directory_check_cancel)

static void answer(DirectoryCheck *check, const Evidence *evidence, bool is_said)
{
    DirectoryCheckHandler handler = check->handler;
    void *userdata = check->userdata;

    (void)directory_check_cancel(check);
    handler(evidence, is_said, userdata);
}

/* It proves nothing; it may be an answer all the same. */
static void answer_reached(DirectoryCheck *check, EvidenceMeaning meaning, EvidenceReach reach,
                           const char *what)
{
    Evidence evidence = {.meaning = meaning, .reach = reach};

    snprintf(evidence.code, sizeof(evidence.code), "directory: %s", what);
    answer(check, &evidence, false);
}

static void answer_nothing(DirectoryCheck *check, EvidenceMeaning meaning, const char *what)
{
    answer_reached(check, meaning, meaning == EVIDENCE_LATER ? REACH_NONE : REACH_ANSWERED, what);
}

/* --- what comes back -------------------------------------------------------------------------- */

static void take_person(DirectoryCheck *check, const DirectoryPerson *person)
{
    Directory *directory = check->directory;
    Evidence evidence;

    if (strcmp(person->id, check->id) != 0) {
        answer_nothing(check, EVIDENCE_NEUTRAL, "an answer about somebody else");
    } else if (!directory_sync_evidence(person->state, &evidence)) {
        answer_nothing(check, EVIDENCE_NEUTRAL, "does not say whether they are enabled");
    } else {
        directory_take_state(directory, person);
        answer(check, &evidence, true);
    }
}

/* Who asked has it take effect. */
static void take_client(DirectoryCheck *check, const HttpReply *reply)
{
    const DirectoryKind *kind = check->directory->kind;
    DirectoryState state = DIRECTORY_UNSAID;
    const char *reason = "out of memory";
    Evidence evidence;

    if (client_page_parse(&kind->client, kind->source, reply->body, reply->size, check->id, &state,
                          &reason) < 0)
        answer_nothing(check, EVIDENCE_NEUTRAL, reason);
    else if (!directory_sync_evidence(state, &evidence))
        answer_nothing(check, EVIDENCE_NEUTRAL, "does not say whether the client is enabled");
    else
        answer(check, &evidence, false);
}

static void send_check(DirectoryCheck *check);

/* Whoever is on this list is stored as disabled. */
static void take_settled(DirectoryCheck *check, DirectoryPage *page)
{
    DirectoryPerson nobody = {.id = check->id, .state = DIRECTORY_DOUBTED};
    DirectoryPerson *found = &nobody;

    for (size_t i = 0; i < page->count; i++)
        if (strcmp(page->people[i].id, check->id) == 0)
            found = &page->people[i];
    if (found != &nobody)
        found->state = directory_state(check->directory->kind->source, "?enabled", "false");
    take_person(check, found);
}

static void settle(DirectoryCheck *check, DirectoryPage *page)
{
    if (page->people[0].state != DIRECTORY_DOUBTED || !page->next) {
        take_person(check, &page->people[0]);
        return;
    }
    check->settling = TAKE_PTR(page->next);
    send_check(check);
}

static int make_url(const DirectoryCheck *check, char **ret_url)
{
    const Directory *directory = check->directory;
    const DirectoryKind *kind = directory->kind;

    if (!check->settling)
        return (check->is_client ? kind->client.url : kind->person_url)(
            directory->settings->directory_url, check->id, ret_url);
    *ret_url = strdup(check->settling);
    return *ret_url ? 0 : -ENOMEM;
}

static void take_body(DirectoryCheck *check, const HttpReply *reply)
{
    const Directory *directory = check->directory;
    const DirectoryKind *kind = directory->kind;
    DirectoryParser parse = check->settling ? kind->parse_page : kind->parse_person;
    _cleanup_(directory_page_freep) DirectoryPage *page = NULL;
    _cleanup_free_ char *url = NULL;
    const char *reason = "out of memory";

    if (make_url(check, &url) < 0 ||
        parse(reply->body, reply->size, directory->settings, url, &page, &reason) < 0)
        answer_nothing(check, EVIDENCE_NEUTRAL, reason);
    else if (check->settling)
        take_settled(check, page);
    else if (page->count == 0)
        answer_nothing(check, EVIDENCE_NEUTRAL, reason);
    else
        settle(check, page);
}

/* "Not found" may be another tenant's word: the round judges that, with all others. */
static void take_refusal(DirectoryCheck *check, const HttpReply *reply)
{
    Directory *directory = check->directory;
    const EvidenceFact *fact =
        evidence_fact_of_status(EVIDENCE_OF_HTTP, EVIDENCE_ABOUT_ANY, reply->status);
    bool is_later = fact && fact->meaning == EVIDENCE_LATER;
    char what[32];

    if (is_later && reply->retry_after_usec > 0)
        directory_told_to_wait(directory, reply->retry_after_usec);
    snprintf(what, sizeof(what), "http %ld", reply->status);
    answer_reached(check, is_later ? EVIDENCE_LATER : EVIDENCE_NEUTRAL,
                   evidence_reach(reply->status, NULL), what);
}

static void on_reply(const HttpReply *reply, void *userdata)
{
    DirectoryCheck *check = userdata;

    check->request = NULL;
    if (reply->status == 200 && check->is_client) {
        take_client(check, reply);
    } else if (reply->status == 200) {
        take_body(check, reply);
    } else if (reply->status == 0) {
        answer_nothing(check, EVIDENCE_LATER, reply->error);
    } else if (reply->status == 401 && !check->was_refused) {
        check->was_refused = true;
        directory_token_clear(&check->directory->token);
        directory_wake(check->directory); /* and wait */
    } else {
        take_refusal(check, reply);
    }
}

/* --- asking ----------------------------------------------------------------------------------- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    DirectoryCheck *check = userdata;

    check->timer = sd_event_source_disable_unref(check->timer);
    send_check(check);
    return 0;
}

static int ask_later(DirectoryCheck *check, uint64_t wait_usec)
{
    return sd_event_add_time_relative(check->directory->manager->event, &check->timer,
                                      CLOCK_BOOTTIME, wait_usec, USEC_PER_MSEC, on_timer, check);
}

static int ask_now(DirectoryCheck *check)
{
    _cleanup_free_ char *url = NULL;
    int r = make_url(check, &url);

    return r < 0 ? r
                 : directory_start_request(check->directory, url, on_reply, check, &check->request);
}

static void send_check(DirectoryCheck *check)
{
    uint64_t wait = provider_take_request(check->directory->provider);
    int r = wait > 0 ? ask_later(check, wait) : ask_now(check);

    if (r < 0)
        answer_nothing(check, EVIDENCE_LATER, http_start_fault(r));
}

static DirectoryCheck *next_waiting(const Directory *directory)
{
    for (DirectoryCheck *check = directory->checks; check; check = check->next)
        if (!check->timer && !check->request)
            return check;
    return NULL;
}

/* Each gets a timer, a request or an answer, so there is an end. */
void directory_checks_send(Directory *directory)
{
    DirectoryCheck *check;

    while ((check = next_waiting(directory)))
        send_check(check);
}

void directory_checks_fail(Directory *directory, const char *what)
{
    DirectoryCheck *check;

    while ((check = next_waiting(directory)))
        answer_nothing(check, EVIDENCE_LATER, what);
}

void directory_checks_drop(Directory *directory)
{
    while (directory->checks)
        answer(directory->checks, NULL, false);
}

static const char *id_of(const Directory *directory, const Account *account, bool is_client)
{
    return is_client && directory->kind->client.by_client_id
               ? config_service_account(directory->config, account->name)->client_id
               : directory_person_id(account);
}

static int check_new(Directory *directory, const Account *account, DirectoryCheckHandler handler,
                     void *userdata, DirectoryCheck **ret_check)
{
    DirectoryCheck *check = calloc(1, sizeof(*check));

    if (!check)
        return -ENOMEM;
    check->is_client = directory_knows_client(directory, account);
    check->id = strdup(id_of(directory, account, check->is_client));
    if (!check->id) {
        free(check);
        return -ENOMEM;
    }
    check->directory = directory;
    check->handler = handler;
    check->userdata = userdata;
    check->next = directory->checks;
    directory->checks = check;
    *ret_check = check;
    return 0;
}

bool directory_knows_client(const Directory *directory, const Account *account)
{
    return directory->kind->client.url && account->state == ACCOUNT_ACTIVE && account->id &&
           strcmp(account->provider, directory->settings->name) == 0 &&
           config_service_account(directory->config, account->name);
}

/* Where asking would only make it worse, or has just failed. */
static const char *obstacle(const Directory *directory, bool has_token)
{
    const DirectoryHealth *health = &directory->health;

    if (directory_boot_usec(directory) < directory->wait_until_usec)
        return "the directory asked to be left alone";
    if (!has_token && directory->stage == DIRECTORY_IDLE && health->error[0] != '\0')
        return health->error;
    return NULL;
}

const char *directory_check(Directory *directory, const Account *account,
                            DirectoryCheckHandler handler, void *userdata,
                            DirectoryCheck **ret_check)
{
    bool has_token = directory_token_is_good(&directory->token, directory_boot_usec(directory));
    const char *why = obstacle(directory, has_token);
    _cleanup_(directory_check_cancelp) DirectoryCheck *check = NULL;

    if (why)
        return why;
    if (check_new(directory, account, handler, userdata, &check) < 0)
        return "out of memory";
    uint64_t wait = has_token ? provider_take_request(directory->provider) : 0;
    int r = 0;
    if (!has_token)
        directory_wake(check->directory); /* and wait */
    else
        r = wait > 0 ? ask_later(check, wait) : ask_now(check);
    if (r < 0)
        return http_start_fault(r);
    *ret_check = TAKE_PTR(check);
    return NULL;
}
