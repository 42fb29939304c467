/*
 * One login under way, shared by login.c (its life: limits, channel, time), login-method.c and the
 * methods, and login-accept.c (what follows an approval). Nobody else includes this.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>
#include "common/channel.h"
#include "helper/base/host-name.h"
#include "helper/login/lockout.h"
#include "helper/login/login.h"
#include "helper/login/login-states.h"
#include "helper/login/login-text.h"
#include "helper/login/presented.h"
#include "helper/login/refusal-beat.h"
#include "helper/manager.h"
#include "helper/revocation/refresher.h"
#include "helper/totp/hasher.h"
#include "helper/totp/second-factor.h"

typedef struct Login Login;

/* What the enforcer client holds while it writes the admission: the login may end before. */
typedef struct LoginRecord {
    Login *login; /* NULL once the login has gone */
} LoginRecord;

struct Login {
    Logins *logins;
    Login *next;
    LoginState state;
    unsigned seen; /* of login-states.h */
    int channel;   /* our end, -1 once closed */
    sd_event_source *io, *timer;
    char *user, *service, *rhost, *tty;
    char *asker; /* another account of this host that asks for this one (su), or "" */
    char sign_in[RANDOM_ID_SIZE]; /* its name, should it be admitted */
    bool no_qr;
    Caller caller;
    bool by_owner;  /* who runs sudo is who is asked for */
    bool presents;  /* a token, for a sudo that is to come */
    bool was_presented; /* the token was, beforehand */
    uint32_t audit_session;
    bool answered; /* Enter has come, or what was asked for */
    unsigned pieces; /* pasted so far, of a browser login; before: wrong answers to the menu */
    char *enrols;    /* who goes on to enrol a second factor; NULL: nobody */
    char *hint;      /* the module's provider=, or "" */
    char **choices;  /* the menu's, by name; NULL: nothing is to be chosen */
    bool recorded; /* its line was given to the log */
    bool is_at_home; /* has one of the places of those who were here before (login-limits.c) */
    Account *account;
    Method method;
    unsigned refused_methods; /* bits 1 << Method, by the provider */
    ProviderOp *op;
    uint64_t deadline_usec; /* CLOCK_BOOTTIME */
    LoginRecord *record;
    bool publishing; /* the publisher will call */
    /* A password login. */
    Secret *password; /* until it is known to be good or not */
    Factor factor;    /* found good, to be used up with the admission */
    bool proven;      /* the second factor was right, or the token theirs: this person may hear
                       * what is wrong */
    bool unjudged;    /* no token can be judged now, whoever's it is: all hear that */
    PresentedToken presented; /* what it said, of a login that presents it */
    Stamp issued;     /* when the access token was, of a bearer login; else not set */
    bool from_known_place; /* its owner was here before, and gives a second factor */
    HashJob *hash;    /* compares what was typed, offline */
    RefreshWait *asking; /* the provider, once more, about somebody who was right offline */
    EvidenceReach reach; /* of the provider, once the offline method took over */
    bool asked_again; /* the provider failed, and was asked once more */
    /* What to do with the provider's answer to login_probe(). */
    void (*probed)(Login *login, const Evidence *evidence);
    bool pretends;    /* nobody gets in, and nobody is to see why: asks as it would anybody */
    Outcome pretended;
    const char *pretended_reason; /* static */
    uint64_t answered_usec; /* CLOCK_BOOTTIME, of the last answer; 0: refusals are told at once */
    bool untold;            /* decided, and `told` goes out when the timer fires */
    Outcome told;
    /* For the log line. */
    char *identity; /* who signed in */
    char *evidence;
    char *strength; /* of the sign-in (strength.h); NULL until it is approved */
};

typedef struct OfflineKeeping OfflineKeeping;

struct Logins {
    Manager *manager;
    OfflineKeeping *forgetting; /* login-offline-keep.c: hashes that could not be deleted yet */
    Login *first;
    RefusalBeat beat;
    sd_event_source *reaper; /* frees logins that are over, outside their own callbacks */
};


/* Ends the login with a denial. `text` replaces the outcome's own; NULL: login_text_refusal(). */
void login_refuse(Login *login, Outcome outcome, const char *reason, const char *text);

/* Moves the login by the table. False when the event was not allowed: the login is refused then. */
bool login_step(Login *login, LoginEvent event, LoginDecision *ret_decision);

/* The provider's good tokens: judge, store, publish, record, admit. `result` is borrowed. */
void login_accept(Login *login, TokenResult *result);

/* In LOGIN_READY, once Enter has come: the verdict is read again, then the record, then ALLOW. */
void login_record_admission(Login *login);

/* Sends FINISHED and keeps the channel until the module hangs up. For a login in LOGIN_DECIDED. */
void login_finish(Login *login, Outcome outcome, const char *text);

/* Ends the login here, admitted, and gives its channel away; -1 when the client has gone. */
int login_give_channel(Login *login);

/* login-limits.c. limit: what keeps one more login from waiting, NULL: nothing; an older one of
 * this account and source gives way to it. */
bool login_is_pending(const Login *login);
/* Who of this host asks, where root's module tells, or the bus; else NULL. */
const char *login_local_asker(const Login *login);
const char *login_limit(Login *newer);

/* Stops waiting for the publisher and the enforcer. */
void login_accept_cancel(Login *login);

/* The line of the access log, without outcome and reason. Texts are borrowed from the login. */
void login_fill_record(const Login *login, Record *record, char uid[16]);

/* Whose sign-in it is (login-choice.c). prepare: decides, or notes what is to be chosen; 0 or a
 * negative errno. begin: shows the menu in LOGIN_STARTING; false when there is none. answer: false
 * when it was not to the menu. */
int login_choice_prepare(Login *login);
bool login_choice_begin(Login *login);
bool login_choice_answer(Login *login, const Secret *text);

/* A program gives its answer at once, and no person is waited for: a pool of connections to a
 * database, a mail program. Many at a time are no second try. */
bool login_is_brief(const Login *login);

/* Begins the method of the login, in LOGIN_STARTING. */
void login_method_begin(Login *login);

/* Gives the method what was typed at its prompt. False when it wants nothing but Enter. */
bool login_method_answer(Login *login, const Secret *text);

/* What every method shows; `host` is filled and borrowed. Returns 0 or a negative errno, with
 * *ret_facts set in any case. */
int login_method_facts(Login *login, char host[HOST_NAME_SIZE], SignInText *ret_facts);

/* The [service] section, or NULL. */
const ServiceConfig *login_service(const Login *login);

/* How long a method's operation may take. */
uint64_t login_method_time_usec(Login *login);

/* The end of a method's operation: accepted, or refused for what the evidence says; where it
 * refuses the method only, the login goes on with the next one that Methods= lists. */
void login_method_done(Provider *provider, TokenResult *result, void *login);
void login_method_refused(Login *login, const Evidence *evidence, const char *reason);

/* The right person signed in, but not as strongly as the service wants it: on to the next method,
 * which may ask for it better. False when there is none. */
bool login_method_too_weak(Login *login);

/* The prompt has its answer: nothing more is asked. After LOGIN_EVENT_ANSWER. */
void login_answered(Login *login);

/* Begins another method, with a word of why. */
void login_method_go_on(Login *login, Method next, const char *text);

/* Begins the next method without a word; false when there is none. In LOGIN_STARTING. */
bool login_method_pass(Login *login);

/* "password,totp": the method and the second factor, for the log and the session. Static. */
const char *login_words(const Login *login);

/* From this answer on a refusal is told a while later, so that its time says nothing of the
 * cause. */
void login_note_answer(Login *login);

/* What somebody else than this process judged has been: refusals that nobody was asked about take
 * as long from here on. */
void login_note_judged(Login *login);

/* The last piece of an answer, NULL where none was asked for: nothing more is asked, and `judge`
 * decides, unless the login is over by now. */
void login_take_last(Login *login, const Secret *code,
                     void (*judge)(Login *login, const Secret *code));

/* Would this login ask for a password first? Then what keeps its person out is not shown before.
 * Who is unknown here is asked as the first such provider's people are. */
bool login_password_hides(const Login *login);
const ProviderConfig *login_password_stand_in(const Login *login);

/* Asks, in a state that `event` leads out of. */
void login_ask(Login *login, LoginEvent event, StepKind kind, const char *prompt);

/* The provider that is asked, of its account or of who is unknown here; NULL when there is none. */
const ProviderConfig *login_settings(const Login *login);
/* By which this login may be: of a client its token, else those of the provider that the service
 * leaves. Returns how many, in their order. */
size_t login_methods(const Login *login, Method ret_methods[_METHOD_COUNT]);
/* The first of them; false, and the login refused with what to do, when there is none. */
bool login_first_method(Login *login);
/* Is it one of them, and did nobody refuse it yet? */
bool login_has_method(const Login *login, Method method);

/* The client that signs in as this account, which signs in by nothing but its tokens; NULL: a
 * person. */
const ServiceAccountConfig *login_client(const Login *login);

/* One method each (login-device.c, login-browser.c, login-password.c, login-bearer.c). */
void login_begin_bearer(Login *login);
void login_answer_bearer(Login *login, const Secret *text);
/* For sudo: with a token that its person presented before, instead of asking. False when there is
 * none. In LOGIN_STARTING. */
bool login_begin_presented(Login *login);
/* A token was presented, and the log has it: it is kept. The text says for how long; `text` holds
 * PRESENTED_TEXT_SIZE bytes. */
#define PRESENTED_TEXT_SIZE 256u
void login_keep_presented(Login *login, char *text);
void login_begin_password(Login *login);
void login_answer_password(Login *login, const Secret *text);
void login_begin_device(Login *login);
void login_begin_browser(Login *login);
void login_answer_browser(Login *login, const Secret *piece);

/* login-offline.c. takes_over: true when the request that failed so is made again, or the login
 * goes on without the provider. judge: may this person sign in so now? `ret_reason` is static.
 * refusal: what everybody reads who may not. */
bool login_offline_takes_over(Login *login, const Evidence *evidence);
Outcome login_offline_judge(const Login *login, const char **ret_reason);
const char *login_offline_refusal(void);

/* login-offline-keep.c. keep: the password was right, its hash is kept where its owner wants it so.
 * doubt: the provider says that it is wrong; if its hash is kept it was changed, and the hash is
 * deleted as often as it takes. is_to_be_forgotten: it could not be deleted yet. free: it is not
 * tried any more. */
void login_offline_keep(Login *login);
void login_offline_doubt(Login *login);
bool login_offline_is_to_be_forgotten(const Logins *logins, const Account *account);
void logins_offline_free(Logins *logins);
void login_begin_offline(Login *login);
void login_answer_offline(Login *login, const Secret *text);

/* login-probe.c. Asks the provider whether it is there: unless the offline method takes over,
 * `probed` is called with its answer. Refuses the login where it cannot be asked. */
void login_probe(Login *login, void (*probed)(Login *login, const Evidence *evidence));

/* Does the offline method take over in an outage, for whoever is prepared? */
bool login_offline_is_offered(const Login *login);

/* login-password.c, of a second factor. attempt: as the lock-out counts it, from an unknown place.
 * locked: refused, and nothing is to be tried. check: 0 with
 * login->factor, or what factor_check() says. outcome: of what it said. */
LockoutAttempt login_attempt(const Login *login);
bool login_is_locked(Login *login, bool has_code);
int login_check_code(Login *login, const Secret *code, const char **ret_reason);
Outcome login_code_outcome(int r);

/* The offline method's end: as login_accept(), with nothing new to be stored. */
void login_accept_offline(Login *login);

/* The module hung up, or its conversation failed: the provider is not asked any more. */
void login_gone(Login *login, const char *reason);

uint64_t login_time_left_usec(Login *login);

/* Another limit in time, counted from now; never later than the login's own. */
void login_limit_time(Login *login, uint64_t usec);
void login_unlimit_time(Login *login); /* the login's own again */
