/*
 * Sign-ins that were admitted a moment ago, until the session that they admit claims them.
 *
 * Nothing passes between PAM's phases in the module, so the module carries a random name from the
 * sign-in to the account phase and the session, and here it is told what the name stands for. It
 * is taken from root's callers and those of CallerUid= only, for the same account and service,
 * within SIGN_IN_LIFE, and claimed once; a restart of the helper forgets it: then the session
 * counts as one without a sign-in. The clock is a parameter.
 */
#pragma once

#include "helper/base/clock.h"
#include "helper/base/random-id.h"

#define SIGN_IN_LIFE_USEC (300 * USEC_PER_SEC)

typedef struct SignIns SignIns;

typedef struct SignIn {
    char id[RANDOM_ID_SIZE];
    char *user, *service;
    const char *method; /* login_words() */
    char *strength;     /* strength.h */
    Stamp when; /* of the sign-in: of an access token, when it was issued */
    Stamp made; /* on this host */
} SignIn;

int sign_ins_new(SignIns **ret_sign_ins);
SignIns *sign_ins_free(SignIns *sign_ins);

/* Copies the texts but `method`, which is borrowed for ever. The oldest goes when there are too
 * many. 0, -ENOMEM. */
int sign_ins_add(SignIns *sign_ins, const char *id, const char *user, const char *service,
                 const char *method, const char *strength, const Stamp *when, const Stamp *now);

/* The sign-in of that name, when it is this account's for this service and young enough; else
 * NULL. Borrowed until the next call. */
const SignIn *sign_ins_find(const SignIns *sign_ins, const char *id, const char *user,
                            const char *service, const Stamp *now);

/* After its session claimed it, whoever's it was. Unknown names are no error. */
void sign_ins_forget(SignIns *sign_ins, const char *id);

/* Whose access was ended has none: they are good for nothing, also when it is given back. */
void sign_ins_forget_user(SignIns *sign_ins, const char *user);
