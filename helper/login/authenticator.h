/*
 * The account phase (design §2 CheckAccount, §5): judged at once when the confirmation is fresh,
 * else after one check with the provider. Knows no bus: authenticator-bus.c hands in plain values
 * and gets an outcome and a text back.
 */
#pragma once

#include <stdbool.h>
#include "common/outcome.h"
#include "helper/accounts/account.h"
#include "helper/login/login.h"

typedef struct Manager Manager;
typedef struct Authenticator Authenticator;

typedef struct AccountCheckRequest {
    const char *user, *ruser, *service, *rhost;
    const char *target;    /* PAM_USER when it is another, else "" */
    const char *auth_info; /* SSH_AUTH_INFO_0, else "" */
    const char *sign_in;   /* the sign-in that was just made here, else ""; see sign-in.h */
    uint32_t audit_session; /* of the caller's process; AUDIT_SESSION_NONE */
    Caller caller;           /* an owner's question makes no request to the provider */
} AccountCheckRequest;

/* Called exactly once, perhaps before authenticator_check() returns. `message` is for the person,
 * "" for none. */
typedef void (*AuthenticatorHandler)(Outcome outcome, const char *message, void *userdata);

int authenticator_new(Manager *manager, Authenticator **ret_authenticator);
/* Answers what still waits with OUTCOME_UNAVAILABLE. */
Authenticator *authenticator_free(Authenticator *authenticator);
DEFINE_CLEANUP(Authenticator *, authenticator_free)

/* Texts are copied. */
void authenticator_check(Authenticator *authenticator, const AccountCheckRequest *request,
                         AuthenticatorHandler handler, void *userdata);
