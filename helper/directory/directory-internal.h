/*
 * Shared by directories.c (their lives), directory.c (the round: what is asked when),
 * directory-apply.c (what an answer does to accounts) and directory-check.c (one person, at once).
 * Nobody else includes this.
 */
#pragma once

#include "helper/directory/directories.h"
#include "helper/directory/directory-check.h"
#include "helper/directory/directory-health.h"
#include "helper/directory/directory-kind.h"
#include "helper/directory/directory-list.h"
#include "helper/directory/directory-refused.h"
#include "helper/directory/directory-roll.h"
#include "helper/directory/directory-sync.h"
#include "helper/directory/directory-token.h"
#include "helper/manager.h"

typedef enum DirectoryStage {
    DIRECTORY_IDLE = 0, /* between two rounds */
    DIRECTORY_CHANGES,
    DIRECTORY_MEMBERS,
    DIRECTORY_APPLYING, /* in slices, so that nobody at a login waits for it */
    DIRECTORY_PEOPLE,   /* one by one */
    DIRECTORY_SETTLING, /* is the one who is doubted disabled? */
} DirectoryStage;

/* People of this host whom the round must ask for by id. */
typedef struct PeopleToAsk {
    Account **accounts;
    size_t count, at;
    Account **missing; /* of these, "not found"; judged when all have been asked for */
    size_t missing_count;
} PeopleToAsk;

typedef struct Directory {
    Manager *manager;
    const Config *config;
    const ProviderConfig *settings;
    Provider *provider;
    const DirectoryKind *kind;
    struct Directory *next;

    sd_event_source *timer; /* the next round, or what the present one waits for */
    HttpRequest *request;
    DirectoryToken token;
    DirectoryStage stage;
    char *url;      /* asked for, or to be asked for */
    DirectoryList list; /* the present one */
    uint64_t started_usec, answered_usec, kept_usec;
    uint64_t round_usec;      /* how long the last whole round took */
    uint64_t wait_until_usec; /* the directory asked to be left alone till then */
    unsigned throttled;       /* times in a row */
    DirectoryHealth health;
    DirectoryCheck *checks;

    char *link;     /* to the changes since the last round; NULL: begin anew */
    bool is_unkept; /* the store does not have it yet */
    bool is_fresh;  /* it begins anew: what was before is unknown, everybody is asked for */

    size_t group;  /* index of the [group] section being listed */
    bool *listed;  /* by [group] section: its list is whole */
    DirectoryRoll roll;
    PeopleToAsk people;
    DirectoryRefused refused;
    Account **lost; /* let in until this round took their last group: were they disabled, too? */
    size_t lost_count;
    DirectoryRefused renumbered; /* whom UidClaim= gives another number than they have here */

    bool is_held, accepts_absence, is_changed, knows_somebody;
    bool has_told; /* the last round came to its end */
    size_t slice; /* where applying goes on */
    bool slices_accounts;
} Directory;

uint64_t directory_boot_usec(const Directory *directory);

/* The timer's: the next round, or the next step of this one. */
int directory_on_timer(sd_event_source *source, uint64_t usec, void *directory);

/* Begins the next round now, if none is under way. */
void directory_wake(Directory *directory);
void directory_told_to_wait(Directory *directory, uint64_t retry_after_usec);

/* A request with the directory's token, which must be good. Returns 0 or a negative errno. */
int directory_start_request(Directory *directory, const char *url, HttpHandler handler,
                            void *userdata, HttpRequest **ret_request);

/* Bound to somebody of whom this directory knows. */
bool directory_is_ours(const Directory *directory, const Account *account);

/* As directories_check(), of this one. */
const char *directory_check(Directory *directory, const Account *account,
                            DirectoryCheckHandler handler, void *userdata,
                            DirectoryCheck **ret_check);
/* The token is here; or it cannot be had. And all of them, before the directory goes. */
void directory_checks_send(Directory *directory);
void directory_checks_fail(Directory *directory, const char *what);
void directory_checks_drop(Directory *directory);

/* Or must everybody be asked for by id? */
bool directory_tells_changes(const Directory *directory);

/* Does this directory answer for the [group] section? */
bool directory_owns_group(const Directory *directory, const GroupConfig *group);

/* What the directory says of one person, of whom this host may know nothing. */
void directory_take_state(Directory *directory, const DirectoryPerson *person);

/* The roll is whole: decides what it means. Then slices until false. */
void directory_apply_begin(Directory *directory);
bool directory_apply_slice(Directory *directory);

/* Whom to ask for by id. Returns 0 or -ENOMEM. */
int directory_people_choose(Directory *directory);
void directory_people_missing(Directory *directory);
void directory_people_judge(Directory *directory);
void directory_people_clear(PeopleToAsk *people);
const char *directory_person_id(const Account *account);

/* Who can have no account here, or be matched to none: said once, alarmed while it is so. */
void directory_refuse(Directory *directory, const char *name, const char *why);

/* An account that waits without an id is that person's; `how` is for the log. */
void directory_bind(Directory *directory, Account *account, const RollPerson *person,
                    const char *how);
