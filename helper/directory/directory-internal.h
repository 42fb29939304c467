/*
 * Shared by the files of one directory's round: directories.c (their lives), directory.c (what is
 * asked when), directory-answer.c (what comes back), directory-request.c (how it is asked),
 * directory-links.c (where changes go on), directory-look.c (people whose groups are asked for),
 * directory-people.c (people who are asked for by id), directory-apply.c (what a round does to
 * accounts), and for that directory-account.c (whose is whose), directory-membership.c (groups) and
 * directory-newcomer.c (people without an account). Nobody else includes this.
 */
#pragma once

#include "common/limits.h"
#include "helper/directory/directories.h"
#include "helper/directory/directory-check.h"
#include "helper/directory/directory-groups.h"
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
    DIRECTORY_GROUP_CHANGES,
    DIRECTORY_MEMBERS,
    DIRECTORY_LOOKING,
    DIRECTORY_APPLYING, /* in slices, so that nobody at a login waits for it */
    DIRECTORY_PEOPLE,   /* one by one */
    DIRECTORY_SETTLING, /* is the one who is doubted disabled? */
} DirectoryStage;

/* Where changes go on after those of the last round. */
typedef struct ChangeLink {
    char *link;     /* NULL: begin anew */
    bool is_unkept; /* the store has an older one, or none */
    bool was_told;  /* since then something changed: not only that nothing did */
} ChangeLink;

/* People whose groups are asked for: in few of them something moved, or they are known from
 * elsewhere. They stay until what was answered is in force. */
typedef struct DirectoryLook {
    char *key;        /* an id; or, of an account that waits for one, its name */
    Account *account; /* the doubtful one, or NULL */
    bool is_done;     /* in this round */
} DirectoryLook;

typedef struct DirectoryLooks {
    DirectoryLook looks[DIRECTORY_LOOKS_MAX];
    size_t count, at;
    DirectoryPerson person; /* the one whose groups are being asked for */
    bool saw_strangers;     /* something changed about people who have no account */
    uint64_t doubted_usec;  /* when those who wait for an id were last looked for */
} DirectoryLooks;

/* An account without an id that MatchBy= could not match, when all lists were there. */
typedef struct Unmatched {
    const Account *account;
    const char *why; /* static */
} Unmatched;

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
    Stamp began;    /* the round */
    uint64_t started_usec, answered_usec, kept_usec;
    uint64_t round_usec;      /* how long the last whole round took */
    uint64_t wait_until_usec; /* the directory asked to be left alone till then */
    uint64_t pause_until_usec;/* it did not say how long */
    uint64_t lists_until_usec;/* what was held is not listed again before that */
    DirectoryHealth health;
    DirectoryCheck *checks;
    bool is_cut_short;        /* only what came before the fault is applied */

    ChangeLink people_link, group_link;
    uint64_t links_kept_usec;
    bool is_fresh;       /* it begins anew: what was before is unknown, everybody is asked for */
    uint64_t fresh_usec; /* since when */

    DirectoryGroups groups;
    DirectoryGroup *group; /* being listed */
    DirectoryRoll roll;
    DirectoryLooks looks;
    PeopleToAsk people;
    Account **lost; /* let in until this round took their last group: were they disabled, too? */
    size_t lost_count;
    DirectoryRefused renumbered; /* whom UidClaim= gives another number than they have here */
    DirectoryRefused refused;
    DirectoryRefused odd_names; /* of these, those whose name no account can have */
    const char *refused_why; /* of the last of them; static */
    DirectoryRoll kept, kept_next; /* of people who cannot be added: tried again in every round */
    Unmatched unmatched[DIRECTORY_REFUSED_MAX];
    size_t unmatched_count;
    char **away; /* ids of members who have no account, because they are disabled, say */

    bool is_held, accepts_absence, is_changed, knows_somebody;
    bool has_told;     /* the last round came to its end */
    bool knows_groups; /* of none it is still to be told who is in it */
    bool wanted_proof; /* in the round before, see directory-people.c */
    bool is_complete;  /* all lists are there */
    bool tells_groups; /* something is known of who is in which group, in this round */
    bool tells_lists;  /* and it is a list: who is not on it is out */
    size_t slice; /* where applying goes on */
    bool slices_accounts;
} Directory;

uint64_t directory_boot_usec(const Directory *directory);
void directory_arm(Directory *directory, uint64_t at_usec);

/* The timer's: the next round, or the next step of this one. */
int directory_on_timer(sd_event_source *source, uint64_t usec, void *directory);

/* Begins the next round now, if none is under way. */
void directory_wake(Directory *directory);
void directory_told_to_wait(Directory *directory, uint64_t retry_after_usec);

/* A request with the directory's token, which must be good. Returns 0 or a negative errno. */
int directory_start_request(Directory *directory, const char *url, HttpHandler handler,
                            void *userdata, HttpRequest **ret_request);

/* As directories_check(), of this one. */
const char *directory_check(Directory *directory, const Account *account,
                            DirectoryCheckHandler handler, void *userdata,
                            DirectoryCheck **ret_check);
/* The token is here; or it cannot be had. And all of them, before the directory goes. */
void directory_checks_send(Directory *directory);
void directory_checks_fail(Directory *directory, const char *what);
void directory_checks_drop(Directory *directory);

/* Or must everybody be asked for by id, and each group listed? */
bool directory_tells_changes(const Directory *directory);

/* Nothing more is learnt in this round. `is_fault`: waiting will not mend it. */
void directory_give_up(Directory *directory, bool is_fault, const char *what);
/* Told to stay away (RFC 9110 §10.2.3), or (0) not told for how long: then for an interval and no
 * longer, because who is disabled is cut within one after it answers again. A round that is refused
 * costs one request. */
void directory_back_off(Directory *directory, uint64_t retry_after_usec, const char *what);

/* The steps of a round. Each asks for something, or goes on to the next when nothing is left. */
void directory_begin_changes(Directory *directory);
void directory_begin_group_changes(Directory *directory);
void directory_begin_listing(Directory *directory);
void directory_list_next_group(Directory *directory);
void directory_look_at_next(Directory *directory);
void directory_ask_next_person(Directory *directory);
/* A group inside the one that is being listed, or that one itself. */
void directory_list_group(Directory *directory, const char *id);

/* --- directory-request.c ---------------------------------------------------------------------- */

/* Asks for directory->url, now or when the budget allows. */
void directory_ask(Directory *directory);
/* Widens the address that one of the kind's functions made, and returned `r` for, to what the
 * configuration wants of people; as that one. */
int directory_ask_more(const Directory *directory, int r, char **url);
/* Takes the address over; NULL when there was no memory for it. */
void directory_ask_for(Directory *directory, char *url);
/* The address that one of the kind's functions made and returned `r` for. */
char *directory_made(int r, char *url);

/* --- directory-answer.c ----------------------------------------------------------------------- */

void directory_take_answer(Directory *directory, const HttpReply *reply);

/* --- directory-links.c ------------------------------------------------------------------------ */

int directory_links_load(Directory *directory);
/* Stores what may be stored. */
void directory_links_keep(Directory *directory);
void directory_link_take(ChangeLink *link, char **new_link);
/* The directory has forgotten where we were (410): nobody is gone by that. */
void directory_forget_people_link(Directory *directory);
void directory_forget_group_link(Directory *directory);

/* --- directory-look.c ------------------------------------------------------------------------- */

/* False when there are too many. */
bool directory_looks_add(Directory *directory, const char *key, Account *account);
/* A round begins: nobody is asked for yet. */
void directory_looks_reset(DirectoryLooks *looks);
/* Marks accounts that wait for an id as doubtful, now and then; also wants the lists they need. */
void directory_looks_doubt(Directory *directory);
/* Adds accounts that are doubtful. */
void directory_looks_begin(Directory *directory);
/* Asks for the next; false when there is none. */
bool directory_looks_ask(Directory *directory);
/* An answer about the present one: a page (of the person or of groups), or that there is nobody.
 * False when no more is to be asked about them. */
bool directory_looks_take_person(Directory *directory, DirectoryPage *page);
bool directory_looks_take_groups(Directory *directory, DirectoryPage *page);
void directory_looks_miss(Directory *directory);
bool directory_looks_at_groups(const Directory *directory);
bool directory_looks_any_done(const Directory *directory);
/* What was answered is in force. */
void directory_looks_applied(Directory *directory);
void directory_looks_clear(DirectoryLooks *looks);

/* Members who have no account: when they are enabled, they are looked at. */
void directory_away_add(Directory *directory, const char *id);
bool directory_is_away(const Directory *directory, const char *id);

/* --- directory-account.c ---------------------------------------------------------------------- */

/* "<tenant>/<object id>" or the id alone, as sign-ins bind it (provider.h). NULL when memory is
 * short. */
char *directory_identity_of(const Directory *directory, const char *id);
const char *directory_person_id(const Account *account);
/* Bound to somebody of whom this directory knows. */
/* directory-check.c: see directories_know_client(). */
bool directory_knows_client(const Directory *directory, const Account *account);
bool directory_is_ours(const Directory *directory, const Account *account);
/* Waits for an id of this directory. */
bool directory_is_waiting(const Directory *directory, const Account *account);
Account *directory_find(const Directory *directory, const char *id);

/* What the directory says of one person, of whom this host may know nothing. */
void directory_take_state(Directory *directory, const DirectoryPerson *person);
/* Parts of that, of one account. */
void directory_set_state(Directory *directory, Account *account, DirectoryState state);
void directory_set_profile(Directory *directory, Account *account, const DirectoryPerson *person);
void directory_set_number(Account *account, uint32_t claimed);

/* --- directory-membership.c ------------------------------------------------------------------- */

/* Is in one of its groups, as far as is known. */
bool directory_has_member(const Directory *directory, const Account *account);
/* Is one of these groups the directory's? */
bool directory_owns_any(const Directory *directory, char *const *groups);
/* Is nothing known by which the person's groups could change? So it is with nearly everybody in a
 * round that tells of one. */
bool directory_leaves_groups(const Directory *directory, const RollPerson *person);
/* What the account's groups become by what is known of the person. Returns 0 or -ENOMEM. */
int directory_new_groups(const Directory *directory, const Account *account,
                         const RollPerson *person, char ***ret_groups);
/* And have them so. Who loses the last one by which they were let in is noted. */
void directory_set_groups(Directory *directory, Account *account, const RollPerson *person);

/* --- directory-newcomer.c --------------------------------------------------------------------- */

/* Who can have no account here, or be matched to none: said once, alarmed while it is so. */
void directory_refuse(Directory *directory, const char *name, const char *why);
/* An account that waits without an id is that person's; `how` is for the log. */
void directory_bind(Directory *directory, Account *account, const RollPerson *person,
                    const char *how);
/* The same for a local account that is tied to somebody who has an account here already. */
void directory_bind_tied(Directory *directory, Account *account);
/* Gives somebody who was listed and has no account one, if that may be. */
void directory_welcome(Directory *directory, const RollPerson *person);
/* Adds those who could not have one in the round before to the roll. */
void directory_add_kept(Directory *directory);

/* --- directory-apply.c ------------------------------------------------------------------------ */

/* The roll is whole: decides what it means. Then slices until false. */
void directory_apply_begin(Directory *directory);
bool directory_apply_slice(Directory *directory);
void directory_apply_end(Directory *directory);

/* --- directory-people.c ----------------------------------------------------------------------- */

/* Whom to ask for by id. Returns 0 or -ENOMEM. */
int directory_people_choose(Directory *directory);
void directory_people_missing(Directory *directory);
void directory_people_judge(Directory *directory);
void directory_people_clear(PeopleToAsk *people);
/* Stores now and then who was confirmed: after a restart they are not asked for at once. */
void directory_people_keep(Directory *directory);
