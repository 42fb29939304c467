/*
 * Enrolling a second factor: over a private channel, as a sign-in is, because the secret must never
 * pass the bus. The person adds the key to an authenticator and proves it by one code; only then is
 * it stored, and the recovery codes are shown.
 */
#pragma once

#include "helper/accounts/account.h"

typedef struct Manager Manager;
typedef struct Enrolments Enrolments;

int enrolments_new(Manager *manager, Enrolments **ret_enrolments);
Enrolments *enrolments_free(Enrolments *enrolments);
DEFINE_CLEANUP(Enrolments *, enrolments_free)

/* Begins one; *ret_channel is the caller's end (common/channel.h). `by` is who asks, for the log.
 * An enrolment of the same account that waits ends. Returns 0, -EBUSY when too many wait, or
 * another negative errno. */
int enrolments_begin(Enrolments *enrolments, Account *account, const char *by, int *ret_channel);

/* As enrolments_begin(), for a person who has just signed in on this channel (login.h): our end of
 * it is taken over in any case. They have EnrolWithin= to do it in. What keeps them from it is
 * said there. */
void enrolments_go_on(Enrolments *enrolments, Account *account, const char *by, int channel);

/* Counts that this account's person asks to enrol by themselves. False: too often within a minute;
 * each time makes a line of the log and a request to the provider. */
bool enrolments_may_ask(Enrolments *enrolments, const Account *account);

/* As enrolments_begin(), for a key that other hosts know, too: it is asked for (otpauth.h), stored
 * and logged as shared; nothing is shown. */
int enrolments_import(Enrolments *enrolments, Account *account, const char *by, int *ret_channel);

/* Why no such key is taken for this account, to be read by root; NULL: one is. */
const char *enrolments_import_refusal(const Enrolments *enrolments, const Account *account);

/* Why this account's person may not enrol by themselves, for them to read; NULL: they may. */
const char *enrolments_refusal(const Enrolments *enrolments, const Account *account);

/* The account changed or goes: what waits for it ends. NULL is fine. */
void enrolments_account_gone(Enrolments *enrolments, const Account *account);
