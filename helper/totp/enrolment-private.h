/*
 * One enrolment, shared by enrolment.c (its life, the code that proves the key),
 * enrolment-import.c (a key that is brought) and enrolment-offline.c (what else signs its person in
 * during an outage). Nobody else includes this.
 */
#pragma once

#include <systemd/sd-event.h>
#include "common/channel.h"
#include "helper/manager.h"
#include "helper/totp/enrolment.h"
#include "helper/totp/hasher.h"
#include "helper/totp/totp.h"

typedef enum EnrolmentStage {
    ENROLMENT_CODE = 0,   /* proves the key */
    ENROLMENT_URI,        /* brings it */
    ENROLMENT_CONSENT,    /* may the password's hash be kept? */
    ENROLMENT_PASSPHRASE,
    ENROLMENT_AGAIN,
    ENROLMENT_HASHING,    /* nothing is asked */
    _ENROLMENT_STAGE_COUNT,
} EnrolmentStage;

typedef enum EnrolmentWay {
    ENROLMENT_BY_ROOT = 0,
    ENROLMENT_BY_THEMSELVES,
    ENROLMENT_IMPORTED,
} EnrolmentWay;

typedef struct Enrolment Enrolment;
struct Enrolment {
    Enrolments *enrolments;
    Enrolment *next;
    Account *account;
    char by[64];
    EnrolmentWay way;
    TotpKey key;
    unsigned tries;
    EnrolmentStage stage;
    uint64_t enrolled_usec; /* once it is stored */
    Secret *passphrase;     /* as typed first */
    HashJob *hash;
    int channel; /* -1 once it is over */
    sd_event_source *io, *timer;
};

struct Enrolments {
    Manager *manager;
    Enrolment *first;
    sd_event_source *reaper;
    CallerLimit asked; /* to enrol by themselves */
};

#define ENROLMENT_TRIES_MAX 5u

/* Sends the last word, and ends it. */
void enrolment_finish(Enrolment *enrolment, Outcome outcome, const char *text);
/* Ends it without one. */
void enrolment_hang_up(Enrolment *enrolment);
/* Shows `text` and asks; what fails hangs up. */
void enrolment_ask(Enrolment *enrolment, const char *text, StepKind kind, const char *prompt);

/* Asks for the key; 0 or negative errno. Then: takes it in, or says why not. */
int enrolment_import_begin(Enrolment *enrolment);
void enrolment_import_answer(Enrolment *enrolment, const Secret *text);

/* The second factor is stored: asks what else there is to be asked, or finishes. answer: in the
 * stages after ENROLMENT_URI. */
void enrolment_offline_begin(Enrolment *enrolment);
void enrolment_offline_answer(Enrolment *enrolment, const Secret *text);
