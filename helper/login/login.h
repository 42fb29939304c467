/*
 * Logins under way: a table-driven state machine per login (design §3).
 */
#pragma once

#include "common/outcome.h"
#include "helper/accounts/account.h"
#include "helper/provider/provider.h"
#include "helper/base/random-id.h"

typedef struct Manager Manager;
typedef struct Logins Logins;

/* Who calls about an account, as the bus knows them. What an owner's or a service's success changes
 * is nothing (design §2). */
typedef enum Caller {
    CALLER_OWNER = 0, /* the account itself, for a service with Unprivileged=yes */
    CALLER_SERVICE,   /* a user of CallerUid=: it speaks for everybody who comes to that service */
    CALLER_ROOT,
} Caller;

typedef struct LoginRequest {
    const char *user, *service, *rhost, *tty;
    uint32_t timeout_sec; /* the module's timeout=, 0 = default 300 */
    const char *ruser; /* PAM_RUSER: who runs su, "" where nobody says so */
    const char *auth_info; /* SSH_AUTH_INFO_0: what sshd accepted before this, "" for nothing */
    const char *provider; /* the module's provider=, "" for none */
    bool no_qr;
    bool is_unknown; /* no account on this host has the name */
    const char *enrols; /* who enrols a second factor once admitted, for the log; NULL: nobody */
    Caller caller;
    bool presents; /* an access token, for a sudo that is to come (presented.h) */
    uint32_t audit_session; /* of the caller's process; AUDIT_SESSION_NONE */
} LoginRequest;

int logins_new(Manager *manager, Logins **ret_logins);
Logins *logins_free(Logins *logins);
DEFINE_CLEANUP(Logins *, logins_free)
size_t logins_count(const Logins *logins);

/* Begins a login; *ret_channel is the module's end (caller owns). Refusals arrive there as a
 * FINISHED step. After ALLOW the sign-in is known to manager->sign_ins by `ret_sign_in`.
 * Returns 0 or a negative errno; -ENOENT for an unknown name that need not be hidden: others in
 * the stack may know it. */
int logins_begin(Logins *logins, const LoginRequest *request, int *ret_channel,
                 char ret_sign_in[RANDOM_ID_SIZE]);

/* What refuses a login before any code is asked for: OUTCOME_ALLOW or why not, with the log's
 * reason (borrowed from the account). NULL: there is no such account. */
Outcome login_may_begin(Manager *manager, const Account *account, bool unprivileged,
                        const char **ret_reason);

/* "device" …, as Methods= has it; NULL for none of these. Static. */
const char *login_method_to_word(Method method);

/* Is there a way for this account to sign in to this service at all? */
bool login_has_way(const Config *config, const Account *account, const char *service);

/* Ends logins of an account that wait: the verdict moved meanwhile. */
void logins_account_changed(Logins *logins, Account *account, Outcome outcome);

/* Ends all logins that wait: the helper is about to stop. */
void logins_end_all(Logins *logins, Outcome outcome, const char *reason);

/* The decision, a pure function (design §3): does this identity sign this account in? */
Outcome login_policy(const Identity *identity, const Account *account,
                     const ProviderConfig *provider, const Config *config, const Stamp *now);
