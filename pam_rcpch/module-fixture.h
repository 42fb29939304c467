/*
 * For the module tests: a host in a mount namespace of its own, with a snapshot, local accounts, a
 * real dbus-daemon behind the system bus's path, and an application that calls the module.
 *
 * Accounts: alice and carol ours, deploy local and tied, bob and root local.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <security/pam_appl.h>

#include "pam_rcpch/module-peer.h"

/* Enters the namespace. Fails the program where that cannot be done: these tests need root. */
void fixture_enter(void);

void fixture_publish(void); /* the good snapshot, and the list of tied accounts */
void fixture_snapshot(const void *bytes, size_t size); /* any bytes instead */
void fixture_unpublish(void);                          /* no snapshot at all */

/* Starts dbus-daemon; `max_connections` per user. Returns when it answers. */
pid_t fixture_bus_start(unsigned max_connections);
/* Starts the peer; `peer` is shared memory from fixture_peer(). Returns when it owns the name. */
pid_t fixture_peer_start(Peer *peer);
Peer *fixture_peer(void);
/* SIGKILL, and waits. */
void fixture_kill(pid_t pid);

/* One call of an application into the module. */
typedef struct Application {
    const char *service, *user, *ruser, *rhost, *tty;
    const char *env;          /* one PAM variable, "A=b" or NULL */
    const char *name;         /* the sign-in's, of an earlier phase, or NULL */
    const char *answer;       /* to every prompt; NULL: the conversation fails at a prompt */
    const char *becomes;      /* PAM_USER is set to this while the person is asked, or NULL */
    const char *runas;        /* PAM_USER of the session phase, as sudo sets it, or NULL */
    const char *arguments[4]; /* of the module */
    int flags;
    bool deaf; /* the conversation always fails */
    /* Seen. */
    char shown[16384];
    unsigned prompts;
    char session[64]; /* RCPCH_SESSION afterwards */
    char claim[64], evil[64]; /* RCPCH_CLAIM_fhirUser and RCPCH_CLAIM_evil afterwards */
    char sign_in[64]; /* RCPCH_SIGN_IN afterwards */
    double seconds;
} Application;

typedef int (*ModuleFunction)(pam_handle_t *pamh, int flags, int argc, const char **argv);

typedef enum Phase {
    PHASE_AUTH,
    PHASE_SETCRED,
    PHASE_ACCOUNT,
    PHASE_OPEN,
    PHASE_CLOSE,
    PHASE_PASSWORD,
    _PHASE_COUNT
} Phase;

void *fixture_module_open(void); /* dlopen of the built module */
ModuleFunction fixture_function(void *module, Phase phase);

/* Calls one function of the module with a PAM handle of its own; returns what it returned. */
int application_call(Application *application, ModuleFunction function);

/* Account and session phase on one handle, through libpam as an application goes; `between` is
 * called between them. The codes of the phases. */
typedef struct Codes {
    int account, session;
} Codes;
Codes application_run(Application *application, void (*between)(void));

unsigned fixture_open_descriptors(void);
