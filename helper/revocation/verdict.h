/*
 * The verdict tables of design §5, as pure functions: what evidence makes of a verdict, what a
 * verdict means for things that run, and (declared in revocation.h) for new access.
 */
#pragma once

#include "helper/accounts/account.h"
#include "helper/config/config.h"
#include "helper/provider/evidence.h"

/* The verdict after evidence. DISABLED and REVOKED are never lifted by an answer to a refresh: a
 * sign-in or `user reinstate` does that, and those do not come by here. */
Verdict verdict_after(Verdict verdict, EvidenceMeaning meaning);

typedef enum Running {
    RUNNING_STAY = 0,
    RUNNING_WARN, /* they stay, and their terminals are told that they end soon */
    RUNNING_TERM, /* SIGTERM, 2 s, SIGKILL */
    RUNNING_KILL, /* SIGKILL at once */
} Running;

/* What becomes of the things that run. A clock that was set back never ends anything here: what
 * runs was started in this boot, so the boot clock alone measures it where it can. */
Running verdict_running(const Account *account, const Config *config, const Stamp *now);

/* How long the people are warned before MaxUnconfirmed ends their sessions: 5 minutes, or half
 * of MaxUnconfirmed where that is less. Microseconds. */
uint64_t verdict_warning_usec(const Config *config);

/* Would evidence of this meaning end running things, so that many of them at once are held? */
bool verdict_cuts(Verdict verdict, const Config *config);

/* One line for the person's terminals about a verdict that ends or is about to end things; NULL
 * for none. Written into `buffer`. */
const char *verdict_text(const Account *account, const Config *config, Running running,
                         char *buffer, size_t size);
