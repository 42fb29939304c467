/*
 * Inside revocation: what revocation*.c (moving and acting) and standing.c (acting again while a
 * verdict stands) share. Nobody else includes this.
 */
#pragma once

#include <systemd/sd-event.h>
#include "helper/enforcer/ending.h"
#include "helper/revocation/hold.h"
#include "helper/revocation/revocation.h"
#include "helper/revocation/verdict.h"

/* What is under way for one account. Made at its first move, kept for good. */
typedef struct RevocationCase {
    Revocation *revocation;
    Account *account;
    struct RevocationCase *next;
    Ending *ending;
    bool is_rescan;      /* the ending repeats an earlier one */
    Running applied;     /* what the standing verdict has led to already */
    uint64_t known_usec; /* when the verdict moved, or its time was up; CLOCK_BOOTTIME */
    Verdict old;         /* for the log line that is still to be written */
    bool unstored, unlogged;
    unsigned store_failures;
    sd_event_source *settle_timer, *follow_up_timer;
    EndingResult last;
    struct EndWaiter *waiters;
} RevocationCase;

struct Revocation {
    Manager *manager;
    RevocationCase *cases;
    Hold hold;
    uint64_t fault_alarm_usec, hold_alarm_usec; /* when these were last said */
    sd_event_source *tick, *round;
    uint64_t wait_usec; /* how long an administrator waits for the end */
    size_t cursor;      /* of the round under way */
    bool round_over;
    unsigned rescans; /* under way */
};

/* The account's case, made when it has none; NULL when out of memory. */
RevocationCase *revocation_case(Revocation *revocation, Account *account);

/* Acts on the standing verdict if it asks for more than was done already. */
void revocation_case_apply(RevocationCase *one, const Stamp *now);

/* Begins an ending; RUNNING_TERM or RUNNING_KILL. -EALREADY when one is under way. A rescan is
 * quiet: it is logged only when it finds something, and a sign-in may overtake it. */
int revocation_case_end(RevocationCase *one, Running running, const char *text, bool is_rescan);

/* Gives up the ending under way, if any; what it has ended is logged. */
void revocation_case_stop(RevocationCase *one);

/* Stores and logs what is owed, and arms the next attempt where that fails. */
void revocation_case_settle(RevocationCase *one);
void revocation_log_verdict(Revocation *revocation, const Account *account, Verdict old);

RevocationCase *revocation_case_free(RevocationCase *one);
DEFINE_CLEANUP(RevocationCase *, revocation_case_free)

/* revocation-wait.c: those who wait for the end. The handler is called once, unless the case is
 * freed before. */
int revocation_case_wait(RevocationCase *one, RevocationEndHandler handler, void *userdata);
void revocation_case_answer(RevocationCase *one); /* if there is nothing to wait for any more */
void revocation_case_drop_waiters(RevocationCase *one);

/* revocation.c: memory; tell; end; then the rest. */
void revocation_move(Revocation *revocation, Account *account, Verdict verdict,
                     bool by_administrator, const char *evidence);

/* revocation-orders.c: stored first, then in memory; what waited for the verdict that was is
 * over. */
int revocation_set_stored(Revocation *revocation, Account *account, Verdict verdict,
                          const char *evidence, const Stamp *now);

uint64_t revocation_boot_usec(const Revocation *revocation);
int revocation_timer(Revocation *revocation, sd_event_time_handler_t handler, void *userdata,
                     sd_event_source **ret_source);
void revocation_timer_arm(sd_event_source *source, uint64_t usec);

/* standing.c */
int standing_attach(Revocation *revocation);
void standing_rescan_over(Revocation *revocation); /* the next one may begin */
